"""Messages that are ready to be sent, and a topic whose every answer a test decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from passport_events.exceptions import TopicUnavailable
from passport_events.publishing.outgoing import Outgoing
from passport_events.publishing.topic import Refused

Answer = Callable[[Sequence[Outgoing]], tuple[list[int], list[Refused]]]
"""Of a batch, the lines that are taken, and what is refused. It may raise instead."""


def outgoing(count: int) -> list[Outgoing]:
    """Small messages on the lines 1, 2, 3...."""
    return [Outgoing(line, "{}", {"event_type": "opportunity"}) for line in range(1, count + 1)]


def refusing(*lines: int, code: str = "InternalError", is_final: bool = False) -> Answer:
    """Takes all but these lines."""

    def answer(batch: Sequence[Outgoing]) -> tuple[list[int], list[Refused]]:
        refused = [
            Refused(position, code, is_final)
            for position, message in enumerate(batch)
            if message.line in lines
        ]
        return [message.line for message in batch if message.line not in lines], refused

    return answer


def away(code: str = "Throttled", *, is_final: bool = False) -> Answer:
    """Takes nothing."""

    def answer(batch: Sequence[Outgoing]) -> tuple[list[int], list[Refused]]:
        raise TopicUnavailable(code, is_final=is_final)

    return answer


class FakeTopic:
    """Gives each of `answers` in turn, and then takes everything."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[list[int]] = []
        """The lines of each request."""
        self.taken: list[int] = []

    def publish(self, batch: Sequence[Outgoing]) -> list[Refused]:
        """One request."""
        self.requests.append([message.line for message in batch])
        answer = self._answers.pop(0) if self._answers else refusing()
        taken, refused = answer(batch)
        self.taken += taken
        return refused


class LosingTopic(FakeTopic):
    """Takes the whole of its first request, and the reply gets lost."""

    def publish(self, batch: Sequence[Outgoing]) -> list[Refused]:
        """One request."""
        refused = super().publish(batch)
        if len(self.requests) == 1:
            raise TopicUnavailable("ReadTimeoutError", is_final=False)
        return refused
