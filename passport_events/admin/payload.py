"""Student data: masked unless the user may see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from passport_events.operating.text import as_json, visible

PERMISSION = "passport_events.view_payload"
MASK = "••••••"
"""Of one length, because lengths tell as well."""


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """Turns values into text, for one user."""

    is_shown: bool

    @classmethod
    def of_request(cls, request: HttpRequest) -> Payload:
        """As much as its user may see."""
        return cls(request.user.has_perm(PERMISSION))

    def value(self, value: Any) -> str:
        """One value of an event or a record."""
        return as_json(value) if self.is_shown else MASK

    def values(self, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Field names, which are no student data, and values."""
        return [(visible(name, 200), self.value(value)) for name, value in sorted(fields.items())]

    def body(self, body: bytes | memoryview | None) -> str:
        """Raw bytes, as far as a person would read them."""
        if body is None:
            return "(redacted)"
        return visible(bytes(body).decode("utf-8", "replace")) if self.is_shown else MASK
