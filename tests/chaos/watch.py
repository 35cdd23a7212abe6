"""How far everything has come: one thread looks, whoever wants to know reads its last look."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError
from django.db import Error, connection
from django.db.models import Count

from passport_events.models import ProcessedMessage
from project.demo import aws
from tests.chaos.checker import LIVE
from tests.chaos.cluster import Cluster

_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Level:
    """What is where."""

    in_queue: int
    by_status: Mapping[str, int]

    @property
    def live(self) -> int:
        """Rows that something still happens to."""
        return sum(self.by_status.get(status, 0) for status in LIVE)

    @property
    def ended(self) -> int:
        """All others."""
        return sum(self.by_status.values()) - self.live

    @property
    def backlog(self) -> int:
        """All that is still to be done."""
        return self.in_queue + self.live

    def __str__(self) -> str:
        return f"SQS {self.in_queue}, live {self.live}, ended {self.ended}"


def look(cluster: Cluster) -> Level | None:
    """A look straight at the servers; None while one does not answer."""
    try:
        # Not Count("*") over an ordered queryset: the default order would end up in GROUP BY.
        counts = ProcessedMessage.objects.order_by().values_list("status").annotate(Count("pk"))
        return Level(aws.depth(cluster.queues(), cluster.queue_url), dict(counts))
    except (Error, BotoCoreError, ClientError):
        connection.close()
        return None


class Watch:
    """A context manager that looks all the time."""

    def __init__(self, cluster: Cluster) -> None:
        """Nothing is looked at before it is entered."""
        self._cluster = cluster
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.last: Level | None = None

    @property
    def backlog(self) -> int:
        """At the last look that was answered."""
        return self.last.backlog if self.last else 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            self.last = look(self._cluster) or self.last
        connection.close()
