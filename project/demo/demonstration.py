"""The course of the demo: an idle phase, a burst, the comparison; then whatever the keys break."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from django.db import connection
from rich.text import Text

from project.demo import observation, report
from project.demo.keys import Keys
from project.demo.processes import children_of
from project.demo.scenario import Round, Size, make_round
from project.demo.screen import Progress, Screen
from project.demo.stack import LOGIN, POLLER, Stack, StackError
from project.demo.timing import Timing, timing
from project.demo.verdict import Verdict, judge

IDLE = Size(events=60)
IDLE_PER_SECOND = 10.0
BURST = Size(events=940, duplicates=200, malformed=24, failing_once=30, failing_always=10)
EXTRA = Size(events=300, duplicates=60, malformed=6, failing_once=9, failing_always=3)
"""What is published after a key, so that one sees it go on."""

LOOK_EVERY_SECONDS = 0.2
READY_SECONDS = 30.0
STANDSTILL_SECONDS = 30.0
"""When nothing has changed for so long, nothing more will come: what is missing is lost."""
BREAK_AFTER_EVENTS = 40
"""So many further events are in the inbox when the next thing is broken."""

HELP = "k kill a worker   f flush Redis   p kill the poller   q quit"
HELP_POSTGRESQL = f"d kill the database   {HELP}"
Harm = Callable[[], str]
"""Breaks something, and says what."""
DEAD_LETTERS = "passport_events/processedmessage/?status=dead"


class _Quit(Exception):
    """`q` was pressed."""


class Demonstration:
    """One run. It drives the processes, so it has to stay in one thread."""

    def __init__(self, stack: Stack, screen: Screen) -> None:
        """`stack` is running."""
        self._stack = stack
        self._screen = screen
        self._rounds: list[Round] = []
        self._stage = "starting"
        self._help = ""
        self._keys: Keys | None = None
        self._idle: Timing | None = None
        self._burst: Timing | None = None
        self.verdict: Verdict | None = None

    @property
    def summary(self) -> str:
        """The last line; empty before there is a verdict."""
        return report.summary(self.verdict, self._idle) if self.verdict and self._idle else ""

    def run(self, *, breaking: bool = False) -> None:
        """Publish everything, wait until all of it has ended, and compare.

        With `breaking` everything that can be broken is broken once in the middle of the burst.
        """
        self._wait_until_ready()
        self._publish("idle: 10 events a second", IDLE, per_second=IDLE_PER_SECOND)
        self._publish("burst: as fast as SNS takes them", BURST, harms=self._every_harm() if breaking else ())
        self._compare()

    def stay(self) -> None:
        """Leave the admin running until `q` or Ctrl-C, and break what the keys say."""
        address = self._stack.serve_admin()
        self._screen.say(
            Text(
                f"{self.summary}\n\n"
                f"Admin: {address}  login {LOGIN}, password {LOGIN}\n"
                f"Dead letters: {address}{DEAD_LETTERS}"
            )
        )
        self._help = HELP if self._stack.postgres is None else HELP_POSTGRESQL
        with Keys() as self._keys:
            while True:
                self._stage = "waiting for a key"
                try:
                    self._look()
                    harms = self._harms()
                    if harms:
                        self._publish("more events, and something breaks", EXTRA, harms=harms)
                        self._compare()
                        self._screen.say(Text(self.summary))
                except _Quit:
                    return

    def _harms(self) -> list[Harm]:
        """What the keys ask for that were pressed since the last call."""
        wishes = {"k": self._kill_worker, "f": self._flush_redis, "p": self._kill_poller}
        if self._stack.postgres is not None:
            wishes["d"] = self._restart_database
        pressed = self._keys.pressed() if self._keys else ""
        if "q" in pressed:
            raise _Quit
        return [wishes[key] for key in pressed if key in wishes]

    def _every_harm(self) -> list[Harm]:
        every = [self._kill_worker, self._flush_redis, self._kill_poller]
        return every if self._stack.postgres is None else [*every, self._restart_database]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._stack.is_ready:
            if time.monotonic() > deadline:
                raise StackError(
                    f"The processes were not ready within {READY_SECONDS:g} s. "
                    f"Their logs are in {self._stack.directory / 'logs'}."
                )
            self._look()

    def _publish(
        self, stage: str, size: Size, *, per_second: float | None = None, harms: Sequence[Harm] = ()
    ) -> None:
        """Publish a round, do harm in its midst, and return when all has ended or nothing moves."""
        self._stage = stage
        recorded_before = observation.count().recorded
        self._rounds.append(make_round(len(self._rounds), size))
        self._stack.publisher.publish(self._rounds[-1].publications, per_second)
        waiting, next_harm_at = list(harms), recorded_before + BREAK_AFTER_EVENTS
        last: object = None
        moved_at = time.monotonic()
        while time.monotonic() < moved_at + STANDSTILL_SECONDS:
            counts = self._look()
            waiting += self._harms()
            if waiting and counts.recorded >= next_harm_at:
                self._screen.say(Text(waiting.pop(0)(), style="bold yellow"))
                next_harm_at = counts.recorded + BREAK_AFTER_EVENTS
            is_going_on = self._stack.publisher.is_publishing or counts.live or waiting
            # The queue last, because asking SQS costs most: a duplicate may still be in it.
            if not is_going_on and counts.recorded >= self._to_record and not self._stack.queued:
                return
            state = (counts, len(self._stack.publisher.sent))
            if state != last:
                last, moved_at = state, time.monotonic()

    def _look(self) -> observation.Counts:
        """One step: restart what died, show where it stands."""
        time.sleep(LOOK_EVERY_SECONDS)
        self._stack.processes.look_after()
        counts = observation.count()
        self._screen.show(
            Progress(
                stage=self._stage,
                published=len(self._stack.publisher.sent),
                to_publish=sum(len(each.publications) for each in self._rounds),
                recorded=counts.recorded,
                to_record=self._to_record,
                ended=counts.recorded - counts.live,
                by_status=counts.by_status,
                alive=self._stack.processes.alive,
                restarts=self._stack.processes.restarts,
                help=self._help,
            )
        )
        return counts

    @property
    def _to_record(self) -> int:
        return sum(len(each.endings) for each in self._rounds)

    def _compare(self) -> None:
        """Judge everything published so far, and say so."""
        observed = observation.observe(self._stack.given_up_by_sqs)
        sent = self._stack.publisher.sent
        self.verdict = judge(self._rounds, sent, observed)
        if self._idle is None or self._burst is None:
            self._idle, self._burst = (timing(each, sent, observed.arrivals) for each in self._rounds)
        self._screen.say(report.table(self.verdict, self._idle, self._burst))
        for complaint in report.complaints(self.verdict):
            self._screen.say(Text(complaint, style="red"))

    def _kill_worker(self) -> str:
        """The one that has work in hand, if any has."""
        alive = self._stack.processes.alive
        workers = [name for name in self._stack.workers if name in alive]
        return self._kill(max(workers, key=lambda name: len(children_of(alive[name])), default=""))

    def _kill_poller(self) -> str:
        return self._kill(POLLER)

    def _kill(self, name: str) -> str:
        pid = self._stack.processes.kill(name) if name in self._stack.processes.alive else None
        return f"SIGKILL for {name} [{pid}] and what it was doing" if pid else "it is dead already"

    def _restart_database(self) -> str:
        if self._stack.postgres is None:
            return "SQLite has no server to restart"
        self._stack.postgres.kill()
        connection.close()
        self._stack.postgres.start()
        return "PostgreSQL got SIGKILL, and was started again"

    def _flush_redis(self) -> str:
        self._stack.valkey.flush()
        return "FLUSHALL: no hint, no lock, no cached organization is left in it"
