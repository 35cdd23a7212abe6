"""Pauses grow, up to half a minute, and one error too many is raised."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from passport_events.exceptions import QueueUnavailable
from passport_events.processes.backoff import MAX_PAUSE_SECONDS, Backoff
from passport_events.processes.errors import describe_error
from tests.harness.notifications import Notifications

ERROR = QueueUnavailable("SQS did not answer a receive: AccessDenied")


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport_events.processes.backoff.random.random", lambda: 0.0)


def test_each_pause_is_twice_the_one_before_until_half_a_minute(no_jitter: None) -> None:
    backoff = Backoff(100)
    assert [backoff.note_failure("sqs", ERROR) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_jitter_shortens_a_pause_by_at_most_half() -> None:
    pauses = [Backoff(2).note_failure("sqs", ERROR) for _ in range(200)]
    assert min(pauses) >= 0.25
    assert max(pauses) <= 0.5
    assert len(set(pauses)) > 100


def test_a_million_errors_do_not_overflow(no_jitter: None) -> None:
    assert Backoff(10**9, errors=10**6).note_failure("sqs", ERROR) == MAX_PAUSE_SECONDS


def test_success_starts_again_from_the_shortest_pause(no_jitter: None) -> None:
    backoff = Backoff(100)
    for _ in range(5):
        backoff.note_failure("sqs", ERROR)
    backoff.note_success("sqs")
    assert backoff.note_failure("sqs", ERROR) == 0.5


def test_the_last_error_in_a_row_is_raised_itself() -> None:
    backoff = Backoff(3)
    backoff.note_failure("sqs", ERROR)
    backoff.note_failure("database", ERROR)
    with pytest.raises(QueueUnavailable) as raised:
        backoff.note_failure("sqs", ERROR)
    assert raised.value is ERROR


def test_sixty_errors_in_a_row_are_about_half_an_hour(no_jitter: None) -> None:
    backoff = Backoff(61)
    seconds = sum(backoff.note_failure("sqs", ERROR) for _ in range(60))
    assert 20 * 60 < seconds * 0.75 < 30 * 60


def test_it_says_what_is_away_and_why_and_never_what_a_database_repeats(notifications: Notifications) -> None:
    backoff = Backoff(10)
    backoff.note_failure("sqs", ERROR)
    away = OperationalError("Key (email)=(student@example.edu)")
    backoff.note_failure("database", away)
    backoff.note_success("sqs", "database")
    assert [facts for _, facts in notifications] == [
        {"what": "sqs", "state": "away", "reason": "SQS did not answer a receive: AccessDenied"},
        {"what": "database", "state": "away", "reason": describe_error(away)},
        {"what": "sqs", "state": "here"},
        {"what": "database", "state": "here"},
    ]
    assert "student" not in describe_error(away)
