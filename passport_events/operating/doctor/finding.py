"""What the doctor says: an id to look up, one sentence, and the way out."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable


class Severity(enum.StrEnum):
    """How bad it is."""

    ERROR = "error"  # a promise is broken, or nothing flows
    WARNING = "warning"  # it works, and one day it will not
    UNASKED = "unasked"  # somebody else's rights or a setting kept it from being asked
    GOOD = "good"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. The ids are in docs/doctor.md."""

    id: str
    """The place and a number: `Q` queue, `T` topic, `R` Redis and RQ, `D` database, `C` canary."""
    severity: Severity
    text: str
    mend: str = ""


def error(number: str, text: str, mend: str) -> Finding:
    """Something that has to be put right."""
    return Finding(number, Severity.ERROR, text, mend)


def warning(number: str, text: str, mend: str) -> Finding:
    """Something that should be put right."""
    return Finding(number, Severity.WARNING, text, mend)


def unasked(number: str, text: str, mend: str) -> Finding:
    """Something that could not be looked at."""
    return Finding(number, Severity.UNASKED, text, mend)


def good(number: str, text: str) -> Finding:
    """Something that is as it should be."""
    return Finding(number, Severity.GOOD, text)


def needs_somebody(findings: Iterable[Finding]) -> bool:
    """Whether any of them is trouble."""
    return any(finding.severity in (Severity.ERROR, Severity.WARNING) for finding in findings)
