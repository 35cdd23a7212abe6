"""What operators see of messages whose events are in S3, and can do with them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.clock import ClockTimestamp
from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER
from passport_events.exceptions import OperationRefused
from passport_events.models import Mode, ProcessedMessage, Status
from passport_events.operating import flow_operations, operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.backlog import find_oldest_age
from passport_events.operating.health import check_event_types
from passport_events.operating.organizations import count_by_organization, reprocess_organization
from tests.harness.aws import BUCKET
from tests.operating.inbox import HOME, end, operate, opportunity, organization, pointer, rows

pytestmark = pytest.mark.django_db
UNREADABLE = "invalid_json: Expecting value at character 0"


@pytest.fixture(autouse=True)
def _pointers_are_on(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}


def quarantined(message: ProcessedMessage) -> ProcessedMessage:
    """As a worker leaves a pointer to what cannot be read."""
    end(message, Status.QUARANTINED, UNREADABLE)
    rows(message).update(claimed_at=None)
    return message


def state(message: ProcessedMessage) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.reason


def test_dead_ones_are_retried_without_organization_and_record(ann: Actor) -> None:
    message = end(pointer(), Status.DEAD, "retries used up: PayloadUnavailable")

    assert operate(operations.RETRY, rows(message), ann, "the bucket is readable now") == 1

    message.refresh_from_db()
    assert (message.status, message.attempts, message.organization) == (Status.WAITING, 0, None)
    assert rows(message).due().exists()


def test_quarantined_ones_are_retried_unless_there_is_nothing_to_fetch(
    ann: Actor, settings: Settings
) -> None:
    unreadable = quarantined(pointer("a"))
    redacted = quarantined(pointer("b"))
    rows(redacted).update(content={})
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": []}
    refused = pointer("c")
    assert refused.status == Status.QUARANTINED

    assert operate(operations.RETRY, rows(unreadable, redacted, refused), ann, "published anew") == 1

    assert state(unreadable)[0] == Status.WAITING


def test_each_is_restored_as_what_it_was(ann: Actor) -> None:
    unreadable = quarantined(pointer("a"))
    dead = end(pointer("b"), Status.DEAD, "retries used up: PayloadUnavailable")
    for message in (unreadable, dead):
        operate(operations.DISCARD, rows(message), ann, "noise")
        operate(operations.RESTORE, rows(message), ann)

    assert state(unreadable) == (Status.QUARANTINED, UNREADABLE)
    assert state(dead) == (Status.DEAD, "retries used up: PayloadUnavailable")


def test_reprocessing_fetches_what_could_not_be_read_again(ann: Actor) -> None:
    home = organization()
    message = quarantined(pointer())

    assert reprocess_organization(home, ann) == 1

    assert state(message) == ("waiting", "")
    assert message.content["key"] == "k"


def test_they_count_for_the_organization_that_their_publisher_named() -> None:
    home = organization()
    pointer("waits")
    end(pointer("a"), Status.DEAD)
    quarantined(pointer("b"))
    opportunity(1)

    standing = count_by_organization([home])[home.pk]

    assert (standing.waiting, standing.dead, standing.quarantined) == (1, 1, 1)


def test_an_organization_that_is_off_has_pointers_that_wait() -> None:
    organization(mode=Mode.OFF)
    assert pointer().status == Status.WAITING


def test_they_are_paused_by_the_name_of_their_type(ann: Actor, settings: Settings) -> None:
    assert flow_operations.pause(S3_POINTER, None, ann, "S3 is down")
    assert FlowControls.read().is_paused(S3_POINTER, 0)
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": []}
    with pytest.raises(OperationRefused, match="No event type 's3-pointer'"):
        flow_operations.pause(S3_POINTER, None, ann, "")


@pytest.mark.parametrize(("paused", "is_overdue"), [(None, True), (S3_POINTER, False), ("item", True)])
def test_one_that_is_overdue_is_noticed_unless_it_is_paused(
    ann: Actor, paused: str | None, *, is_overdue: bool
) -> None:
    types = ["opportunity", S3_POINTER]
    message = pointer()
    assert find_oldest_age(types) is None
    rows(message).update(due_at=timezone.now() - timedelta(minutes=5))
    if paused:
        flow_operations.pause(paused, None, ann, "")

    age = find_oldest_age(types)

    assert (age is not None) == is_overdue
    assert age is None or timedelta(minutes=4) < age < timedelta(minutes=9)
    assert find_oldest_age(["opportunity"]) is None


def test_without_buckets_unfinished_ones_are_trouble(settings: Settings) -> None:
    pointer()
    assert check_event_types().ok
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": []}

    found = check_event_types()

    assert found.text.endswith("does not know: s3-pointer.")
    assert "S3_PAYLOAD_BUCKETS" in found.hint


def test_they_are_listed_without_bucket_and_key() -> None:
    message = pointer("jane-doe.json")
    rows(message).update(due_at=ClockTimestamp())
    out = io.StringIO()

    call_command("passport", "list", "--event-type", S3_POINTER, "--organization", HOME, stdout=out)

    line = out.getvalue().splitlines()[1].split()
    assert line[:4] == [str(message.pk), "waiting", S3_POINTER, HOME]
    assert "jane" not in out.getvalue()
