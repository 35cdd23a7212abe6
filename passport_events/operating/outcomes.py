"""Outcomes of an operation: the current statuses of the messages that it changed.

Each message knows the last action that changed it, so what a later action took over counts there, and is
neither done nor failed because of this one. One query for any number of actions; each word is counted up
to a limit of its own, so that the few that failed again are exact however many are done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import IntegerField, OuterRef, Subquery

from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating.explain import STATUSES, DisplayStatus
from passport_events.operating.operations import IN_STEPS
from passport_events.operating.selection import MAX_COUNTED

DISPLAY_ORDER = (
    DisplayStatus.DONE,
    DisplayStatus.WAITING,
    DisplayStatus.WORKING,
    DisplayStatus.NEEDS_YOU,
    DisplayStatus.PUT_AWAY,
)
"""In the order in which they are read after a retry."""
_OPEN = (DisplayStatus.WAITING, DisplayStatus.WORKING)


@dataclasses.dataclass(frozen=True, slots=True)
class OperationOutcomes:
    """Messages of one operation by status."""

    counts: Mapping[DisplayStatus, int]
    """Up to MAX_COUNTED each."""
    changed_later: int | None
    """Messages that a later operation changed or that were purged; None if a count reached its limit."""

    @property
    def is_open(self) -> bool:
        """True if some messages are waiting or processing."""
        return any(self.counts[word] for word in _OPEN)

    def __str__(self) -> str:
        """The counts above zero, for people."""
        said = [f"{word.label} {_format_count(count)}" for word, count in self.counts.items() if count]
        if self.changed_later:
            said.append(f"changed by a later action or purged {self.changed_later:,}")
        return ", ".join(said)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        counts = {word.name.lower(): count for word, count in self.counts.items()}
        return {**counts, "later_action_or_purged": self.changed_later, "counted_up_to": MAX_COUNTED}


def count_outcomes(actions: Collection[OperatorAction]) -> dict[int, OperationOutcomes]:
    """Outcomes by primary key of those that change messages; one query, or none."""
    keys = [action.pk for action in actions if action.kind in IN_STEPS]
    if not keys:
        return {}
    names = [word.name for word in DISPLAY_ORDER]
    # `affected` is read by the same statement, because the operation may be running.
    rows = (
        OperatorAction.objects.filter(pk__in=keys)
        .annotate(**{word.name: _count_messages(word) for word in DISPLAY_ORDER})
        .values_list("pk", "affected", *names)
    )
    return {
        pk: _build_outcomes(affected, dict(zip(DISPLAY_ORDER, counts, strict=True)))
        for pk, affected, *counts in rows
    }


def _build_outcomes(affected: int, counts: Mapping[DisplayStatus, int]) -> OperationOutcomes:
    is_capped = MAX_COUNTED in counts.values()
    return OperationOutcomes(counts, None if is_capped else affected - sum(counts.values()))


class _CountSubquery(Subquery):
    """The number of rows of a query that may have a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _count_messages(word: DisplayStatus) -> _CountSubquery:
    rows = ProcessedMessage.objects.filter(last_action=OuterRef("pk"), status__in=STATUSES[word])
    return _CountSubquery(rows.order_by().values("pk")[:MAX_COUNTED])


def _format_count(count: int) -> str:
    return f"{count:,}{'+' if count >= MAX_COUNTED else ''}"
