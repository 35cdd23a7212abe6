"""Addresses outside: the trace of a message, and what the runbook says about an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from passport_events import conf

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_UPPER_HALF = re.compile(r"(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)")
_NONE = "0" * 32


def trace_url(headers: Mapping[str, str]) -> str:
    """Where the trace that a delivery came with is shown; empty without one, or without `TRACE_URL`."""
    found, template = trace_id(headers), conf.current().trace_url
    return template.replace("{trace_id}", found) if found and template else ""


def trace_id(headers: Mapping[str, str]) -> str:
    """The 32 hexadecimal digits of a trace, as W3C and Datadog write them; empty where there are none.

    Datadog's own header is the lower half as a decimal number; the upper one stands among the tags.
    """
    if found := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return "" if found[1] == _NONE else found[1]
    number = headers.get("x-datadog-trace-id", "")
    if not _DECIMAL.fullmatch(number) or not 0 < int(number) < 2**64:
        return ""
    upper = _UPPER_HALF.search(headers.get("x-datadog-tags", ""))
    return f"{upper[1] if upper else '0' * 16}{int(number):016x}"


def runbook_url(error: str) -> str:
    """What to do about an error; empty without one, or without `RUNBOOK_URL`."""
    template = conf.current().runbook_url
    return template.replace("{error}", quote(error, safe="")) if error and template else ""
