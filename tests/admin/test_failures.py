"""The desk: what needs a person, by what went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events import fingerprint
from passport_events.models import Heartbeat, MessageAttempt, ProcessedMessage
from passport_events.operating import failure_groups
from passport_events.testing import organization_id
from tests.admin.conftest import Login
from tests.admin.urls import desk, group, listing, page
from tests.operating.inbox import dead, opportunity, organization, rows, store

pytestmark = pytest.mark.django_db


def failed(number: int = 1, error: str = "host.errors.NoProgram", **about: Any) -> ProcessedMessage:
    """A dead letter with its last attempt, as a worker leaves both."""
    message = dead(number, **about)
    of_error = fingerprint.compute_error_fingerprint("opportunity", error, ("host.enrol:enrol",), "")
    rows(message).update(fingerprint=of_error)
    MessageAttempt.objects.create(
        message=message,
        generation=0,
        number=16,
        outcome="dead",
        error_class=error,
        error="no program for [value]",
        own_frames="host.enrol:enrol\nhost.views:start",
        fingerprint=of_error,
        ended_at=timezone.now() - timedelta(hours=30),
    )
    message.refresh_from_db()
    return message


def shown(client: Client, **query: Any) -> list[tuple[str, int]]:
    """Errors of the groups and how many messages each has, in the order of the page."""
    return [(row.error, row.group.total) for row in client.get(desk(**query)).context["rows"]]


def test_what_fails_for_one_reason_is_one_row(admin_client: Client) -> None:
    organization(name="Northfield")
    organization(2)
    for number in (1, 2, 3):
        failed(number)
    failed(4, "host.errors.Other", home=organization_id(2))
    store(b"?")

    assert shown(admin_client)[0] == ("host.errors.NoProgram", 3)
    assert {error for error, _ in shown(admin_client)} == {
        "host.errors.NoProgram",
        "host.errors.Other",
        "bad_json",
    } or len(shown(admin_client)) == 3
    answer = admin_client.get(desk()).content.decode()
    for text in (
        "host.enrol:enrol",
        "no program for [value]",
        "Northfield",
        "School 2",
        "3 in the last hour",
    ):
        assert text in answer, text


def test_first_seen_is_when_it_first_failed_and_not_when_it_died(admin_client: Client) -> None:
    organization()
    message = failed()
    (row,) = admin_client.get(desk()).context["rows"]
    assert row.first_seen == message.failures.get().ended_at


def test_what_failed_and_is_tried_again_is_shown_before_it_is_dead(admin_client: Client) -> None:
    organization()
    message = opportunity()
    rows(message).update(fingerprint="a" * 32, reason="builtins.ValueError", attempts=3)
    (row,) = admin_client.get(desk()).context["rows"]
    assert (row.error, row.group.failed, row.group.retrying) == ("builtins.ValueError", 0, 1)
    assert "1 opportunity retrying" in " ".join(admin_client.get(desk()).content.decode().split())


def test_it_is_filtered_and_sorted(admin_client: Client) -> None:
    organization()
    organization(2)
    failed(1)
    failed(2)
    failed(3, "host.errors.Late", home=organization_id(2))
    assert shown(admin_client, organization=organization_id(2)) == [("host.errors.Late", 1)]
    assert shown(admin_client, type="item") == []
    assert len(shown(admin_client, type="opportunity")) == 2
    for order in failure_groups.ORDERS:
        assert len(shown(admin_client, sort=order)) == 2
    assert shown(admin_client, sort="count")[0][1] == 2
    assert shown(admin_client, sort="last")[0] == ("host.errors.Late", 1)
    assert shown(admin_client, sort="'; DROP", page="x") == shown(admin_client)


def test_a_long_desk_has_pages(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_groups, "PAGE_SIZE", 2)
    organization()
    for number in range(3):
        failed(number, f"host.errors.E{'x' * number}")
    first, second = shown(admin_client), shown(admin_client, page=2)
    assert (len(first), len(second)) == (2, 1)
    assert not set(first) & set(second)
    assert "page=2" in admin_client.get(desk()).content.decode()


def test_more_than_can_be_counted_is_said_and_the_newest_are_counted(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    for number in range(4):
        failed(number)
    assert "failed messages are grouped" not in admin_client.get(desk()).content.decode()
    monkeypatch.setattr(failure_groups, "MAX_GROUPED_MESSAGES", 3)
    assert shown(admin_client) == [("host.errors.NoProgram", 3)]
    assert "failed messages are grouped" in admin_client.get(desk()).content.decode()


def test_an_empty_desk_says_that_all_is_well_and_when_the_poller_was_heard(admin_client: Client) -> None:
    silent = admin_client.get(desk()).content.decode()
    assert "No poller is running" in silent
    assert "No failed messages. No backlog" not in silent
    now = timezone.now()
    Heartbeat.objects.create(name="a", kind="poller", started_at=now, beaten_at=now, received_at=now)
    well = admin_client.get(desk()).content.decode()
    assert "No failed messages. No backlog" in well
    assert "the last heartbeat was" in well


def test_what_waits_for_long_is_on_it(admin_client: Client) -> None:
    organization()
    message = opportunity()
    assert "<h2>Backlog</h2>" not in admin_client.get(desk()).content.decode()
    rows(message).update(due_at=timezone.now() - timedelta(minutes=10))
    answer = " ".join(admin_client.get(desk()).content.decode().split())
    assert "<strong>1 opportunity</strong>, age of oldest 10 min, 1 organization." in answer
    assert "<h2>Backlog</h2>" not in admin_client.get(desk(type="item")).content.decode()


def test_it_searches_messages_and_is_found_from_their_list(admin_client: Client) -> None:
    answer = admin_client.get(desk()).content.decode()
    assert f'action="{listing(ProcessedMessage)}"' in answer
    assert desk() in admin_client.get(listing(ProcessedMessage)).content.decode()


def test_looking_needs_the_permission_and_changes_nothing(login: Login, settings: Settings) -> None:
    organization()
    message = failed()
    eve = login(name="eve", views=False)
    for url in (desk(), group(message.fingerprint)):
        assert login(name=f"ann{len(url)}").get(url).status_code == 200
        assert eve.get(url).status_code == 403
        assert Client().get(url).status_code == 302
    assert page(message) in login(name="bob").get(group(message.fingerprint)).content.decode()
