"""Case C12. Nothing that others chose can begin a log line, repaint a terminal or pass for another fact."""

from __future__ import annotations

import io
import logging
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.base import OutputWrapper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passport_events.exceptions import ThreadCrashed
from passport_events.instrumentation import Notification, emit
from passport_events.management.process import exit_with_error
from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.observing import logs
from passport_events.operating.audit_log import Actor, record_payload_view
from passport_events.processes.backoff import Backoff
from passport_events.receiving import organization_cache
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, organization_id
from tests.harness.strategies import recursive
from tests.receiving.factories import opportunity

HOSTILE = "eve\nERROR passport_events died\r\x1b[2J\x85\u2028\u2029\u202egnp.exe\x00\ud800\u200b"
FORGED = 'eve count=1000 actor="root"'


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    logs._states.clear()
    organization_cache.clear()
    yield
    logs._states.clear()


class Lines(logging.Handler):
    """Collects what a plain formatter and one that prints the facts would write."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep its text and facts."""
        facts = record.__dict__["passport"]
        self.shown.append(" ".join([record.getMessage(), *map(str, facts.values()), *map(repr, facts)]))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    level = logs.logger.level
    logs.logger.addHandler(handler)
    logs.logger.setLevel(logging.DEBUG)
    yield handler
    logs.logger.removeHandler(handler)
    logs.logger.setLevel(level)


def is_safe(text: str) -> bool:
    """One line without anything that a terminal acts on."""
    return not any(unicodedata.category(c).startswith(("C", "Zl", "Zp")) for c in text)


FACTS = recursive(
    st.text() | st.integers() | st.none() | st.just(HOSTILE) | st.builds(ValueError, st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # Unicode's tables are read first
@given(stage=st.sampled_from(Notification), facts=st.dictionaries(st.sampled_from(["a", "b", "what"]), FACTS))
def test_every_fact_of_every_stage_stays_in_its_line(stage: Notification, facts: dict[str, Any]) -> None:
    handler = Lines()
    logs._states.clear()
    logs.logger.addHandler(handler)
    level = logs.logger.level
    logs.logger.setLevel(logging.DEBUG)
    try:
        emit(stage, **{"what": "x", "state": "away", **facts})
    finally:
        logs.logger.removeHandler(handler)
        logs.logger.setLevel(level)
    assert handler.shown
    assert all(map(is_safe, handler.shown))


def test_a_value_does_not_pass_for_another_fact(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    emit(Notification.OPERATED, kind="retry", actor=FORGED, count=1)
    assert caplog.messages[-1] == 'operated kind=retry actor="eve count=1000 actor=\\"root\\"" count=1'


@pytest.mark.django_db(transaction=True)
def test_the_name_of_a_user_stays_in_its_line(lines: Lines) -> None:
    user = User.objects.create(username="eve\nERROR died\x1b[2J")
    record_payload_view(_a_message(), Actor.from_user(user))
    assert lines.shown
    assert all(map(is_safe, lines.shown))
    assert any("eve\\nERROR died\\x1b[2J" in line for line in lines.shown)


def _a_message() -> ProcessedMessage:
    queue = FakeQueue()
    queue.send(opportunity(1, organization=organization_id(9)))
    poll_once(queue)
    return ProcessedMessage.objects.get()


@pytest.mark.django_db(transaction=True)
def test_the_line_of_a_quarantine_names_the_organization_and_ids(lines: Lines) -> None:
    message = _a_message()
    (line,) = [line for line in lines.shown if line.startswith("quarantined")]
    assert f"organization={organization_id(9)}" in line
    assert f"sqs_message_id={message.delivery.sqs_message_id}" in line
    assert f"delivery_id={message.delivery_id}" in line
    assert f"record_id={message.record_id}" in line
    assert not SalesforceOrganization.objects.exists()


def test_the_class_of_an_error_stays_in_its_line(lines: Lines) -> None:
    error = type(HOSTILE.replace("\x00", "").replace("\ud800", ""), (Exception,), {})()
    Backoff(9).note_failure("sqs\n" + HOSTILE, error)
    assert lines.shown
    assert all(map(is_safe, lines.shown))


def test_the_reason_of_a_process_that_gives_up_stays_in_its_line(lines: Lines) -> None:
    errors = io.StringIO()
    with pytest.raises(SystemExit):
        exit_with_error("poll_sqs", ThreadCrashed(HOSTILE), OutputWrapper(errors))
    assert is_safe(errors.getvalue().removesuffix("\n"))
    assert all(map(is_safe, lines.shown))
