"""Publish messages to SNS request by request, retry failed ones, and account for each.

If a reply is lost, SNS has messages that count as failed here. They are published again and arrive
twice. That is harmless: an event has the same id in both copies, and the inbox keeps one.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence

from passport_events.backoff import compute_delay
from passport_events.exceptions import TopicUnavailable
from passport_events.publishing.messages import OutgoingMessage, split_into_requests
from passport_events.publishing.sns_topic import RejectedMessage, Topic


@dataclasses.dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that did not go out."""

    line: int
    code: str
    """AWS's word for the reason."""


class PublishResult:
    """Every message is open, and then sent or unsent, once."""

    def __init__(self, messages: Iterable[OutgoingMessage]) -> None:
        self.sent = 0
        self.unsent: list[FailedMessage] = []
        self.requests = 0
        self.retried = 0
        """Messages that were sent again, counted each time."""
        self.gave_up = False
        self.reason = ""
        """Why it gave up, as a sentence; empty where a person ended it."""
        self._open = dict.fromkeys(message.line for message in messages)

    @property
    def settled(self) -> int:
        """Messages that are not open any more."""
        return self.sent + len(self.unsent)

    def settle(
        self, batch: Sequence[OutgoingMessage], refused: Iterable[RejectedMessage], *, is_last: bool
    ) -> list[OutgoingMessage]:
        """Note an answer. Returns what should be tried again: nothing, where this was the last try."""
        by_position = {one.position: one for one in refused}
        again = []
        for position, message in enumerate(batch):
            found = by_position.get(position)
            if found is not None and not (is_last or found.is_final):
                again.append(message)
                continue
            del self._open[message.line]
            if found is None:
                self.sent += 1
            else:
                self.unsent.append(FailedMessage(message.line, found.code))
        return again

    def give_up(self, code: str, reason: str = "") -> None:
        """Everything that is still open stays unsent."""
        self.gave_up, self.reason = True, reason
        self.unsent += [FailedMessage(line, code) for line in self._open]
        self._open.clear()


MAX_RETRIES = 5
"""Of one request, each time with what failed in it."""
MIN_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0
INTERRUPTED = "Interrupted"


def publish_messages(
    topic: Topic,
    messages: Sequence[OutgoingMessage],
    progress: Callable[[PublishResult], None],
    pause: Callable[[float], None] = time.sleep,
) -> PublishResult:
    """Send all of them; `progress` is told after each batch, and `pause` waits for so many seconds.

    Ends early when SNS takes a request in none of its tries, and on Ctrl-C. Then what is left is
    unsent for that reason, though SNS may have taken some of the last request.
    """
    account = PublishResult(messages)
    try:
        for batch in split_into_requests(messages):
            _publish_batch(topic, batch, account, pause)
            progress(account)
    except TopicUnavailable as error:
        account.give_up(error.code, str(error))
    except KeyboardInterrupt:
        account.give_up(INTERRUPTED)
    return account


def _publish_batch(
    topic: Topic, batch: Sequence[OutgoingMessage], account: PublishResult, pause: Callable[[float], None]
) -> None:
    """Raises TopicUnavailable when there is no use in asking for more."""
    waiting = batch
    for retries in range(MAX_RETRIES + 1):
        if retries:
            pause(compute_delay(retries, MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS, random.random()))
            account.retried += len(waiting)
        is_last = retries == MAX_RETRIES
        account.requests += 1
        try:
            refused = topic.publish(waiting)
        except TopicUnavailable as error:
            if is_last or error.is_final:
                raise
            continue
        waiting = account.settle(waiting, refused, is_last=is_last)
        if not waiting:
            return
