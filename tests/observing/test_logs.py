"""Every log line: ids and counts, changes said once, and never a payload."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from passport_events import instrumentation
from passport_events.instrumentation import Notification, emit
from passport_events.models import SalesforceOrganization
from passport_events.observing import logs
from passport_events.receiving import drafts, organization_cache
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, organization_id, record_id, relay_message, sns_notification
from project.embedded import ValkeyServer

SECRET = "Jane-Doe-1999"
HOME = organization_id(1)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """What is away, and which organizations are known, outlives a test."""
    logs._states.clear()
    organization_cache.clear()
    yield
    logs._states.clear()


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of our lines."""
    records = [record for record in caplog.records if record.name.startswith("passport_events")]
    return [(record.levelname, record.getMessage()) for record in records]


def everything(record: logging.LogRecord) -> str:
    """All that any formatter could print of a record."""
    return f"{record.getMessage()} {record.__dict__!r} {logging.Formatter().format(record)}"


def hostile() -> Iterator[bytes | str | dict[str, Any]]:
    """Bodies whose every value is the secret, and one of each way to be wrong."""
    good = relay_message(
        "Opportunity",
        record_id("Opportunity", 1),
        fields={"Name": SECRET, "Email__c": SECRET},
        organization=HOME,
    )
    text = json.dumps(good)
    yield good
    yield sns_notification(good, message_id="sns-1", attributes={"name": SECRET})
    yield text.replace(SECRET, SECRET + " again", 1)  # another content under the same key
    yield text.replace(HOME, organization_id(9))
    yield SECRET
    yield text[:-1]
    yield text.replace(f'"{SECRET}"', f'"{SECRET}\\u0000"')
    yield text.replace(f'"{SECRET}"', f'"{SECRET}\\ud800"')
    yield text.replace('"Email__c"', '"Name"')
    yield text.replace('"Name"', f'"{SECRET} [x]"')
    yield text.replace('"OpportunityChangeEvent"', f'"{SECRET}"').replace('"Opportunity"', f'"{SECRET} Jr."')
    yield text.replace(record_id("Opportunity", 1), SECRET)
    yield text.replace('"CREATE"', f'"{SECRET}"')
    yield json.dumps({"specversion": "1.0", "type": f"{SECRET}!.v1", "data": {"a": SECRET}})
    yield json.dumps({"Type": "Notification", "Message": SECRET, "MessageId": {SECRET: SECRET}})
    yield text.replace(f'"{SECRET}"', "[" * 100 + f'"{SECRET}"' + "]" * 100)
    yield b"\xff" + SECRET.encode()


@pytest.mark.django_db(transaction=True)
def test_no_line_of_a_poll_holds_a_value_of_an_event(
    redis_server: ValkeyServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
    queue = FakeQueue()
    for body in hostile():
        queue.send(body)

    create_delivery = drafts.create_delivery

    def spoiled(raw: Any, parsed: Any) -> Any:
        """The database refuses one, and its error repeats the row."""
        delivery = create_delivery(raw, parsed)
        if parsed and b"sns-1" in raw.body:
            delivery.body_size = -1
        return delivery

    monkeypatch.setattr(drafts, "create_delivery", spoiled)
    while poll_once(queue, wait_seconds=0).received:
        pass

    assert queue.bodies == []
    lines = said(caplog)
    assert any(text.startswith("quarantined reason=invalid_json organization=") for _, text in lines)
    assert ("DEBUG", "deleted count=10 failed=0") in lines
    assert [record for record in caplog.records if SECRET.lower() in everything(record).lower()] == []


def test_a_change_of_state_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    emit(Notification.STATE_CHANGED, what="sqs", state="here")  # as it was from the start
    for _ in range(3):
        emit(Notification.STATE_CHANGED, what="sqs", state="away", reason="AccessDenied")
        emit(Notification.STATE_CHANGED, what="database", state="here")
    for _ in range(3):
        emit(Notification.STATE_CHANGED, what="sqs", state="here")
    emit(Notification.STATE_CHANGED, what="sqs", state="away", reason="Timeout")

    assert said(caplog) == [
        ("ERROR", "state_changed what=sqs state=away reason=AccessDenied"),
        ("WARNING", "state_changed what=sqs state=here"),
        ("ERROR", "state_changed what=sqs state=away reason=Timeout"),
    ]


def test_what_stays_away_is_said_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case C5. One line in an hour is not found; once a minute is."""
    monkeypatch.setattr(logs, "REPEAT_SECONDS", 0)
    for _ in range(3):
        emit(Notification.STATE_CHANGED, what="sqs", state="away", reason="AccessDenied")
    assert len(said(caplog)) == 3
    for _ in range(3):
        emit(Notification.STATE_CHANGED, what="sqs", state="here")
    assert len(said(caplog)) == 4


def test_a_healthy_message_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for stage in (
        Notification.RECEIVED,
        Notification.STORED,
        Notification.DELETED,
        Notification.CLAIMED,
        Notification.STARTED,
        Notification.SUCCEEDED,
    ):
        emit(stage, count=1)
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("stage", "level"),
    [
        (Notification.QUARANTINED, "WARNING"),
        (Notification.RETRYING, "WARNING"),
        (Notification.LEASE_LOST, "WARNING"),
        (Notification.DIED, "ERROR"),
        (Notification.CRASHED, "ERROR"),
        (Notification.OPERATED, "INFO"),
        (Notification.SUPERSEDED, "DEBUG"),
    ],
)
def test_what_needs_eyes_is_louder(caplog: pytest.LogCaptureFixture, stage: Notification, level: str) -> None:
    caplog.set_level(logging.DEBUG)
    emit(stage, message_id=7)
    assert said(caplog) == [(level, f"{stage.value} message_id=7")]


def test_the_facts_are_fields_for_formatters_that_want_them(caplog: pytest.LogCaptureFixture) -> None:
    emit(Notification.DIED, message_id=7, reason="poison")
    assert caplog.records[0].__dict__["passport"] == {"stage": "died", "message_id": 7, "reason": "poison"}


def test_an_observer_that_fails_stops_neither_the_work_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Notification] = []

    def fail(stage: Notification, facts: dict[str, Any]) -> None:
        raise RuntimeError("a bug")

    def hear(stage: Notification, facts: dict[str, Any]) -> None:
        heard.append(stage)

    for observer in (fail, hear):
        instrumentation.subscribe(observer)
        instrumentation.subscribe(observer)
    try:
        emit(Notification.STORED, count=1)
    finally:
        for observer in (fail, hear):
            instrumentation.unsubscribe(observer)
    emit(Notification.STORED, count=1)

    assert heard == [Notification.STORED]
    assert said(caplog) == [("ERROR", "An observer failed at stage stored")]
