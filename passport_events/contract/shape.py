"""A string of one shape: its pattern for schemas, and its rule in words for people.

Patterns keep to what regular expressions of every language agree on. What a pattern cannot say (the
suffix of an id, the 30th of February) is in `holds`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from passport_events.exceptions import Unreadable

BROKEN = "broken_rule"
"""The type of pydantic's error where its message is a rule of ours."""


def broken(rule: str) -> PydanticCustomError:
    """The error to raise in a validator. `rule` begins with "must" and holds no value."""
    return PydanticCustomError(BROKEN, "{rule}", {"rule": rule})


def passes(check: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a value gets through a function that raises for a wrong one."""

    def holds(text: str) -> bool:
        try:
            check(text)
        except (ValueError, Unreadable):
            return False
        return True

    return holds


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A string of one shape. The pattern describes the whole string, without anchors."""

    pattern: str
    rule: str
    """The end of a sentence that begins with the member's path."""
    format: str = ""
    """JSON Schema's word for it."""
    holds: Callable[[str], bool] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        form = {"format": self.format} if self.format else {}
        return {**handler(schema), "pattern": anchored(self.pattern), **form}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text) or (self.holds and not self.holds(text)):
            raise broken(self.rule)
        return text


def anchored(pattern: str) -> str:
    """As a JSON Schema writes it, where a pattern may match anywhere."""
    return f"^(?:{pattern})$"
