"""Messages that are ready to be sent, and a topic whose every answer a test decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from passport_events.exceptions import TopicUnavailable
from passport_events.publishing.messages import OutgoingMessage
from passport_events.publishing.sns_topic import RejectedMessage

Answer = Callable[[Sequence[OutgoingMessage]], tuple[list[int], list[RejectedMessage]]]
"""Of a batch, the lines that are taken, and what is refused. It may raise instead."""


def outgoing(count: int) -> list[OutgoingMessage]:
    """Small messages on the lines 1, 2, 3...."""
    return [OutgoingMessage(line, "{}", {"event_type": "opportunity"}) for line in range(1, count + 1)]


def refusing(*lines: int, code: str = "InternalError", is_final: bool = False) -> Answer:
    """Takes all but these lines."""

    def answer(batch: Sequence[OutgoingMessage]) -> tuple[list[int], list[RejectedMessage]]:
        refused = [
            RejectedMessage(position, code, is_final)
            for position, message in enumerate(batch)
            if message.line in lines
        ]
        return [message.line for message in batch if message.line not in lines], refused

    return answer


def away(code: str = "Throttled", *, is_final: bool = False) -> Answer:
    """Takes nothing."""

    def answer(batch: Sequence[OutgoingMessage]) -> tuple[list[int], list[RejectedMessage]]:
        raise TopicUnavailable(code, is_final=is_final)

    return answer


class FakeTopic:
    """Gives each of `answers` in turn, and then takes everything."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[list[int]] = []
        """The lines of each request."""
        self.taken: list[int] = []

    def publish(self, batch: Sequence[OutgoingMessage]) -> list[RejectedMessage]:
        """One request."""
        self.requests.append([message.line for message in batch])
        answer = self._answers.pop(0) if self._answers else refusing()
        taken, refused = answer(batch)
        self.taken += taken
        return refused


class LosingTopic(FakeTopic):
    """Takes the whole of its first request, and the reply gets lost."""

    def publish(self, batch: Sequence[OutgoingMessage]) -> list[RejectedMessage]:
        """One request."""
        refused = super().publish(batch)
        if len(self.requests) == 1:
            raise TopicUnavailable("ReadTimeoutError", is_final=False)
        return refused
