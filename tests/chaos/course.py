"""The course of a run: prepare, publish and break, heal, drain, judge. Django is set up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from passport_events.models import AttemptOutcome, MessageAttempt
from project.embedded import LOOPBACK
from tests.chaos import drain
from tests.chaos.checker import judge
from tests.chaos.cluster import Cluster
from tests.chaos.dump import dump
from tests.chaos.fault import Fault
from tests.chaos.healing import heal
from tests.chaos.nemesis import Nemesis
from tests.chaos.observation import observe
from tests.chaos.preparation import fill_database, wait_until_ready
from tests.chaos.producer import Producer
from tests.chaos.report import Outcome
from tests.chaos.screen import Screen
from tests.chaos.sizes import Size
from tests.chaos.story import EVENTS_PER_CHAPTER, make_chapter
from tests.chaos.watch import Watch

PATIENCE = 3.0
"""So many times longer than meant may publishing and breaking take."""


class Course:
    """One run over a cluster whose servers run."""

    def __init__(
        self, cluster: Cluster, size: Size, seed: int, faults: Sequence[Fault], ablation: str
    ) -> None:
        """Nothing happens before `run`."""
        self._cluster = cluster
        self._size = size
        self._seed = seed
        self._faults = faults
        self._ablation = ablation
        self._chapters = range(-(-size.events // EVENTS_PER_CHAPTER))
        self._watch = Watch(cluster)
        self._stage = "starting"

    def run(self) -> Outcome:
        """All of it. Raises PreparationError."""
        directory = self._cluster.directory
        fill_database(self._cluster, self._ablation)
        self._cluster.start_processes()
        wait_until_ready(self._cluster)
        self._producer = Producer(
            f"http://{LOOPBACK}:{self._cluster.proxies['sqs'].port}",
            self._cluster.topic_arn,
            directory / "published.jsonl",
            seed=self._seed,
            chapters=len(self._chapters),
            seconds=self._size.seconds,
            backlog=lambda: self._watch.backlog,
        )
        with (directory / "faults.log").open("x") as log:
            self._nemesis = Nemesis(self._cluster, self._faults, self._seed, log)
            with self._watch, Screen(self._describe):
                self._break()
                sent_back = self._drain()
        # Made again, one by one: together their messages would fill the memory.
        chapters = (make_chapter(number, self._seed) for number in self._chapters)
        verdict = judge(observe(self._cluster, chapters, directory / "published.jsonl"))
        if not verdict.is_right:
            dump(self._cluster)
        return Outcome(
            seed=self._seed,
            ablation=self._ablation,
            verdict=verdict,
            injected=dict(self._nemesis.injected),
            kills=dict(self._nemesis.kills),
            broken=tuple(self._broken()),
            restarts=sum(process.starts - 1 for process in self._cluster.processes),
            crashes=MessageAttempt.objects.filter(outcome=AttemptOutcome.CRASHED).count(),
            retried_by_operator=sent_back,
        )

    def _break(self) -> None:
        """Publish and do harm until there was enough of both."""
        self._stage = "breaking"
        deadline = time.monotonic() + self._size.seconds * PATIENCE
        self._producer.start()
        self._nemesis.run(lambda: self._is_enough or time.monotonic() > deadline)
        self._was_enough = self._is_enough
        self._producer.stop()

    @property
    def _is_enough(self) -> bool:
        kinds = min(self._size.kinds, len(self._faults))
        did_harm = self._nemesis.killed >= self._size.kills and len(self._nemesis.injected) >= kinds
        return self._producer.is_done and did_harm

    def _drain(self) -> int:
        """All faults off, and wait for the end; returns what the operator had to send back."""
        self._stage = "draining"
        heal(self._cluster)
        drain.drain(self._cluster)
        innocent = drain.innocent(make_chapter(number, self._seed) for number in self._chapters)
        if innocent:
            drain.send_back(innocent)
            drain.drain(self._cluster)
        return len(innocent)

    def _broken(self) -> Iterator[str]:
        """What is wrong with the run itself: a zero after too little harm says nothing."""
        yield from self._nemesis.broken
        if not self._was_enough:
            yield (
                f"after {self._size.seconds * PATIENCE:.0f} s too little had happened: {self._producer.published} "
                f"published, {self._nemesis.killed} killed, {len(self._nemesis.injected)} kinds of faults"
            )

    def _describe(self) -> str:
        return (
            f"{self._stage}: published {self._producer.published}, {self._watch.last}, "
            f"kills {self._nemesis.killed}, kinds {len(self._nemesis.injected)}; {self._nemesis.now}"
        )
