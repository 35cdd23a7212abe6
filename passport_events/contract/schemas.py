"""JSON Schemas, draft 2020-12, one per kind, made from the types."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from passport_events.contract import schema_id
from passport_events.contract.sample_messages import VALID
from passport_events.contract.types import TYPES


class _Plain(GenerateJsonSchema):
    """Without what says nothing: titles that repeat a name, defaults that mean "absent"."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value  # The order of the types is the order in which people read.


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind. Raises KeyError for one that is not among `kinds()`."""
    made = TYPES[kind].model_json_schema(schema_generator=_Plain)
    first = {
        "$schema": _Plain.schema_dialect,
        "$id": schema_id(kind),
        "title": made.pop("title"),
        "description": made.pop("description"),
        "type": made.pop("type"),
    }
    return {**first, **made, "examples": [VALID[kind]]}
