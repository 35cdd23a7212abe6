"""What SQS says about a message beside its body."""

from datetime import UTC, datetime

import pytest

from passport_events.wire.raw_delivery import RawDelivery


def received(**attributes: str) -> RawDelivery:
    return RawDelivery(message_id="m", receipt_handle="r", body=b"Jane Doe", attributes=attributes)


def test_the_time_of_sending_is_milliseconds_since_1970() -> None:
    assert received(SentTimestamp="1778192988123").sent_at == datetime(
        2026, 5, 7, 22, 29, 48, 123000, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e3", " 1", "1_0", "٣", "9" * 15, "9" * 5000])
def test_a_time_that_is_none_is_unknown(text: str) -> None:
    assert received(SentTimestamp=text).sent_at is None


def test_a_time_that_is_absent_is_unknown() -> None:
    assert received().sent_at is None


@pytest.mark.parametrize(
    ("text", "count"), [("3", 3), ("", 1), ("many", 1), ("0", 1), ("99999999999", 2**31 - 1)]
)
def test_the_receive_count_is_at_least_one_and_fits_its_column(text: str, count: int) -> None:
    assert received(ApproximateReceiveCount=text).receive_count == count


def test_the_receive_count_is_one_where_sqs_did_not_say() -> None:
    assert received().receive_count == 1


def test_its_repr_shows_no_body() -> None:
    assert "Jane" not in repr(received())
