"""Findings about the purge."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

from passport_events.clock import ClockTimestamp, convert_from_database
from passport_events.conf import Settings
from passport_events.models import Delivery, OperatorAction
from passport_events.operating import automatic_purge
from passport_events.operating.doctor.finding import DoctorFinding, report_warning
from passport_events.operating.retention import Retention, has_expired_rows
from passport_events.operating.text import format_duration, format_line

LATE = timedelta(days=2)


@dataclasses.dataclass(frozen=True, slots=True)
class PurgeFacts:
    """What the audit log and the oldest deliveries tell."""

    is_overdue: bool
    """True if old data has been there for two days."""
    now: datetime
    ended_at: datetime | None
    """The end of the last purge."""
    running: OperatorAction | None


def read_facts(settings: Settings) -> PurgeFacts | None:
    """Ask the database; None where there is nothing to purge yet."""
    now = convert_from_database(
        Delivery.objects.annotate(now=ClockTimestamp()).values_list("now", flat=True).first()
    )
    if now is None:
        return None
    return PurgeFacts(
        is_overdue=has_expired_rows(Retention.from_settings(settings), LATE),
        now=now,
        ended_at=automatic_purge.get_last_purge(),
        running=automatic_purge.find_running(),
    )


def judge(facts: PurgeFacts | None, settings: Settings) -> Iterator[DoctorFinding]:
    """A finding where nothing was purged for two days, although something could have been."""
    if facts is None:
        return
    ended_at = facts.ended_at
    if not facts.is_overdue or (ended_at is not None and facts.now - ended_at <= LATE):
        return
    since = "yet" if ended_at is None else f"for {format_duration(facts.now - ended_at)}"
    yield report_warning(
        "D14", f"Personal data is kept too long: no purge ended {since}.", _build_hint(facts, settings)
    )


def _build_hint(facts: PurgeFacts, settings: Settings) -> str:
    if not settings.purge_automatically:
        return "Run manage.py passport purge once a day, or set PURGE_AUTOMATICALLY to True."
    if facts.running is None or facts.running.paused_at is None:
        return (
            "Keep a poller, a worker or manage.py dispatch_messages running; or run manage.py passport purge."
        )
    why = format_line(facts.running.failure) or "an operator paused it"
    return f"Operation {facts.running.pk} is paused: {why}. See: manage.py passport operations --resume."
