"""Explain a message: its failure, links to trace and runbook, and its displayed status."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from urllib.parse import quote

from passport_events import conf
from passport_events.models import AttemptOutcome, MessageAttempt, ProcessedMessage, Status

CRASH = "crash"
"""The error name of a worker that crashed while it handled the message."""


@dataclasses.dataclass(frozen=True, slots=True)
class FailureCause:
    """The cause of a failure."""

    error: str
    """Full class name of the error, reason code of a quarantine, or `crash`; empty if unknown."""
    text: str = ""
    place: str = ""
    """The innermost function of the project's own code, `module:function`."""


def explain_failure(message: ProcessedMessage, attempt: MessageAttempt | None) -> FailureCause:
    """The cause, from a message and its last failed attempt, if it has one."""
    if message.status == Status.QUARANTINED or attempt is None:
        word, _, detail = message.reason.partition(": ")
        # The reason of a dead letter is how it ended, then the error.
        return (
            FailureCause(detail, word)
            if message.status == Status.DEAD and detail
            else FailureCause(word, detail)
        )
    if attempt.outcome == AttemptOutcome.CRASHED:
        return FailureCause(CRASH, attempt.error)
    return FailureCause(attempt.error_class, attempt.error, attempt.own_frames.partition("\n")[0])


_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_UPPER_TRACE_ID = re.compile(r"(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)")
_NO_TRACE_ID = "0" * 32


def build_trace_url(headers: Mapping[str, str]) -> str:
    """The address of a delivery's trace; empty without a trace, or without `TRACE_URL`."""
    found, template = parse_trace_id(headers), conf.get_settings().trace_url
    return template.replace("{trace_id}", found) if found and template else ""


def parse_trace_id(headers: Mapping[str, str]) -> str:
    """The 32 hexadecimal digits of a trace id in W3C or Datadog headers; empty if there is none.

    Datadog's header has the lower half as a decimal number; the tags have the upper half.
    """
    if found := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return "" if found[1] == _NO_TRACE_ID else found[1]
    number = headers.get("x-datadog-trace-id", "")
    if not _DECIMAL.fullmatch(number) or not 0 < int(number) < 2**64:
        return ""
    upper = _UPPER_TRACE_ID.search(headers.get("x-datadog-tags", ""))
    return f"{upper[1] if upper else '0' * 16}{int(number):016x}"


def build_runbook_url(error: str) -> str:
    """The runbook's address for an error; empty without an error, or without `RUNBOOK_URL`."""
    template = conf.get_settings().runbook_url
    return template.replace("{error}", quote(error, safe="")) if error and template else ""
