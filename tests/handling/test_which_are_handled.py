"""Late, incomplete, our own, of an organization that is not live: which events reach their handler."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from passport_events import Event, handles
from passport_events.event import Change
from passport_events.handling.worker import work
from passport_events.models import (
    Mode,
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
    work_again,
    write,
    written,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_every_event_is_handled_and_told_when_it_is_late() -> None:
    seen = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.fields["Name"], event.is_stale, record["Name"]))

    home = an_organization()
    a_message(home, fields={"Name": "new"}, at=2)
    work(OPPORTUNITIES)
    a_message(home, fields={"Name": "old"}, at=1)
    work(OPPORTUNITIES)

    assert seen == [("new", False, "new"), ("old", True, "new")]


def test_latest_only_lets_late_ones_be_superseded() -> None:
    @handles("opportunity", latest_only=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        write(event.fields["Name"])

    home = an_organization()
    a_message(home, fields={"Name": "new"}, at=2)
    work(OPPORTUNITIES)
    late = a_message(home, fields={"Name": "old"}, at=1)
    work(OPPORTUNITIES)

    assert outcome(late) == ("superseded", "newer_data", 1)
    assert written() == ["new"]


def test_a_retry_of_the_newest_event_is_not_late() -> None:
    seen = []

    @handles("opportunity", latest_only=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.is_stale)
        if len(seen) == 1:
            raise ValueError

    message = a_message(an_organization())
    work_again(2)

    assert (seen, now(message).status) == ([False, False], Status.SUCCEEDED)


def test_it_waits_at_no_cost_and_runs_once_complete() -> None:
    """Given a record first seen through an update, its handler waits until the record is known whole."""

    @handles("opportunity", needs_complete=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        write(f"{event.change}: {record['Name']} {record['Stage']}")

    home = an_organization()
    update = a_message(home, fields={"Stage": "Won"}, change=Change.UPDATED, at=2)
    work_again(3)
    assert (outcome(update), written()) == (("waiting", "needs_complete", 0), [])
    assert the_record()["Stage"] == "Won"

    a_message(home, fields={"Name": "one"}, at=1)
    work_again()

    assert outcome(update) == ("succeeded", "", 1)
    assert written() == ["created: one Won", "updated: one Won"]


def test_a_deleted_record_is_complete_enough() -> None:
    @handles("opportunity", needs_complete=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("deleted" if record.is_deleted else "?")

    a_message(an_organization(), fields={}, change=Change.DELETED)
    work(OPPORTUNITIES)

    assert written() == ["deleted"]


def test_our_own_change_is_merged_and_not_handled(change_settings: Callable[..., None]) -> None:
    change_settings(OWN_CHANGE_ORIGINS=["passport"])

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")

    echo = a_message(an_organization(), fields={"Name": "ours"}, origin="com/x/66.0;client=passport")
    work(OPPORTUNITIES)

    assert outcome(echo) == ("ignored", "own_change", 1)
    assert (written(), the_record()["Name"]) == ([], "ours")


def test_shadow_merges_and_calls_no_handler() -> None:
    handles("opportunity")(lambda event, record: write("effect"))
    message = a_message(an_organization(mode=Mode.SHADOW), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert outcome(message) == ("succeeded", "shadow", 1)
    assert (written(), the_record()["Name"]) == ([], "one")


def test_off_does_nothing() -> None:
    handles("opportunity")(lambda event, record: write("effect"))
    message = a_message(an_organization(mode=Mode.OFF), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert outcome(message) == ("ignored", "organization_off", 1)
    assert (written(), the_record().fields) == ([], {})
