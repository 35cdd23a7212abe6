"""Outcomes of an operation: the current statuses of the messages that it changed.

Each message stores the last operation that changed it. A message that a later operation changed counts
there only. One query reads any number of operations. Each status is counted up to its own limit, so that
a small number of failed messages is exact next to a large number of finished ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import IntegerField, OuterRef, Subquery, TextChoices
from django.utils.translation import gettext, gettext_lazy

from passport_events.models import OperatorAction, ProcessedMessage, Status
from passport_events.models.status import FAILED
from passport_events.operating.operations import IN_STEPS
from passport_events.operating.selection import MAX_COUNTED


class OutcomeStatus(TextChoices):
    """Groups of statuses, in the order in which they are shown."""

    FINISHED = "finished", gettext_lazy("finished")
    WAITING = "waiting", gettext_lazy("waiting")
    PROCESSING = "processing", gettext_lazy("processing")
    FAILED = "failed", gettext_lazy("failed")
    DISCARDED = "discarded", gettext_lazy("discarded")


STATUSES: dict[OutcomeStatus, tuple[Status, ...]] = {
    OutcomeStatus.FINISHED: (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED),
    OutcomeStatus.WAITING: (Status.WAITING,),
    OutcomeStatus.PROCESSING: (Status.PROCESSING,),
    OutcomeStatus.FAILED: FAILED,
    OutcomeStatus.DISCARDED: (Status.DISCARDED,),
}
_OPEN = (OutcomeStatus.WAITING, OutcomeStatus.PROCESSING)


@dataclasses.dataclass(frozen=True, slots=True)
class OperationOutcomes:
    """Messages of one operation by status."""

    counts: Mapping[OutcomeStatus, int]
    """Up to MAX_COUNTED each."""
    changed_later: int | None
    """Messages that a later operation changed or that were purged; None if a count reached its limit."""

    @property
    def is_open(self) -> bool:
        """True if some messages are waiting or processing."""
        return any(self.counts[status] for status in _OPEN)

    def __str__(self) -> str:
        """The counts above zero, as text."""
        parts = [f"{_format_count(count)} {status.label}" for status, count in self.counts.items() if count]
        if self.changed_later:
            parts.append(gettext("%s changed by a later operation or purged") % f"{self.changed_later:,}")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the counts for JSON output."""
        counts = {status.name.lower(): count for status, count in self.counts.items()}
        return {**counts, "later_action_or_purged": self.changed_later, "counted_up_to": MAX_COUNTED}


def count_outcomes(actions: Collection[OperatorAction]) -> dict[int, OperationOutcomes]:
    """Outcomes by primary key of those that change messages; one query, or none."""
    keys = [action.pk for action in actions if action.kind in IN_STEPS]
    if not keys:
        return {}
    names = [status.name for status in OutcomeStatus]
    # `affected` is read by the same statement, because the operation may be running.
    rows = (
        OperatorAction.objects.filter(pk__in=keys)
        .annotate(**{status.name: _count_messages(status) for status in OutcomeStatus})
        .values_list("pk", "affected", *names)
    )
    return {
        pk: _build_outcomes(affected, dict(zip(OutcomeStatus, counts, strict=True)))
        for pk, affected, *counts in rows
    }


def _build_outcomes(affected: int, counts: Mapping[OutcomeStatus, int]) -> OperationOutcomes:
    is_capped = MAX_COUNTED in counts.values()
    return OperationOutcomes(counts, None if is_capped else affected - sum(counts.values()))


class _CountSubquery(Subquery):
    """The number of rows of a query that may have a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _count_messages(status: OutcomeStatus) -> _CountSubquery:
    rows = ProcessedMessage.objects.filter(last_action=OuterRef("pk"), status__in=STATUSES[status])
    return _CountSubquery(rows.order_by().values("pk")[:MAX_COUNTED])


def _format_count(count: int) -> str:
    return f"{count:,}{'+' if count >= MAX_COUNTED else ''}"
