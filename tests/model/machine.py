"""What can happen, in any order: the rules that hypothesis plays."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.handling.claim import Claim, claim_batch, claim_isolated
from passport_events.handling.locks import RecordLocks
from passport_events.handling.worker import TimeBudget, process_claim
from passport_events.models import Mode, ProcessedMessage
from tests.model.choices import (
    EVERYTHING,
    LEASE_PASSES,
    ORGANIZATIONS,
    QUEUE_FAULTS,
    QUEUES,
    REDIS_FLUSHED,
    TRAFFIC,
    WORKER_WORKS,
    Again,
    Commit,
    Focus,
    Traffic,
)
from tests.model.invariants import Invariants
from tests.model.operator import VERBS
from tests.model.plans import Plan
from tests.model.salesforce import Sent
from tests.model.verdict import reach_a_verdict
from tests.model.world import LONG, World

FOREVER = TimeBudget(float("inf"))
LEASE = timedelta(seconds=60)


MEANWHILE: dict[str, Callable[[World], object]] = {
    LEASE_PASSES: lambda world: world.time_passes(2 * LEASE),
    WORKER_WORKS: lambda world: world.work(Plan()),
    REDIS_FLUSHED: World.flush_redis,
}
"""What others do while a worker stands still."""
R = TypeVar("R", bound=Callable[..., Any])


def may_be_left_out(play: R) -> R:
    """For a rule: it is played where the focus has it."""
    kept: R = precondition(lambda self: self.focus.has(play.__name__))(play)
    return kept


COMMITS = st.runner().flatmap(lambda machine: machine.focus.commits)
MEANTIMES = st.runner().flatmap(lambda machine: machine.focus.meanwhile)
SHARES = st.runner().flatmap(lambda machine: machine.focus.shares)
PLANS = st.runner().flatmap(lambda machine: machine.focus.plans)


class Passport(RuleBasedStateMachine):
    """One example. `make_world` gives it empty servers."""

    hands = Bundle("hands")
    played: ClassVar[Counter[str]] = Counter()
    """How many examples and steps there were, for whoever wants to know."""

    def __init__(self, make_world: Callable[[], World], focus: Focus = EVERYTHING) -> None:
        super().__init__()
        self.world = make_world()
        self.focus = focus
        self.checks = Invariants(self.world)
        self.played["examples"] += 1

    @initialize(commits=st.lists(COMMITS, min_size=1, max_size=4), is_received=st.booleans(), shares=SHARES)
    def begin(self, commits: list[Commit], *, is_received: bool, shares: bool) -> None:
        """Something has happened in Salesforce, and a project has its way of handling it."""
        self.world.script.register(shares=shares)
        self.publish(commits, is_received=is_received)

    @rule(commits=st.lists(COMMITS, min_size=1, max_size=3), is_received=st.booleans())
    def publish(self, commits: list[Commit], *, is_received: bool) -> None:
        """Something happens; also late, and to several records at once."""
        for commit in commits:
            published = self.world.salesforce.commit(commit.records, commit.step, is_echo=commit.is_echo)
            for place in published.places:
                self.world.script.calls[place] = list(commit.calls)
            self.world.send(published.wrapped(commit.wrapping))
        if is_received:
            self.world.poll(Plan())

    @may_be_left_out
    @rule(what=TRAFFIC)
    def other_traffic(self, what: Traffic) -> None:
        """Events that are known already, bytes that are none, and SQS handing out again what it has."""
        if isinstance(what, Again):
            published = self.world.salesforce.published
            self.world.send(published[what.which % len(published)].wrapped(what.wrapping))
        elif isinstance(what, bytes):
            self.world.send(Sent(what, {}, ()))
        else:
            getattr(self.world.queue, what)()

    @may_be_left_out
    @precondition(lambda self: self.world.queue.bodies)
    @rule(plan=PLANS, fault=QUEUE_FAULTS, failing=st.integers(0, 3))
    def poll(self, plan: Plan, fault: str, failing: int) -> None:
        """A poller's turn."""
        self.world.queue.failing_deletes = failing
        self.world.poll(plan, fault)

    @may_be_left_out
    @rule(plan=PLANS)
    def work(self, plan: Plan) -> None:
        """A worker answers hints for every queue."""
        self.world.work(plan)

    @may_be_left_out
    @rule()
    def dispatch(self) -> None:
        """A second passes for the dispatcher, and a worker takes a hint, if there is one."""
        self.world.dispatch()
        self.world.answer_hints(1)

    @may_be_left_out
    @rule(target=hands, queue=QUEUES, plan=PLANS)
    def claim(self, queue: str, plan: Plan) -> MultipleResults[Claim]:
        """A worker claims, and nobody knows whether it will go on."""
        return multiple(*(self.world.does(lambda: self._claim(queue), plan) or ()))

    def _claim(self, queue: str) -> list[Claim]:
        """What is due in this queue, or in the next one that has something."""
        queues = conf.get_settings().queues()
        for types in (queues[queue], *queues.values()):
            claims = [claim_isolated(types, _locks()), claim_batch(types, _locks())]
            if found := [claim for claim in claims if claim.messages]:
                return found
        return []

    @may_be_left_out
    @rule(queue=QUEUES, meanwhile=MEANTIMES, plan=PLANS)
    def stand_still(self, queue: str, meanwhile: list[str], plan: Plan) -> None:
        """A worker claims, others go on, and then it goes on too."""
        for hand in self._claim(queue):
            for what in meanwhile:
                MEANWHILE[what](self.world)
            self.world.does(partial(process_claim, hand, _locks(), FOREVER), plan)

    @may_be_left_out
    @rule(hand=consumes(hands), plan=PLANS)
    def go_on(self, hand: Claim, plan: Plan) -> None:
        """It goes on, maybe long after its lease has ended."""
        self.world.does(lambda: process_claim(hand, _locks(), FOREVER), plan)

    @may_be_left_out
    @rule(hand=hands)
    def renew(self, hand: Claim) -> None:
        """Its lease keeper moves the end of the lease."""
        ProcessedMessage.objects.renew(hand.lease_token, LEASE)

    @may_be_left_out
    @rule(time=st.sampled_from((timedelta(minutes=2), timedelta(hours=1), LONG)))
    def time_passes(self, time: timedelta) -> None:
        """Leases end, delays end."""
        self.world.time_passes(time)

    @may_be_left_out
    @rule(jump=st.sampled_from((timedelta(minutes=10), timedelta(minutes=-10), None)))
    def servers_are_troubled(self, jump: timedelta | None) -> None:
        """The database's clock is set, or Redis loses everything."""
        if jump is None:
            self.world.flush_redis()
        else:
            self.world.clock_jumps(jump)

    @may_be_left_out
    @rule(number=ORGANIZATIONS, mode=st.sampled_from(Mode))
    def set_organization(self, number: int, mode: Mode) -> None:
        """Somebody adds an organization, or changes what is done with its events."""
        self.world.add_organization(number)
        self.world.set_mode(number, mode)

    @may_be_left_out
    @rule(verb=st.sampled_from(sorted(VERBS)), plan=PLANS)
    def operate(self, verb: str, plan: Plan) -> None:
        """An operator's click."""
        self.world.does(VERBS[verb], plan)

    @invariant()
    def nothing_is_broken(self) -> None:
        """After every step."""
        self.played["steps"] += 1
        self.checks.check()

    def teardown(self) -> None:
        """At the end of every example, unless one of its steps has failed."""
        if sys.exc_info()[0] is None:
            reach_a_verdict(self.world, self.checks)


def _locks() -> RecordLocks:
    return RecordLocks(hints.get_connection("passport-opportunities"))
