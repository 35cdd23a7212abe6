"""The desk costs the same over three rows and over three hundred, in one group or in sixty."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceOrganization
from tests.admin.test_query_counts import queries
from tests.admin.urls import desk, group, listing, page
from tests.handling.factories import a_backlog
from tests.operating.inbox import organization

MOST = 18
pytestmark = pytest.mark.django_db


def fail(homes: list[SalesforceOrganization], count: int, groups: int) -> None:
    """So many dead letters, each with attempts."""
    now = timezone.now()
    for number, home in enumerate(homes):
        before = set(ProcessedMessage.objects.values_list("pk", flat=True))
        a_backlog(home, count // len(homes), status="dead", due_at=None, claimed_at=now, finished_at=now)
        new = ProcessedMessage.objects.exclude(pk__in=before)
        for place, message in enumerate(new):
            message.fingerprint = f"{(place + number) % groups:032}"
        ProcessedMessage.objects.bulk_update(new, ["fingerprint"], batch_size=200)
        MessageAttempt.objects.bulk_create(
            MessageAttempt(
                message=message,
                generation=0,
                number=attempt,
                outcome="retry",
                error_class="a.B",
                ended_at=now,
            )
            for message in new
            for attempt in (1, 2)
        )


def costs(client: Client) -> dict[str, int]:
    """Queries of each page."""
    message = ProcessedMessage.objects.latest("pk")
    urls = {
        "desk": desk(),
        "sorted": desk(sort="last"),
        "filtered": desk(type="opportunity", organization=message.organization_salesforce_id),
        "group": group(f"{0:032}"),
        "deep": group(f"{0:032}", before=message.pk),
        "message": page(message),
        "list": listing(ProcessedMessage) + "?status=failed",
    }
    return {name: len(queries(client, url)) for name, url in urls.items()}


def test_pages_cost_the_same_with_more_messages_groups_and_organizations(admin_client: Client) -> None:
    fail([organization(1)], 3, 1)
    few = costs(admin_client)
    fail([organization(number) for number in range(2, 8)], 300, 60)
    many = costs(admin_client)

    assert many == few
    assert max(many.values()) <= MOST
    assert len(admin_client.get(desk()).context["rows"]) == 50


def test_a_desk_asks_for_no_content_of_messages(admin_client: Client) -> None:
    fail([organization(1)], 3, 1)
    for url in (desk(), group(f"{0:032}")):
        assert not [sql for sql in queries(admin_client, url) if '"content"' in sql or '"merged"' in sql]
