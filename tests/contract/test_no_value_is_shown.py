"""Whatever a payload holds, wherever it stands: the checker's output never repeats it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.deliveries import ORGANIZATION, TOPIC
from tests.wire.test_properties import BODIES, DESCRIBED, SAMPLE_BYTES, places

from .checking import checked, facts, said
from .messages import changed, heartbeat, opportunity

pytestmark = pytest.mark.any_database

MESSAGES: list[dict[str, Any]] = [
    *BODIES,
    opportunity({"amount": 5, "Address": {"City": "Rome"}}, entity="Opportunity"),
    opportunity({"size": 5}, type="edu.attachment.created.v1"),
    heartbeat(),
    changed({"Name": "Acme"}, changeType="UPDATE", changedFields=["Name"], nulledFields=["Fax"]),
]
SECRETS = st.from_regex(r"[A-Z][a-z]{5} [A-Z][a-z]{5}[0-9]{2}", fullmatch=True)
"""No name in an API has a blank, so none of these can be meant as one."""
NAMING = {"type", "detail-type", "entityName", "changedFields", "nulledFields", "diffFields"}
"""Members whose values are names of types and fields, which may be shown."""
ORDERING = {"commitTimestamp", "commitNumber", "sequenceNumber", "CreatedDate"}
"""Members that the version is made of, which is shown."""


def capture(body: object) -> dict[str, Any]:
    attributes = {"org_id": {"DataType": "String", "StringValue": ORGANIZATION}}
    return {"MessageId": "1", "Body": json.dumps(body), "MessageAttributes": attributes}


def put(message: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    """A copy of a message with another value in one place."""
    copied = copy.deepcopy(message)
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copied


def all_that_is_said(message: object) -> str:
    """Of a message as it is, through SNS, and captured."""
    return "".join(
        said(checked(data, DESCRIBED, **journey))
        for data in (message, capture(message))
        for journey in ({}, {"org_id": ORGANIZATION}, {"topic_arn": TOPIC, "org_id": ORGANIZATION})
    )


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.data(), st.sampled_from(MESSAGES), SECRETS)
def test_a_text_in_any_place_is_never_shown(
    data: st.DataObject, message: dict[str, Any], secret: str
) -> None:
    path = data.draw(st.sampled_from([path for path in places(message) if path]))
    value = data.draw(
        st.sampled_from([secret, [secret], {secret: secret}, {"A": {secret: 1}}, f"x.{secret}.v1"])
    )

    assert secret not in all_that_is_said(put(message, path, value))


@settings(deadline=None)
@given(st.data(), st.sampled_from(MESSAGES), SECRETS)
def test_a_text_as_any_name_is_never_shown(data: st.DataObject, message: dict[str, Any], secret: str) -> None:
    path = data.draw(
        st.sampled_from([path for path in places(message) if path and isinstance(path[-1], str)])
    )

    assert secret not in all_that_is_said(put(message, (*path[:-1], secret), 1))


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("secret", ["JaneDoe", 70312345, 7031.2345])
def test_a_value_that_looks_like_a_name_or_a_number_is_never_shown(
    message: dict[str, Any], secret: object
) -> None:
    for path in places(message):
        if path and (NAMING | ORDERING).isdisjoint(path):
            assert str(secret) not in all_that_is_said(put(message, path, secret)), path


@settings(deadline=None)
@given(st.sampled_from(SAMPLE_BYTES), st.integers(0), SECRETS)
def test_a_text_in_broken_bytes_is_never_shown(body: bytes, place: int, secret: str) -> None:
    place %= len(body)
    broken = body[:place] + secret.encode() + body[place:]

    assert secret not in said(checked(broken, DESCRIBED, org_id=ORGANIZATION))
    assert secret not in said(checked(broken, DESCRIBED, topic_arn=TOPIC))


def test_names_of_fields_are_shown_where_they_are_names() -> None:
    message = opportunity({"Name": "Acme", "Address": {"City": "Rome"}, "Jane Doe": 1})
    assert facts(message)["events"][0]["fields"] == [
        "(a name that cannot be shown)",
        "Address.City",
        "Name",
        "stage_name",
    ]
