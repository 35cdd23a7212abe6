"""Why a message stands where it stands."""

from __future__ import annotations

import pytest

from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating.explain import FailureCause, explain_failure

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
