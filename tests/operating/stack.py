"""A stack in which all is well, and what breaks and mends it: real servers, real workers of RQ."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import F
from rq import Queue, SimpleWorker, Worker
from rq.serializers import DefaultSerializer

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.dispatching import dispatcher, hints
from passport_events.handling.rq_worker import PassportWorker
from passport_events.models import Heartbeat, ProcessedMessage
from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.operating.inbox import opportunity
from tests.operating.test_passport_command import passport

if TYPE_CHECKING:
    from datetime import timedelta

OPPORTUNITIES = "passport-opportunities"


class Stack:
    """Servers that are up, a poller that beats, and a registered worker for each queue."""

    def __init__(self, valkey: ValkeyServer, sqs: Sqs) -> None:
        self.valkey = valkey
        self.sqs = sqs
        self.status = ProcessStatus()
        self.poller = ProcessHeartbeat(self.status, None)
        self.workers: dict[str, Worker] = {}
        self.beat()
        self.register_workers()

    def beat(self) -> None:
        """The poller receives and says so."""
        self.status.note_receive(committed=True)
        self.poller.beat()

    def register_workers(self) -> None:
        """One for each queue, as `rqworker` registers it."""
        for name in conf.get_settings().queues():
            self.register_worker(name)

    def register_worker(self, *names: str, kind: type[Worker] | None = None) -> Worker:
        """One that listens to these queues."""
        queues = [hints.get_rq_queue(name) for name in names]
        worker = (kind or PassportWorker)(queues, connection=queues[0].connection)
        worker.register_birth()  # type: ignore[no-untyped-call]
        self.workers[names[0]] = worker
        return worker

    def restart_worker(self, name: str) -> None:
        """As a supervisor does."""
        self.stop_worker(name)
        self.register_worker(name)

    def stop_worker(self, name: str) -> None:
        """A clean end."""
        self.workers.pop(name).register_death()  # type: ignore[no-untyped-call]

    def receive(self) -> None:
        """Store all that is in SQS."""
        while poll_once(SqsQueue(conf.get_settings()), wait_seconds=0).received:
            pass

    def run_worker(self, name: str = OPPORTUNITIES, kind: Any = SimpleWorker, serializer: Any = None) -> None:
        """Work on the hints of a queue in a real worker of RQ, until there is none."""
        queue = hints.get_rq_queue(name)
        serializer = serializer or queue.serializer
        mine = Queue(name, connection=queue.connection, serializer=serializer)
        kind([mine], connection=queue.connection, serializer=serializer).work(burst=True)

    def run_worker_of_another_serializer(self) -> None:
        """What `rqworker` is without `--serializer` and without our worker class."""
        self.run_worker(serializer=DefaultSerializer)

    def work_off(self) -> None:
        """Hint at everything that is due, and handle it."""
        for redis in {hints.get_connection(name) for name in conf.get_settings().queues()}:
            for flag in redis.scan_iter("*hint:*"):
                redis.delete(flag)
        dispatcher.dispatch()
        for name in conf.get_settings().queues():
            self.run_worker(name)


def age(span: timedelta) -> None:
    """Let the heartbeats of all processes be older."""
    Heartbeat.objects.update(
        beaten_at=F("beaten_at") - span,
        received_at=F("received_at") - span,
        started_at=F("started_at") - span,
    )


def overdue(span: timedelta, **about: Any) -> ProcessedMessage:
    """A message that has been due for so long."""
    message = opportunity(**about)
    ProcessedMessage.objects.filter(pk=message.pk).update(due_at=ClockTimestamp() - span)
    return message


def commands_in(text: str) -> list[list[str]]:
    """The arguments of every `manage.py passport` that a way out names, but those with a place for an id."""
    found = re.findall(r"manage\.py passport ((?:\"[^\"]*\"|[^\".;,(]|\.(?=\S))+)", text)
    return [shlex.split(each) for each in found]


def follow(text: str, **replaced: str) -> None:
    """Run the last command that a way out names. Raises AssertionError where it does not succeed."""
    arguments = [replaced.get(each, each) for each in commands_in(text)[-1]]
    code, said = passport(*arguments)
    assert code == 0, (arguments, said)


@contextlib.contextmanager
def broken(case: Iterator[Any]) -> Iterator[Any]:
    """Run the first part of a case, and the second one after the block."""
    yield next(case)
    assert next(case, None) is None
