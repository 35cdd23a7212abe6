"""A handler's errors in the database, those at commit and those it swallows included."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction

from passport_events import Event, handles
from passport_events.handling.worker import work
from passport_events.models import (
    SalesforceRecord,
    Status,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    now,
    outcome,
    stored,
    the_record,
    write,
    written,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_a_constraint_that_breaks_at_commit_is_the_handlers_failure() -> None:
    """Given a deferred foreign key, when the handler breaks it, that is an attempt and nothing stays."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        Permission.objects.create(content_type_id=999_999, codename="x", name="x")

    message = a_message(an_organization(), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "django.db.utils.IntegrityError", 1)
    assert (written(), the_record()["Name"]) == ([], "one")
    assert message.failures.count() == 1


def test_a_handler_that_changed_its_event_and_breaks_the_commit_spoils_no_mirror() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        fields: Any = event.fields
        fields.pop("Name")
        fields["Amount"] = "not what Salesforce said"
        Permission.objects.create(content_type_id=999_999, codename="x", name="x")

    message = a_message(an_organization(), fields={"Name": "one", "Amount": 1})
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "django.db.utils.IntegrityError", 1)
    assert (the_record()["Name"], the_record()["Amount"]) == ("one", 1)


def test_an_error_that_the_handler_lets_out_rolls_back_its_savepoint() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("twice")
        write("twice")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "django.db.utils.IntegrityError", 1)
    assert written() == []


def test_an_error_handled_in_its_own_savepoint_is_the_handlers_business() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("twice")
        try:
            with transaction.atomic():
                write("twice")
        except IntegrityError:
            write("once more")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("succeeded", "", 1)
    assert written() == ["once more", "twice"]


@pytest.mark.postgresql
def test_an_error_swallowed_without_a_savepoint_fails_the_attempt() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("twice")
        with suppress(IntegrityError):
            write("twice")

    message = a_message(an_organization(), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert (now(message).status, now(message).attempts) == (Status.WAITING, 1)
    assert (written(), the_record()["Name"]) == ([], "one")


def test_writes_that_django_would_silently_undo_fail_the_attempt() -> None:
    """Given atomic(savepoint=False) around a swallowed error, the message must not succeed."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("lost")
        with suppress(IntegrityError), transaction.atomic(savepoint=False):
            write("lost")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message)[:2] == ("waiting", "django.db.transaction.TransactionManagementError")
    assert written() == []
    assert "transaction.atomic() of its own" in message.failures.get().error


@pytest.mark.postgresql
def test_a_connection_that_ends_under_the_handler_fails_the_attempt_with_its_error() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    message, neighbour = stored(*(an_event(an_organization(n), n) for n in (1, 2)))
    assert work(OPPORTUNITIES) == 2

    assert outcome(message) == ("waiting", "django.db.utils.OperationalError", 1)
    assert outcome(neighbour) == ("waiting", "django.db.utils.OperationalError", 1)
