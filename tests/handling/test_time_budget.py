"""A job ends after its time limit, unclaims the rest, and is fair to organizations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from passport_events import Event, handles
from passport_events.dispatching import hints
from passport_events.handling import worker
from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.handling.worker import TimeBudget, process_claim, work
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceRecord, Status
from project.embedded import ValkeyServer
from tests.handling.factories import (
    OPPORTUNITIES,
    a_backlog,
    a_message,
    an_event,
    an_organization,
    statuses,
    stored,
)

from .conftest import Statements, Time

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def waiting_hints() -> int:
    return int(hints.get_rq_queue(OPPORTUNITIES).count)


def test_messages_that_were_not_attempted_are_unclaimed_unchanged(clock: Time) -> None:
    """Given handlers that take ten seconds, when the limit of fifteen is over, the rest is due again."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        clock.seconds += 10

    home = an_organization()
    stored(*(an_event(home, number) for number in range(5)))

    assert work(OPPORTUNITIES) == 2
    rest = ProcessedMessage.objects.due().filter(status=Status.WAITING, lease_token=None, attempts=0)
    assert rest.count() == 3
    assert not MessageAttempt.objects.exists()
    assert waiting_hints() == 1


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_stop_request_lets_the_current_message_finish(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr(worker, "_stop_requested", False)
    handled = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        handled.append(event.record_id)
        if len(handled) == first:
            worker.request_stop()

    home = an_organization()
    stored(*(an_event(home, number) for number in range(5)))

    assert work(OPPORTUNITIES) == first
    rest = ProcessedMessage.objects.due().filter(status=Status.WAITING, lease_token=None, attempts=0)
    assert rest.count() == 5 - first
    assert waiting_hints() == 1


def test_a_stop_request_before_the_first_attempt_unclaims_all(
    monkeypatch: pytest.MonkeyPatch, redis_server: ValkeyServer
) -> None:
    monkeypatch.setattr(worker, "_stop_requested", False)
    home = an_organization()
    stored(*(an_event(home, number) for number in range(3)))
    locks = RecordLocks(hints.get_connection(OPPORTUNITIES))
    claim = claim_batch(["opportunity"], locks)
    worker.request_stop()

    assert process_claim(claim, locks, TimeBudget(60)) == 0
    assert ProcessedMessage.objects.due().filter(status=Status.WAITING, lease_token=None).count() == 3


def test_the_next_job_continues_at_once(clock: Time) -> None:
    """Given a job that ended, the locks of the unclaimed records are free."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        clock.seconds += 20

    home = an_organization()
    stored(*(an_event(home, number) for number in range(3)))

    assert [work(OPPORTUNITIES) for _ in range(3)] == [1, 1, 1]
    assert statuses() == {"succeeded": 3}


def test_jobs_that_end_early_are_shared_between_organizations(clock: Time) -> None:
    """Given a large backlog and slow handlers, when each job has four attempts, two jobs are enough for all small ones."""
    handled = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        handled.append(event.organization)
        clock.seconds += 4

    behind = an_organization(1)
    a_backlog(behind, 60)
    small = [an_organization(number) for number in (2, 3, 4)]
    for organization in small:
        a_backlog(organization, 2)
    for _ in range(2):
        work(OPPORTUNITIES)

    assert Counter(handled) == {each.salesforce_id: 2 for each in (behind, *small)}


def test_a_full_batch_wakes_another_worker_before_it_begins(change_settings: Callable[..., None]) -> None:
    change_settings(BATCH_SIZE=2)
    hinted = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        hinted.append(waiting_hints())

    a_backlog(an_organization(), 3)
    work(OPPORTUNITIES)

    assert hinted == [1, 1, 1]


def test_when_nothing_is_due_the_worker_leaves_without_a_hint() -> None:
    assert work(OPPORTUNITIES) == 0
    assert waiting_hints() == 0


def test_a_queue_that_no_event_type_names_any_more_has_nothing_to_do(
    change_settings: Callable[..., None],
) -> None:
    change_settings(EVENT_TYPES={"opportunity": {"entities": ["Opportunity"], "queue": OPPORTUNITIES}})
    a_message(an_organization())

    assert work("passport-items") == 0


def test_no_claim_waits_for_another() -> None:
    """Given a suspect and a batch, the suspect is worked on before anything else is in hand."""
    held = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        held.append(ProcessedMessage.objects.filter(status=Status.PROCESSING).count())

    home = an_organization()
    stored(an_event(home, 1), isolated=True)
    stored(an_event(home, 2), an_event(home, 3))
    work(OPPORTUNITIES)

    assert held == [1, 2, 1]


def test_work_on_an_empty_claim_does_nothing(redis_server: ValkeyServer, statements: Statements) -> None:
    locks = RecordLocks(hints.get_connection(OPPORTUNITIES))
    claim = claim_batch(["opportunity"], locks)

    with statements:
        assert process_claim(claim, locks, TimeBudget(0)) == 0
    assert statements.all == []
    assert redis_server.is_running
