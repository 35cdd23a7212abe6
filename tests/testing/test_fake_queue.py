"""The fake queue behaves like SQS, faults included; projects test with it."""

from __future__ import annotations

import json
import threading
import time

import pytest

from passport_events.exceptions import QueueUnavailable
from passport_events.receiving.sqs import MessageQueue
from passport_events.testing import FakeQueue


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


def test_it_is_a_queue_for_the_poller(queue: FakeQueue) -> None:
    as_the_poller_sees_it: MessageQueue = queue
    assert as_the_poller_sees_it.receive(10, 0) == []


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"\xff\x00", b"\xff\x00"),
        ("text ü", "text ü".encode()),
        ("\ud800", b"\xed\xa0\x80"),
        ({"a": 1}, json.dumps({"a": 1}).encode()),
    ],
)
def test_bytes_text_and_mappings_can_be_sent(queue: FakeQueue, sent: object, body: bytes) -> None:
    message_id = queue.send(sent, attributes={"org_id": "00D"})  # type: ignore[arg-type]
    (received,) = queue.receive()
    assert (received.message_id, received.body) == (message_id, body)
    assert received.message_attributes == {"org_id": {"DataType": "String", "StringValue": "00D"}}
    assert (received.receive_count, received.sent_at is not None) == (1, True)


def test_it_hands_out_ten_at_most_and_each_once(queue: FakeQueue) -> None:
    for number in range(25):
        queue.send(str(number))
    assert [len(queue.receive(50)) for _ in range(4)] == [10, 10, 5, 0]


def test_fewer_can_be_asked_for(queue: FakeQueue) -> None:
    for number in range(5):
        queue.send(str(number))
    assert [received.body for received in queue.receive(2)] == [b"0", b"1"]


def test_what_is_received_and_not_deleted_comes_again_under_another_handle(queue: FakeQueue) -> None:
    queue.send("x")
    (first,) = queue.receive()
    assert queue.bodies == [b"x"]
    queue.redeliver()
    (second,) = queue.receive()
    assert second.message_id == first.message_id
    assert second.receipt_handle != first.receipt_handle
    assert second.receive_count == 2


def test_an_old_handle_is_accepted_and_deletes_nothing(queue: FakeQueue) -> None:
    queue.send("x")
    old = queue.receive()
    queue.redeliver()
    new = queue.receive()
    assert (queue.delete(old), queue.bodies) == ([], [b"x"])
    assert (queue.delete(new), queue.bodies) == ([], [])
    assert queue.delete(new) == []


def test_one_message_twice_in_one_receive(queue: FakeQueue) -> None:
    queue.twice_in_one_receive = True
    for number in range(10):
        queue.send(str(number))
    received = queue.receive()
    assert len(received) == 10
    assert len({each.message_id for each in received}) == 5
    assert len({each.receipt_handle for each in received}) == 10
    assert queue.delete(received) == []
    assert len(queue.bodies) == 5


def test_twice_in_one_receive_hands_out_something_where_one_is_asked_for(queue: FakeQueue) -> None:
    queue.twice_in_one_receive = True
    queue.send("x")
    assert len(queue.receive(1)) == 1


def test_so_many_deletes_fail_as_asked_for(queue: FakeQueue) -> None:
    for number in range(5):
        queue.send(str(number))
    received = queue.receive()
    queue.failing_deletes = 2
    assert queue.delete(received) == received[:2]
    assert queue.bodies == [b"0", b"1"]
    assert queue.delete(received[:2]) == []


@pytest.mark.parametrize("fault", ["receives_fail", "deletes_fail"])
def test_sqs_can_be_away(queue: FakeQueue, fault: str) -> None:
    queue.send("x")
    received = [] if fault == "receives_fail" else queue.receive()
    setattr(queue, fault, True)
    with pytest.raises(QueueUnavailable):
        queue.receive() if fault == "receives_fail" else queue.delete(received)
    assert queue.bodies == [b"x"]


def test_a_receive_whose_answer_is_lost_hides_its_messages(queue: FakeQueue) -> None:
    queue.send("x")
    queue.receive_answers_get_lost = True
    with pytest.raises(QueueUnavailable):
        queue.receive()
    queue.receive_answers_get_lost = False
    assert queue.receive() == []
    queue.redeliver()
    (received,) = queue.receive()
    assert received.receive_count == 2


def test_a_delete_whose_answer_is_lost_has_deleted(queue: FakeQueue) -> None:
    queue.send("x")
    received = queue.receive()
    queue.delete_answers_get_lost = True
    with pytest.raises(QueueUnavailable):
        queue.delete(received)
    assert queue.bodies == []


def test_a_redrive_brings_everything_again_under_new_ids(queue: FakeQueue) -> None:
    """Given a message in flight and one that waits, both come, as if they had never been received."""
    queue.send("in flight")
    (old,) = queue.receive()
    queue.send("waiting", message_id="its id")
    queue.redrive()
    received = queue.receive()
    assert [each.body for each in received] == [b"in flight", b"waiting"]
    assert {each.message_id for each in received}.isdisjoint({old.message_id, "its id"})
    assert [each.receive_count for each in received] == [1, 1]
    assert (queue.delete([old]), len(queue.bodies)) == ([], 2)


def test_what_was_deleted_can_come_again(queue: FakeQueue) -> None:
    queue.send("x")
    (first,) = queue.receive()
    queue.delete([first])
    queue.bring_back_deleted()
    (second,) = queue.receive()
    assert (second.message_id, second.body) == (first.message_id, b"x")
    queue.delete([second])
    assert queue.bodies == []


def test_requests_are_what_sqs_would_bill(queue: FakeQueue) -> None:
    queue.send("x")
    queue.receive()
    queue.receive(10, 0)
    queue.delete([])
    queue.receives_fail = True
    with pytest.raises(QueueUnavailable):
        queue.receive()
    assert queue.requests == 4


def test_a_long_poll_ends_as_soon_as_something_comes(queue: FakeQueue) -> None:
    started = time.monotonic()
    threading.Timer(0.05, queue.send, args=("x",)).start()
    assert len(queue.receive(10, 20)) == 1
    assert time.monotonic() - started < 10
    assert queue.requests == 1


def test_threads_never_get_the_same_message(queue: FakeQueue) -> None:
    for number in range(400):
        queue.send(str(number))
    bodies: list[bytes] = []

    def drain() -> None:
        while received := queue.receive():
            bodies.extend(each.body for each in received)
            queue.delete(received)

    threads = [threading.Thread(target=drain) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == len(set(bodies)) == 400
    assert queue.bodies == []
