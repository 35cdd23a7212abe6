"""Findings of health: every code is declared here, once."""

from __future__ import annotations

import dataclasses
import enum


class Code(enum.StrEnum):
    """Codes of `passport health --json`; docs/operating.md explains them."""

    WELL = ""

    NOT_ASKED = "not_asked"
    NO_POLLER = "no_poller"
    POLLER_SILENT = "poller_silent"
    POLLER_WITHOUT_ANSWER = "poller_without_answer"
    REDIS_AWAY = "redis_away"
    REDIS_REFUSES = "redis_refuses"
    UNKNOWN_TYPE = "unknown_type"
    ORGANIZATION_SILENT = "organization_silent"

    # Why due messages are not claimed.
    NO_WORKER = "no_worker"
    WORKERS_SUSPENDED = "workers_suspended"
    JOB_UNREADABLE = "job_unreadable"
    JOB_WITHOUT_CODE = "job_without_code"
    JOB_TOO_LONG = "job_too_long"
    JOB_FAILED = "job_failed"
    JOB_REFUSED = "job_refused"
    WORKER_DIED = "worker_died"
    HINTS_NOT_TAKEN = "hints_not_taken"
    WORKERS_BUSY = "workers_busy"
    NOT_DISPATCHED = "not_dispatched"
    HINTS_ELSEWHERE = "hints_elsewhere"

    # Failed messages.
    DEAD_LETTERS = "dead_letters"
    QUARANTINED = "quarantined"
    POISON = "poison"
    DEAD_LETTER_QUEUE = "dead_letter_queue"

    # Warnings.
    DEAD_LETTER_QUEUE_NOT_ASKED = "dead_letter_queue_not_asked"
    PAUSED = "paused"
    THROTTLED = "throttled"


class Level(enum.StrEnum):
    """The level of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


WARNINGS = frozenset({Code.DEAD_LETTER_QUEUE_NOT_ASKED, Code.PAUSED, Code.THROTTLED})
"""Codes with level WARN: `passport health` exits with 0."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    name: str
    code: Code
    text: str
    hint: str = ""

    @property
    def level(self) -> Level:
        """Decided by the code alone."""
        if self.code is Code.WELL:
            return Level.OK
        return Level.WARN if self.code in WARNINGS else Level.FAIL

    @property
    def ok(self) -> bool:
        """False where `passport health` exits with 1."""
        return self.level is not Level.FAIL


def report_ok(name: str, text: str) -> Finding:
    """A finding with level OK."""
    return Finding(name, Code.WELL, text)
