"""Whatever others write is text, and no page needs more than `default-src 'self'`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from passport_events.handling.worker import work
from passport_events.models import (
    Delivery,
    Heartbeat,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.operating import audit_log, flow_operations, operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPROCESS
from passport_events.operating.selection import Selection
from passport_events.testing import organization_id
from project.embedded import ValkeyServer
from tests.admin.urls import action, desk, group, listing, page, reveal
from tests.operating.inbox import end, operate, opportunity, organization, rows, store

TYPED = "<script>alert(1)</script><img src=x onerror=alert(2)>"  # what staff may type
HOSTILE = f"{TYPED}\u202e\x1b"  # what may come from outside
ADD = "add/"
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|\sstyle=|<style|\son\w+=|javascript:",
    re.IGNORECASE,
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(admin_client: Client, redis_server: ValkeyServer) -> dict[str, str]:
    """Every page of the desk, over rows that are as hostile as they can be."""
    home = organization(name=TYPED)
    ann = Actor(TYPED)
    large = HOSTILE + "x" * 1_000_000
    message = opportunity(fields={HOSTILE: HOSTILE, "List": [HOSTILE], "Large": large}, origin=HOSTILE)
    work("passport-opportunities")
    end(message, Status.DEAD, HOSTILE)
    rows(message).update(entity=HOSTILE[:80], release=HOSTILE[:64], fingerprint="a" * 32)
    MessageAttempt.objects.create(
        message=message,
        generation=0,
        number=1,
        outcome="dead",
        error_class=HOSTILE,
        error=HOSTILE,
        own_frames=HOSTILE,
        traceback=HOSTILE,
        worker=HOSTILE,
        ended_at=timezone.now(),
    )
    unread = store(HOSTILE.encode())
    quarantined = opportunity(2, home=organization_id(2))
    rows(quarantined).update(organization_salesforce_id=home.salesforce_id)
    sent = {HOSTILE: {"DataType": "String", "StringValue": HOSTILE}}
    Delivery.objects.update(attributes=sent, topic_arn=HOSTILE, sns_message_id=HOSTILE)
    SalesforceRecord.objects.update(entity=HOSTILE[:80])
    flow_operations.pause(None, home, ann, TYPED)
    operate(operations.DISCARD, rows(unread), ann, TYPED)
    Heartbeat.objects.create(name=TYPED, kind="x", started_at=timezone.now(), beaten_at=timezone.now())
    record = SalesforceRecord.objects.get()
    urls: list[Any] = [
        *(listing(model) for model in (Delivery, Heartbeat, OperatorAction, ProcessedMessage)),
        *(listing(model) for model in (SalesforceOrganization, SalesforceRecord)),
        *map(page, (message, message.delivery, unread, unread.delivery, record, home)),
        page(OperatorAction.objects.earliest("pk")),
        listing(ProcessedMessage) + "?q=%3Cscript%3Ealert(1)%3C/script%3E",
        listing(SalesforceOrganization) + ADD,
        desk(),
        desk(type=TYPED, organization=TYPED),
        group(message.fingerprint),
        group(unread.fingerprint),
        page(audit_log.add_note("f00", TYPED, ann)),
        page(runner.start(REPROCESS, Selection(organization=home.salesforce_id), ann, TYPED)),
        action("flow", OperatorAction),
        action("act", OperatorAction) + "?" + urlencode({"statuses": "dead", "release": TYPED}),
    ]
    found = {url: admin_client.get(url).content.decode() for url in urls}
    asked = admin_client.post(action("retry"), {"ids": message.pk, "filters": TYPED})
    url, chosen = action("act", OperatorAction), {"statuses": "dead", "ids": message.pk, "confirmed": ""}
    asked_all = admin_client.post(url, {**chosen, "operation": "replay"})
    rehearsed = admin_client.post(url, {**chosen, "operation": "dry-run", "most": "1"})
    pause = admin_client.post(action("flow", OperatorAction), {"kind": "pause", "organization": home.pk})
    answers = {
        "asking": asked,
        "asking for a pause": pause,
        "asking for many": asked_all,
        "rehearsal": rehearsed,
    }
    shown = {reveal(row): admin_client.post(reveal(row)) for row in (message, unread.delivery, record)}
    return {**found, **{name: answer.content.decode() for name, answer in (answers | shown).items()}}


def test_hostile_text_is_text(pages: dict[str, str]) -> None:
    assert len(pages) == 30
    for url, answer in pages.items():
        assert "<script>alert" not in answer, url
        assert "<img src=x" not in answer, url
        assert "\x1b" not in answer, url
        assert "\u202e" not in answer, url
    assert sum("&lt;script&gt;alert(1)" in answer for answer in pages.values()) >= 16


def test_pages_work_under_a_strict_content_security_policy(pages: dict[str, str]) -> None:
    for url, answer in pages.items():
        escaped = re.sub(r"&[lg]t;|&quot;|&#x27;", "", re.sub(r"&lt;.*?&gt;", "", answer))
        assert not INLINE.search(escaped), (url, INLINE.search(escaped))
