"""Asking first, then doing."""

from __future__ import annotations

import pytest
from django.test import Client

from passport_events.admin import confirmation
from passport_events.models import OperatorAction, ProcessedMessage, Status
from tests.admin.conftest import Login
from tests.admin.urls import action, listing, page
from tests.operating.inbox import dead, opportunity, organization, store

pytestmark = pytest.mark.django_db


def choose(client: Client, name: str, *messages: ProcessedMessage, query: str = "") -> str:
    """Select messages in the list and choose an action; what the page says."""
    chosen = {"action": name, "_selected_action": [message.pk for message in messages], "index": 0}
    response = client.post(listing(ProcessedMessage) + query, chosen, follow=True)
    return response.content.decode()


def confirm(client: Client, name: str, ids: str, reason: str = "fixed", **also: str) -> str:
    response = client.post(
        action(name), {"ids": ids, "confirmed": "yes", "reason": reason, **also}, follow=True
    )
    return response.content.decode()


def test_the_list_asks_with_the_count_of_those_it_means(admin_client: Client) -> None:
    organization()
    first, second, waiting = dead(1), dead(2), opportunity(3)

    answer = choose(admin_client, "retry", first, second, waiting)

    assert "Retry: 2 messages." in answer
    assert f'name="ids" value="{first.pk}-{second.pk}"' in answer
    assert not OperatorAction.objects.exists()


def test_what_was_confirmed_is_done_once_with_the_reason(login: Login) -> None:
    organization()
    first, second = dead(1), dead(2)
    client = login("retry_message")
    ids = f"{first.pk}-{second.pk}"

    assert "2 requeued." in confirm(client, "retry", ids)
    assert "0 requeued." in confirm(login("retry_message", name="bob"), "retry", ids)

    done = OperatorAction.objects.get()
    assert (done.actor_name, done.reason, done.affected) == ("ann", "fixed", 2)
    assert done.actor is not None


@pytest.mark.parametrize("name", ["retry", "discard"])
def test_without_a_reason_it_asks_again(admin_client: Client, name: str) -> None:
    organization()
    message = dead()
    assert "This field is required" in confirm(admin_client, name, str(message.pk), reason=" ")
    message.refresh_from_db()
    assert message.status == Status.DEAD


def test_a_discarded_message_is_restored_without_a_reason(admin_client: Client) -> None:
    message = store(b"?")
    confirm(admin_client, "discard", str(message.pk))
    assert "1 restored." in confirm(admin_client, "restore", str(message.pk), reason="")
    message.refresh_from_db()
    assert message.status == Status.QUARANTINED


def test_a_selection_that_means_nothing_changes_nothing(admin_client: Client) -> None:
    organization()
    assert "applies to none of the selected rows" in choose(admin_client, "retry", opportunity())


def test_the_cap_is_said_and_kept(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "MAX_IDS", 2)
    organization()
    messages = [dead(number) for number in range(3)]
    ids = "-".join(str(message.pk) for message in messages)

    answer = choose(admin_client, "discard", *messages)
    assert "Discard: 2 messages." in answer
    assert "One operation changes at most 2" in answer
    assert admin_client.post(action("discard"), {"ids": ids}).status_code == 400
    assert "2 discarded." in confirm(admin_client, "discard", ids.rpartition("-")[0])
    assert ProcessedMessage.objects.filter(status=Status.DEAD).count() == 1


def test_a_thousand_messages_fit_into_the_form(admin_client: Client) -> None:
    assert admin_client.post(action("retry"), {"ids": "-".join(map(str, range(1_000)))}).status_code == 302


def test_filters_are_kept_after_an_action(admin_client: Client) -> None:
    organization()
    first, second = dead(1), dead(2)
    answer = choose(admin_client, "retry", first, second, query="?status=dead")
    assert 'name="filters" value="status=dead"' in answer
    also = {"ids": f"{first.pk}-{second.pk}", "confirmed": "yes", "reason": "x", "filters": "status=dead"}
    assert admin_client.post(action("retry"), also)["Location"] == listing(ProcessedMessage) + "?status=dead"


def test_a_message_offers_what_can_be_done_to_it_and_is_shown_again(admin_client: Client) -> None:
    organization()
    message = dead()
    answer = admin_client.get(page(message)).content.decode()
    assert action("retry") in answer
    assert action("restore") not in answer
    posted = {"ids": str(message.pk), "confirmed": "yes", "reason": "x"}
    assert admin_client.post(action("retry"), posted)["Location"] == page(message)
    assert action("retry") not in admin_client.get(page(message)).content.decode()


@pytest.mark.parametrize("ids", ["", "x", "1,", "1,234", "1.234", "1-", "-1", "1;2", "9" * 30, "\u0661"])
def test_ids_that_are_no_numbers_are_a_bad_request(admin_client: Client, ids: str) -> None:
    assert admin_client.post(action("retry"), {"ids": ids}).status_code == 400
