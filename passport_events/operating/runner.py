"""Runs operations in steps. The audit log entry is the job: it has the selection and a cursor.

A step changes rows and moves the cursor in one transaction, so a crash leaves the operation at the end of
a step. For a few messages the request takes the first step itself; periodic tasks take all others. Two
processes at one operation are harmless: one skips the entry that the other has locked, and the cursor is
compared before it is set.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connections, transaction

from passport_events import periodic_tasks
from passport_events.clock import ClockTimestamp
from passport_events.dispatching import dispatcher
from passport_events.exceptions import NothingToDo, OperationRefused
from passport_events.models import (
    ActionKind,
    OperatorAction,
    ProcessedMessage,
    Progress,
    SalesforceOrganization,
)
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import IN_STEPS, RETRY, TEST_RETRY, Operation
from passport_events.operating.selection import Selection, count, find_newest

MAX_STEP_MESSAGES = 1_000
"""Messages of one transaction."""
MAX_STEP_KEYS = 50_000
"""Primary keys that one step scans, so that a step is short on a table of any size."""
MAX_EMPTY_STEPS = 10
"""Steps of one operation in one tick, while they change nothing."""
MAX_OPERATIONS_PER_TICK = 20
"""Operations in one tick, the oldest first."""
TASK_NAME = "operator actions"

MAX_AT_ONCE = 200
"""Messages of an operation whose first step the request takes itself."""
MAX_CANDIDATES = 5
"""Messages that a test retry tries: another operator may requeue the newest."""


def submit(
    operation: Operation,
    selection: Selection,
    actor: Actor,
    reason: str = "",
    per_minute: int | None = None,
    *,
    everything: bool = False,
) -> OperatorAction:
    """Start an operation; for at most MAX_AT_ONCE messages, take its first step in the same transaction.

    Raises what `start` raises, and NothingToDo with no audit log entry if no message changed.
    """
    with transaction.atomic(using=audit_log.get_database_alias()):
        action = start(operation, selection, actor, reason, per_minute, everything=everything)
        is_small = action.total is not None and action.total <= MAX_AT_ONCE
        if is_small and per_minute is None and action.affected == 0:
            take_step(action.pk)
            action.refresh_from_db()
            if action.progress == Progress.DONE and not action.affected:
                raise NothingToDo(f"There is nothing to {operation.label.lower()}: no message fits.")
    return action


def retry_newest(selection: Selection, actor: Actor, reason: str) -> int | None:
    """Requeue the newest message of a selection; returns its primary key, or None if none is eligible.

    The newest, because the purge deletes it last. Raises OperationRefused without a filter: the newest
    of all messages probably failed for another reason than the one that was fixed.
    """
    TEST_RETRY.check_selection(selection)
    newest = find_newest(RETRY.filter_eligible(selection.bounded()), MAX_CANDIDATES)
    for pk in newest.values_list("pk", flat=True):
        with contextlib.suppress(NothingToDo):
            submit(RETRY, Selection(ids=(pk,)), actor, reason)
            return pk
    return None


def start(
    operation: Operation,
    selection: Selection,
    actor: Actor,
    reason: str = "",
    per_minute: int | None = None,
    *,
    everything: bool = False,
) -> OperatorAction:
    """Add the audit log entry of an operation; periodic tasks run it, at most `per_minute` messages a minute.

    Returns the running entry if the same operation runs already. Raises NothingToDo if no message is
    eligible, and OperationRefused if a reason is missing, or a filter and `everything` is not set.
    """
    operation.check_selection(selection, everything=everything)
    operation.check_reason(reason)
    if per_minute is not None and per_minute < 1:
        raise OperationRefused("The rate limit is at least 1 message a minute. To stop, pause the operation.")
    said = selection.to_json()
    same = OperatorAction.objects.unfinished().filter(kind=operation.kind, selection=said).first()
    if same is not None:
        return same
    total = count(operation.filter_eligible(selection.bounded()))
    if not total and selection.is_found_by_index:
        raise NothingToDo(f"There is nothing to {operation.label.lower()}: no message fits.")
    ends = ProcessedMessage.objects.order_by("pk").values_list("pk", flat=True)
    with transaction.atomic(using=audit_log.get_database_alias()):
        action = audit_log.add_entry(
            operation.kind,
            actor,
            reason=reason,
            event_type=selection.event_type,
            organization=SalesforceOrganization.objects.filter(salesforce_id=selection.organization).first(),
            fingerprint=selection.fingerprint,
            message_id=selection.ids[0] if len(selection.ids) == 1 else None,
            selection=said,
            per_minute=per_minute,
            # Without an index only the newest messages were counted.
            total=total if selection.is_found_by_index else None,
            cursor=(ends.first() or 1) - 1,
            # Messages that come or fail later are not included.
            up_to=ends.last() or 0,
        )
        audit_log.announce(f"start of {operation.kind}", actor, total)
    return action


def take_step(pk: int) -> int | None:
    """Take one step; returns how many messages changed, or None if no step could be taken.

    Raises database errors, with the step rolled back.
    """
    with transaction.atomic(using=audit_log.get_database_alias()):
        # The process that has it locked takes this step.
        runnable = OperatorAction.objects.runnable().filter(kind__in=IN_STEPS)
        action = runnable.select_for_update(skip_locked=True).filter(pk=pk).first()
        if action is None or action.up_to is None:
            return None
        operation, selection = IN_STEPS[ActionKind(action.kind)], Selection.from_json(action.selection or {})
        most = _limit_step(action.per_minute, operation)
        end = action.up_to if selection.ids else min(action.cursor + MAX_STEP_KEYS, action.up_to)
        window = selection.messages().filter(pk__gt=action.cursor, pk__lte=end)
        found = operation.lock_eligible(window, most)
        changed = operation.apply(found, pk)
        cursor = found[-1] if len(found) == most else end
        mine = OperatorAction.objects.filter(pk=pk)
        if not mine.step(action.cursor, cursor, changed, _schedule_next_step(action.per_minute, len(found))):
            # On SQLite, which locks no rows: another process took this step.
            transaction.set_rollback(True, using=audit_log.get_database_alias())
            return None
        if changed:
            transaction.on_commit(dispatcher.dispatch, using=audit_log.get_database_alias(), robust=True)
        if cursor >= action.up_to:
            done = functools.partial(audit_log.announce, f"end of {action.kind}", Actor(action.actor_name))
            done(action.affected + changed)
    return changed


def _limit_step(per_minute: int | None, operation: Operation) -> int:
    """The messages of one step: one second's share of the rate limit, as a step is taken every second."""
    most = min(MAX_STEP_MESSAGES, operation.max_step_messages or MAX_STEP_MESSAGES)
    return most if per_minute is None else max(1, min(most, per_minute // 60))


def _schedule_next_step(per_minute: int | None, looked_at: int) -> object:
    return None if per_minute is None else ClockTimestamp() + timedelta(seconds=60 * looked_at / per_minute)


def run_due_operations(_queue_urls: Collection[str] = ()) -> None:
    """Take steps of the running operations. A database outage is retried; any other error stops one."""
    runnable = (
        OperatorAction.objects.runnable()
        .filter(kind__in=IN_STEPS)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    for pk in list(runnable[:MAX_OPERATIONS_PER_TICK]):
        run_step(pk)


def run_step(pk: int) -> bool:
    """Take steps of one operation until one changes a message; returns False if no step could be taken."""
    try:
        for _ in range(MAX_EMPTY_STEPS):
            changed = take_step(pk)
            if changed or changed is None:
                return changed is not None
    except (OperationalError, InterfaceError):
        # A lock timeout, a deadlock or a restart: the next tick retries the step.
        connections[audit_log.get_database_alias()].close_if_unusable_or_obsolete()
    except OperationRefused as error:
        stop_operation(pk, str(error))
    except Exception as error:  # noqa: BLE001  it must not stop other periodic tasks
        stop_operation(pk, f"{type(error).__module__}.{type(error).__qualname__}")
    return True


def stop_operation(pk: int, failure: str) -> None:
    """Take no further step until an operator resumes it."""
    OperatorAction.objects.filter(pk=pk).pause(failure[:200])


def register() -> None:
    """Run operations as a periodic task."""
    periodic_tasks.register(TASK_NAME, run_due_operations)


POLL_SECONDS = 0.2


def pause(action: OperatorAction, actor: Actor) -> bool:
    """Take no further step. Returns False if it was paused or finished."""
    return _update_state(action, actor, "pause", OperatorAction.objects.filter(pk=action.pk).pause)


def resume(action: OperatorAction, actor: Actor) -> bool:
    """Continue. Returns False if it was not paused."""
    return _update_state(action, actor, "resume", OperatorAction.objects.filter(pk=action.pk).resume)


def cancel(action: OperatorAction, actor: Actor) -> bool:
    """End it; changed messages stay changed. Returns False if it was finished."""
    rows = OperatorAction.objects.filter(pk=action.pk)
    return _update_state(action, actor, "cancel", lambda: rows.cancel(actor.name))


def _update_state(action: OperatorAction, actor: Actor, word: str, verb: Callable[[], int]) -> bool:
    with transaction.atomic(using=audit_log.get_database_alias()):
        is_done = bool(verb())
        if is_done:
            audit_log.announce(f"{word} of {action.kind} {action.pk}", actor)
    action.refresh_from_db()
    return is_done


def follow(action: OperatorAction, progress: Callable[[int], None] = lambda done: None) -> OperatorAction:
    """Take steps in this process until the operation ends or is paused. Other processes may take some too."""
    while True:
        is_taken = run_step(action.pk)
        action.refresh_from_db()
        progress(action.affected)
        if action.ended_at is not None or action.paused_at is not None:
            return action
        if not is_taken:
            time.sleep(POLL_SECONDS)
