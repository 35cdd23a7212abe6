"""The document against the rules of AsyncAPI 3.0.0 and of its bindings for SNS and SQS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from passport_events.contract import VERSION, build
from passport_events.contract.asyncapi import build_document
from passport_events.contract.problems import kinds
from passport_events.wire.parser import parse_delivery
from tests.wire.deliveries import SETTINGS, raw

from .asyncapi_rules import OBJECTS

DOCUMENT = build_document()
(CHANNEL,) = DOCUMENT["channels"].values()
(OPERATION,) = DOCUMENT["operations"].values()


def objects() -> Iterator[tuple[str, Any]]:
    """Everything in the document that the table above speaks of."""
    sns, sqs = OPERATION["bindings"]["sns"], OPERATION["bindings"]["sqs"]
    yield from (
        ("document", DOCUMENT),
        ("info", DOCUMENT["info"]),
        ("channel", CHANNEL),
        ("operation", OPERATION),
    )
    for server in DOCUMENT["servers"].values():
        yield "server", server
        yield from (("variable", variable) for variable in server["variables"].values())
    for message in DOCUMENT["components"]["messages"].values():
        yield from (("message", message), ("multi format schema", message["payload"]))
        yield from (("example", example) for example in message["examples"])
    yield from (
        ("sns channel", CHANNEL["bindings"]["sns"]),
        ("sns ordering", CHANNEL["bindings"]["sns"]["ordering"]),
    )
    yield from (("sns operation", sns), ("sqs operation", sqs))
    yield from (("sns consumer", consumer) for consumer in sns["consumers"])
    yield from (("sqs queue", queue) for queue in sqs["queues"])
    yield from (
        ("redrive policy", one["redrivePolicy"])
        for one in [*sns["consumers"], *sqs["queues"]]
        if "redrivePolicy" in one
    )


@pytest.mark.parametrize(("kind", "value"), list(objects()))
def test_an_object_has_the_fields_that_it_must_and_may_have(kind: str, value: dict[str, Any]) -> None:
    must, may = (set(names.split()) for names in OBJECTS[kind])

    assert must <= value.keys() <= must | may


def test_every_kind_of_object_was_looked_at() -> None:
    assert {kind for kind, _ in objects()} == OBJECTS.keys()


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in the document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def target(reference: str) -> Any:
    """What a reference means: a place in the document, or a file beside it."""
    file, _, place = reference.partition("#")
    found: Any = DOCUMENT if not file else json.loads(build.generate_files()[file.removeprefix("./")])
    for step in place.strip("/").split("/") if place else []:
        found = found[step]
    return found


def test_every_reference_resolves() -> None:
    found = list(references(DOCUMENT))

    assert len(found) > 3 * len(kinds())
    assert all(target(reference) for reference in found)


def test_the_operation_receives_what_the_channel_carries() -> None:
    (name,) = DOCUMENT["channels"]
    of_channel = {f"#/channels/{name}/messages/{kind}" for kind in CHANNEL["messages"]}

    assert OPERATION["action"] == "receive"
    assert target(OPERATION["channel"]["$ref"]) is CHANNEL
    assert {reference["$ref"] for reference in OPERATION["messages"]} == of_channel
    assert set(CHANNEL["messages"]) == set(kinds())
    assert [target(reference["$ref"]) for reference in CHANNEL["servers"]] == list(
        DOCUMENT["servers"].values()
    )


def test_names_in_braces_are_explained() -> None:
    for server in DOCUMENT["servers"].values():
        assert set(re.findall(r"\{(\w+)\}", server["host"])) == server["variables"].keys()
    assert "{" not in CHANNEL["address"]


@pytest.mark.parametrize("kind", kinds())
def test_a_message_carries_what_its_schema_says(kind: str) -> None:
    message = DOCUMENT["components"]["messages"][kind]
    schema = target(message["payload"]["schema"]["$ref"])

    assert message["payload"]["schemaFormat"] == "application/schema+json;version=draft-2020-12"
    assert schema["$id"] == f"urn:passport-events:contract:{kind}:{VERSION}"
    for example in message["examples"]:
        Draft202012Validator(schema).validate(example["payload"])


def test_queues_are_named_and_bound() -> None:
    sns, queues = OPERATION["bindings"]["sns"], OPERATION["bindings"]["sqs"]["queues"]
    (consumer,) = sns["consumers"]
    names = [queue["name"] for queue in queues]
    wanted = [
        consumer["endpoint"],
        *(one["redrivePolicy"]["deadLetterQueue"] for one in [consumer, *queues] if "redrivePolicy" in one),
    ]
    main = next(queue for queue in queues if queue["name"] == consumer["endpoint"]["name"])

    assert sorted(identifier["name"] for identifier in wanted) == sorted(names)
    assert sns["topic"]["name"] == CHANNEL["bindings"]["sns"]["name"] == CHANNEL["address"]
    assert consumer["protocol"] == "sqs"
    assert main["redrivePolicy"]["maxReceiveCount"] == 10
    assert {queue["fifoQueue"] for queue in queues} == {False}
    assert all(60 <= queue["messageRetentionPeriod"] <= 1_209_600 for queue in queues)


def test_nothing_is_filtered_and_nothing_is_delivered_raw() -> None:
    """A filter on attributes drops what comes from EventBridge; raw delivery drops what has eleven."""
    (consumer,) = OPERATION["bindings"]["sns"]["consumers"]

    assert consumer["rawMessageDelivery"] is False
    assert "filterPolicy" not in consumer


def test_six_attributes_are_agreed_and_only_what_sns_can_set_has_them() -> None:
    attributes = DOCUMENT["components"]["schemas"]["attributes"]
    with_headers = {
        kind for kind, message in DOCUMENT["components"]["messages"].items() if "headers" in message
    }

    assert list(attributes["properties"]) == [
        "event_type",
        "org_id",
        "entity",
        "change_type",
        "schema_version",
        "event_id",
    ]
    assert (attributes["type"], attributes["maxProperties"]) == ("object", 10)
    assert "required" not in attributes
    assert with_headers == set(kinds()) - {"change_event"}


def test_an_organization_that_disagrees_with_the_body_is_refused() -> None:
    body = json.loads(build.generate_files()["samples/opportunity.valid.json"])
    refusal = parse_delivery(raw(body, org_id="00DRM000000Fxts2AC"), SETTINGS).refusal

    assert refusal is not None
    assert refusal.reason == "organization_mismatch"
