"""Publishing a round through SNS, and remembering what was published when."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from project.demo import aws
from project.demo.scenario import Publication

BATCH = 10
"""PublishBatch takes at most ten."""


class PublishError(Exception):
    """SNS did not take a message, so that nobody knows any more what must arrive."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One copy that SNS has taken."""

    name: str
    at: float
    """Seconds since 1970, just before SNS was asked."""


class Publisher:
    """Publishes from a thread of its own, so that the screen stays alive."""

    def __init__(self, endpoint_url: str, topic_arn: str) -> None:
        """Raises NotLoopbackError."""
        self._sns = aws.sns(endpoint_url)
        self._topic_arn = topic_arn
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self.sent: dict[str, Sent] = {}
        """SNS's message id -> what it was. Each copy has an id of its own."""

    def publish(self, publications: Sequence[Publication], per_second: float | None = None) -> None:
        """Begin to publish: in batches as fast as SNS takes them, or one by one at a steady pace."""
        self._thread = threading.Thread(
            target=self._run, args=(publications, per_second), name="publisher", daemon=True
        )
        self._thread.start()

    @property
    def is_publishing(self) -> bool:
        """Whether it is still at it. Raises PublishError when it had to give up."""
        if self._failure is not None:
            raise PublishError(f"SNS did not take a message: {self._failure}") from self._failure
        return self._thread is not None and self._thread.is_alive()

    def _run(self, publications: Sequence[Publication], per_second: float | None) -> None:
        size = 1 if per_second else BATCH
        begun = time.monotonic()
        try:
            for position in range(0, len(publications), size):
                if per_second:
                    time.sleep(max(0.0, begun + position / per_second - time.monotonic()))
                self._publish(publications[position : position + size])
        except Exception as error:  # noqa: BLE001  whoever asks `is_publishing` is told
            self._failure = error

    def _publish(self, batch: Sequence[Publication]) -> None:
        at = time.time()
        response = self._sns.publish_batch(
            TopicArn=self._topic_arn,
            PublishBatchRequestEntries=[
                {"Id": str(position), "Message": publication.body}
                for position, publication in enumerate(batch)
            ],
        )
        if response["Failed"]:
            raise PublishError(response["Failed"][0]["Code"])
        for entry in response["Successful"]:
            self.sent[entry["MessageId"]] = Sent(batch[int(entry["Id"])].name, at)
