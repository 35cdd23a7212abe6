"""Student data: masked until somebody who may see it asks."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext

from passport_events.operating.text import escape_invisible, format_value

PERMISSION = "passport_events.view_payload"
MASK = "••••••"
"""Of one length, because lengths tell as well."""
LONGEST_VALUE = 2_000
"""Characters of one value; what is longer is cut, and says so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """Turns values into text, for one look."""

    is_shown: bool
    reveal_url: str = ""
    """Where to ask for the values; empty for whoever may not see them."""

    def value(self, value: Any) -> str:
        """One value of an event or a record."""
        return format_value(value, LONGEST_VALUE) if self.is_shown else MASK

    def body(self, body: bytes | memoryview | None) -> str:
        """Raw bytes, as far as a person would read them."""
        if not body:
            return gettext("(redacted)")
        return escape_invisible(bytes(body).decode("utf-8", "replace")) if self.is_shown else MASK
