"""The stub as an embedded server, and the harness's side of its controls."""

from __future__ import annotations

import http.client
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.throughput.stub.api import ACCOUNT
from project.embedded.server import EmbeddedServer

REPOSITORY = Path(__file__).parents[3]
QUEUE = "events"
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What the stub has counted since it started."""

    requests: Mapping[str, int]
    """By action."""
    delivered: int
    """Receives that brought something."""
    waiting: int
    """Long polls that wait at this moment."""
    left: int
    """Messages in the queue, in flight or not."""
    cpu_seconds: float
    """Of the stub itself."""


class SqsStub(EmbeddedServer):
    """One queue, `parse_bare`, on 127.0.0.1."""

    name: ClassVar[str] = "stub"
    stop_signal: ClassVar[signal.Signals] = signal.SIGKILL

    @property
    def endpoint_url(self) -> str:
        """For boto3."""
        return f"http://{self.host}:{self.port}"

    @property
    def queue_url(self) -> str:
        """The one queue."""
        return f"{self.endpoint_url}/{ACCOUNT}/{QUEUE}"

    def hold(self) -> None:
        """Begin anew with an empty queue that hands out nothing."""
        self._ask("hold")

    def load(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue, without waking anybody."""
        self._ask("load", bodies)

    def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue that somebody waits for."""
        self._ask("send", bodies)

    def release(self) -> float:
        """Hand out from now on. Returns the time of it, by this machine's clock."""
        return float(self._ask("release")["at"])

    def close_queue(self) -> None:
        """End every long poll, until the next `hold`."""
        self._ask("close")

    def stats(self) -> QueueStats:
        """What it counted."""
        return QueueStats(**self._ask("stats"))

    def _ask(self, verb: str, words: object = None) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("POST", f"/control/{QUEUE}/{verb}", json.dumps(words))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "benchmarks.throughput.stub", str(self.port)]

    def _environment(self) -> Mapping[str, str]:
        return {**super()._environment(), "PYTHONPATH": str(REPOSITORY)}

    def _is_ready(self) -> bool:
        try:
            return self.stats().left >= 0
        except OSError:
            return False
