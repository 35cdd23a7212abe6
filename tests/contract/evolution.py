"""Whether every message that was right stays right: two versions of a schema, compared.

Careful rather than clever: what cannot be shown to be wider counts as narrower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_SAYS_NOTHING = {
    "$schema",
    "$id",
    "$defs",
    "$comment",
    "title",
    "description",
    "examples",
    "default",
    "deprecated",
}
_AT_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_AT_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_COMPARED_BELOW = {
    "properties",
    "required",
    "type",
    "enum",
    "const",
    "additionalProperties",
    "items",
    "anyOf",
}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What breaks a sender that keeps to the old schema: a path and the change. Nothing, if it only grew."""
    return list(_compare(_Node(old, old), _Node(new, new), "$"))


class _Node:
    """A schema whose references are followed, with the document that they point into."""

    def __init__(self, schema: Schema, root: Schema) -> None:
        while "$ref" in schema:
            target: Any = root
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
        self.schema = {name: value for name, value in schema.items() if name not in _SAYS_NOTHING}
        self.root = root

    def below(self, schema: Schema) -> _Node:
        return _Node(schema, self.root)

    def beside(self) -> _Node:
        """Everything but the alternatives."""
        return self.below({name: value for name, value in self.schema.items() if name != "anyOf"})

    def alternatives(self) -> list[_Node]:
        """What `anyOf` allows; the schema itself where there is none."""
        return [self.below(one) for one in self.schema.get("anyOf", [self.schema])]


def _compare(old: _Node, new: _Node, path: str) -> Iterator[str]:
    if "anyOf" not in old.schema and "anyOf" not in new.schema:
        yield from _compare_plain(old, new, path)
        return
    if "anyOf" in new.schema:
        yield from _compare_plain(old.beside(), new.beside(), path)
    choices = new.alternatives()
    for before in old.alternatives():
        found = [list(_compare_plain(before, after, path)) for after in choices]
        if all(found):
            # Of one alternative the reasons themselves; of many, none is the reason.
            yield from found[0] if len(found) == 1 else [f"{path}: an alternative is gone or narrower"]


def _compare_plain(old: _Node, new: _Node, path: str) -> Iterator[str]:
    yield from _compare_members(old, new, path)
    yield from _compare_types(old.schema, new.schema, path)
    for name, value in new.schema.items():
        before = old.schema.get(name)
        if name in _COMPARED_BELOW or before == value:
            continue
        if name in _AT_LEAST and before is not None and value <= before:
            continue
        if name in _AT_MOST and before is not None and value >= before:
            continue
        yield f"{path}: {name} is new or another one"
    if "items" in new.schema:
        yield from _compare(
            old.below(old.schema.get("items", {})), new.below(new.schema["items"]), f"{path}[]"
        )


def _compare_members(old: _Node, new: _Node, path: str) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{path}.{name}: removed"
    for name in sorted(set(new.schema.get("required", [])) - set(old.schema.get("required", []))):
        yield f"{path}.{name}: newly required"
    for name in before.keys() & after.keys():
        yield from _compare(old.below(before[name]), new.below(after[name]), f"{path}.{name}")
    if new.schema.get("additionalProperties", True) not in (
        True,
        old.schema.get("additionalProperties", True),
    ):
        yield f"{path}: additionalProperties closed"


def _compare_types(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for name, values in (("type", _types), ("enum or const", _values)):
        before, after = values(old), values(new)
        if after is not None and (before is None or not before <= after):
            yield f"{path}: {name} narrower"


def _types(schema: Schema) -> set[str] | None:
    found = schema.get("type")
    if found is None:
        return None
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None
