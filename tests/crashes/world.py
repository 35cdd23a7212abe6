"""Processes that are struck, healthy ones that come after them, and what the world looks like then."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.dispatching import dispatcher, hints
from passport_events.event import S3_POINTER
from passport_events.models import LIVE, OperatorAction, ProcessedMessage, SalesforceRecord, Status
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import organization_id, record_id, relay_message
from project.demo.processes import children_of
from tests.crashes import strikes
from tests.crashes.apps import SETTINGS
from tests.crashes.fork_server import DJANGO_SETTINGS, REPOSITORY, Forked, ForkServer
from tests.crashes.short_timeouts import SHORT_TIMEOUTS
from tests.harness.aws import Sqs
from tests.receiving import pointing

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

KNOWN_AFTER_A_FORK = {strikes.STRIKE, strikes.FILE, SHORT_TIMEOUTS, SETTINGS}
"""What `apps.py` reads."""
HOME = organization_id(1)
OPPORTUNITIES, ATTACHMENTS, ITEMS = "passport-opportunities", "passport-attachments", "passport-items"
UNHANDLED = record_id("OpportunityLineItem", 0)[:3]
"""How the ids of items begin, whose events are only merged."""
ENTITIES = {"opportunity": "Opportunity", "attachment": "Attachment", "item": "OpportunityLineItem"}
PATIENCE_SECONDS = 60
POLLER = ("poll_sqs", "--concurrency=1")


def worker(*queues: str) -> tuple[str, ...]:
    """The arguments of a worker that runs until it is told to stop."""
    return ("rqworker", *queues)


def eventually(condition: Callable[[], Any], why: Callable[[], Any] = lambda: None) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


@dataclasses.dataclass(frozen=True)
class Process:
    """`manage.py` with some arguments, in a process of its own."""

    popen: subprocess.Popen[bytes] | Forked
    file: Path
    """Exists while it is held at its step."""
    output: Path
    errors: Path

    @property
    def pid(self) -> int:
        """The process itself, not a shell."""
        return self.popen.pid

    def wait(self) -> tuple[int, str, str]:
        """Exit code, output and errors, once it has ended."""
        code = self.popen.wait(timeout=PATIENCE_SECONDS)
        return code, self.output.read_text(), self.errors.read_text()

    def can_be_told_to_stop(self) -> bool:
        """Whether it has begun to listen to SIGTERM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def is_struck(self) -> bool:
        """Whether it has reached its step. Raises AssertionError if it ended before."""
        if self.popen.poll() is not None and not self.file.exists():
            raise AssertionError(f"it ended before its step: {self.wait()}")
        return self.file.exists()

    def tell(self, *numbers: signal.Signals, children: bool = False) -> None:
        """Send signals to a process that is held, and wait until it has heard one.

        Kubernetes sends them to the first process; systemd to all processes of a service.
        """
        pids = [self.pid, *(children_of(self.pid) if children else [])]
        for number, pid in itertools.product(numbers, pids):
            os.kill(pid, number)
        eventually(self.file.with_suffix(strikes.TOLD).exists)

    def let_go(self) -> None:
        """End the hold."""
        self.file.unlink()


class World:
    """Starts processes and ends them; knows what was published."""

    def __init__(self, sqs: Sqs, directory: Path, fork_server: ForkServer) -> None:
        self.sqs = sqs
        self._fork_server = fork_server
        self._directory = directory
        self._processes: list[Process] = []
        self.published: list[str] = []
        self.pointers = 0

    def start(self, *arguments: str, strike: str = "", **environment: str) -> Process:
        """Start `manage.py ARGUMENTS`, to be struck (`kill received`) or healthy."""
        file, output, errors = (
            self._directory / f"{name}-{len(self._processes)}" for name in ("struck", "output", "errors")
        )
        if strike:
            environment |= {strikes.STRIKE: strike, strikes.FILE: str(file)}
        popen: subprocess.Popen[bytes] | Forked
        if environment.keys() <= KNOWN_AFTER_A_FORK:
            popen = self._fork_server.start(arguments, environment, output, errors)
        else:
            with output.open("w") as out, errors.open("w") as err:
                popen = subprocess.Popen(
                    [sys.executable, "-W", "error", "-m", "django", *arguments],
                    env={**os.environ, "DJANGO_SETTINGS_MODULE": DJANGO_SETTINGS, **environment},
                    cwd=REPOSITORY,
                    stdout=out,
                    stderr=err,
                )
        process = Process(popen, file, output, errors)
        self._processes.append(process)
        return process

    def kill_at(self, step: str, *arguments: str) -> None:
        """Run a process that dies at a step. Raises AssertionError if it died of anything else."""
        code, output, errors = self.start(*arguments, strike=f"kill {step}").wait()
        assert code == -signal.SIGKILL, (code, output, errors)
        assert strikes.said(step) in errors
        self._let_time_pass()

    def _let_time_pass(self) -> None:
        """End what the dead process held and would not have renewed: leases, locks of records, hints."""
        ProcessedMessage.objects.filter(status=Status.PROCESSING).update(due_at=ClockTimestamp())
        valkey = hints.get_connection(OPPORTUNITIES)
        for key in [*valkey.scan_iter("*passport:lock:*"), *valkey.scan_iter("*passport:hint:*")]:
            valkey.delete(key)

    def _take_time(self) -> None:
        """From now on what is received is hidden for long: on a busy machine a second is over before the delete."""
        self.sqs.queue.set_attributes(Attributes={"VisibilityTimeout": "60"})

    def publish(self, *names: str, event_type: str = "opportunity") -> None:
        """One new record for each name."""
        entity = ENTITIES[event_type]
        for name in names:
            record = record_id(entity, len(self.published))
            self.published.append(record)
            message = relay_message(entity, record, fields={"Name": name}, organization=HOME)
            self.sqs.topic.publish(Message=json.dumps(message))

    def publish_large(self, bucket: Bucket, name: str) -> None:
        """The same for an opportunity, whose message lies in S3."""
        record = record_id("Opportunity", len(self.published))
        self.published.append(record)
        self.pointers += 1
        message = relay_message("Opportunity", record, fields={"Name": name}, organization=HOME)
        pointing.publish(self.sqs, pointing.pointer(pointing.upload(bucket, message)))

    def receive_all(self) -> None:
        """Store, in this process, all that is in SQS."""
        self._take_time()
        queue = SqsQueue(conf.get_settings())
        while poll_once(queue, wait_seconds=0).received:
            pass

    def forget_hints(self) -> None:
        """Let the dispatcher find due rows that nobody hinted at."""
        hints.get_connection(OPPORTUNITIES).flushall()

    def hints(self, queue: str) -> int:
        """How many wait for a worker."""
        return int(hints.get_rq_queue(queue).count)

    def receive_counts(self) -> list[int]:
        """How often each visible message was handed out, this time included; they are hidden then."""
        found = self.sqs.queue.receive_messages(
            MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        )
        return [int(message.attributes["ApproximateReceiveCount"]) for message in found]

    @contextmanager
    def healthy(self, *commands: tuple[str, ...]) -> Iterator[None]:
        """Processes that run for the length of a block and end well when they are told to."""
        running = [self.start(*command) for command in commands]
        yield
        for process in running:
            eventually(process.can_be_told_to_stop)
            process.popen.send_signal(signal.SIGTERM)
        for process in running:
            code, output, errors = process.wait()
            assert code == 0, (code, output, errors)

    def recover(self) -> None:
        """Let a healthy poller and a healthy worker do the rest. Raises AssertionError if they cannot."""
        self._take_time()
        with self.healthy(POLLER, worker(OPPORTUNITIES, ATTACHMENTS, ITEMS)):
            eventually(self.is_settled, self.unsettled)

    def work_off(self, *queues: str) -> None:
        """The same with a healthy worker alone, where all is stored; this process is the dispatcher."""
        with self.healthy(worker(*queues)):
            eventually(lambda: self.is_settled(dispatcher.tick()), self.unsettled)

    def is_settled(self, hints_sent: int = 0) -> bool:
        """Whether everything that was published is stored and has ended, and SQS is empty."""
        rows = ProcessedMessage.objects
        stored = rows.count() == len(self.published) + self.pointers
        # Actions first, because their last step may make rows due.
        is_over = not (OperatorAction.objects.unfinished() or rows.filter(status__in=LIVE))
        return stored and is_over and not any(self.in_sqs())

    def in_sqs(self) -> tuple[int, int, int]:
        """Visible, hidden, and in the dead letter queue."""
        self.sqs.queue.reload()  # boto3's resources remember what they saw first
        self.sqs.dead_letter_queue.reload()
        found, dead = self.sqs.queue.attributes, self.sqs.dead_letter_queue.attributes
        return (
            int(found["ApproximateNumberOfMessages"]),
            int(found["ApproximateNumberOfMessagesNotVisible"]),
            int(dead["ApproximateNumberOfMessages"]),
        )

    def unsettled(self) -> Mapping[str, Any]:
        """What is still to be done, for whoever reads a failed test."""
        columns = ("record_id", "status", "reason", "due_at", "attempts", "crashes", "isolated")
        return {"sqs": self.in_sqs(), "rows": list(ProcessedMessage.objects.values(*columns))}

    def kill_all(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.popen.send_signal(signal.SIGKILL)
            process.popen.wait(timeout=PATIENCE_SECONDS)


def effects() -> Counter[str]:
    """How often each record's handler left an effect."""
    return Counter(name.split()[0] for name in Group.objects.values_list("name", flat=True))


def assert_all_is_well(world: World) -> None:
    """Nothing lost, nothing twice, nothing stuck, and the mirror right."""
    assert world.is_settled(), world.unsettled()
    rows = ProcessedMessage.objects.values_list("record_id", "status")
    events = dict(rows.exclude(event_type=S3_POINTER))
    assert events == dict.fromkeys(world.published, "succeeded"), world.unsettled()
    pointers = [status for _, status in rows.filter(event_type=S3_POINTER)]
    assert pointers == ["succeeded"] * world.pointers
    assert set(SalesforceRecord.objects.values_list("record_id", flat=True)) == set(world.published)
    assert not SalesforceRecord.objects.filter(fields={}).exists()
    handled = [record for record in world.published if not record.startswith(UNHANDLED)]
    assert effects() == Counter(handled)
