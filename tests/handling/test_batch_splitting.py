"""Splitting a claim into batches."""

from __future__ import annotations

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from passport_events.handling.batch import MAX_BATCH_SIZE, split_into_batches
from passport_events.handling.registry import Handler
from passport_events.models import ProcessedMessage


def a_handler(*, shares_transaction: bool) -> Handler:
    """A handler of opportunities that is never called."""
    return Handler(
        event_type="opportunity",
        function=lambda event, record: None,
        prepare=None,
        latest_only=False,
        needs_complete=False,
        shares_transaction=shares_transaction,
    )


SHARING = a_handler(shares_transaction=True)
MESSAGES = st.lists(
    st.builds(
        ProcessedMessage,
        organization_id=st.integers(1, 2),
        record_id=st.sampled_from("abc"),
        attempts=st.sampled_from((0, 0, 0, 1)),
        deferred_since=st.sampled_from((None, None, None, timezone.now())),
    ),
    max_size=100,
)


def about(*records: str) -> list[ProcessedMessage]:
    """A fresh message about each."""
    return [ProcessedMessage(organization_id=1, record_id=record) for record in records]


@given(MESSAGES)
def test_every_message_is_in_one_batch_and_a_record_keeps_its_order(
    messages: list[ProcessedMessage],
) -> None:
    def of(record: tuple[int | None, str], given: list[ProcessedMessage]) -> list[int]:
        return [id(each) for each in given if (each.organization_id, each.record_id) == record]

    begun = [message for batch in split_into_batches(messages, SHARING) for message in batch]

    assert len(begun) == len(messages)
    for record in {(each.organization_id, each.record_id) for each in messages}:
        assert of(record, begun) == of(record, messages)


@given(MESSAGES)
def test_a_batch_is_short_and_has_no_record_twice_and_no_message_that_failed_before(
    messages: list[ProcessedMessage],
) -> None:
    for batch in split_into_batches(messages, SHARING):
        assert 1 <= len(batch) <= MAX_BATCH_SIZE
        assert len({(each.organization_id, each.record_id) for each in batch}) == len(batch)
        if len(batch) > 1:
            assert not any(each.attempts or each.deferred_since for each in batch)


def test_messages_share_a_batch_where_they_can() -> None:
    messages = about(*"abcab")

    assert list(split_into_batches(messages, SHARING)) == [messages[:3], messages[3:]]
    assert [len(batch) for batch in split_into_batches(about(*map(str, range(45))), SHARING)] == [20, 20, 5]


@pytest.mark.parametrize("handler", [None, a_handler(shares_transaction=False)])
def test_each_is_by_itself_where_the_handler_does_not_share(handler: Handler | None) -> None:
    messages = about(*"aba")

    assert list(split_into_batches(messages, handler)) == [[message] for message in messages]
