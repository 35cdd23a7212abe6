"""The tables of docs/contract.md, as the types say them."""

from __future__ import annotations

from typing import Any

from passport_events.contract.schemas import schema_of
from passport_events.contract.shape import anchored
from passport_events.contract.values import ORGANIZATION_PATTERN, SEQUENCE_PATTERN

_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_FORMATS = {"date-time": "time", "date": "day"}
_PATTERNS = {
    anchored(ORGANIZATION_PATTERN): "organization id",
    anchored(SEQUENCE_PATTERN): "sequence",
    schema_of("item")["$defs"]["ItemData"]["properties"]["record_id"]["pattern"]: "id",
}


def tables() -> dict[str, str]:
    """Name -> table, as Markdown."""
    attachment, header = schema_of("attachment"), schema_of("change_event")["$defs"]["Header"]
    data = {
        kind: schema_of(kind)["$defs"][f"{kind.title()}Data"]
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
