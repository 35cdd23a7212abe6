"""Why a message stands where it stands, in the words that people search a runbook for."""

from __future__ import annotations

import dataclasses

from passport_events.models import AttemptOutcome, MessageAttempt, ProcessedMessage, Status

CRASH = "crash"
"""What a runbook calls a worker that died with a message in its hands."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong."""

    error: str
    """The error's class in full, the stable word of a quarantine, or `crash`; empty where none is known."""
    text: str = ""
    place: str = ""
    """The innermost function of the project's own code, `module:function`."""


def cause_of(message: ProcessedMessage, attempt: MessageAttempt | None) -> Cause:
    """Of a message and its last attempt that failed, if there is one."""
    if message.status == Status.QUARANTINED or attempt is None:
        word, _, detail = message.reason.partition(": ")
        # A dead letter's reason begins with how it ended, and the error comes behind.
        return Cause(detail, word) if message.status == Status.DEAD and detail else Cause(word, detail)
    if attempt.outcome == AttemptOutcome.CRASHED:
        return Cause(CRASH, attempt.error)
    return Cause(attempt.error_class, attempt.error, attempt.own_frames.partition("\n")[0])
