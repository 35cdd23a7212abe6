"""Dry run: run the current handler against real messages, roll back, and compare the results.

Everything is rolled back (`open_sandbox`). A handler with a `prepare` is not run: its effects outside
the process cannot be rolled back.
"""

from __future__ import annotations

import dataclasses
import time

from django.db import DatabaseError, OperationalError, connections, transaction

from passport_events import conf
from passport_events.handling.attempt import summarize_merge
from passport_events.handling.execute import call_handler
from passport_events.handling.plan import Plan, make_plan
from passport_events.handling.retry import Dead, Ignored, RetryPolicy, decide
from passport_events.mirror.apply import ensure_records, lock_record, merge_into, save_merge
from passport_events.models import ActionKind, ProcessedMessage, Status
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPLAY
from passport_events.operating.sandbox import DatabaseWrites, open_sandbox, record_writes
from passport_events.operating.selection import Selection, find_newest

MAX_MESSAGES = 100
MAX_SECONDS = 20
"""Time limit of a dry run; the other messages are skipped."""
LOCK_TIMEOUT = "2s"
"""Lock timeout on PostgreSQL, so that a dry run does not delay workers."""
NOT_RUN = "not run"


@dataclasses.dataclass(frozen=True, slots=True)
class DryRunMessage:
    """The result of one message, and its previous result."""

    message: int
    event_type: str
    result: str
    """A status, or NOT_RUN."""
    reason: str
    """Class and text of an error, without values; else the reason."""
    previous_result: str
    previous_reason: str
    record_fields: tuple[str, ...] = ()
    """Record fields that another merge would write."""
    writes: DatabaseWrites = dataclasses.field(default_factory=DatabaseWrites)

    @property
    def is_different(self) -> bool:
        """True if a replay would change the status, the record or other rows."""
        return self.result != self.previous_result or bool(self.record_fields) or self.writes.is_different


@dataclasses.dataclass(frozen=True, slots=True)
class DryRun:
    """The results, the newest message first."""

    messages: tuple[DryRunMessage, ...]
    is_cut: bool
    """True if the time limit ended it early."""

    @property
    def different(self) -> int:
        """The number of messages that a replay would change."""
        return sum(message.is_different for message in self.messages)


def execute_dry_run(selection: Selection, actor: Actor, most: int = 20) -> DryRun:
    """Dry-run the newest `most` messages that can be replayed. Writes only an audit log entry."""
    rows = find_newest(REPLAY.filter_eligible(selection.bounded()), min(most, MAX_MESSAGES))
    deadline = time.monotonic() + MAX_SECONDS
    done: list[DryRunMessage] = []
    wanted = list(rows.select_related("organization"))
    for message in wanted:
        if time.monotonic() > deadline:
            break
        done.append(_execute_message(message))
    with transaction.atomic(using=audit_log.get_database_alias()):
        audit_log.add_entry(
            ActionKind.REHEARSE,
            actor,
            len(done),
            selection=selection.to_json(),
            event_type=selection.event_type,
            fingerprint=selection.fingerprint,
        )
        audit_log.announce(ActionKind.REHEARSE, actor, len(done))
    return DryRun(tuple(done), is_cut=len(done) < len(wanted))


def _execute_message(message: ProcessedMessage) -> DryRunMessage:
    plan = make_plan(message, conf.get_settings())
    if plan.handler is not None and plan.handler.prepare is not None:
        return _build_result(message, NOT_RUN, f"{plan.handler.name} has a prepare, which cannot be undone")
    if not plan.merges:
        return _build_result(message, plan.status, plan.reason)
    try:
        with open_sandbox():
            return _execute_handler(message, plan)
    except OperationalError as error:
        return _build_result(message, NOT_RUN, f"the database was busy: {type(error).__name__}")
    except DatabaseError as error:
        # A deferred constraint that the handler's writes violate.
        return _build_result(message, Status.WAITING, type(error).__name__)


def _execute_handler(message: ProcessedMessage, plan: Plan) -> DryRunMessage:
    _set_lock_timeout()
    ensure_records([message])
    record = lock_record(message)
    event = dataclasses.replace(message.to_event(), generation=message.generation + 1, attempt=1)
    merged = merge_into(record, event, message.pk)
    mirror = tuple(summarize_merge(merged)["wrote"]) if merged.is_changed else ()
    if merged.is_changed:
        save_merge(record)
    handler = plan.handler
    if handler is None:
        return _build_result(message, plan.status, plan.reason, mirror)
    if handler.must_wait(record):
        return _build_result(message, Status.WAITING, "needs_complete", mirror)
    if handler.must_skip(merged):
        return _build_result(message, Status.SUPERSEDED, "newer_data", mirror)
    with record_writes() as written:
        failure = call_handler(handler, dataclasses.replace(event, is_stale=merged.is_stale), record)
    if failure is None:
        _check_deferred_constraints(written)
        return _build_result(message, plan.status, plan.reason, mirror, written)
    report = failure.report
    # Its writes were rolled back with its savepoint, as in a worker.
    return _build_result(
        message, _decide_status(failure.error), f"{report.error_class}: {report.text}", mirror
    )


def _decide_status(error: BaseException) -> Status:
    outcome = decide(error, 1, RetryPolicy.from_settings(conf.get_settings()), 0)
    if isinstance(outcome, Ignored):
        return Status.IGNORED
    return Status.DEAD if isinstance(outcome, Dead) else Status.WAITING


def _build_result(
    message: ProcessedMessage,
    would: str,
    why: str,
    mirror: tuple[str, ...] = (),
    written: DatabaseWrites | None = None,
) -> DryRunMessage:
    return DryRunMessage(
        message=message.pk,
        event_type=message.event_type,
        result=str(would),
        reason=why,
        previous_result=message.status,
        previous_reason=message.reason,
        record_fields=mirror,
        writes=written or DatabaseWrites(),
    )


def _set_lock_timeout() -> None:
    connection = connections[audit_log.get_database_alias()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])


def _check_deferred_constraints(written: DatabaseWrites) -> None:
    """Check deferred constraints, which PostgreSQL checks at a commit. Raises IntegrityError."""
    tables = {table for table, _ in written.rows if not table.startswith("(")}
    connections[audit_log.get_database_alias()].check_constraints(table_names=sorted(tables))
