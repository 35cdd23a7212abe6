"""No page grows with what others send or do: its lists have parts, and lead to the rest. Case B8."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from passport_events.models import (
    ActionKind,
    Delivery,
    Heartbeat,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.testing import organization_id
from tests.admin.urls import action, desk, group, page, reveal
from tests.operating.inbox import dead, opportunity, rows
from tests.security.addresses import addresses
from tests.security.markup import Page
from tests.security.world import GROUP, World

FIELDS = 86_000  # of an event of 0.94 MB
MANY = 600
MOST_BYTES = 1_200_000
MOST_ROWS = 1_000
MOST_QUERIES = 30
LONG = "x" * 20_000
pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(world: World) -> World:
    """As much of everything as somebody may send."""
    fields = {f"Field{number}__c": number for number in range(FIELDS)}
    names = list(fields)
    merged = {"wrote": names, "lost": names, "stale": True}
    message, record = world.message, world.record
    rows(message).update(content={**message.content, "fields": fields, "missing": names}, merged=merged)
    Delivery.objects.filter(pk=message.delivery_id).update(body=b"y" * 1_000_000, body_size=1_000_000)
    give_fields(record, fields)
    ProcessedMessage.objects.filter(record_id=record.record_id).update(merged=merged)
    now = timezone.now()
    MessageAttempt.objects.bulk_create(
        MessageAttempt(
            message=message,
            generation=0,
            number=number,
            outcome="retry",
            error_class="a.B",
            error=LONG if number > MANY - 50 else "",
            traceback=LONG if number > MANY - 50 else "",
            own_frames="m:f\n" * 200,
            fingerprint=GROUP,
            ended_at=now,
        )
        for number in range(MANY)
    )
    SalesforceOrganization.objects.bulk_create(
        SalesforceOrganization(salesforce_id=organization_id(number), name=f"School {number}" + "n" * 100)
        for number in range(10, MANY)
    )
    homes = list(SalesforceOrganization.objects.exclude(pk=world.home.pk))
    OperatorAction.objects.bulk_create(
        [
            *(
                OperatorAction(
                    kind=ActionKind.RETRY, actor_name="ann", reason=LONG, message=message, fingerprint=GROUP
                )
                for _ in range(100)
            ),
            *(
                OperatorAction(kind=ActionKind.NOTE, actor_name="ann", reason="n" * 500, fingerprint=GROUP)
                for _ in range(MANY)
            ),
            *(
                OperatorAction(kind=ActionKind.PAUSE, actor_name="ann", reason="p" * 500, organization=home)
                for home in homes
            ),
        ]
    )
    Heartbeat.objects.bulk_create(
        Heartbeat(name=f"poller {number}", kind="poller", started_at=now, beaten_at=now)
        for number in range(MANY)
    )
    _many_messages(message, homes, now)
    return world


def give_fields(record: SalesforceRecord, fields: dict[str, int]) -> None:
    """All of them by one message, and contested."""
    [stamp] = record.merge_state["stamps"]
    record.fields = fields
    record.merge_state = {**record.merge_state, "stamps": {stamp: [*fields]}, "contested": [*fields]}
    record.save()


def _many_messages(message: ProcessedMessage, homes: list[SalesforceOrganization], now: Any) -> None:
    """Failed ones of as many groups and organizations, in the same delivery."""
    ProcessedMessage.objects.bulk_create(
        ProcessedMessage(
            delivery_id=message.delivery_id,
            organization_salesforce_id=homes[number % len(homes)].salesforce_id,
            dedup_key=uuid.uuid4().hex,
            identity="x",
            event_type="opportunity",
            record_id=message.record_id,
            status=Status.DEAD,
            reason="r" * 200,
            fingerprint=GROUP if number % 2 else f"{number:032}",
            finished_at=now - timedelta(minutes=number),
        )
        for number in range(2 * MANY)
    )


def measure(client: Client, method: str, url: str) -> tuple[str, int]:
    """The page, and how many queries it took."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.generic(method, url)
    assert answer.status_code in (200, 302, 403, 405), url
    return answer.content.decode(), len(captured)


def test_no_page_grows_without_end(admin_client: Client, crowd: World) -> None:
    shown = [("POST", reveal(row)) for row in (crowd.message, crowd.message.delivery, crowd.record)]
    urls = [("GET", address.url) for address in addresses(crowd) if not address.name.endswith("_json")]
    wrong = []
    for method, url in [*urls, *shown, ("GET", group(f"{0:032}"))]:
        html, queries = measure(admin_client, method, url)
        table_rows = len(re.findall(r"<(?:tr|li|option)\b", html))
        if len(html) > MOST_BYTES or table_rows > MOST_ROWS or queries > MOST_QUERIES:
            wrong.append((method, url, len(html), table_rows, queries))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_cut_list_leads_to_the_rest(admin_client: Client, crowd: World) -> None:
    flow = action("flow", OperatorAction)
    urls = {
        page(crowd.record): ["fields"],
        page(crowd.message): ["values", "wrote", "steps"],
        page(crowd.message.delivery): ["messages"],
        flow: ["controls"],
        group(GROUP): ["notes", "actions"],
        reverse("admin:passport_monitoring_figures_changelist"): ["processes", "flow_rules"],
    }
    for url, names in urls.items():
        first = links(admin_client, url)
        assert {f"?{name}=2" for name in names} <= first, url
        second = links(admin_client, f"{url}?{names[0]}=2")
        assert f"?{names[0]}=1" in second
    assert admin_client.get(f"{flow}?controls={'9' * 18}").status_code == 200
    masked = admin_client.get(page(crowd.message)).content.decode()
    assert "and 85,950 more" in masked


def links(client: Client, url: str) -> set[str]:
    """Every link of a page."""
    return {a.get("href", "") for tag, a in Page(client.get(url).content.decode()).tags if tag == "a"}


def test_the_shown_page_is_of_the_same_part(admin_client: Client, world: World) -> None:
    record = world.record
    give_fields(record, {f"Field{number}__c": number for number in range(900)})
    masked = admin_client.get(page(record) + "?fields=3")
    [form] = [form for form in Page(masked.content.decode()).forms if "reveal" in form.action]
    assert form.action == reveal(record) + "?fields=3"
    shown = admin_client.post(form.action)
    assert shown.context["fields"][0]["name"] == masked.context["fields"][0]["name"]
    assert admin_client.get(reveal(record) + "?fields=4")["Location"] == page(record) + "?fields=4"


def test_every_field_of_a_record_is_on_one_of_its_parts(admin_client: Client, world: World) -> None:
    names = {f"Field{number}__c" for number in range(450)}
    give_fields(world.record, dict.fromkeys(names, 1))
    found = set()
    for number in (1, 2, 3):
        answer = admin_client.get(page(world.record) + f"?fields={number}")
        found |= {row["name"] for row in answer.context["fields"]}
    assert found == names
    assert "401 to 450 of 450 fields" in " ".join(answer.content.decode().split())


def test_with_many_organizations_one_is_named_by_its_id(admin_client: Client, crowd: World) -> None:
    home = crowd.home
    opportunity(3), dead(4)
    assert '<input type="text" id="passport-organization"' in admin_client.get(desk()).content.decode()
    flow = action("flow", OperatorAction)
    asked = admin_client.post(flow, {"kind": "throttle", "organization": home.salesforce_id})
    assert f"of {home.name}" in asked.content.decode()
    said = {"kind": "throttle", "organization": home.salesforce_id, "confirmed": "yes", "per_minute": "5"}
    admin_client.post(flow, {**said, "reason": "slow"})
    assert OperatorAction.objects.filter(kind=ActionKind.THROTTLE, organization=home).exists()
