"""What operators do to rows, as values: which rows a change means, and what becomes of them.

Every change is a compare-and-set: two operators, a double click, or two processes at one step change
a row once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, ProcessedMessage
from passport_events.operating.selection import Messages, Selection


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that can be done to many messages."""

    kind: ActionKind
    permission: str
    """Of Django; asked by the admin."""
    changeable: Q
    """Rows that it means, as they stand at that moment."""
    columns: Mapping[str, Any]
    """What is written into them."""
    most: int | None = None
    """Messages of one step, where these are more work than others."""
    needs_reason: bool = True
    can_mean_everything: bool = True
    """True if a selection without a filter can be confirmed; else it is always refused."""

    def check(self, selection: Selection, *, everything: bool = False) -> None:
        """Raises OperationRefused for a selection without a filter, unless `everything` confirms it."""
        if not selection.is_narrow and not (everything and self.can_mean_everything):
            raise OperationRefused(f"Refusing to {self.kind} everything: add a filter.")

    def check_reason(self, reason: str) -> None:
        """Raises OperationRefused where one is needed and missing."""
        if self.needs_reason and not reason.strip():
            raise OperationRefused(f"A reason is required to {self.kind}.")

    def eligible(self, messages: Messages) -> Messages:
        """Those of them that it would change now."""
        return messages.filter(self.changeable)

    def lock(self, messages: Messages, most: int) -> list[int]:
        """The first of those, locked in the one order that keeps two operators from a deadlock."""
        rows = self.eligible(messages).order_by("pk").select_for_update(of=("self",))
        return list(rows.values_list("pk", flat=True)[:most])

    def apply(self, ids: Collection[int], action: int) -> int:
        """Change these for an action, as far as they can still be changed; returns how many."""
        if not ids:
            return 0
        rows = self.eligible(ProcessedMessage.objects.filter(pk__in=ids))
        return rows.update(**self.columns, last_action=action)
