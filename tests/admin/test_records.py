"""The mirror and its blame."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from passport_events.handling.worker import work
from passport_events.models import Heartbeat, OperatorAction, SalesforceRecord
from passport_events.testing.factories import COMMITTED_MS
from project.embedded import ValkeyServer
from tests.admin.conftest import Login
from tests.admin.urls import listing, page, reveal
from tests.operating.inbox import opportunity, organization

SECRET = "Lovelace-4711"
pytestmark = pytest.mark.django_db


@pytest.fixture
def record(redis_server: ValkeyServer) -> SalesforceRecord:
    """One that a late message came for."""
    organization(name="Northfield")
    for about in (
        {"fields": {"LastName": SECRET}},
        {"change": "UPDATE", "fields": {"Stage": "Enrolled"}, "at_ms": COMMITTED_MS + 2_000},
        {"change": "UPDATE", "fields": {"Stage": "Admitted"}, "at_ms": COMMITTED_MS + 1_000},
        {"change": "UPDATE", "changed_fields": ["Owner"], "fields": {}, "at_ms": COMMITTED_MS + 3_000},
    ):
        opportunity(**about)
        work("passport-opportunities")
    return SalesforceRecord.objects.get()


def test_the_page_says_who_wrote_what_and_who_came_late(
    admin_client: Client, record: SalesforceRecord
) -> None:
    response = admin_client.get(page(record))
    answer = response.content.decode()
    first, enrolled, late, _ = record.organization.messages.order_by("pk")
    assert [(row["name"], row["message"]) for row in response.context["fields"]][::2] == [
        ("LastName", first.pk),
        ("Stage", enrolled.pk),
    ]
    assert [row["message"] for row in response.context["late"]] == [late.pk]
    assert "Changed to a value that no event carried: Owner." in answer
    for text in (
        record.record_id,
        "Northfield",
        "complete",
        page(first),
        page(late),
        page(record.organization),
    ):
        assert text in answer


def test_values_are_masked_until_somebody_with_the_permission_asks(
    login: Login, record: SalesforceRecord
) -> None:
    bob = login("view_payload", name="bob")
    assert SECRET not in bob.get(page(record)).content.decode()
    assert SECRET in bob.post(reveal(record)).content.decode()
    look = OperatorAction.objects.get()
    assert (look.kind, look.reason, look.organization) == ("look", str(record), record.organization)


def test_records_are_searched_and_filtered(admin_client: Client, record: SalesforceRecord) -> None:
    def count(**query: str) -> int:
        return len(admin_client.get(listing(SalesforceRecord), query).context["cl"].result_list)

    assert count(q=record.record_id[:15]) == 1
    assert count(q="006") == 0
    assert count(needs_refetch__exact="1") == 1
    assert count(is_deleted__exact="1") == 0


def test_a_record_that_nobody_has_merged_yet_has_a_page(admin_client: Client) -> None:
    stub = SalesforceRecord.objects.create(organization=organization(), entity="Opportunity", record_id="006")
    assert admin_client.get(page(stub)).status_code == 200


def test_heartbeats_show_their_age(admin_client: Client) -> None:
    Heartbeat.objects.create(
        name="poller a:1", kind="poller", started_at=timezone.now(), beaten_at=timezone.now()
    )
    assert re.search(r">\d+ s ago<", admin_client.get(listing(Heartbeat)).content.decode())
