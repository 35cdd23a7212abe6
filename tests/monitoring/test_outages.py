"""When an organization's heartbeats stayed away: from which moment to which its events may be missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from passport_events.models import Mode, SalesforceOrganization
from passport_events.monitoring.models import Outage
from passport_events.monitoring.rollup import update_outages
from tests.operating.inbox import organization

pytestmark = pytest.mark.django_db
LONG = timedelta(hours=2)


def heard(row: SalesforceOrganization, ago: timedelta) -> None:
    """Its newest heartbeat came so long ago, and was sent a second before."""
    row.heartbeat_received_at = timezone.now() - ago
    row.heartbeat_sent_at = row.heartbeat_received_at - timedelta(seconds=1)
    row.save()


def test_an_outage_lasts_from_the_last_heartbeat_before_it_to_the_first_after_it() -> None:
    home = organization()
    heard(home, LONG)
    before = home.heartbeat_sent_at
    update_outages()
    update_outages()
    assert list(Outage.objects.values_list("began_at", "ended_at")) == [(before, None)]

    heard(home, timedelta(0))
    update_outages()
    update_outages()

    assert list(Outage.objects.values_list("began_at", "ended_at")) == [(before, home.heartbeat_sent_at)]


def test_the_next_outage_is_another() -> None:
    home = organization()
    for hours in (9, 5):
        heard(home, timedelta(hours=hours))
        update_outages()
    heard(home, timedelta(hours=5))
    update_outages()
    first, second = Outage.objects.order_by("began_at")
    assert first.ended_at is not None
    assert second.ended_at is None


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.SHADOW, Mode.OFF])
def test_of_an_organization_that_is_off_there_is_none(mode: Mode) -> None:
    heard(organization(mode=mode), LONG)
    update_outages()
    assert Outage.objects.exists() is (mode != Mode.OFF)


def test_one_that_never_sent_a_heartbeat_or_just_did_has_none() -> None:
    organization(1)
    heard(organization(2), timedelta(seconds=30))
    update_outages()
    assert not Outage.objects.exists()


def test_any_number_of_organizations_takes_the_same_queries(django_assert_max_num_queries: object) -> None:
    for number in range(20):
        heard(organization(number), timedelta(0))
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        update_outages()
