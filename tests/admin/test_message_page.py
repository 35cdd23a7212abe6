"""What the page of one message adds to its timeline: links, what it wrote, and the contract."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from passport_events.contract import check
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.runner import follow
from passport_events.operating.selection import Selection
from passport_events.testing import contract_message, record_id, relay_message, sns_notification
from passport_events.testing.factories import COMMITTED_MS
from project.embedded import ValkeyServer
from tests.admin.test_failures import failed
from tests.admin.urls import group, page
from tests.operating.inbox import HOME, opportunity, organization, rows, store

TRACE = "0af7651916cd43dd8448eb211c80319c"
pytestmark = pytest.mark.django_db


def text_of(client: Client, message: ProcessedMessage) -> str:
    """The page, on one line."""
    return " ".join(client.get(page(message)).content.decode().split())


def test_a_failed_message_leads_to_its_group_and_the_runbook(
    admin_client: Client, settings: Settings
) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RUNBOOK_URL": "https://wiki.example/{error}"}
    organization()
    message = failed()
    answer = text_of(admin_client, message)
    assert group(message.fingerprint) in answer
    assert 'href="https://wiki.example/host.errors.NoProgram"' in answer
    rows(message).update(status="succeeded")
    assert "wiki.example" not in text_of(admin_client, message)


def test_a_message_leads_to_the_trace_that_it_came_with(admin_client: Client, settings: Settings) -> None:
    organization()
    body = relay_message("Opportunity", record_id("Opportunity", 1), organization=HOME)
    message = store(sns_notification(body, trace={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}).encode())
    assert "Trace</a>" not in text_of(admin_client, message)
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "TRACE_URL": "https://dd.example/{trace_id}"}
    assert f'href="https://dd.example/{TRACE}"' in text_of(admin_client, message)


def test_an_attempt_shows_the_projects_own_functions_and_the_rest_on_demand(admin_client: Client) -> None:
    organization()
    message = failed()
    MessageAttempt.objects.update(traceback='  File "lib.py", line 3, in create\n')
    answer = text_of(admin_client, message)
    assert "<code>host.enrol:enrol ← host.views:start</code>" in answer
    assert "<details><summary>Traceback</summary><pre> File &quot;lib.py&quot;, line 3" in answer


def test_what_it_wrote_is_still_there_or_was_overwritten(
    admin_client: Client, redis_server: ValkeyServer
) -> None:
    organization()
    first = opportunity(fields={"Name": "Ada", "StageName": "Open"})
    later = opportunity(change="UPDATE", fields={"StageName": "Won"}, at_ms=COMMITTED_MS + 1_000)
    work("passport-opportunities")
    answer = text_of(admin_client, first)
    assert '<th scope="row">Name</th><td data-label="Current value">from this message</td>' in answer
    assert f'<a href="{page(later)}">overwritten by message {later.pk}</a>' in answer
    assert "from this message" in text_of(admin_client, later)
    opportunity(change="DELETE", at_ms=COMMITTED_MS + 2_000)
    work("passport-opportunities")
    assert "no longer in the record" in text_of(admin_client, first)
    assert "still its value" not in text_of(admin_client, later)


def test_it_is_compared_with_the_contract_without_a_value(admin_client: Client) -> None:
    organization()
    right = contract_message("opportunity", record_id("Opportunity", 1), organization=HOME)
    wrong = {**contract_message("opportunity", record_id("Opportunity", 2), organization=HOME), "time": 4711}
    assert "Valid" in text_of(admin_client, store(right))
    answer = text_of(admin_client, store(wrong))
    assert "<li>time must be a string</li>" in answer
    assert "4711" not in answer.partition("Against the contract")[2]
    assert "no schema for this type of message" in text_of(admin_client, store(b"?"))


def test_without_the_extra_it_says_how_to_install_it(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    message = opportunity()
    monkeypatch.setattr(check, "LISTS_EVERY_PROBLEM", False)
    assert "needs <code>django-passport-events[contract]</code>" in text_of(admin_client, message)


def test_a_redacted_message_is_not_compared(admin_client: Client) -> None:
    organization()
    message = opportunity()
    type(message.delivery).objects.update(body=None)
    assert "The raw message is redacted." in text_of(admin_client, message)


def test_what_was_done_to_many_stands_on_the_page_of_each_that_it_changed(admin_client: Client) -> None:
    organization()
    first, second = failed(1), failed(2)
    untouched = failed(3, "host.errors.Other")
    meant = Selection(fingerprint=first.fingerprint)
    follow(runner.start(RETRY, meant, Actor("ann"), "deployed 42"))
    for message in (first, second):
        assert "Operator: retry</strong> by ann: deployed 42" in text_of(admin_client, message)
    assert "Operator:" not in text_of(admin_client, untouched)
