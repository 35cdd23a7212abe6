"""Every operation on messages, defined once. The admin, the commands and the runner read this table.

An operation that changes rows is a compare-and-set: two operators, a double click, or two processes at
one step change a row once.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db.models import Case, F, Q, Value, When

from passport_events.clock import ClockTimestamp, StatementTimestamp
from passport_events.event import S3_POINTER
from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, ProcessedMessage, Status
from passport_events.operating import reprocess
from passport_events.operating.selection import Messages, Selection

MAX_IDS = 1_000
"""Messages that one selection names by primary key."""


class OperationForm(enum.Enum):
    """What an operator fills in."""

    REASON = enum.auto()
    REASON_AND_RATE = enum.auto()
    RATE = enum.auto()
    NOTE = enum.auto()
    EXPORT = enum.auto()
    DRY_RUN = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation."""

    name: str
    """Its key in OPERATIONS and in forms."""
    kind: ActionKind
    """How the audit log names it; a test retry is a retry."""
    label: str
    meaning: str
    """What happens, as the confirmation page says it."""
    permission: str
    done: str = ""
    """What happened to a number of messages, like `requeued`."""
    form: OperationForm = OperationForm.REASON_AND_RATE
    needs_reason: bool = True
    allows_everything: bool = True
    """False if a selection without a filter is always refused."""
    needs_group: bool = False
    eligible: Q = dataclasses.field(default_factory=Q)
    """Rows that the operation applies to, as they are at that moment."""
    columns: Mapping[str, Any] | None = None
    """Columns that the runner writes. None if the operation changes no message, or each one differently."""
    change: Callable[[Messages, int], int] | None = None
    """Changes rows where they need different values: takes rows and an audit log id, returns the count."""
    max_step_messages: int | None = None
    """Messages of one step, where they are expensive."""

    @property
    def runs_in_steps(self) -> bool:
        """True if the runner executes it."""
        return self.columns is not None or self.change is not None

    def check_selection(self, selection: Selection, *, everything: bool = False) -> None:
        """Raises OperationRefused for a selection without a filter, unless `everything` confirms it."""
        if not selection.is_narrow and not (everything and self.allows_everything):
            raise OperationRefused(f"Refusing to {self.label.lower()} everything: add a filter.")

    def check_reason(self, reason: str) -> None:
        """Raises OperationRefused if a required reason is missing."""
        if self.needs_reason and not reason.strip():
            raise OperationRefused(f"A reason is required to {self.label.lower()}.")

    def filter_eligible(self, messages: Messages) -> Messages:
        """The messages that the operation would change now."""
        return messages.filter(self.eligible)

    def lock_eligible(self, messages: Messages, limit: int) -> list[int]:
        """Lock the first eligible messages in primary key order, which prevents deadlocks."""
        rows = self.filter_eligible(messages).order_by("pk").select_for_update(of=("self",))
        return list(rows.values_list("pk", flat=True)[:limit])

    def apply(self, ids: Collection[int], action: int) -> int:
        """Change the messages that are still eligible; returns how many. `action` is the audit log id."""
        if not ids:
            return 0
        rows = self.filter_eligible(ProcessedMessage.objects.filter(pk__in=ids))
        if self.change is not None:
            return self.change(rows, action)
        return rows.update(**(self.columns or {}), last_action=action)


_REQUEUE: dict[str, Any] = {
    "status": Status.WAITING,
    "due_at": ClockTimestamp(),
    "finished_at": None,
    "attempts": 0,
    "crashes": 0,
    "isolated": False,
    "deferred_since": None,
    "reason": "",
}
# The object that a pointer names may be repaired in S3, or by a setting; a delivery never changes.
_CAN_SUCCEED = Q(status=Status.DEAD) | Q(status=Status.QUARANTINED, event_type=S3_POINTER)
# Only a dead message was claimed: quarantining a message clears the claim.
_STATUS_BEFORE_DISCARD = Case(
    When(claimed_at__isnull=False, then=Value(Status.DEAD.value)), default=Value(Status.QUARANTINED.value)
)
READABLE = ~Q(content={})
"""Messages whose content is not redacted."""
REPLAYABLE = (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED, Status.DEAD)
"""Statuses that a worker sets at the end. A quarantined delivery holds no event."""
FINISHED = Q(status__in=REPLAYABLE) & ~Q(record_id="")
"""Messages that a worker finished. One without a record is a pointer, or was quarantined by a person."""
_RETRY_PERMISSION = "passport_events.retry_message"
_FLOW_PERMISSION = "passport_events.pause_flow"

RETRY = Operation(
    name="retry",
    kind=ActionKind.RETRY,
    label="Retry",
    meaning="Requeued with all attempts, under the same idempotency key. See the status for the result.",
    permission=_RETRY_PERMISSION,
    done="requeued",
    eligible=_CAN_SUCCEED & READABLE,
    columns=_REQUEUE,
)
TEST_RETRY = Operation(
    name="test-retry",
    kind=ActionKind.RETRY,
    label="Test retry",
    meaning="Requeues the newest message only. See its status before you retry the rest.",
    permission=_RETRY_PERMISSION,
    done="requeued",
    form=OperationForm.REASON,
    allows_everything=False,
    eligible=RETRY.eligible,
)
# After a failure, or after a handler raised RetryLater; not while another worker holds the record.
RETRY_NOW = Operation(
    name="retry-now",
    kind=ActionKind.RETRY_NOW,
    label="Retry now",
    meaning="Messages that wait for their next attempt become due now. No attempt is lost. Paused messages "
    "stay paused.",
    permission=_RETRY_PERMISSION,
    done="due now",
    eligible=Q(status=Status.WAITING, due_at__gt=StatementTimestamp())
    & (Q(attempts__gt=0) | Q(deferred_since__isnull=False)),
    columns={"due_at": ClockTimestamp()},
)
DRY_RUN = Operation(
    name="dry-run",
    kind=ActionKind.REHEARSE,
    label="Dry run",
    meaning="Runs the handler of this release against the newest messages, rolls each transaction back, and "
    "shows what would differ. Effects outside the database are not rolled back.",
    permission="passport_events.rehearse_handler",
    form=OperationForm.DRY_RUN,
    needs_reason=False,
    eligible=FINISHED & READABLE,
)
REPLAY = Operation(
    name="replay",
    kind=ActionKind.REPLAY,
    label="Replay",
    meaning="Runs finished messages again, succeeded ones too, in a new generation with a new idempotency "
    "key. Effects of a handler outside the database happen again.",
    permission="passport_events.replay_message",
    done="requeued",
    allows_everything=False,
    eligible=FINISHED & READABLE,
    columns={**_REQUEUE, "generation": F("generation") + 1},
)
DISCARD = Operation(
    name="discard",
    kind=ActionKind.DISCARD,
    label="Discard",
    meaning="Discarded messages are not handled. They can be restored until they are purged.",
    permission="passport_events.discard_message",
    done="discarded",
    eligible=Q(status__in=(Status.DEAD, Status.QUARANTINED)),
    columns={"status": Status.DISCARDED, "finished_at": ClockTimestamp()},
)
RESTORE = Operation(
    name="restore",
    kind=ActionKind.RESTORE,
    label="Restore",
    meaning="Discarded messages become dead or quarantined again, as they were.",
    permission="passport_events.discard_message",
    done="restored",
    needs_reason=False,
    eligible=Q(status=Status.DISCARDED),
    columns={"status": _STATUS_BEFORE_DISCARD},
)
REPROCESS = Operation(
    name="reprocess",
    kind=ActionKind.REPROCESS,
    label="Reprocess",
    meaning="Parses the stored bytes again with today's settings and organizations. Messages that can be "
    "parsed are handled; the others stay quarantined, with the new reason.",
    permission="passport_events.reprocess_message",
    done="messages reprocessed",
    needs_reason=False,
    eligible=reprocess.REPROCESSABLE,
    change=reprocess.reprocess_messages,
    max_step_messages=250,
)
EXPORT = Operation(
    name="export",
    kind=ActionKind.EXPORT,
    label="Export",
    meaning="Downloads a file with at most 50,000 messages, the oldest first.",
    permission="passport_events.export_message",
    form=OperationForm.EXPORT,
    needs_reason=False,
)
NOTE = Operation(
    name="note",
    kind=ActionKind.NOTE,
    label="Add note",
    meaning="The note stays on this group. A retry does not remove it.",
    permission="passport_events.note_message",
    form=OperationForm.NOTE,
    needs_group=True,
)
PAUSE = Operation(
    name="pause",
    kind=ActionKind.PAUSE,
    label="Pause",
    meaning="Messages are stored and wait. They lose no attempts.",
    permission=_FLOW_PERMISSION,
    done="paused",
    form=OperationForm.REASON,
)
RATE_LIMIT = Operation(
    name="rate-limit",
    kind=ActionKind.THROTTLE,
    label="Rate limit",
    meaning="At most so many messages a minute are handled; the others wait and lose no attempts. It "
    "replaces another rate limit of the same scope.",
    permission=_FLOW_PERMISSION,
    form=OperationForm.RATE,
)
RESUME = Operation(
    name="resume",
    kind=ActionKind.PAUSE,
    label="Resume",
    meaning="Waiting messages are handled again. Pauses of one event type stay.",
    permission=_FLOW_PERMISSION,
    done="resumed",
    form=OperationForm.REASON,
    needs_reason=False,
)

ON_MESSAGES: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        TEST_RETRY,
        RETRY,
        RETRY_NOW,
        DRY_RUN,
        REPLAY,
        DISCARD,
        RESTORE,
        REPROCESS,
        EXPORT,
        NOTE,
    )
}
"""Operations on a selection of messages by name, in the order of their buttons."""
IN_STEPS: Mapping[ActionKind, Operation] = {
    operation.kind: operation for operation in ON_MESSAGES.values() if operation.runs_in_steps
}
"""Operations that the runner executes, by kind."""
