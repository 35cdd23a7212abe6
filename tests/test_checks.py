"""`manage.py check` names every wrong setting and the way out."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import override_settings

from passport_events import checks, handles
from passport_events.handling import registry
from passport_events.handling.rq_worker import PassportSimpleWorker
from passport_events.operating.backlog import WORKER_CLASS


def found(databases: list[str] | None = None) -> list[CheckMessage]:
    """The errors of our own checks."""
    return [
        error for error in run_checks(databases=databases) if str(error.id).startswith("passport_events.")
    ]


def changed(**keys: Any) -> override_settings:
    """The project's settings with other keys."""
    return override_settings(PASSPORT_EVENTS={**project.PASSPORT_EVENTS, **keys})


def test_the_settings_of_this_project_are_right() -> None:
    assert found() == []


def test_every_wrong_key_is_an_error_of_its_own() -> None:
    with changed(RECIEVERS=2, SQS_WAIT_SECONDS=60):
        errors = found()
    assert [error.id for error in errors] == [checks.BAD_SETTING] * 2
    assert [error.msg for error in errors] == [
        "PASSPORT_EVENTS['RECIEVERS'] is not a setting.",
        "PASSPORT_EVENTS['SQS_WAIT_SECONDS'] must be a whole number of seconds between 0 and 20.",
    ]
    assert errors[0].hint == "Did you mean RECEIVERS?"
    assert errors[1].hint


def test_no_settings_at_all_say_what_is_required() -> None:
    with override_settings():
        del project.PASSPORT_EVENTS
        (error,) = found()
    assert error.msg == "PASSPORT_EVENTS['QUEUE_URL'] is required."


def test_manage_py_check_fails() -> None:
    with changed(QUEUE_URL=""), pytest.raises(SystemCheckError, match=r"passport_events\.E001"):
        call_command("check")


OFF = "If 'item' is not wanted: EVENT_TYPES = {'item': None}."


@pytest.mark.parametrize(
    ("queues", "hint"),
    [
        ({"default": {}}, "Add 'passport-items' to RQ_QUEUES, or name one of: default. " + OFF),
        ({}, "Add 'passport-items' to RQ_QUEUES. " + OFF),
    ],
)
def test_an_rq_queue_that_does_not_exist_is_an_error(queues: dict[str, Any], hint: str) -> None:
    with override_settings(RQ_QUEUES=queues):
        errors = found()
    assert [error.id for error in errors] == [checks.UNKNOWN_QUEUE] * 3
    assert "['item'] names the RQ queue 'passport-items'" in errors[2].msg
    assert errors[2].hint == hint


def test_a_queue_for_pointers_that_does_not_exist_is_an_error() -> None:
    with changed(S3_PAYLOAD_QUEUE="large"):
        (error,) = found()
    assert error.id == checks.UNKNOWN_QUEUE
    assert error.msg == "PASSPORT_EVENTS['S3_PAYLOAD_QUEUE'] is 'large', which RQ_QUEUES does not have."
    assert error.hint
    with changed(S3_PAYLOAD_QUEUE="passport-items"):
        assert found() == []


def test_the_queue_of_events_is_no_dead_letter_queue() -> None:
    with changed(DEAD_LETTER_QUEUE_URLS=[project.PASSPORT_EVENTS["QUEUE_URL"]]):
        (error,) = found()
    assert error.id == checks.BAD_SETTING
    assert "names QUEUE_URL" in error.msg


def test_a_handler_for_a_type_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})

    @handles("oportunity")
    def on_change(event: object, record: object) -> None:
        """Never called."""

    (error,) = found()
    assert error.id == checks.UNKNOWN_TYPE
    assert "on_change handles 'oportunity'" in error.msg
    assert error.hint == "Add it to EVENT_TYPES, or handle one of: opportunity, attachment, item."


MEANING = {"event_type": "opportunity", "record_id": "Record_Id__c", "sequence": "CreatedDate"}


def test_a_platform_event_for_a_type_or_an_object_that_does_not_exist_is_an_error() -> None:
    with changed(PLATFORM_EVENTS={"A__e": MEANING, "B__e": {**MEANING, "event_type": "x"}}):
        (error,) = found()
    assert error.id == checks.UNKNOWN_TYPE
    assert "['B__e'] names 'x', which" in error.msg
    assert error.hint == "Add it to EVENT_TYPES, or name one of: opportunity, attachment, item."
    with changed(PLATFORM_EVENTS={"A__e": {**MEANING, "entity": "Account"}}):
        (error,) = found()
    assert error.id == checks.UNKNOWN_TYPE
    assert "the entity 'Account', which 'opportunity' does not cover" in error.msg


def test_a_platform_event_that_is_a_heartbeat_too_is_an_error() -> None:
    with changed(PLATFORM_EVENTS={"A__e": MEANING, "Passport_Heartbeat__e": MEANING}):
        (error,) = found()
    assert error.id == checks.BAD_SETTING
    assert "describes 'Passport_Heartbeat__e', which is in HEARTBEAT_EVENTS too" in error.msg
    with changed(PLATFORM_EVENTS={"A__e": MEANING}, HEARTBEAT_EVENTS=["B__e"]):
        assert found() == []


def test_a_mistyped_organization_of_a_topic_is_an_error() -> None:
    with changed(TOPIC_ORGANIZATIONS={"arn:a": "00D5f000005KcCnEAK", "arn:b": "00D5f000005KcCnEAA"}):
        (error,) = found()
    assert error.id == checks.BAD_SETTING
    assert "['arn:b'] is no id" in error.msg


@pytest.mark.parametrize("vendor", ["mysql", "oracle"])
@pytest.mark.django_db
def test_a_database_that_nothing_is_proven_on_is_an_error(
    monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    monkeypatch.setattr(connection, "vendor", vendor)
    (error,) = checks.check_database(None, databases=["default"])
    assert error.id == checks.UNSUPPORTED_DATABASE
    assert vendor in error.msg
    assert error.hint


@pytest.mark.django_db
def test_the_databases_of_these_tests_are_supported() -> None:
    assert found(databases=["default"]) == []


class TheirWorker(PassportSimpleWorker):
    """A host's own class."""


@pytest.mark.parametrize(
    "settings", [None, {}, {"WORKER_CLASS": "rq.Worker"}, {"WORKER_CLASS": "no.such.Worker"}]
)
def test_a_worker_class_that_is_none_of_ours_is_a_warning(settings: dict[str, str] | None) -> None:
    """Case C3, case B6. It cannot read hints, and executes whatever is in Redis."""
    with override_settings(RQ=settings):
        (warning,) = found()
    assert warning.id == checks.OTHER_WORKER
    assert warning.hint is not None
    assert WORKER_CLASS in warning.hint


@pytest.mark.parametrize(
    "name", [*checks.OUR_WORKERS, f"{__name__}.TheirWorker", TheirWorker, PassportSimpleWorker]
)
def test_our_worker_classes_and_those_of_hosts_that_inherit_from_them_are_no_warning(name: object) -> None:
    with override_settings(RQ={"WORKER_CLASS": name}):
        assert found() == []


@pytest.mark.parametrize("keys", [{"LEASE_SECONDS": 14}, {"BACKOFF_SECONDS": 20, "BACKOFF_MAX_SECONDS": 19}])
def test_times_that_are_too_short_are_warnings(keys: dict[str, Any]) -> None:
    with changed(**keys):
        (warning,) = found()
    assert warning.id == checks.SHORT_TIMES


def test_a_pool_that_is_smaller_than_a_poller_needs_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": {"max_size": 2}})
    (warning,) = found()
    assert warning.id == checks.SMALL_POOL
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": {"max_size": 3}})
    assert found() == []
    with changed(RECEIVERS=32):  # a second writer
        (warning,) = found()
    assert (warning.id, "needs 4" in warning.msg) == (checks.SMALL_POOL, True)
