"""The schemas are JSON Schema 2020-12, and say what the types say as far as a schema can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from passport_events.conf import DEFAULT_EVENT_TYPES
from passport_events.contract import VERSION
from passport_events.contract.build import build_schema
from passport_events.contract.problems import find_violations, kinds

from .strategies import CHANGE_EVENTS, MESSAGES

pytestmark = pytest.mark.any_database

# What no schema can say: suffixes of ids, days that exist, two members that agree, names of leaves.
BEYOND = re.compile(
    "fit the others|the id of an organization|must be a time|must be a day|must be <|as the Event Relay"
    "|that source names|that data.record_id names|must not name a field twice|must not hold "
)


@pytest.mark.parametrize("kind", kinds())
def test_a_schema_is_valid_and_says_who_it_is(kind: str) -> None:
    schema = build_schema(kind)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:passport-events:contract:{kind}:{VERSION}"
    assert all(schema[name] for name in ("title", "description", "examples"))


@pytest.mark.parametrize("kind", kinds())
def test_unknown_members_are_allowed_in_every_object(kind: str) -> None:
    schema = build_schema(kind)

    for one in (schema, *schema.get("$defs", {}).values()):
        assert one["additionalProperties"] is True


@pytest.mark.parametrize("kind", kinds())
def test_patterns_mean_the_same_in_every_language(kind: str) -> None:
    """No look-around, no class that depends on Unicode, and anchors only at both ends."""
    found = list(patterns(build_schema(kind)))

    assert found
    for pattern in found:
        assert pattern.startswith("^")
        assert not re.search(r"\(\?[^:]|\\[dwbDWB]|\\[1-9]", pattern)


def patterns(value: Any) -> Iterator[str]:
    """Every pattern in a schema."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for inner in value.values():
            yield from patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from patterns(inner)


@pytest.mark.parametrize("kind", DEFAULT_EVENT_TYPES)
def test_the_objects_of_an_event_type_are_those_of_the_settings(kind: str) -> None:
    (words, null) = build_schema(kind)["properties"]["entity"]["anyOf"]

    assert words.get("enum", [words.get("const")]) == DEFAULT_EVENT_TYPES[kind]["entities"]
    assert null == {"type": "null"}


@settings(deadline=None)
@given(MESSAGES)
def test_schema_and_types_agree_on_messages_of_the_contract(body: dict[str, Any]) -> None:
    compare(body, "opportunity")


@settings(deadline=None)
@given(CHANGE_EVENTS)
def test_schema_and_types_agree_on_change_events(body: dict[str, Any]) -> None:
    compare(body, "change_event")


def compare(body: dict[str, Any], kind: str) -> None:
    """Both find nothing, or both something; only the types find what is beyond schemas."""
    problems = find_violations(body, kind)
    refused = [error.json_path for error in STRICT(build_schema(kind)).iter_errors(body)]

    if not problems:
        assert refused == []
    if not refused:
        assert [one for one in problems if not BEYOND.search(one.rule)] == []


def ecma_pattern(validator: Any, pattern: str, text: Any, schema: Any) -> Iterator[ValidationError]:
    """As the specification wants it: in Python `$` also matches before a last line feed."""
    if isinstance(text, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), text):
        yield ValidationError("does not match")


def is_integer(checker: Any, value: Any) -> bool:
    """For JSON Schema 1.0 is an integer; the reader wants it written as one."""
    return type(value) is int


STRICT = extend(
    Draft202012Validator,
    {"pattern": ecma_pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer),
)
