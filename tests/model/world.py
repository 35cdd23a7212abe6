"""Everything of one example: servers that are empty, what was sent, who holds what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction
from django.db.models import F
from rq.job import Job

from passport_events import conf
from passport_events.dispatching import dispatcher, hints
from passport_events.event import Event
from passport_events.exceptions import QueueUnavailable
from passport_events.handling import jobs
from passport_events.models import (
    Delivery,
    MessageAttempt,
    Mode,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.receiving import organization_cache
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, organization_id
from project.embedded import ValkeyServer
from tests.model.handlers import Script
from tests.model.plans import Overtaken, Plan
from tests.model.salesforce import Salesforce, Sent
from tests.model.seams import WatchedQueue, watched
from tests.model.second_connection import SecondConnection

KNOWN, ALSO_KNOWN, UNKNOWN = 1, 2, 3
"""Numbers of organizations; the last one is added while the example runs."""
LONG = timedelta(hours=8)
"""After this every lease, lock and delay of the model is over."""

_TABLES = (
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    Delivery,
    SalesforceRecord,
    SalesforceOrganization,
    Group,
)


class World:
    """One example."""

    def __init__(self, redis_server: ValkeyServer, second_connection: SecondConnection) -> None:
        self._redis_server = redis_server
        self.second_connection = second_connection
        self.queue = FakeQueue()
        self.salesforce = Salesforce()
        self.sent: list[Sent] = []
        self.script = Script(within=self._must_be_alone)
        self.script.register()
        self.was_shadow: set[str] = set()
        self.leases_ended = 0
        self.violations: list[str] = []
        """What was seen within transactions, where an assertion would only fail the handler."""
        self.locks_are_whole = True
        """Whether every Redis lock lives as long as the lease that it belongs to."""
        self._empty()
        for number in (KNOWN, ALSO_KNOWN):
            self.add_organization(number)

    def _empty(self) -> None:
        with connection.cursor() as cursor:
            for model in _TABLES:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608  our own names
        self._redis_server.flush()
        organization_cache.clear()

    def add_organization(self, number: int) -> SalesforceOrganization:
        """Make an organization known."""
        name = f"Program {number}"
        return SalesforceOrganization.objects.get_or_create(
            salesforce_id=organization_id(number), defaults={"name": name, "mode": Mode.LIVE}
        )[0]

    def set_mode(self, number: int, mode: Mode) -> None:
        """As the admin does: saved, and so forgotten by the cache."""
        for organization in SalesforceOrganization.objects.filter(salesforce_id=organization_id(number)):
            organization.mode = mode
            organization.save()
            if mode is Mode.SHADOW:
                self.was_shadow.add(organization.salesforce_id)

    def send(self, sent: Sent) -> None:
        """SNS hands it to SQS."""
        self.queue.send(sent.body, attributes=sent.attributes)
        self.sent.append(sent)

    @contextmanager
    def _surviving(self, plan: Plan) -> Iterator[None]:
        """Let a plan happen to what this block does. Errors are raised where the plan makes none."""
        if type(plan) is Plan:
            yield
            return
        if isinstance(plan, Overtaken):
            plan.by, plan.second_connection = self._others()[plan.who], self.second_connection
        self.locks_are_whole = False
        with suppress(*plan.excuses), watched(plan):
            yield
        assert connection.get_autocommit(), "the plan left a transaction open"

    def _others(self) -> dict[str, Callable[[], None]]:
        return {"poller": self._another_poller, "worker": self._another_worker, "flush": self.flush_redis}

    def _another_poller(self) -> None:
        self.queue.redeliver()
        poll_once(self.queue)

    def _another_worker(self) -> None:
        self.time_passes(timedelta(minutes=2))
        self._work_on_all()

    def _work_on_all(self) -> None:
        for name in conf.get_settings().queues():
            jobs.work_on_queue(name)

    def poll(self, plan: Plan, fault: str = "") -> None:
        """One poll, of a queue with a fault."""
        expected = (QueueUnavailable,) if fault else ()
        if fault:
            setattr(self.queue, fault, True)
        try:
            with suppress(*expected), self._surviving(plan):
                poll_once(WatchedQueue(self.queue, plan))
        finally:
            if fault:
                setattr(self.queue, fault, False)

    def work(self, plan: Plan) -> None:
        """A worker's job in each queue, one after the other."""
        with self._surviving(plan):
            self._work_on_all()

    def does(self, work: Callable[[], Any], plan: Plan) -> Any:
        """Anything else that a process does; None where it came to no end."""
        with self._surviving(plan):
            return work()

    def answer_hints(self, most: int) -> int:
        """Let workers take hints that are in RQ; returns how many there were."""
        answered = 0
        for name in conf.get_settings().queues():
            queue = hints.get_rq_queue(name)
            while answered < most and queue.count:
                job_id = str(queue.pop_job_id())
                job = Job.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
                job.perform()
                job.delete()
                answered += 1
        return answered

    def dispatch(self) -> None:
        """The dispatcher's next second."""
        hints.get_connection(next(iter(conf.get_settings().queues()))).delete(dispatcher.get_tick_key())
        dispatcher.tick()

    def flush_redis(self) -> None:
        """Redis comes back empty: no hints, no flags, no locks."""
        self._redis_server.flush()
        self.locks_are_whole = False

    def time_passes(self, time: timedelta) -> None:
        """Everywhere: rows move into the past, and what Redis keeps for seconds is gone."""
        self.clock_jumps(time)
        redis = hints.get_connection(next(iter(conf.get_settings().queues())))
        for key in redis.keys("passport:*"):
            redis.delete(key)

    def clock_jumps(self, time: timedelta) -> None:
        """The database's clock alone is set, forwards or backwards."""
        moved: dict[str, Any] = {name: F(name) - time for name in ("due_at", "claimed_at", "deferred_since")}
        live = ProcessedMessage.objects.filter(due_at__isnull=False)
        with transaction.atomic():
            # What a transaction that stands still has locked stays where it is.
            rows = dict(live.select_for_update(skip_locked=True).values_list("pk", "status"))
            ProcessedMessage.objects.filter(pk__in=rows).update(**moved)
        self.leases_ended += sum(status == Status.PROCESSING for status in rows.values())
        self.locks_are_whole = False

    def _must_be_alone(self, event: Event, record: SalesforceRecord) -> None:
        """While a handler runs, nobody else can lock its record."""
        if self.second_connection.is_current:
            return
        if not self.second_connection.run(lambda: _is_locked(record)):
            self.violations.append("I4: another transaction could lock the record of a running handler")


def _is_locked(record: SalesforceRecord) -> bool:
    try:
        with transaction.atomic():
            SalesforceRecord.objects.select_for_update(nowait=True, no_key=True).get(pk=record.pk)
    except OperationalError:
        return True
    return False
