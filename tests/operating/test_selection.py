"""Which messages a selection means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.event import Event
from passport_events.exceptions import OperationRefused
from passport_events.handling.registry import get_handlers, handles
from passport_events.models import Delivery, SalesforceRecord, Status
from passport_events.operating import selection as module
from passport_events.operating.selection import Selection, count, find_newest
from passport_events.testing import organization_id, record_id
from tests.operating.inbox import dead, end, opportunity, organization, rows

SECOND = datetime(2026, 1, 2, tzinfo=UTC)
moments = st.datetimes(timezones=st.just(UTC))
words = st.text(max_size=18)
selections = st.builds(
    Selection,
    statuses=st.lists(st.sampled_from(Status), max_size=3).map(tuple),
    event_type=words,
    organization=words,
    fingerprint=words,
    record_id=words,
    handler=words,
    release=words,
    received_since=st.none() | moments,
    since=st.none() | moments,
    until=st.none() | moments,
    ids=st.lists(st.integers(1, 9), max_size=3).map(tuple),
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {1, 2, 3, 4, 5}),
        ({"statuses": (Status.SUCCEEDED,)}, {1, 2, 3}),
        ({"statuses": (Status.DEAD, Status.SUCCEEDED)}, {1, 2, 3, 4}),
        ({"statuses": (Status.WAITING,)}, {5}),
        ({"event_type": "opportunity"}, {1, 2, 3, 4, 5}),
        ({"event_type": "item"}, set()),
        ({"organization": organization_id(1)}, {1, 2, 3, 4, 5}),
        ({"organization": organization_id(2)}, set()),
        ({"record_id": record_id("Opportunity", 2)}, {2}),
        ({"release": "41"}, {2}),
        ({"fingerprint": "f00"}, {4}),
        ({"since": SECOND}, {2, 3, 4}),
        ({"until": SECOND}, {1}),
        ({"received_since": SECOND}, {2, 3, 4, 5}),
        ({"received_until": SECOND}, {1}),
        ({"since": SECOND, "release": "41", "statuses": (Status.SUCCEEDED,)}, {2}),
    ],
)
def test_a_selection_takes_what_fits_and_nothing_else(said: dict[str, Any], expected: set[int]) -> None:
    organization()
    made = {n: end(opportunity(n), Status.SUCCEEDED) for n in (1, 2, 3)} | {4: dead(4)}
    for number, message in made.items():
        ended = datetime(2026, 1, number, tzinfo=UTC)
        release, fingerprint = "41" if number == 2 else "", "f00" if number == 4 else ""
        rows(message).update(finished_at=ended, release=release, fingerprint=fingerprint)
    made[5] = opportunity(5)
    for number, message in made.items():
        Delivery.objects.filter(pk=message.delivery_id).update(
            received_at=datetime(2026, 1, number, tzinfo=UTC)
        )

    assert set(Selection(**said).messages()) == {made[number] for number in expected}


@pytest.mark.django_db
def test_chosen_messages_are_those_and_no_others() -> None:
    organization()
    first, _, third = (dead(number) for number in range(3))
    assert set(Selection(ids=(first.pk, third.pk)).messages()) == {first, third}


@pytest.mark.django_db
def test_a_handler_means_the_types_that_it_handles_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport_events.handling.registry._handlers", dict(get_handlers()))

    @handles("opportunity")
    def enrol(event: Event, record: SalesforceRecord) -> None: ...

    organization()
    message = opportunity()
    name = get_handlers()["opportunity"].name

    assert set(Selection(handler=name).messages()) == {message}
    rows(message).update(event_type="item")
    assert not Selection(handler=name).messages()
    with pytest.raises(OperationRefused, match="There is no handler gone"):
        Selection(handler="gone").messages()


@given(selections)
def test_a_selection_comes_back_from_json_as_it_was(selection: Selection) -> None:
    assert Selection.from_json(selection.to_json()) == selection


def test_a_word_that_this_release_does_not_know_is_refused_rather_than_left_out() -> None:
    with pytest.raises(OperationRefused, match="does not know colour"):
        Selection.from_json({"statuses": ["dead"], "colour": "red"})


def test_a_status_alone_is_not_narrow() -> None:
    assert not Selection(statuses=(Status.SUCCEEDED,)).is_narrow
    assert Selection(release="41").is_narrow


def test_a_selection_is_said_in_the_words_of_its_fields() -> None:
    said = str(Selection(statuses=(Status.DEAD,), event_type="item", ids=(1, 2)))
    assert said == "dead, event type item, 2 chosen messages"


@pytest.mark.django_db
def test_counting_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    for number in range(3):
        dead(number)
    assert count(Selection().messages()) == 3
    monkeypatch.setattr(module, "MAX_COUNTED", 2)
    assert count(Selection().messages()) == 2


@pytest.mark.django_db
def test_a_glance_sees_all_where_an_index_finds_them_else_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LOOKBACK_MESSAGES", 2)
    organization()
    messages = [dead(number) for number in range(4)]
    rows(*messages).update(release="41")

    assert set(Selection(release="41").bounded()) == set(messages[2:])
    for said in ({"statuses": (Status.DEAD,)}, {"since": SECOND}, {"ids": tuple(m.pk for m in messages)}):
        assert set(Selection(release="41", **said).bounded()) == set(messages)


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [3, 10_000])
def test_the_newest_are_the_same_however_they_are_found(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(module, "MAX_COUNTED", limit)
    organization()
    messages = [dead(number) for number in range(5)]
    assert list(find_newest(Selection().messages(), 2)) == [messages[4], messages[3]]
