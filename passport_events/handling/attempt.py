"""One attempt of one message, the writes that end it, and the result of an attempt or a batch."""

from __future__ import annotations

import dataclasses
import enum
import functools
import random
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.db.compiled import CompiledUpdate, make_placeholders
from passport_events.exceptions import LeaseLost
from passport_events.handling.error_report.report import ErrorReport, Failure
from passport_events.handling.plan import Plan
from passport_events.handling.retry import Dead, DeferUncounted, RetryAfter, RetryPolicy, decide
from passport_events.instrumentation import Notification
from passport_events.mirror.merge import Merged
from passport_events.models import AttemptOutcome, MessageAttempt, ProcessedMessage, Status
from passport_events.models.message import TEXT_OF_REASON
from passport_events.models.querysets import FINISHED_VALUES

_COUNTED: dict[str, Any] = {"attempts": F("attempts") + 1}


class StopReason(enum.Enum):
    """Why a job starts nothing more."""

    JOB_TIMEOUT = "RQ's job timeout was raised. RQ raises it once per job, so nothing else would be limited."
    DATABASE_ERROR = "The database is unavailable."
    INTERRUPT = "A signal stops the process."


@dataclasses.dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of the messages of one transaction."""

    attempted: frozenset[int] = frozenset()
    """Primary keys of the messages that must not be unclaimed; the others have not changed."""
    stop: StopReason | None = None
    """Why the rest of the claim must be unclaimed."""
    error: BaseException | None = None
    """What to raise after that."""


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """A message under a lease. Every write raises LeaseLost when the lease does not hold it any more."""

    message: ProcessedMessage
    plan: Plan
    lease_token: UUID
    worker: str
    started: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def number(self) -> int:
        """Number of this attempt in its generation, from 1."""
        return self.message.attempts + 1

    @property
    def deferred_time(self) -> timedelta:
        """Time since the handler first raised RetryLater. The limit is days, so any clock is good enough."""
        since = self.message.deferred_since
        return timezone.now() - since if since else timedelta(0)

    def finish(
        self, status: Status, reason: str, merged: Merged | None = None, fingerprint: str = ""
    ) -> None:
        """Set a terminal status; `fingerprint` is that of the error which caused it."""
        columns = self._make_columns(reason, merged, fingerprint)
        condition = {"id": self.message.pk, "lease_token": self.lease_token, "status": status}
        self._require_lease(_compile_finish(tuple(columns)).run(**condition, **columns))

    def quarantine(self, reason: str, fingerprint: str) -> None:
        """Set the status that a poller gives an unreadable message; such a row was never claimed."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        columns = {**_COUNTED, **self._make_columns(reason, None, fingerprint)}
        self._require_lease(rows.finish(self.lease_token, Status.QUARANTINED, claimed_at=None, **columns))

    def retry_after(self, delay: timedelta, reason: str, merged: Merged | None, fingerprint: str) -> None:
        """Make the message due again after `delay`, and count this attempt."""
        columns = {**_COUNTED, **self._make_columns(reason, merged, fingerprint)}
        self._wait(delay, isolated=False, **columns)

    def defer_uncounted(self, delay: timedelta, reason: str, merged: Merged | None) -> None:
        """Make the message due when its handler asked for it; the attempt is not counted."""
        since = Coalesce(F("deferred_since"), ClockTimestamp())
        columns = {"reason": reason[:TEXT_OF_REASON], **_make_merged_column(merged)}
        self._wait(delay, isolated=False, deferred_since=since, **columns)

    def requeue(self, delay: timedelta, reason: str, merged: Merged) -> None:
        """Make the message due again after `delay`; its handler was not called, and nothing is counted."""
        self._wait(delay, reason=reason, merged=summarize_merge(merged))

    def _wait(self, delay: timedelta, **columns: Any) -> None:
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        self._require_lease(rows.wait(self.lease_token, delay, **columns))

    def _make_columns(self, reason: str, merged: Merged | None, fingerprint: str) -> dict[str, Any]:
        return {
            "reason": reason[:TEXT_OF_REASON],
            "release": conf.get_settings().release,
            **_make_merged_column(merged),
            # A message that succeeds keeps the fingerprint of its last failure.
            **({"fingerprint": fingerprint} if fingerprint else {}),
        }

    def _require_lease(self, changed: int) -> None:
        if not changed:
            raise LeaseLost(f"message {self.message.pk} is held by another worker")


@functools.cache
def _compile_finish(names: tuple[str, ...]) -> CompiledUpdate:
    """Compile `MessageQuerySet.finish` for one message and these columns."""
    of = make_placeholders(ProcessedMessage, "id", "lease_token", "status")
    return CompiledUpdate(
        lambda: ProcessedMessage.objects.filter(pk=of["id"]).held_by(of["lease_token"]),
        ProcessedMessage,
        status=of["status"],
        **FINISHED_VALUES,
        **_COUNTED,
        **make_placeholders(ProcessedMessage, *names),
    )


def _make_merged_column(merged: Merged | None) -> dict[str, Any]:
    return {"merged": summarize_merge(merged)} if merged else {}


def summarize_merge(merged: Merged) -> dict[str, Any]:
    """Name the fields that a message wrote and lost; their values stay in the record."""
    return {"wrote": list(merged.wrote), "lost": list(merged.lost), "stale": merged.is_stale}


def record_failure(
    attempt: Attempt, failure: Failure, merged: Merged | None = None
) -> tuple[Notification, dict[str, object]]:
    """Decide whether to retry, and write it; return what to emit after the commit."""
    policy = RetryPolicy.from_settings(conf.get_settings())
    outcome = decide(failure.error, attempt.number, policy, random.random(), attempt.deferred_time)
    report = failure.report
    if isinstance(outcome, DeferUncounted):
        # No MessageAttempt: an outage of days would insert hundreds for each message.
        attempt.defer_uncounted(outcome.delay, report.text, merged)
        due_in = outcome.delay.total_seconds()
        return Notification.RETRYING, {"error_class": report.error_class, "due_in": due_in}
    group = report.fingerprint(attempt.message.event_type)
    if isinstance(outcome, RetryAfter):
        attempt.retry_after(outcome.delay, report.error_class, merged, group)
        _insert_attempt(attempt, AttemptOutcome.RETRY, report, group)
        due_in = outcome.delay.total_seconds()
        return Notification.RETRYING, {"error_class": report.error_class, "due_in": due_in}
    if isinstance(outcome, Dead):
        attempt.finish(Status.DEAD, f"{outcome.reason}: {report.error_class}", merged, group)
        _insert_attempt(attempt, AttemptOutcome.DEAD, report, group)
        return Notification.DIED, {"error_class": report.error_class, "reason": outcome.reason}
    attempt.finish(Status.IGNORED, report.text, merged)
    return Notification.IGNORED, {}


def _insert_attempt(attempt: Attempt, outcome: AttemptOutcome, report: ErrorReport, group: str) -> None:
    MessageAttempt.objects.create(
        message=attempt.message,
        generation=attempt.message.generation,
        number=attempt.number,
        outcome=outcome,
        error_class=report.error_class,
        error=report.text,
        traceback=report.frames,
        own_frames="\n".join(report.own_frames),
        fingerprint=group,
        release=conf.get_settings().release,
        worker=attempt.worker,
        started_at=ClockTimestamp() - timedelta(seconds=time.monotonic() - attempt.started),
        ended_at=ClockTimestamp(),
    )
