"""The page of one group."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating import failure_groups, operations
from passport_events.operating.audit_log import Actor
from tests.admin.test_failures import failed
from tests.admin.urls import desk, group, listing, page
from tests.operating.inbox import dead, operate, organization, rows, store

pytestmark = pytest.mark.django_db


def members(client: Client, fingerprint: str, **query: Any) -> list[int]:
    """Primary keys of the messages on one page."""
    found = client.get(group(fingerprint, **query)).context["members"]
    return [member["message"].pk for member in found]


def test_a_group_opens_to_its_messages_newest_first(admin_client: Client) -> None:
    organization(name="Northfield")
    one, two = failed(1), failed(2)
    other = failed(3, "host.errors.Other")
    answer = admin_client.get(group(one.fingerprint)).content.decode()

    assert members(admin_client, one.fingerprint) == [two.pk, one.pk]
    for text in ("host.errors.NoProgram", "no program for [value]", "host.enrol:enrol", "Northfield"):
        assert text in answer, text
    assert page(one) in answer
    assert page(other) not in answer
    assert f"{listing(ProcessedMessage)}?fingerprint={one.fingerprint}" in answer


def test_its_pages_stay_in_place_while_more_arrives(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_groups, "PAGE_SIZE", 2)
    organization()
    messages = [failed(number) for number in range(5)]
    fingerprint = messages[0].fingerprint
    seen: list[int] = []
    url = group(fingerprint)
    for _ in range(3):
        response = admin_client.get(url)
        seen += [member["message"].pk for member in response.context["members"]]
        failed(100 + len(seen))
        url = group(fingerprint) + response.context["older_url"]
    assert seen == [message.pk for message in reversed(messages)]
    assert response.context["older_url"] == ""
    assert response.context["newest_url"] == group(fingerprint)
    assert members(admin_client, fingerprint, before="x")[0] > seen[0]


def test_it_says_what_became_of_those_that_were_sent_back(admin_client: Client) -> None:
    organization()
    one, two, three = failed(1), failed(2), failed(3)
    operate(operations.DISCARD, rows(one), Actor("ann"), "test data")
    rows(two).update(status="succeeded")
    stands = {
        stand["status"]: stand["count"]
        for stand in admin_client.get(group(three.fingerprint)).context["stands"]
    }
    assert stands == {"dead": 1, "discarded": 1, "succeeded": 1}
    assert members(admin_client, three.fingerprint) == [three.pk]


def test_a_group_that_is_over_keeps_its_address(admin_client: Client) -> None:
    organization()
    message = failed()
    rows(message).update(status="succeeded")
    answer = admin_client.get(group(message.fingerprint)).content.decode()
    assert "No message of this group has failed or is being retried" in answer


def test_what_has_no_fingerprint_has_a_page_too(admin_client: Client) -> None:
    organization()
    message = dead()
    assert members(admin_client, "") == [message.pk]


def test_a_group_that_never_was_is_not_found(admin_client: Client) -> None:
    for fingerprint in ("", "a" * 32, "x" * 500, "'"):
        assert admin_client.get(group(fingerprint)).status_code == 404


def test_it_leads_to_the_runbook(admin_client: Client, settings: Settings) -> None:
    organization()
    message, unread = failed(error="host.errors.No/Program"), store(b"?")
    assert "Runbook" not in admin_client.get(group(message.fingerprint)).content.decode()
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RUNBOOK_URL": "https://wiki.example/p#{error}"}
    of_error = admin_client.get(group(message.fingerprint)).content.decode()
    assert 'href="https://wiki.example/p#host.errors.No%2FProgram"' in of_error
    reason = unread.reason.partition(":")[0]
    assert f"https://wiki.example/p#{reason}" in admin_client.get(group(unread.fingerprint)).content.decode()


def test_its_messages_are_a_list_to_act_on(admin_client: Client) -> None:
    organization()
    message, _ = failed(1), failed(2, "host.errors.Other")
    answer = admin_client.get(listing(ProcessedMessage), {"fingerprint": message.fingerprint})
    assert [row.pk for row in answer.context["cl"].result_list] == [message.pk]


def test_a_group_is_first_seen_when_its_own_error_was(admin_client: Client) -> None:
    """Case C13: the oldest message failed for something else before."""
    organization()
    message = failed(1)
    attempt = MessageAttempt.objects.get()
    begin = timezone.now() - timedelta(hours=2)
    MessageAttempt.objects.update(fingerprint=message.fingerprint, ended_at=begin)
    attempt.pk, attempt.fingerprint = None, "f00"
    attempt.number, attempt.ended_at = 1, begin - timedelta(days=3)
    attempt.save()
    attempt.pk, attempt.fingerprint = None, "f00"
    attempt.message, attempt.ended_at = dead(2), begin - timedelta(days=4)
    attempt.save()

    assert admin_client.get(group(message.fingerprint)).context["row"].first_seen == begin
    shown = {row.group.fingerprint: row for row in admin_client.get(desk()).context["rows"]}
    assert shown[message.fingerprint].first_seen == begin


def test_a_group_of_several_types_shows_them_all(admin_client: Client) -> None:
    """Case C13."""
    organization()
    for number, name in enumerate(("item", "opportunity", "opportunity", "attachment")):
        rows(dead(number)).update(fingerprint="f00", event_type=name)
    answer = admin_client.get(group("f00"))
    assert answer.context["row"].group.event_types == ("opportunity", "attachment", "item")
    assert "<dd>opportunity, attachment, item</dd>" in answer.content.decode()
    assert "opportunity, attachment, item" in admin_client.get(desk()).content.decode()
