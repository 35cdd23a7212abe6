"""Messages whose events are in S3, at the desk."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from tests.admin.conftest import Login
from tests.admin.urls import listing, page, reveal
from tests.harness.aws import BUCKET
from tests.operating.inbox import dead, end, organization, pointer

pytestmark = pytest.mark.django_db
KEY = "students/jane-doe.json"


@pytest.fixture(autouse=True)
def _pointers_are_on(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}


def test_the_page_says_where_the_events_are_to_who_may_see_payloads(
    admin_client: Client, login: Login
) -> None:
    message = pointer(KEY)
    seen = admin_client.post(reveal(message)).content.decode()
    assert BUCKET in seen
    assert KEY in seen
    masked = login().get(page(message)).content.decode()
    assert '<th scope="row">key</th>' in masked
    assert KEY not in masked
    assert BUCKET not in masked


def test_the_list_is_filtered_by_their_type(admin_client: Client, settings: Settings) -> None:
    organization()
    message = pointer()
    dead(1)
    answer = admin_client.get(listing(ProcessedMessage), {"event_type": "s3-pointer"})
    assert [row.pk for row in answer.context["cl"].result_list] == [message.pk]
    assert "s3-pointer" in answer.content.decode()


def test_the_number_of_dead_ones_leads_to_as_many(admin_client: Client) -> None:
    organization()
    counted = {end(pointer(), Status.DEAD).pk, dead(1).pk}
    (row,) = admin_client.get(listing(SalesforceOrganization)).context["cl"].result_list
    assert row.standing.dead == len(counted)
    query = {"organization_salesforce_id": row.salesforce_id, "status": "dead"}
    link = f"organization_salesforce_id={row.salesforce_id}&amp;status=dead"
    assert link in admin_client.get(listing(SalesforceOrganization)).content.decode()
    answer = admin_client.get(listing(ProcessedMessage), query)
    assert {message.pk for message in answer.context["cl"].result_list} == counted


def test_a_dead_one_can_be_sent_back(admin_client: Client) -> None:
    message = end(pointer(), Status.DEAD, "retries used up")
    assert "Retry…" in admin_client.get(page(message)).content.decode()
