"""Process the due messages of one RQ queue until none is left or the job's time is over."""

from __future__ import annotations

import functools
import itertools
import math
import os
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from django.db import Error, connections
from rq.timeouts import JobTimeoutException

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.handling.attempt import Attempt, BatchResult
from passport_events.handling.batch import merge_batch, split_into_batches
from passport_events.handling.batch_transaction import run_batch
from passport_events.handling.claim import EMPTY_CLAIM, Claim, claim_batch, claim_isolated
from passport_events.handling.execute import run_attempt
from passport_events.handling.lease import LeaseKeeper
from passport_events.handling.locks import RecordLocks
from passport_events.handling.plan import Plan, make_plan
from passport_events.mirror.apply import ensure_records
from passport_events.models import ProcessedMessage
from passport_events.models.database import CONNECTION_ERRORS, get_database_alias

ISOLATED_CLAIM_SECONDS = 1.0
"""Interval at which a long job looks for isolated messages, which are rare."""
REST_SECONDS = 0.02
"""Pause after a claim that was not full: messages that arrive meanwhile are claimed together, in this job
and not in one of their own. The pause is a part of the end-to-end latency."""
MAX_RESTING_SECONDS = 1.0
"""An older job ends instead of resting, so that a trickle of messages does not keep one job for ever."""

_stop_requested = False
"""Of this process, which runs one job at a time and exits after a request."""


def request_stop() -> None:
    """Make the job of this process start nothing more. Safe in a signal handler, also when repeated."""
    global _stop_requested  # noqa: PLW0603  RQ's signal handlers have no reference to the job
    _stop_requested = True


class TimeBudget:
    """The time limit of one job, counted from the creation of this object."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._end = self._started + seconds

    def rest(self) -> bool:
        """Pause for more messages; return False when the job must end instead."""
        if self.is_over() or time.monotonic() - self._started > MAX_RESTING_SECONDS:
            return False
        time.sleep(REST_SECONDS)
        return True

    def is_over(self) -> bool:
        """Return whether the job must not claim any more."""
        return _stop_requested or time.monotonic() > self._end

    def must_yield(self, attempted: Collection[int]) -> bool:
        """Return whether the rest of a claim must be unclaimed.

        One message of a claim is always attempted, however long the claim took, except after a stop request.
        """
        return _stop_requested or (len(attempted) > 0 and self.is_over())


def work(queue_name: str) -> int:
    """Process what is due for an RQ queue; return how many messages were attempted.

    Raises CONNECTION_ERRORS after messages that were not attempted are unclaimed.
    """
    settings = conf.get_settings()
    event_types = settings.queues().get(queue_name, [])
    locks = RecordLocks(hints.get_connection(queue_name))
    budget = TimeBudget(settings.job_time_limit_seconds)
    count, batch, isolated, looked_at = 0, EMPTY_CLAIM, EMPTY_CLAIM, -math.inf
    while event_types and not budget.is_over():
        # One claim at a time: the lease of a second claim would not be renewed. An isolated message may
        # crash this process, so nothing else is claimed meanwhile.
        is_time = time.monotonic() - looked_at >= ISOLATED_CLAIM_SECONDS
        if is_time or isolated.messages or isolated.more or batch.more:
            isolated, looked_at = claim_isolated(event_types, locks), time.monotonic()
            count += process_claim(isolated, locks, budget)
            if budget.is_over():
                break
        batch = claim_batch(event_types, locks)
        if batch.more:
            # Before this batch is processed, so that another worker starts on the rest.
            hints.send([queue_name])
        count += process_claim(batch, locks, budget)
        if batch.more or isolated.messages:
            continue
        if not (batch.messages or isolated.more):
            return count
        if not budget.rest():
            break
    hints.send([queue_name])
    return count


def process_claim(claim: Claim, locks: RecordLocks, budget: TimeBudget) -> int:
    """Attempt messages of a claim while there is time, and unclaim the rest; return the attempted count."""
    if not claim.messages:
        return 0
    attempted: set[int] = set()
    try:
        with LeaseKeeper(claim, locks):
            ensure_records(claim.messages)
            results = run_attempts(claim)
            while not budget.must_yield(attempted):
                result = next(results, None)
                if result is None:
                    break
                attempted |= result.attempted
                if result.error is not None:
                    raise result.error
                if result.stop is not None:
                    break
    except CONNECTION_ERRORS:
        # Django keeps a broken connection outside a transaction.
        connections[get_database_alias()].close_if_unusable_or_obsolete()
        raise
    finally:
        _unclaim(claim, attempted)
    return len(attempted)


def run_attempts(claim: Claim) -> Iterator[BatchResult]:
    """Attempt the messages of a claim; yield the result of each transaction before the next one starts."""
    for plan, messages in _group_by_plan(claim.messages):
        if not plan.needs_own_transaction and _try_merge_batch(messages, plan, claim.lease_token):
            yield BatchResult(frozenset(message.pk for message in messages))
        else:
            yield from _run_group(messages, plan, claim.lease_token)


def _run_group(messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID) -> Iterator[BatchResult]:
    """Attempt messages of one plan, one by one or in batches."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    new_attempt = functools.partial(Attempt, plan=plan, lease_token=lease_token, worker=worker)
    for batch in split_into_batches(messages, plan.handler):
        left, batch_size = list(batch), len(batch)
        while left:
            attempts = [new_attempt(message) for message in left[: max(1, batch_size)]]
            if len(attempts) > 1 and plan.handler is not None:
                result = run_batch(attempts, plan.handler)
                # Only as many as there was time for; one by one after a failure.
                batch_size = len(result.attempted)
            else:
                result = run_attempt(attempts[0])
            left = [message for message in left if message.pk not in result.attempted]
            yield result


def _group_by_plan(messages: Sequence[ProcessedMessage]) -> Iterator[tuple[Plan, list[ProcessedMessage]]]:
    """Yield one group per plan that shares a transaction, then the others in the claim's order.

    All messages of a record are of one kind, unless its organization changes at this moment.
    """
    settings = conf.get_settings()
    shared: dict[Plan, list[ProcessedMessage]] = {}
    separate: list[tuple[Plan, ProcessedMessage]] = []
    for message in messages:
        plan = make_plan(message, settings)
        if plan.needs_own_transaction:
            separate.append((plan, message))
        else:
            shared.setdefault(plan, []).append(message)
    yield from shared.items()
    for plan, group in itertools.groupby(separate, key=lambda pair: pair[0]):
        yield plan, [message for _, message in group]


def _try_merge_batch(messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID) -> bool:
    """Merge messages at once; return False when that failed, so that they are attempted one by one."""
    try:
        merge_batch(messages, plan, lease_token)
    except (*CONNECTION_ERRORS, JobTimeoutException):
        raise
    except Exception:  # noqa: BLE001  the attempt of the failing message reports it
        return False
    return True


def _unclaim(claim: Claim, attempted: Collection[int]) -> None:
    """Make messages that were not attempted due at once."""
    rest = [message.pk for message in claim.messages if message.pk not in attempted]
    if rest:
        with suppress(Error):  # then they are due when the lease ends
            ProcessedMessage.objects.filter(pk__in=rest).unclaim(claim.lease_token)
