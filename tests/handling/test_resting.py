"""Between two claims that are not full a job rests a moment, so that one child serves a trickle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from passport_events.dispatching import hints
from passport_events.handling import worker
from passport_events.handling.worker import work
from passport_events.models import ProcessedMessage
from tests.handling.factories import OPPORTUNITIES, a_backlog, an_event, an_organization, stored

from .conftest import Time

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def waiting_hints() -> int:
    return int(hints.get_rq_queue(OPPORTUNITIES).count)


def test_what_is_stored_while_it_rests_is_handled_by_the_same_job(clock: Time) -> None:
    home = an_organization()
    more = iter(range(1, 4))

    def store_another() -> None:
        for number in more:
            stored(an_event(home, number))
            break

    clock.meanwhile = store_another
    stored(an_event(home))
    assert work(OPPORTUNITIES) == 4
    assert (clock.rests, waiting_hints()) == (4, 0)


def test_a_trickle_that_never_ends_keeps_no_job_for_ever(clock: Time) -> None:
    """Given something new at every rest, a job ends after a second, with a hint that brings it back."""
    home = an_organization()
    clock.meanwhile = lambda: stored(an_event(home, clock.rests))
    stored(an_event(home))
    handled = work(OPPORTUNITIES)
    assert clock.seconds == pytest.approx(worker.MAX_RESTING_SECONDS, abs=2 * worker.REST_SECONDS)
    assert handled == ProcessedMessage.objects.filter(status="succeeded").count() == clock.rests + 1
    assert waiting_hints() == 1


def test_a_backlog_is_no_time_to_rest(clock: Time, change_settings: Callable[..., None]) -> None:
    change_settings(BATCH_SIZE=5)
    a_backlog(an_organization(), 20)
    assert work(OPPORTUNITIES) == 20
    assert clock.rests == 0
