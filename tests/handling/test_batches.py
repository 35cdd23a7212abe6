"""Types without a handler are merged a whole batch at a time."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events.event import Change
from passport_events.handling import worker
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.mirror import apply
from passport_events.models import Mode, ProcessedMessage, Status
from tests.handling.factories import (
    OPPORTUNITIES,
    a_backlog,
    an_event,
    an_organization,
    make_due,
    now,
    statuses,
    stored,
    the_record,
)
from tests.harness.notifications import Notifications

from .conftest import Statements

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_a_batch_is_merged_in_as_many_statements_as_one_message(statements: Statements) -> None:
    counts = []
    for count in (2, 60):
        a_backlog(an_organization(count), count)
        with statements:
            assert work(OPPORTUNITIES) == count
        counts.append(len(statements.data))

    # Two look for isolated messages, six claim, two make stubs, the merge itself is three, two find no more.
    assert counts == [15, 15]
    assert set(ProcessedMessage.objects.values_list("status", "attempts")) == {("succeeded", 1)}


def test_a_record_with_many_messages_is_merged_once_in_order() -> None:
    home = an_organization()
    events = [an_event(home, fields={"Name": f"{at}"}, change=Change.UPDATED, at=at) for at in range(20)]
    stored(*reversed(events))
    work(OPPORTUNITIES)

    assert the_record()["Name"] == "19"
    assert not ProcessedMessage.objects.filter(merged__stale=True).exists()


def test_one_message_that_spoils_the_batch_does_not_hold_up_the_others(notifications: Notifications) -> None:
    """Given a row that cannot be merged, when its batch fails, each of the others succeeds by itself."""
    home = an_organization()
    messages = stored(*(an_event(home, number) for number in range(5)))
    ProcessedMessage.objects.filter(pk=messages[2].pk).update(content={})
    work(OPPORTUNITIES)

    assert statuses() == {"succeeded": 4, "processing": 1}
    assert now(messages[2]).status == Status.PROCESSING
    crashed = [facts for stage, facts in notifications if stage is Notification.CRASHED]
    assert crashed == [{"message_ids": [messages[2].pk], "error_class": "KeyError"}]


def test_what_can_never_be_merged_ends_as_a_dead_letter() -> None:
    home = an_organization()
    bad, good = stored(an_event(home, 1), an_event(home, 2))
    ProcessedMessage.objects.filter(pk=bad.pk).update(content={})
    for _ in range(8):
        make_due()
        work(OPPORTUNITIES)

    assert (now(good).status, now(bad).status) == (Status.SUCCEEDED, Status.DEAD)
    assert now(bad).reason.startswith("poison")


def test_organizations_of_every_mode_share_a_batch() -> None:
    for number, mode in enumerate((Mode.LIVE, Mode.SHADOW, Mode.OFF), start=1):
        a_backlog(an_organization(number, mode), 4)
    work(OPPORTUNITIES)

    assert sorted(ProcessedMessage.objects.values_list("status", "reason").distinct()) == [
        ("ignored", "organization_off"),
        ("succeeded", ""),
        ("succeeded", "shadow"),
    ]


def test_a_lost_lease_of_one_row_leaves_the_others_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    home = an_organization()
    messages = stored(*(an_event(home, number) for number in range(3)))
    make_stubs = apply.ensure_records

    def steal(claimed: Any) -> None:
        make_stubs(claimed)
        ProcessedMessage.objects.filter(pk=messages[1].pk).update(status=Status.WAITING, lease_token=None)

    monkeypatch.setattr(worker, "ensure_records", steal)
    work(OPPORTUNITIES)

    assert [now(message).status for message in messages] == ["succeeded", "waiting", "succeeded"]
    assert the_record(1).fields == {}
