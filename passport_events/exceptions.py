"""Every error of the package.

PassportEventsError
├── ConfigurationError        the settings are wrong
│   ├── HandlerConflict       two handlers claim one event type
│   └── HandlerOptionsConflict  a handler asks for two things that exclude each other
├── Unreadable                a delivery is not an event; it is quarantined with this reason
├── FieldUnknown              a handler asked for a field the mirror has not seen (a KeyError)
├── LeaseLost                 another worker took over; everything of this attempt is rolled back
├── QueueUnavailable          SQS could not be asked
├── PayloadUnavailable        S3 did not hand out what a pointer points at; it is asked again
├── OperationRefused          what an operator asked for cannot be done
│   └── NothingToDo           no message fits what was asked for
├── TopicUnavailable          SNS took nothing of a request
├── LoopDied                  a loop of a process that runs for ever died of a bug
├── LoopHangs                 such a loop stands still
└── Verdict                   what a handler raises to speak
    ├── RetryLater
    ├── Reject
    └── Discard
"""

from __future__ import annotations

from datetime import timedelta


class PassportEventsError(Exception):
    """The root of every error this package raises on purpose."""


class ConfigurationError(PassportEventsError):
    """`PASSPORT_EVENTS` is wrong. `manage.py check` names the key and the way out."""


class HandlerConflict(ConfigurationError):
    """Two handlers claim one event type. Keep one, and call the other from it."""


class HandlerOptionsConflict(ConfigurationError):
    """A handler asks for two things that exclude each other. Keep one."""


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
    """The mirror has not seen this field of the record.

    Ask for `needs_complete=True` to wait until it has, or use `record.get(name, default)`.
    """

    def __init__(self, name: str, record_id: str) -> None:
        super().__init__(
            f"{name} of {record_id} is not known yet; declare the handler with needs_complete=True "
            f"or use record.get({name!r}, default)."
        )
        self.name = name
        self.record_id = record_id

    def __str__(self) -> str:
        # KeyError shows the repr of its argument.
        return str(self.args[0])


class LeaseLost(PassportEventsError):
    """The lease of this message ended and somebody else may hold it; nothing of this attempt stays."""


class QueueUnavailable(PassportEventsError):
    """SQS could not be asked. `__cause__` is botocore's own error."""


class PayloadUnavailable(PassportEventsError):
    """S3 did not hand out what a pointer points at. See that it is there and may be read, then retry.

    `is_away` says that S3 itself did not answer, or was too busy to: then there is nothing to see to.
    """

    def __init__(self, text: str, *, is_away: bool) -> None:
        super().__init__(text)
        self.is_away = is_away


class TopicUnavailable(PassportEventsError):
    """SNS took nothing of a request, or nobody knows what. `__cause__` is botocore's own error.

    `code` is AWS's word for the reason; `is_final` says that asking again is of no use.
    """

    def __init__(self, code: str, *, is_final: bool) -> None:
        super().__init__(f"SNS did not take a request: {code}")
        self.code = code
        self.is_final = is_final


class LoopDied(PassportEventsError):
    """A loop met an error that it does not expect, its `__cause__`. A supervisor starts all of them again."""


class LoopHangs(PassportEventsError):
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
