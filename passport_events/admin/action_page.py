"""What the page of one action shows: what was asked for, how far it is, and what became of its messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q

from passport_events.clock import StatementTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, Progress
from passport_events.operating.outcomes import OperationOutcomes, count_outcomes
from passport_events.operating.selection import MAX_COUNTED, Selection
from passport_events.operating.text import escape_invisible, format_line

REFRESH_PERIOD = timedelta(minutes=10)
"""So long after the end of an action its page goes on looking at what becomes of the messages."""


def build_context(row: OperatorAction) -> dict[str, Any]:
    """For the template."""
    progress = row.progress
    is_counted = row.total is not None and row.total < MAX_COUNTED
    stands = count_outcomes([row]).get(row.pk)
    return {
        "became": stands,
        "looks_on": progress == Progress.RUNNING or _is_in_progress(row, stands),
        "action": row,
        "who": format_line(row.actor_name),
        "why": escape_invisible(row.reason),
        "failure": format_line(row.failure),
        "ended_by": format_line(row.ended_by),
        "selection": _describe_selection(row),
        "state": progress.label if progress else "",
        "is_running": progress == Progress.RUNNING,
        "is_stopped": progress == Progress.STOPPED,
        "of_total": format_total(row),
        "bar": min(row.affected, row.total or 0) if is_counted or row.ended_at else None,
        "bar_max": row.total if is_counted else max(row.affected, 1),
    }


def _is_in_progress(action: OperatorAction, stands: OperationOutcomes | None) -> bool:
    """Whether workers may soon have done what they still have to do."""
    if stands is None or not stands.is_open:
        return False
    start = StatementTimestamp() - REFRESH_PERIOD
    is_recent = Q(created_at__gt=start) | Q(ended_at__gt=start)
    return OperatorAction.objects.filter(is_recent, pk=action.pk).exists()


def format_total(action: OperatorAction) -> str:
    """How many were meant, where that is known."""
    if action.total is None:
        return ""
    return f" of {action.total:,}{'+' if action.total >= MAX_COUNTED else ''}"


def _describe_selection(action: OperatorAction) -> str:
    if action.selection is None:
        return ""
    try:
        return format_line(Selection.from_json(action.selection), 1_000)
    except OperationRefused as error:
        return str(error)
