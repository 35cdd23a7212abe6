"""Sending through a topic that fails in every way: each message is accounted for, once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.publishing.messages import OutgoingMessage
from passport_events.publishing.publisher import FailedMessage, PublishResult, publish_messages
from passport_events.publishing.sns_topic import RejectedMessage, Topic

from .outgoings import Answer, FakeTopic, LosingTopic, away, outgoing, refusing


class Sending:
    """A run of `send`, and what it told and waited for."""

    def __init__(self, topic: Topic, count: int) -> None:
        self.progress: list[int] = []
        self.pauses: list[float] = []
        self.account = publish_messages(topic, outgoing(count), self._told, self.pauses.append)

    def _told(self, account: PublishResult) -> None:
        self.progress.append(account.settled)

    @property
    def figures(self) -> tuple[int, int, int, int]:
        """Sent, unsent, requests, retried."""
        account = self.account
        return account.sent, len(account.unsent), account.requests, account.retried


def test_all_are_sent_in_order_and_in_tens() -> None:
    topic = FakeTopic()
    sending = Sending(topic, 25)
    assert [len(request) for request in topic.requests] == [10, 10, 5]
    assert topic.taken == list(range(1, 26))
    assert (sending.figures, sending.progress, sending.pauses) == ((25, 0, 3, 0), [10, 20, 25], [])


def test_nothing_to_send_asks_for_nothing() -> None:
    assert Sending(FakeTopic(), 0).figures == (0, 0, 0, 0)


def test_only_what_failed_is_sent_again() -> None:
    topic = FakeTopic(refusing(2, 7), refusing(7))
    sending = Sending(topic, 12)
    assert topic.requests == [[*range(1, 11)], [2, 7], [7], [11, 12]]
    assert sorted(topic.taken) == list(range(1, 13))
    assert sending.figures == (12, 0, 4, 3)


def test_what_is_the_messages_own_fault_is_not_sent_again() -> None:
    topic = FakeTopic(refusing(3, code="InvalidParameter", is_final=True))
    sending = Sending(topic, 11)
    assert topic.requests == [[*range(1, 11)], [11]]
    assert sending.account.unsent == [FailedMessage(3, "InvalidParameter")]
    assert sending.figures == (10, 1, 2, 0)


def test_after_five_retries_a_message_stays_unsent_and_the_others_go_on() -> None:
    topic = FakeTopic(*[refusing(4)] * 6)
    sending = Sending(topic, 11)
    assert topic.requests[1:] == [[4]] * 5 + [[11]]
    assert sending.account.unsent == [FailedMessage(4, "InternalError")]
    assert (sending.figures, sending.account.gave_up) == ((10, 1, 7, 5), False)


def test_the_pauses_double_up_to_a_limit_and_no_two_publishers_keep_step() -> None:
    sendings = [Sending(FakeTopic(*[refusing(1)] * 6), 1) for _ in range(20)]
    for sending in sendings:
        for pause, longest in zip(sending.pauses, [0.2, 0.4, 0.8, 1.6, 3.2], strict=True):
            assert longest / 2 <= pause <= longest
    assert len({tuple(sending.pauses) for sending in sendings}) > 1


def test_a_throttled_request_is_sent_again_as_a_whole() -> None:
    topic = FakeTopic(away(), away())
    sending = Sending(topic, 3)
    assert topic.requests == [[1, 2, 3]] * 3
    assert sending.figures == (3, 0, 3, 6)


def test_an_outage_ends_the_run_instead_of_failing_batch_by_batch() -> None:
    topic = FakeTopic(refusing(), *[away("EndpointConnectionError")] * 100)
    sending = Sending(topic, 1_000)
    assert sending.figures == (10, 990, 7, 50)
    assert sending.account.unsent == [
        FailedMessage(line, "EndpointConnectionError") for line in range(11, 1_001)
    ]
    assert sending.account.gave_up


def test_a_topic_that_will_never_take_anything_is_asked_once() -> None:
    topic = FakeTopic(away("AuthorizationError", is_final=True))
    sending = Sending(topic, 25)
    assert (len(topic.requests), sending.figures) == (1, (0, 25, 1, 0))
    assert {unsent.code for unsent in sending.account.unsent} == {"AuthorizationError"}


def test_an_outage_after_a_partial_answer_leaves_what_was_taken_sent() -> None:
    sending = Sending(FakeTopic(refusing(2), *[away()] * 5), 3)
    assert (sending.account.sent, sending.account.unsent) == (2, [FailedMessage(2, "Throttled")])


def test_a_lost_reply_sends_twice_and_counts_once() -> None:
    topic = LosingTopic()
    sending = Sending(topic, 12)
    assert topic.taken == [*range(1, 11), *range(1, 11), 11, 12]
    assert sending.figures == (12, 0, 3, 10)


@pytest.mark.parametrize("during", ["request", "pause"])
def test_ctrl_c_accounts_for_everything(during: str) -> None:
    def interrupt(*_: object) -> tuple[list[int], list[RejectedMessage]]:
        raise KeyboardInterrupt

    topic = FakeTopic(refusing(), interrupt if during == "request" else refusing(11, 12))
    account = publish_messages(topic, outgoing(15), lambda _: None, interrupt)  # type: ignore[arg-type]
    left = [*range(11, 16)] if during == "request" else [11, 12]
    assert account.sent == 15 - len(left)
    assert account.unsent == [FailedMessage(line, "Interrupted") for line in left]


@given(
    st.integers(0, 45),
    st.lists(
        st.one_of(
            st.builds(away, is_final=st.booleans()),
            st.lists(st.integers(1, 45)).flatmap(
                lambda lines: st.booleans().map(lambda is_final: refusing(*lines, is_final=is_final))
            ),
        ),
        max_size=12,
    ),
)
def test_whatever_fails_each_message_is_sent_or_unsent(count: int, answers: list[Answer]) -> None:
    topic = FakeTopic(*answers)
    sending = Sending(topic, count)
    unsent = [one.line for one in sending.account.unsent]
    assert sorted(topic.taken + unsent) == list(range(1, count + 1))
    assert sending.account.sent == len(topic.taken)
    assert sending.account.requests == len(topic.requests)
    assert sending.account.retried == sum(map(len, topic.requests)) - len(set().union(*topic.requests))
    assert sending.progress == sorted(sending.progress)


def test_a_message_knows_its_batch_only_by_position() -> None:
    """Lines are numbers of a file, positions those of a request."""

    class Strict:
        def publish(self, batch: Sequence[OutgoingMessage]) -> list[RejectedMessage]:
            return [RejectedMessage(len(batch) - 1, "InternalError", True)]

    assert publish_messages(Strict(), outgoing(12), lambda _: None).unsent == [
        FailedMessage(10, "InternalError"),
        FailedMessage(12, "InternalError"),
    ]
