"""Messages that are due for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.models import ProcessedMessage
from passport_events.operating import backlog, flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.backlog import long_waiting
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
    assert long_waiting() == []


def test_they_are_counted_by_type_with_the_age_of_the_oldest(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "POINTER_BUCKETS": [BUCKET]}
    organization(1)
    organization(2)
    opportunity(1)
    opportunity(2, home=organization_id(2))
    pointer()
    let_them_wait(10)
    of_opportunities, of_pointers = long_waiting()

    assert (of_opportunities.event_type, of_opportunities.count) == ("opportunity", 2)
    assert of_opportunities.organizations == 2
    assert timedelta(minutes=10) <= of_opportunities.age < timedelta(minutes=20)
    assert (of_pointers.event_type, of_pointers.count, of_pointers.organizations) == ("s3-pointer", 1, 0)
    assert [found.event_type for found in long_waiting("s3-pointer")] == ["s3-pointer"]


def test_the_count_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_COUNTED", 1)
    organization()
    opportunity(1)
    opportunity(2)
    let_them_wait(10)
    (found,) = long_waiting()
    assert (found.count, found.is_capped) == (1, True)


def test_what_an_operator_paused_is_told_apart(ann: Actor) -> None:
    home = organization()
    opportunity()
    let_them_wait(10)
    assert not long_waiting()[0].is_paused
    flow_operations.pause("opportunity", home, ann, "")
    assert long_waiting()[0].is_paused
