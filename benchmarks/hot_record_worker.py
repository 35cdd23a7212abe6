"""A worker of `benchmarks.hot_record`, which counts what it does for nothing."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group

from benchmarks.hot_record import COUNTED
from benchmarks.hot_record_inbox import HOT_RECORD
from passport_events import Event, handles, instrumentation
from passport_events.dispatching import dispatcher, hints
from passport_events.handling import execute, jobs
from passport_events.handling.locks import RecordLocks
from passport_events.instrumentation import Notification
from passport_events.mirror.apply import lock_record
from passport_events.models import ProcessedMessage, SalesforceRecord
from passport_events.models.querysets import MessageQuerySet

QUEUE = "passport-opportunities"
IDLE_SECONDS = 0.2


class Counts:
    """What this worker did, and what of it was for nothing."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self.blocked_seconds = 0.0
        self.others_seconds = 0.0
        self.started = time.perf_counter()

    def listen(self, stage: Notification, facts: dict[str, Any]) -> None:
        """An observer of the stages."""
        if stage is Notification.CLAIMED:
            self.of["claims"] += 1
            self.of["claimed"] += facts["count"]
        elif stage is Notification.LEASE_LOST:
            self.of["lost"] += 1
        elif stage is Notification.SUCCEEDED:
            self.of["handled"] += 1

    def rows(self, verb: Callable[..., int], name: str, calls: str = "") -> Callable[..., int]:
        """The same verb, and how many rows it changed."""

        def counted(*arguments: Any) -> int:
            changed = verb(*arguments)
            self.of[name] += changed
            if calls:
                self.of[calls] += 1
            return changed

        return counted

    def waiting(self, lock: Callable[..., SalesforceRecord]) -> Callable[..., SalesforceRecord]:
        """The same lock, and how long it took to get it."""

        def timed(message: ProcessedMessage) -> SalesforceRecord:
            started = time.perf_counter()
            record = lock(message)
            self.blocked_seconds += time.perf_counter() - started
            return record

        return timed

    def report(self) -> dict[str, float]:
        """All of it, by name."""
        return {
            **self.of,
            "blocked_seconds": self.blocked_seconds,
            "others_seconds": round(self.others_seconds, 1),
        }


def main(handler_ms: float, has_lock: bool) -> None:  # noqa: FBT001  called from a command line
    """Say that it is ready, wait for the word, work until nothing is left, and report."""
    counts = Counts()
    _count(counts)
    _handle(counts, handler_ms / 1000)
    if not has_lock:
        _unlock()
    print("ready", flush=True)
    sys.stdin.readline()
    counts.started = time.perf_counter()
    rq_queue = hints.get_rq_queue(QUEUE)
    while ProcessedMessage.objects.filter(due_at__isnull=False).exists():
        # As in an installation: one hint a second in all, and those that workers send to each other.
        dispatcher.tick()
        if rq_queue.connection.blpop([rq_queue.key], timeout=IDLE_SECONDS):
            jobs.work_on_queue(QUEUE)
    print(json.dumps(counts.report()))


def _count(counts: Counts) -> None:
    instrumentation.subscribe(counts.listen)
    verbs = MessageQuerySet
    verbs.postpone = counts.rows(verbs.postpone, "parked", "parks")  # type: ignore[method-assign]
    verbs.unclaim = counts.rows(verbs.unclaim, "given_back")  # type: ignore[method-assign]
    execute.lock_record = counts.waiting(lock_record)  # type: ignore[attr-defined]


def _handle(counts: Counts, seconds: float) -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        counts.of["stale"] += event.is_stale
        time.sleep(seconds)
        Group.objects.create(name=event.identity.key)
        if event.record_id != HOT_RECORD:
            counts.others_seconds = time.perf_counter() - counts.started


def _unlock() -> None:
    """Every record is free, as where Redis is away."""

    def acquire(self: RecordLocks, records: Any, lease_token: Any, lease: timedelta) -> set[Any]:
        return set(records)

    RecordLocks.acquire = acquire  # type: ignore[method-assign]
