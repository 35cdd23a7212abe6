"""Messages that are due for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.models import ProcessedMessage
from passport_events.operating import backlog, flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.backlog import list_backlog
from passport_events.testing import organization_id
from tests.harness.aws import BUCKET
from tests.operating.inbox import opportunity, organization, pointer

pytestmark = pytest.mark.django_db


def let_them_wait(minutes: int) -> None:
    """Make everything due since then."""
    ProcessedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=minutes))


def test_nothing_is_said_of_what_is_due_for_a_moment(ann: Actor) -> None:
    organization()
    opportunity()
    assert list_backlog() == []


def test_they_are_counted_by_type_with_the_age_of_the_oldest(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}
    organization(1)
    organization(2)
    opportunity(1)
    opportunity(2, home=organization_id(2))
    pointer()
    let_them_wait(10)
    of_opportunities, of_pointers = list_backlog()

    assert (of_opportunities.event_type, of_opportunities.count) == ("opportunity", 2)
    assert of_opportunities.organizations == 2
    assert timedelta(minutes=10) <= of_opportunities.age < timedelta(minutes=20)
    assert (of_pointers.event_type, of_pointers.count, of_pointers.organizations) == ("s3-pointer", 1, 0)
    assert [found.event_type for found in list_backlog("s3-pointer")] == ["s3-pointer"]


def test_the_count_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_COUNTED", 1)
    organization()
    opportunity(1)
    opportunity(2)
    let_them_wait(10)
    (found,) = list_backlog()
    assert (found.count, found.is_capped) == (1, True)


def test_what_an_operator_paused_is_told_apart(ann: Actor) -> None:
    home = organization()
    opportunity()
    let_them_wait(10)
    assert not list_backlog()[0].is_paused
    flow_operations.pause("opportunity", home, ann, "")
    assert list_backlog()[0].is_paused
