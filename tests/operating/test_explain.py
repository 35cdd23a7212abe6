"""Causes of failures, links to trace and runbook, displayed statuses."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating.explain import (
    FailureCause,
    build_runbook_url,
    build_trace_url,
    explain_failure,
    parse_trace_id,
)

FAILED = MessageAttempt(outcome="dead", error_class="a.B", error="text", own_frames="m:f\nm:g")
CRASHED = MessageAttempt(outcome="crashed", error="The worker died.")


@pytest.mark.parametrize(
    ("status", "reason", "attempt", "cause"),
    [
        ("dead", "retries used up: a.B", FAILED, FailureCause("a.B", "text", "m:f")),
        ("dead", "poison: took its worker with it", CRASHED, FailureCause("crash", "The worker died.")),
        ("dead", "retries used up: a.B", None, FailureCause("a.B", "retries used up")),
        ("dead", "", None, FailureCause("")),
        ("waiting", "a.B", FAILED, FailureCause("a.B", "text", "m:f")),
        ("waiting", "needs_complete", None, FailureCause("needs_complete")),
        ("quarantined", "bad_json: at byte 3", None, FailureCause("bad_json", "at byte 3")),
        ("quarantined", "unknown_organization", FAILED, FailureCause("unknown_organization")),
    ],
)
def test_a_cause_comes_from_the_last_attempt_or_the_reason(
    status: str, reason: str, attempt: MessageAttempt | None, cause: FailureCause
) -> None:
    assert explain_failure(ProcessedMessage(status=status, reason=reason), attempt) == cause


TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, ""),
        ({"traceparent": PARENT}, TRACE),
        ({"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"}, ""),
        ({"traceparent": "javascript:alert(1)"}, ""),
        ({"traceparent": f"{PARENT}\n"}, ""),
        ({"x-datadog-trace-id": "255"}, "000000000000000000000000000000ff"),
        (
            {"x-datadog-trace-id": "255", "x-datadog-tags": "_dd.p.dm=-1,_dd.p.tid=66ab1c2d00000000"},
            "66ab1c2d0000000000000000000000ff",
        ),
        ({"x-datadog-trace-id": "0"}, ""),
        ({"x-datadog-trace-id": str(2**64)}, ""),
        ({"x-datadog-trace-id": "٣"}, ""),
        ({"x-datadog-trace-id": "1", "traceparent": PARENT}, TRACE),
    ],
)
def test_a_trace_is_known_by_either_header(headers: dict[str, str], found: str) -> None:
    assert parse_trace_id(headers) == found


def test_addresses_are_made_from_the_settings_and_empty_without(settings: Settings) -> None:
    assert (build_trace_url({"traceparent": PARENT}), build_runbook_url("a.B")) == ("", "")
    settings.PASSPORT_EVENTS = {
        **settings.PASSPORT_EVENTS,
        "TRACE_URL": "https://app.datadoghq.com/apm/trace/{trace_id}?x=1",
        "RUNBOOK_URL": "https://wiki.example/{error}",
    }
    assert build_trace_url({"traceparent": PARENT}) == f"https://app.datadoghq.com/apm/trace/{TRACE}?x=1"
    assert build_trace_url({}) == build_runbook_url("") == ""
    assert build_runbook_url('a.B"><script>/../') == "https://wiki.example/a.B%22%3E%3Cscript%3E%2F..%2F"
