"""The list of messages and the page of one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from passport_events.admin import filters, pagination
from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from passport_events.testing import relay_message, sns_notification
from tests.admin.urls import listing, page, reveal
from tests.operating.inbox import HOME, dead, operate, opportunity, organization, rows, store

SECRET = "Lovelace-4711"
pytestmark = pytest.mark.django_db


def found(client: Client, **query: Any) -> set[int]:
    """Primary keys that the list shows."""
    changelist = client.get(listing(ProcessedMessage), query).context["cl"]
    return {message.pk for message in changelist.result_list}


def test_a_message_is_found_by_each_of_its_ids(admin_client: Client) -> None:
    organization()
    opportunity(1)
    body = sns_notification(
        relay_message("Opportunity", "006000000000002", organization=HOME), message_id="sns-1"
    )
    message = store(body.encode())
    whole = (message.record_id, message.dedup_key, message.delivery.sqs_message_id, "sns-1", str(message.pk))
    for text in (*whole, message.record_id[:15], f" {message.record_id} "):
        assert found(admin_client, q=text) == {message.pk}, text
    for text in ("nothing", message.record_id[:10], "%", "9" * 14):
        assert message.pk not in found(admin_client, q=text), text


def test_messages_are_filtered(admin_client: Client) -> None:
    home = organization()
    waiting, gone = opportunity(1), dead(2)
    unread = store(b"?")
    assert found(admin_client, status="waiting") == {waiting.pk}
    assert found(admin_client, status="dead") == {gone.pk}
    assert found(admin_client, status="failed") == {gone.pk, unread.pk}
    assert found(admin_client, status="waiting") == {waiting.pk}
    assert found(admin_client, status="succeeded") == set()
    assert found(admin_client, event_type="opportunity") == {waiting.pk, gone.pk}
    assert found(admin_client, organization__id__exact=home.pk) == {waiting.pk, gone.pk}
    assert found(admin_client) == {waiting.pk, gone.pk, unread.pk}


def test_a_type_or_organization_alone_is_looked_for_among_the_newest(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "WINDOW", 1)
    home = organization()
    old, new = dead(1), opportunity(2)
    for query in ({"organization__id__exact": home.pk}, {"event_type": "opportunity"}):
        assert found(admin_client, **query) == {new.pk}
        assert (
            "Only the newest 1 messages"
            in admin_client.get(listing(ProcessedMessage), query).content.decode()
        )
        assert found(admin_client, **query, status="failed") == {old.pk}
        assert found(admin_client, **query, q=old.record_id) == {old.pk}
    assert found(admin_client) == {old.pk, new.pk}


def test_a_long_list_is_not_counted_to_its_end(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(pagination, "MAX_COUNTED", 2)
    organization()
    for number in range(3):
        opportunity(number)
    answer = admin_client.get(listing(ProcessedMessage))
    assert answer.context["cl"].result_count == 2
    assert "The count is limited" in answer.content.decode()


def test_lists_never_show_values(admin_client: Client) -> None:
    organization()
    message = opportunity(fields={"LastName": SECRET})
    for model in (ProcessedMessage, type(message.delivery)):
        assert SECRET not in admin_client.get(listing(model)).content.decode()


def test_the_page_follows_a_message_from_publishing_to_its_end(admin_client: Client) -> None:
    organization()
    message = dead()
    MessageAttempt.objects.create(
        message=message,
        generation=0,
        number=16,
        outcome="dead",
        error_class="builtins.ValueError",
        error="no such stage",
        traceback='  File "handlers.py", line 3, in enrol\n',
        release="r41",
        worker="host:7",
        ended_at=timezone.now(),
    )
    operate(operations.DISCARD, rows(message), Actor("ann"), "test data")

    response = admin_client.get(page(message))

    titles = [step.title for step in response.context["steps"]]
    assert titles[0] == "Received"
    assert {"Claimed", "Attempt 16 failed", "Finished: discarded", "Operator: discard"} <= set(titles)
    answer = response.content.decode()
    for text in ("builtins.ValueError: no such stage", "in enrol", "host:7", "r41", "by ann: test data"):
        assert text in answer
    assert page(message.delivery) in answer


def test_a_delivery_that_could_not_be_read_has_a_page(admin_client: Client) -> None:
    message = store(b"\xff\xfe not json")
    answer = admin_client.get(page(message)).content.decode()
    assert "quarantined" in answer
    assert "not json" in admin_client.post(reveal(message.delivery)).content.decode()


def test_a_redacted_message_has_a_page(admin_client: Client) -> None:
    organization()
    message = dead()
    rows(message).update(content={}, merged={})
    type(message.delivery).objects.update(body=None)
    assert admin_client.get(page(message)).status_code == 200
    assert "(redacted)" in admin_client.get(page(message.delivery)).content.decode()


def test_a_message_that_does_not_exist_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(page(ProcessedMessage(pk=404))).status_code == 404
    assert admin_client.get(page(ProcessedMessage(pk=10**30))).status_code == 404
