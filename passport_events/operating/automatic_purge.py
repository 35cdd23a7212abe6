"""The automatic purge, and the time of the last one.

Its job is a row of the audit log with the progress of the purge, so any process can continue it. Every
process that ticks the dispatcher takes its steps, for half a second at a time. Two processes are harmless:
one skips the row that the other has locked. A constraint allows one purge at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connections, transaction

from passport_events import conf, periodic_tasks
from passport_events.clock import ClockTimestamp, StatementTimestamp, convert_from_database
from passport_events.models import ActionKind, OperatorAction
from passport_events.operating import audit_log, retention, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.retention import PurgeCounts, Retention

INTERVAL = timedelta(hours=6)
TICK_SECONDS = 0.5
"""Time limit of one tick; a step that has begun is finished."""
CHECK_SECONDS = 60.0
"""Seconds between two checks of a process."""
TASK_NAME = "purge"
AUTOMATIC = Actor("periodic task")


class CheckTimer:
    """Limits how often this process checks whether a purge is due."""

    def __init__(self) -> None:
        self._not_before = 0.0
        self._guard = threading.Lock()

    def is_due(self) -> bool:
        """True if it is time to check."""
        with self._guard:
            return time.monotonic() >= self._not_before

    def postpone(self) -> None:
        """Check again in CHECK_SECONDS."""
        with self._guard:
            self._not_before = time.monotonic() + CHECK_SECONDS

    def reset(self) -> None:
        """Check at the next tick."""
        with self._guard:
            self._not_before = 0.0


timer = CheckTimer()


def tick(_queue_urls: Collection[str] = ()) -> None:
    """A periodic task: begin a purge when it is due, or take steps of the running one."""
    settings = conf.get_settings()
    if not settings.purge_automatically or not timer.is_due():
        return
    kept = Retention.from_settings(settings)
    action = find_running() or begin(kept)
    if action is None or action.paused_at is not None:
        timer.postpone()
        return
    deadline = time.monotonic() + TICK_SECONDS
    while _try_step(action.pk, kept) and time.monotonic() < deadline:
        pass


def find_running() -> OperatorAction | None:
    """The purge that is not finished, if there is one; it may be paused."""
    return OperatorAction.objects.unfinished().filter(kind=ActionKind.PURGE).first()


def begin(kept: Retention) -> OperatorAction | None:
    """Record that a purge runs, unless the last one is recent or nothing is old enough."""
    purges = OperatorAction.objects.filter(kind=ActionKind.PURGE)
    is_recent = purges.filter(ended_at__gt=StatementTimestamp() - INTERVAL).exists()
    if is_recent or not retention.has_expired_rows(kept):
        return None
    # A unique constraint allows one running purge; get_or_create returns the other process's row.
    action, _ = purges.get_or_create(
        kind=ActionKind.PURGE,
        ended_at=None,
        defaults={"actor_name": AUTOMATIC.name, "up_to": retention.find_last_key()},
    )
    return action


def _try_step(pk: int, kept: Retention) -> bool:
    """Take a step; True if there is another one. A database outage is retried, any other error stops it."""
    try:
        return take_step(pk, kept)
    except (OperationalError, InterfaceError):
        connections[audit_log.get_database_alias()].close_if_unusable_or_obsolete()
    except Exception as error:  # noqa: BLE001  it must not stop the other periodic tasks
        runner.stop_operation(pk, f"{type(error).__module__}.{type(error).__qualname__}")
    return False


def take_step(pk: int, kept: Retention) -> bool:
    """Take one step in one transaction; True if there is another one."""
    with transaction.atomic(using=audit_log.get_database_alias()):
        action = OperatorAction.objects.runnable().select_for_update(skip_locked=True).filter(pk=pk).first()
        if action is None or action.up_to is None:
            return False
        purged = PurgeCounts()
        cursor = retention.purge_window(action.cursor, action.up_to, kept, purged)
        if cursor >= action.up_to:
            retention.purge_apps(purged)
        if not OperatorAction.objects.filter(pk=pk).step(action.cursor, cursor, purged.rows, None):
            # Only where rows cannot be locked: another process took this step.
            transaction.set_rollback(True, using=audit_log.get_database_alias())
            return False
        if cursor < action.up_to:
            return True
        _delete_empty(pk)
        audit_log.announce("end of purge", AUTOMATIC, action.affected + purged.rows)
    return False


def record_purge(actor: Actor, purged: PurgeCounts) -> None:
    """Record a purge that ran from beginning to end."""
    with transaction.atomic(using=audit_log.get_database_alias()):
        action = audit_log.add_entry(ActionKind.PURGE, actor, purged.rows, ended_at=ClockTimestamp())
        _delete_empty(action.pk)
        audit_log.announce(ActionKind.PURGE, actor, purged.rows)


def _delete_empty(pk: int) -> None:
    """Delete the rows of earlier purges that found nothing."""
    empty = OperatorAction.objects.filter(kind=ActionKind.PURGE, affected=0, ended_at__isnull=False)
    empty.filter(pk__lt=pk).delete()


def get_last_purge() -> datetime | None:
    """The end of the last purge that was not cancelled."""
    ended = OperatorAction.objects.filter(kind=ActionKind.PURGE, ended_at__isnull=False, ended_by="")
    return convert_from_database(ended.order_by("-pk").values_list("ended_at", flat=True).first())


def register() -> None:
    """Register the purge with the periodic tasks."""
    periodic_tasks.register(TASK_NAME, tick)
