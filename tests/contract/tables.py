"""The tables of docs/contract.md, as the types say them."""

from __future__ import annotations

from typing import Any

from passport_events.contract.build import build_schema
from passport_events.contract.field_types import ORGANIZATION_PATTERN, SEQUENCE_PATTERN, anchor_pattern

_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_FORMATS = {"date-time": "time", "date": "day"}
_PATTERNS = {
    anchor_pattern(ORGANIZATION_PATTERN): "organization id",
    anchor_pattern(SEQUENCE_PATTERN): "sequence",
    build_schema("item")["$defs"]["ItemData"]["properties"]["record_id"]["pattern"]: "id",
}


def tables() -> dict[str, str]:
    """Name -> table, as Markdown."""
    attachment, header = build_schema("attachment"), build_schema("change_event")["$defs"]["Header"]
    data = {
        kind: build_schema(kind)["$defs"][f"{kind.title()}Data"]
        for kind in ("opportunity", "attachment", "item")
    }
    return (
        {"message": _table(attachment)}
        | {kind: _table(one) for kind, one in data.items()}
        | {"header": _table(header)}
    )


def _table(schema: dict[str, Any]) -> str:
    lines = ["| member | type | required | meaning |", "| --- | --- | --- | --- |"]
    for name, rules in schema["properties"].items():
        required = "yes" if name in schema["required"] else ""
        lines.append(f"| `{name}` | {_type(rules)} | {required} | {rules.get('description', '')} |")
    return "\n".join(line.replace("  ", " ") for line in lines)


def _type(rules: dict[str, Any]) -> str:
    if "anyOf" in rules:
        (kept,) = [one for one in rules["anyOf"] if one != {"type": "null"}]
        return _type(kept)
    if "$ref" in rules:
        return "object"
    if "enum" in rules:
        return ", ".join(f"`{word}`" for word in rules["enum"])
    if "const" in rules:
        return f"`{rules['const']}`"
    if rules["type"] == "array":
        return f"array of {_type(rules['items'])}"
    known = _PATTERNS.get(rules.get("pattern", "")) or _FORMATS.get(rules.get("format", ""))
    return known or _WORDS[rules["type"]]
