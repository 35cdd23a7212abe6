"""Publishing the story through SNS, at a steady pace, under the same faults as everybody else."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from project.embedded import require_loopback
from tests.chaos import story
from tests.chaos.journal import Journal, Line

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

BATCH = 10
"""PublishBatch takes at most ten."""
ANSWER_SECONDS = 3
AGAIN_SHARE = 0.7
"""So often a batch without an answer is published again; the others stay unknown, as after a crash."""
PAUSE_SECONDS = 0.5
MOST_BACKLOG = 2_500
_LOOK_SECONDS = 0.05
ATTRIBUTE = "chaos"
"""The message attribute with the publication's name, by which unreadable ones are found again."""


class Producer:
    """A thread that publishes `chapters` chapters in about `seconds`."""

    def __init__(
        self,
        endpoint_url: str,
        topic_arn: str,
        journal: Path,
        *,
        seed: int,
        chapters: int,
        seconds: float,
        backlog: Callable[[], int],
    ) -> None:
        """`endpoint_url` may be a proxy's; `backlog` tells how much is to be done. Raises NotLoopbackError."""
        self._sns = client(endpoint_url)
        self._topic_arn = topic_arn
        self._path = journal
        self._rng = Random(f"producer/{seed}")
        self._story = story.publications(story.make_chapter(number, seed) for number in range(chapters))
        self._per_second = chapters * story.PUBLICATIONS_PER_CHAPTER / seconds
        self._backlog = backlog
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self.published = 0
        self.acknowledged = 0
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether everything was published, or it failed. Raises what it failed of."""
        if self.failure is not None:
            raise self.failure
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Leave the rest unpublished, and wait for the call that is under way."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with Journal(self._path) as journal:
                self._publish_all(journal)
        except Exception as error:  # noqa: BLE001  whoever asks `is_done` is told
            self.failure = error

    def _publish_all(self, journal: Journal) -> None:
        begun = time.monotonic()
        for batch in _in_tens(self._story):
            # After an outage it catches up, so that there is a backlog to work on.
            while time.monotonic() < begun + self.published / self._per_second or self._is_far_ahead:
                if self._stopping.wait(_LOOK_SECONDS):
                    return
            self._publish(journal, batch)
            self.published += len(batch)

    @property
    def _is_far_ahead(self) -> bool:
        """On a slow machine nobody needs to drain for an hour in the end."""
        return self._backlog() > MOST_BACKLOG

    def _publish(self, journal: Journal, batch: Sequence[story.Publication]) -> None:
        left = list(batch)
        while left and not self._stopping.is_set():
            names = [publication.name for publication in left]
            journal.write(Line.ATTEMPT, names)
            try:
                taken = self._ask(left)
            except (BotoCoreError, ClientError):
                journal.write(Line.UNKNOWN, names)
                if self._rng.random() > AGAIN_SHARE:
                    return
            else:
                journal.write(Line.ACKNOWLEDGED, [left[position].name for position in taken])
                self.acknowledged += len(taken)
                left = [each for position, each in enumerate(left) if position not in taken]
            if left:
                self._stopping.wait(PAUSE_SECONDS)

    def _ask(self, batch: Sequence[story.Publication]) -> list[int]:
        """Positions of those that SNS took."""
        response = self._sns.publish_batch(
            TopicArn=self._topic_arn,
            PublishBatchRequestEntries=[
                {
                    "Id": str(position),
                    "Message": publication.body,
                    "MessageAttributes": {ATTRIBUTE: {"DataType": "String", "StringValue": publication.name}},
                }
                for position, publication in enumerate(batch)
            ],
        )
        return [int(entry["Id"]) for entry in response["Successful"]]


def client(endpoint_url: str) -> SNSClient:
    """A client that asks once: what a retry of boto3's own does is in no log. Raises NotLoopbackError."""
    config = Config(
        connect_timeout=ANSWER_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        proxies={},
    )
    return boto3.session.Session().client("sns", endpoint_url=require_loopback(endpoint_url), config=config)


def _in_tens(publications: Iterator[story.Publication]) -> Iterator[list[story.Publication]]:
    while batch := list(itertools.islice(publications, BATCH)):
        yield batch
