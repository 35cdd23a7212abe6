"""What leaves the process happens before the transaction."""

from __future__ import annotations

import pytest
from django.db import connection

from passport_events import Event, Reject, handles
from passport_events.handling.worker import work
from passport_events.models import (
    SalesforceRecord,
    Status,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_organization,
    now,
    outcome,
    the_record,
    write,
    written,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_it_runs_outside_any_transaction_and_its_result_reaches_the_handler() -> None:
    seen = []

    def fetch(event: Event) -> str:
        seen.append(connection.in_atomic_block)
        return f"file of {event.record_id}"

    @handles("opportunity", prepare=fetch)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.prepared)

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert seen == [False, f"file of {message.record_id}"]


def test_its_failure_is_an_attempt_and_the_merge_stays() -> None:
    def fetch(event: Event) -> None:
        raise ConnectionError("S3 is away")

    @handles("opportunity", prepare=fetch)
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")

    message = a_message(an_organization(), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "builtins.ConnectionError", 1)
    assert (written(), the_record()["Name"]) == ([], "one")


def test_it_may_speak_verdicts() -> None:
    def fetch(event: Event) -> None:
        raise Reject("the file is gone")

    handles("opportunity", prepare=fetch)(lambda event, record: None)
    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert now(message).status == Status.DEAD


@pytest.mark.postgresql
def test_a_connection_that_ends_in_it_costs_no_more_than_the_attempt() -> None:
    def cut(event: Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    handles("opportunity", prepare=cut)(lambda event, record: None)
    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "django.db.utils.OperationalError", 1)
