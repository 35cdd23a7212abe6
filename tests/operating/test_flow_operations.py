"""Pause, resume, throttle."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from passport_events.dispatching.flow_control import FlowControls
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor
from tests.operating.inbox import organization

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("event_type", [None, "item"])
@pytest.mark.parametrize("covered", ["one organization", "all"])
def test_a_pause_holds_for_its_scope_until_it_is_resumed(
    ann: Actor, event_type: str | None, covered: str
) -> None:
    home = organization()
    scope = (event_type, home if covered == "one organization" else None)

    assert flow_operations.pause(*scope, ann, "S3 is down")
    assert not flow_operations.pause(*scope, Actor("bob"), "me too")

    assert FlowControls.read().is_paused("item", home.pk)
    assert FlowControls.read().is_paused("opportunity", home.pk) is (event_type is None)
    assert flow_operations.resume(*scope, Actor("bob"))
    assert not flow_operations.resume(*scope, ann)
    assert not FlowControls.read().pauses
    action = OperatorAction.objects.get()
    assert (action.actor_name, action.reason, action.ended_by) == ("ann", "S3 is down", "bob")


def test_resuming_one_organization_leaves_the_pause_of_all(ann: Actor) -> None:
    home = organization()
    flow_operations.pause(None, None, ann, "")
    assert not flow_operations.resume(None, home, ann)
    assert FlowControls.read().is_paused("item", home.pk)


def test_another_rate_ends_the_throttle_before(ann: Actor) -> None:
    assert flow_operations.limit_rate("item", None, ann, "", 60)
    assert not flow_operations.limit_rate("item", None, ann, "", 60)
    assert flow_operations.limit_rate("item", None, ann, "", 90)
    assert [throttle.per_minute for throttle in FlowControls.read().rate_limits] == [90]
    assert flow_operations.remove_rate_limit("item", None, ann)
    assert not FlowControls.read().rate_limits


def test_a_throttle_of_nothing_is_refused(ann: Actor) -> None:
    with pytest.raises(OperationRefused, match="pause"):
        flow_operations.limit_rate("item", None, ann, "", 0)


def test_a_type_that_does_not_exist_is_refused(ann: Actor) -> None:
    with pytest.raises(OperationRefused, match="There are: opportunity, attachment, item"):
        flow_operations.pause("opportunities", None, ann, "")


def test_what_is_in_force_for_a_type_that_is_gone_can_be_ended(ann: Actor, settings: Settings) -> None:
    """Given a pause and a throttle, and a release whose settings do not name their type any more."""
    flow_operations.pause("item", None, ann, "")
    flow_operations.limit_rate("item", None, ann, "", per_minute=1)
    types = {"item": None}
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "EVENT_TYPES": types}
    assert flow_operations.resume("item", None, ann)
    assert flow_operations.remove_rate_limit("item", None, ann)
    with pytest.raises(OperationRefused, match="No event type 'item'"):
        flow_operations.resume("item", None, ann)
