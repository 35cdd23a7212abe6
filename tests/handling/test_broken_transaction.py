"""A handler that closes its connection, or ends its transaction, is told that it did."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth.models import Group
from django.db import (
    DatabaseError,
    IntegrityError,
    close_old_connections,
    connection,
    connections,
    transaction,
)

from passport_events import Event, handles
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, SalesforceRecord
from tests.handling.factories import (
    OPPORTUNITIES,
    of_each,
    outcome,
    statuses,
    the_record,
    work_again,
    write,
    written,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "unhurried")]

CLOSED = "passport_events.exceptions.HandlerClosedConnection"
ENDED = "passport_events.exceptions.HandlerEndedTransaction"
MARKED = "django.db.transaction.TransactionManagementError"


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def swallow() -> None:
    write("once")
    with suppress(IntegrityError):
        write("once")


WAYS: dict[str, tuple[Callable[[], object], str, str]] = {
    "close_old_connections": (close_old_connections, CLOSED, "Remove close_old_connections()"),
    "close": (connection.close, CLOSED, "connection was closed"),
    "close_all": (connections.close_all, CLOSED, "connection was closed"),
    "set_rollback": (lambda: transaction.set_rollback(True), MARKED, "by transaction.set_rollback(True)"),
    "commit by SQL": (lambda: sql("COMMIT"), ENDED, "The handler ended its transaction"),
    "rollback by SQL": (lambda: sql("ROLLBACK"), ENDED, "The handler ended its transaction"),
    "commit": (transaction.commit, MARKED, "This is forbidden when an 'atomic' block is active"),
    "autocommit": (lambda: transaction.set_autocommit(True), MARKED, "This is forbidden when an 'atomic'"),
}


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_the_error_names_what_the_handler_did(way: str, shares: bool) -> None:  # noqa: FBT001
    """Case C7."""
    act, error_class, text = WAYS[way]

    @handles("opportunity", shares_transaction=shares)
    def handler(event: Event, record: SalesforceRecord) -> None:
        if event.fields["Name"] == "1":
            act()

    messages = of_each(3)
    for _ in range(3):
        with suppress(DatabaseError):
            work_again()

    assert outcome(messages[0])[1] == error_class
    attempt = MessageAttempt.objects.filter(message=messages[0])[0]
    assert text in attempt.error
    assert statuses() == {"succeeded": 2, "waiting": 1}
    assert the_record(1)["Name"] == "1"


@pytest.mark.parametrize("act", [close_old_connections, connections.close_all])
def test_what_fails_on_the_closed_connection_is_told_by_the_closing(act: Callable[[], None]) -> None:
    """Case C7."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        act()
        Group.objects.count()

    [message] = of_each(1)
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", CLOSED, 1)
    assert "which led to" in message.failures.get().traceback
    assert written() == []


@pytest.mark.postgresql
def test_a_swallowed_error_is_told_as_such() -> None:
    """Case C7: and before the next statement fails for it."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        swallow()

    [message] = of_each(1)
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", MARKED, 1)
    assert "The handler caught a database error" in message.failures.get().error


@pytest.mark.postgresql
def test_a_transaction_that_was_begun_anew_is_told_by_its_lost_savepoint() -> None:
    """Case C7."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        sql("ROLLBACK")
        sql("BEGIN")

    [message] = of_each(1)
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", ENDED, 1)
