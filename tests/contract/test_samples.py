"""One right and one wrong message of each kind: everybody who judges them says the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from passport_events.contract import build
from passport_events.contract.build import build_schema
from passport_events.contract.problems import find_kind, find_violations, kinds
from passport_events.wire.parser import parse_delivery
from tests.wire.deliveries import SETTINGS, raw, sample, sns

# What a schema cannot say: that two members name different records, or organizations.
BEYOND_SCHEMAS = {"item", "heartbeat"}

REASONS = {
    "opportunity": "schema",
    "attachment": "no_organization",
    "item": "schema",
    "change_event": "no_organization",
    "heartbeat": "organization_mismatch",
}


def published(kind: str, which: str) -> Any:
    """A sample as it is in the archive."""
    return json.loads((build.FOLDER / "samples" / f"{kind}.{which}.json").read_text())


@pytest.mark.parametrize("kind", kinds())
def test_the_right_one_is_accepted_by_types_and_schema(kind: str) -> None:
    body = published(kind, "valid")

    assert find_kind(body) == kind
    assert find_violations(body, kind) == ()
    assert list(validator(kind).iter_errors(body)) == []


@pytest.mark.parametrize("deliver", [raw, sns])
@pytest.mark.parametrize("kind", kinds())
def test_the_right_one_is_accepted_by_the_reader(kind: str, deliver: Any) -> None:
    reading = parse_delivery(deliver(published(kind, "valid")), SETTINGS)

    assert reading.refusal is None, str(reading.refusal)


@pytest.mark.parametrize("kind", kinds())
def test_the_wrong_one_is_refused_by_types_and_schema(kind: str) -> None:
    body = published(kind, "invalid")

    assert find_kind(body) == kind
    assert len(find_violations(body, kind)) == 1
    assert validator(kind).is_valid(body) == (kind in BEYOND_SCHEMAS)


@pytest.mark.parametrize("kind", kinds())
def test_the_wrong_one_is_refused_by_the_reader(kind: str) -> None:
    refusal = parse_delivery(raw(published(kind, "invalid")), SETTINGS).refusal

    assert refusal is not None
    assert refusal.reason == REASONS[kind]


def test_the_message_that_was_proposed_first_is_right() -> None:
    body = sample("synthetic/S4_custom_sns_message_attachment.json")

    assert find_kind(body) == "attachment"
    assert find_violations(body, "attachment") == ()
    assert validator("attachment").is_valid(body)


def validator(kind: str) -> Draft202012Validator:
    """Another implementation of JSON Schema than the one that made the schema; formats are checked too."""
    return Draft202012Validator(build_schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)
