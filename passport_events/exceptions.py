"""Every error of the package.

PassportEventsError
├── ConfigurationError        the settings are wrong
│   ├── HandlerConflict       two handlers claim one event type
│   ├── HandlerOptionsConflict  a handler asks for two things that exclude each other
│   └── InvalidHandler        what was registered cannot be called as a handler
├── InvalidHandlerResult      a handler returned what never runs, or an error instead of raising it
├── HandlerClosedConnection   a handler closed the connection of its transaction
├── HandlerEndedTransaction   a handler committed or rolled back by SQL of its own
├── JobFailed                 a job of RQ ended with an error of ours
├── Unreadable                a delivery is not an event; it is quarantined with this reason
├── FieldUnknown              a handler asked for a field the mirror has not seen (a KeyError)
├── LeaseLost                 another worker took over; everything of this attempt is rolled back
├── JobRefused                an RQ job is no hint of ours; it is not executed
├── QueueUnavailable          SQS could not be asked
├── StartFailed               a process cannot start, and waiting does not help
├── PayloadUnavailable        S3 did not hand out what a pointer points at; it is asked again
├── OperationRefused          what an operator asked for cannot be done
│   └── NothingToDo           no message fits what was asked for
├── TopicUnavailable          SNS took nothing of a request
├── ThreadCrashed             a thread of a long-running process ended with an unexpected error
├── ThreadStuck               a thread of a long-running process exceeded the time of its step
└── Verdict                   what a handler raises to speak
    ├── RetryLater
    ├── Reject
    └── Discard
"""

from __future__ import annotations

import enum
from datetime import timedelta


class UnknownReason(enum.StrEnum):
    """Why the mirror does not know a field."""

    NOT_SEEN = (
        "{name} of {record_id} is not known yet; declare the handler with needs_complete=True "
        "or use record.get({name!r}, default)."
    )
    NOT_MIRRORED = (
        "{name} of {record_id} is not mirrored: add it to MIRROR_FIELDS, "
        "or use record.get({name!r}, default)."
    )
    MISTYPED = "No record like {record_id} has a field {name}."
    COMPOUND = "{name} of {record_id} is a compound field, which has no value of its own."


class PassportEventsError(Exception):
    """The root of every error this package raises on purpose."""


class ConfigurationError(PassportEventsError):
    """`PASSPORT_EVENTS` is wrong. `manage.py check` names the key and the way out."""


class HandlerConflict(ConfigurationError):
    """Two handlers claim one event type. Keep one, and call the other from it."""


class HandlerOptionsConflict(ConfigurationError):
    """A handler asks for two things that exclude each other. Keep one."""


class InvalidHandler(ConfigurationError):
    """What was registered with @handles cannot be called with an event and a record, or would never run."""


class InvalidHandlerResult(PassportEventsError):
    """A handler or its `prepare` returned what never runs, or an error instead of raising it."""


class HandlerClosedConnection(PassportEventsError):
    """The database connection was closed inside the handler's transaction, so that its writes are undone."""

    def __init__(self) -> None:
        super().__init__(
            "The database connection was closed inside the handler's transaction, and its writes are undone. "
            "Remove close_old_connections(), connection.close() or connections.close_all() from the handler "
            "and from what it calls: the worker looks after its connections."
        )


class HandlerEndedTransaction(PassportEventsError):
    """The handler ended the transaction that it runs in; what it wrote before may be committed."""

    def __init__(self) -> None:
        super().__init__(
            "The handler ended its transaction by COMMIT, ROLLBACK or a savepoint in SQL of its own. Remove "
            "it: the worker commits. Raise an error to undo all writes, or use transaction.atomic()."
        )


class JobFailed(PassportEventsError):
    """A job of RQ ended with an error of ours; its text holds no value, because Redis keeps it."""


class Unreadable(PassportEventsError):
    """These bytes are not an event.

    `reason` is a short stable word for filters and counts; `detail` says where, and never repeats
    a value, because values are student data.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class FieldUnknown(PassportEventsError, KeyError):
    """The mirror does not know the value of this field. The text names the reason and what to do.

    `near` is the field of the record that was probably meant: one with a similar name, or a part of a
    compound field. A complete record raises it only for a name that none of the compared records has, for a
    compound field, and for a field that MIRROR_FIELDS leaves out.
    """

    def __init__(
        self, name: str, record_id: str, near: str = "", reason: UnknownReason = UnknownReason.NOT_SEEN
    ) -> None:
        hint = f" Did you mean {near}?" if near else ""
        last = f" If {name} is right, use record.get({name!r})." if reason is UnknownReason.MISTYPED else ""
        super().__init__(reason.format(name=name, record_id=record_id) + hint + last)
        self.name = name
        self.record_id = record_id
        self.near = near

    def __str__(self) -> str:
        # KeyError shows the repr of its argument.
        return str(self.args[0])


class LeaseLost(PassportEventsError):
    """The lease of this message ended and somebody else may hold it; nothing of this attempt stays."""


class JobRefused(PassportEventsError):
    """An RQ job in one of our queues is no hint. Nothing of it was imported, unpickled or executed.

    Give other jobs other queues and workers. Where no job of yours can be there, somebody else can write
    to Redis.
    """


class QueueUnavailable(PassportEventsError):
    """SQS could not be asked. `__cause__` is botocore's own error.

    `is_permanent` says that the same request would fail again: a name, a right or a credential is wrong.
    """

    def __init__(self, text: str, *, is_permanent: bool = False) -> None:
        super().__init__(text)
        self.is_permanent = is_permanent


class StartFailed(PassportEventsError):
    """A process cannot do its work, it has not done any yet, and waiting does not help. It exits 2."""


class PayloadUnavailable(PassportEventsError):
    """S3 did not hand out what a pointer points at. See that it is there and may be read, then retry.

    The text names the bucket, which is in the settings, and not the key, which a publisher chose.
    `is_away` says that S3 itself did not answer, or was too busy to: then there is nothing to see to.
    """

    def __init__(self, bucket: str, what: str, *, is_away: bool) -> None:
        super().__init__(
            f"S3 did not hand out an object of the bucket {bucket}: {what}. See that it is there and "
            "that workers may s3:GetObject it (and kms:Decrypt), then retry."
        )
        self.bucket = bucket
        self.is_away = is_away


class TopicUnavailable(PassportEventsError):
    """SNS took nothing of a request, or nobody knows what. `__cause__` is botocore's own error.

    `code` is AWS's word for the reason; `is_final` says that asking again is of no use.
    """

    def __init__(self, code: str, *, is_final: bool, hint: str = "") -> None:
        super().__init__(f"SNS did not take a request: {code}{hint and ' ' + hint}")
        self.code = code
        self.is_final = is_final


class ThreadCrashed(PassportEventsError):
    """A loop met an error that it does not expect, its `__cause__`. A supervisor starts all of them again."""


class ThreadStuck(PassportEventsError):
    """A loop is in one step for longer than it can take. Nothing ends a thread, so the process has to end."""


class OperationRefused(PassportEventsError):
    """What was asked for cannot be done; the text says why, and what to do instead."""


class NothingToDo(OperationRefused):
    """No message fits what an operator asked for; perhaps somebody else was first."""


class Verdict(PassportEventsError):
    """What a handler raises to say how its event shall end. Raise one of the subclasses."""


class RetryLater(Verdict):
    """Try this event again after `delay` (seconds or a timedelta), because what it needs is away.

    Costs no attempt for a week after the first time, however often it is said; then it counts.
    """

    def __init__(self, delay: float | timedelta, reason: str = "") -> None:
        super().__init__(reason or "the handler asked to be called again later")
        self.delay = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)


class Reject(Verdict):
    """This event can never succeed: it becomes a dead letter at once, without retries."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Discard(Verdict):
    """This event is of no interest: it ends as `ignored`, and nobody is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
