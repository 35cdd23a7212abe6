"""Changes within a major version only add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passport_events.contract import VERSION
from passport_events.contract.build import build_schema
from passport_events.contract.problems import kinds

from .evolution import breaking_changes

RELEASED = Path(__file__).parent / "released"
OF_THIS_MAJOR = [
    path for path in sorted(RELEASED.iterdir()) if path.name.split(".")[0] == VERSION.split(".")[0]
]

TEXT = {"type": "string"}
OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]}


def having(**rules: Any) -> dict[str, Any]:
    """An object whose member `a` has these rules."""
    return {"type": "object", "properties": {"a": rules}}


def nullable(**rules: Any) -> dict[str, Any]:
    """The same, or null."""
    return having(anyOf=[rules, {"type": "null"}])


BREAKS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a member is gone": (OBJECT, {**OBJECT, "properties": {"a": TEXT}}, ["$.b: removed"]),
    "a member is required": (OBJECT, {**OBJECT, "required": ["a", "b"]}, ["$.b: newly required"]),
    "a new member is required": (
        OBJECT,
        {**OBJECT, "properties": {"c": TEXT, **OBJECT["properties"]}, "required": ["a", "c"]},
        ["$.c: newly required"],
    ),
    "an open object is closed": (
        OBJECT,
        {**OBJECT, "additionalProperties": False},
        ["$: additionalProperties closed"],
    ),
    "an open object takes only text": (
        {**OBJECT, "additionalProperties": True},
        {**OBJECT, "additionalProperties": TEXT},
        ["$: additionalProperties closed"],
    ),
    "another type": (having(type="string"), having(type="integer"), ["$.a: type narrower"]),
    "fewer types": (having(type=["string", "null"]), having(type="string"), ["$.a: type narrower"]),
    "a type where any was right": (having(), having(type="string"), ["$.a: type narrower"]),
    "numbers must be whole": (having(type="number"), having(type="integer"), ["$.a: type narrower"]),
    "null is no longer right": (nullable(type="string"), having(type="string"), ["$.a: type narrower"]),
    "a word is gone": (having(enum=["x", "y"]), having(enum=["x"]), ["$.a: enum or const narrower"]),
    "only one word": (having(enum=["x", "y"]), having(const="x"), ["$.a: enum or const narrower"]),
    "words where any was right": (
        having(type="string"),
        having(type="string", enum=["x"]),
        ["$.a: enum or const narrower"],
    ),
    "a pattern": (
        having(type="string"),
        having(type="string", pattern="x"),
        ["$.a: pattern is new or another one"],
    ),
    "another pattern": (having(pattern="x"), having(pattern="y"), ["$.a: pattern is new or another one"]),
    "a format": (
        having(type="string"),
        having(type="string", format="date"),
        ["$.a: format is new or another one"],
    ),
    "a higher minimum": (having(minimum=0), having(minimum=1), ["$.a: minimum is new or another one"]),
    "a lower maximum": (having(maximum=9), having(maximum=8), ["$.a: maximum is new or another one"]),
    "a limit where none was": (having(), having(maxLength=9), ["$.a: maxLength is new or another one"]),
    "members of an array": (
        having(items={"type": "string"}),
        having(items={"type": "string", "minLength": 1}),
        ["$.a[]: minLength is new or another one"],
    ),
    "an array of anything": (
        having(type="array"),
        having(type="array", items=TEXT),
        ["$.a[]: type narrower"],
    ),
    "an alternative is gone": (
        having(anyOf=[{"type": "string"}, {"type": "integer"}, {"type": "null"}]),
        having(anyOf=[{"type": "string"}, {"type": "null"}]),
        ["$.a: an alternative is gone or narrower"],
    ),
    "an alternative is narrower": (
        nullable(type="string"),
        nullable(type="string", minLength=1),
        ["$.a: an alternative is gone or narrower"],
    ),
    "alternatives where none were": (
        OBJECT,
        {**OBJECT, "anyOf": [{"required": ["b"]}, {"properties": {"a": {"type": "string", "const": "x"}}}]},
        ["$: an alternative is gone or narrower"],
    ),
    "a condition": (
        OBJECT,
        {**OBJECT, "if": {"required": ["b"]}, "then": False},
        ["$: if is new or another one", "$: then is new or another one"],
    ),
    "a word that nobody here knows": (
        OBJECT,
        {**OBJECT, "unevaluatedProperties": False},
        ["$: unevaluatedProperties is new or another one"],
    ),
    "behind a reference": (
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": having(maximum=9)}},
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": having(maximum=8)}},
        ["$.a.a: maximum is new or another one"],
    ),
}
ADDITIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": (OBJECT, OBJECT),
    "a member": (OBJECT, {**OBJECT, "properties": {**OBJECT["properties"], "c": TEXT}}),
    "a member is no longer required": (OBJECT, {**OBJECT, "required": []}),
    "more types": (having(type="string"), having(type=["string", "null"])),
    "null, too": (having(type="string"), nullable(type="string")),
    "more numbers": (having(type="integer"), having(type="number")),
    "any type": (having(type="string"), having()),
    "a word": (having(const="x"), having(enum=["x", "y"])),
    "any word": (having(type="string", enum=["x"]), having(type="string")),
    "no pattern": (having(type="string", pattern="x"), having(type="string")),
    "wider limits": (having(minimum=1, maxLength=3, maxItems=5), having(minimum=0, maxLength=4)),
    "an alternative": (nullable(type="string"), having(anyOf=[TEXT, {"type": "integer"}, {"type": "null"}])),
    "a closed object is opened": ({**OBJECT, "additionalProperties": False}, OBJECT),
    "no condition": ({**OBJECT, "if": {"required": ["b"]}, "then": False}, OBJECT),
    "other words for people": (
        OBJECT,
        {**OBJECT, "title": "A", "description": "B", "$id": "C", "examples": [1]},
    ),
    "inlined": (
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TEXT}},
        having(**TEXT),
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), BREAKS.values(), ids=BREAKS.keys())
def test_a_break_is_seen(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert breaking_changes(old, new) == expected


@pytest.mark.parametrize(("old", "new"), ADDITIONS.values(), ids=ADDITIONS.keys())
def test_an_addition_is_none(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaking_changes(old, new) == []


@pytest.mark.parametrize("kind", kinds())
def test_no_member_of_a_schema_can_go_unseen(kind: str) -> None:
    schema = build_schema(kind)

    assert breaking_changes(schema, schema) == []
    for holder in (schema, *schema.get("$defs", {}).values()):
        for name in list(holder["properties"]):
            rules = holder["properties"].pop(name)
            assert any(
                text.endswith(f".{name}: removed") for text in breaking_changes(build_schema(kind), schema)
            )
            holder["properties"][name] = rules


@pytest.mark.parametrize("version", OF_THIS_MAJOR, ids=lambda path: path.name)
def test_what_was_right_for_a_released_version_is_right_now(version: Path) -> None:
    files = sorted(version.glob("*.schema.json"))

    assert files
    for path in files:
        old = json.loads(path.read_text(encoding="utf-8"))
        assert breaking_changes(old, build_schema(path.name.partition(".")[0])) == [], path.name


def test_a_released_version_does_not_change() -> None:
    """If this fails: raise VERSION, `make contract`, and copy the schemas into a folder of their own."""
    files = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (RELEASED / VERSION).glob("*.json")
    }

    assert files == {f"{kind}.schema.json": build_schema(kind) for kind in kinds()}
