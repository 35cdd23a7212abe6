"""What the doctor says: an id to look up, one sentence, and the way out."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from passport_events.exceptions import PassportEventsError

# Every id that there is, once; docs/doctor.md explains them. The letter is the place: SQS, S3, SNS, Redis and
# RQ, the database, messages, the canary.
# fmt: off
Id = Literal[
    "Q0", "Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8", "Q9", "Q10", "Q11", "Q12", "Q13", "Q14", "Q15",
    "S1",
    "T0", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8",
    "R0", "R1", "R2", "R3", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R14",
    "D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14",
    "M0", "M1",
    "C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9",
]
# fmt: on


class Severity(enum.StrEnum):
    """How bad it is."""

    ERROR = "error"  # a promise is broken, or nothing flows
    WARNING = "warning"  # it works, and one day it will not
    UNASKED = "unasked"  # somebody else's rights or a setting kept it from being asked
    NOT_TRIED = "not tried"  # it cannot be tried without side effects, or only with an option
    GOOD = "good"


@dataclasses.dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at. The ids are in docs/doctor.md."""

    id: Id
    severity: Severity
    text: str
    hint: str = ""


def report_error(number: Id, text: str, hint: str) -> DoctorFinding:
    """Something that has to be put right."""
    return DoctorFinding(number, Severity.ERROR, text, hint)


def report_warning(number: Id, text: str, hint: str) -> DoctorFinding:
    """Something that should be put right."""
    return DoctorFinding(number, Severity.WARNING, text, hint)


def report_denied(number: Id, text: str, hint: str) -> DoctorFinding:
    """Something that could not be looked at."""
    return DoctorFinding(number, Severity.UNASKED, text, hint)


def report_not_tried(number: Id, text: str, hint: str) -> DoctorFinding:
    """Something that was not tried."""
    return DoctorFinding(number, Severity.NOT_TRIED, text, hint)


def report_ok(number: Id, text: str) -> DoctorFinding:
    """Something that was tried, or asked for, and is right."""
    return DoctorFinding(number, Severity.GOOD, text)


def has_trouble(findings: Iterable[DoctorFinding]) -> bool:
    """Whether any of them is trouble."""
    return any(finding.severity in (Severity.ERROR, Severity.WARNING) for finding in findings)


def run_guarded(
    number: Id, what: str, part: Callable[[], Iterable[DoctorFinding]], hint: str
) -> Iterator[DoctorFinding]:
    """The findings of one part. An error of the part is a finding too, so the other parts still run."""
    try:
        yield from part()
    except Exception as failure:  # noqa: BLE001  # the other parts must run
        # The driver's class says more than Django's: `UndefinedTable`, `InsufficientPrivilege`.
        kind = type(failure.__cause__ or failure).__name__
        said = str(failure).rstrip(".") if isinstance(failure, PassportEventsError) else kind
        yield report_error(number, f"{what}: {said}.", hint)
