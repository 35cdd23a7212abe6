"""What can be done to a group from its page."""

from __future__ import annotations

import pytest
from django.test import Client

from passport_events.models import OperatorAction, Status
from passport_events.operating import audit_log, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.selection import Selection
from tests.admin.conftest import Login
from tests.admin.test_failures import failed
from tests.admin.urls import action, group, page
from tests.operating.inbox import organization, rows, store

pytestmark = pytest.mark.django_db


def buttons(client: Client, fingerprint: str) -> dict[str, list[str]]:
    """Tasks that are offered, with the statuses that they mean."""
    found = client.get(group(fingerprint)).context.get("buttons", ())
    return {button["operation"].name: [str(status) for status in button["statuses"]] for button in found}


def test_each_button_needs_its_permission_and_a_message_that_it_means(
    admin_client: Client, login: Login
) -> None:
    organization()
    message, unread = failed(), store(b"?")
    everybodys = {"discard": ["dead", "quarantined"], "export": ["dead", "quarantined"], "note": []}
    sent_back = {"test-retry": ["dead"], "retry": ["dead"], "dry-run": ["dead"]}
    assert buttons(admin_client, message.fingerprint) == {**sent_back, **everybodys}
    assert buttons(admin_client, unread.fingerprint) == everybodys
    rows(message).update(status=Status.DISCARDED)
    assert buttons(admin_client, message.fingerprint) == {"restore": ["discarded"], "note": []}
    assert buttons(login("note_message"), message.fingerprint) == {"note": []}
    assert buttons(login(name="bob"), message.fingerprint) == {}


def test_a_pointer_that_led_nowhere_can_be_sent_back(admin_client: Client) -> None:
    organization()
    message = failed()
    rows(message).update(status=Status.QUARANTINED, event_type="s3-pointer")
    assert buttons(admin_client, message.fingerprint)["retry"] == ["dead", "quarantined"]


def test_a_button_leads_to_the_page_that_asks(admin_client: Client) -> None:
    organization()
    message, _ = failed(1), failed(2, "host.errors.Other")
    chosen = {"operation": "retry", "fingerprint": message.fingerprint, "statuses": ["dead"]}
    answer = admin_client.post(action("act", OperatorAction), chosen).content.decode()
    assert "<strong>Retry: 1 message.</strong>" in answer
    assert not OperatorAction.objects.exists()


def test_notes_and_what_was_done_are_shown_to_who_may_see_the_journal(
    admin_client: Client, login: Login
) -> None:
    organization()
    message = failed()
    ann = Actor("ann")
    audit_log.add_note(message.fingerprint, "fixed in 42", ann)
    audit_log.add_note("another", "not here", ann)
    started = runner.start(
        RETRY, Selection(fingerprint=message.fingerprint, statuses=(Status.DEAD,)), ann, "deployed"
    )
    answer = admin_client.get(group(message.fingerprint)).content.decode()
    assert "fixed in 42" in answer
    assert "not here" not in answer
    assert page(started) in answer
    assert (
        "fixed in 42" not in login(views=False, name="eve").get(group(message.fingerprint)).content.decode()
    )


def test_a_note_leads_back_to_its_group(admin_client: Client) -> None:
    organization()
    message = failed()
    said = {"operation": "note", "confirmed": "yes", "reason": "deployed", "fingerprint": message.fingerprint}
    assert admin_client.post(action("act", OperatorAction), said)["Location"] == group(message.fingerprint)
    gone = admin_client.post(action("act", OperatorAction), {**said, "fingerprint": "f00"})
    assert gone["Location"] == page(OperatorAction.objects.latest("pk"))
