"""Pages cost the same over any number of rows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from passport_events.handling.worker import work
from passport_events.models import (
    Delivery,
    Heartbeat,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.testing import organization_id
from passport_events.testing.factories import COMMITTED_MS
from project.embedded import ValkeyServer
from tests.admin.urls import listing, page
from tests.operating.inbox import dead, opportunity, organization

MODELS = [Delivery, Heartbeat, OperatorAction, ProcessedMessage, SalesforceOrganization, SalesforceRecord]
pytestmark = pytest.mark.django_db


def queries(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def more_of_everything(start: int, count: int) -> None:
    for number in range(start, start + count):
        home = organization(number)
        opportunity(number, home=organization_id(number))
        work("passport-opportunities")
        dead(number + 1_000, home=organization_id(number))
        now = timezone.now()
        Heartbeat.objects.create(name=f"poller {number}", kind="poller", started_at=now, beaten_at=now)
        flow_operations.pause("item", home, Actor("ann"), "")


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_with_more_rows(
    admin_client: Client, redis_server: ValkeyServer, model: type[Model]
) -> None:
    more_of_everything(1, 2)
    few = queries(admin_client, listing(model))
    more_of_everything(3, 6)
    many = queries(admin_client, listing(model))
    assert len(many) == len(few) <= 9


def test_a_record_costs_the_same_with_more_messages(admin_client: Client, redis_server: ValkeyServer) -> None:
    organization()
    opportunity(1)
    work("passport-opportunities")
    record = SalesforceRecord.objects.get()
    few = queries(admin_client, page(record))
    for number in range(1, 6):
        opportunity(1, change="UPDATE", fields={f"F{number}": 1}, at_ms=COMMITTED_MS + 1_000 * (9 - number))
        work("passport-opportunities")
    assert len(queries(admin_client, page(record))) == len(few)


def test_the_index_asks_nothing_about_messages(admin_client: Client) -> None:
    for url in (reverse("admin:index"), reverse("admin:app_list", args=("passport_events",))):
        assert not [sql for sql in queries(admin_client, url) if "passport_events_" in sql]


def test_no_list_counts_a_whole_table(admin_client: Client) -> None:
    organization()
    opportunity()
    counts = [sql for sql in queries(admin_client, listing(ProcessedMessage)) if "COUNT(" in sql.upper()]
    assert counts
    assert all("LIMIT" in sql for sql in counts)
