"""What hypothesis may choose: commits of Salesforce, handlers' outcomes, and plans for a process."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from passport_events.event import Change, VersionKind
from tests.mirror.histories import Step
from tests.model.handlers import OUTCOMES
from tests.model.plans import CommitUnanswered, DatabaseAway, Dies, Overtaken, Plan, RedisAway
from tests.model.salesforce import Record
from tests.model.world import ALSO_KNOWN, KNOWN, UNKNOWN

_WRAPPINGS = st.sampled_from(("relay", "sns", "bare"))
QUEUES = st.sampled_from(("passport-opportunities", "passport-attachments", "passport-items"))
ORGANIZATIONS = st.sampled_from((KNOWN, KNOWN, ALSO_KNOWN, UNKNOWN))
QUEUE_FAULTS = st.sampled_from(
    (
        "",
        "",
        "twice_in_one_receive",
        "receives_fail",
        "deletes_fail",
        "receive_answers_get_lost",
        "delete_answers_get_lost",
    )
)


@dataclasses.dataclass(frozen=True, slots=True)
class Commit:
    """One change of one or two records of a type, and what becomes of its event."""

    records: tuple[Record, ...]
    step: Step
    is_echo: bool
    wrapping: str
    calls: tuple[str, ...]
    """How the first calls of its handler end."""


_FIELDS = st.dictionaries(
    st.sampled_from(("City", "Name", "Stage")), st.sampled_from((None, "a", 1, ...)), max_size=3
)
"""Values by field; `...` where the event names a field without a value."""
_CHANGES = (Change.CREATED, Change.UNDELETED, Change.DELETED, *[Change.UPDATED] * 3)
_AT = st.integers(1, 9)


def _relayed(change: Change, said: dict[str, Any], at: int) -> Step:
    fields = {name: value for name, value in said.items() if value is not ...}
    missing = tuple(name for name in said if name not in fields) if change is Change.UPDATED else ()
    return Step(change, at, {} if change is Change.DELETED else fields, missing)


def _of_contract(change: Change, said: dict[str, Any], at: int) -> Step:
    return dataclasses.replace(_relayed(change, said, at), missing=(), kind=VersionKind.SEQUENCE)


_STEPS = st.one_of(
    st.builds(_relayed, st.sampled_from(_CHANGES), _FIELDS, _AT),
    st.builds(_relayed, st.sampled_from(_CHANGES), _FIELDS, _AT),
    st.builds(_of_contract, st.sampled_from((*_CHANGES, Change.SNAPSHOT)), _FIELDS, _AT),
    st.builds(Step, st.sampled_from(_CHANGES), _AT, is_gap=st.just(True)),
)
_CALLS = st.one_of(
    st.just(()),
    st.sampled_from(sorted(OUTCOMES)).map(lambda outcome: (outcome,)),
    st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=5).map(tuple),
)


@st.composite
def _commits(draw: st.DrawFn) -> Commit:
    step = draw(_STEPS)
    organization = draw(ORGANIZATIONS)
    event_type = draw(st.sampled_from(("opportunity", "opportunity", "attachment", "item")))
    # Only Salesforce merges changes of several records.
    numbers = draw(st.sampled_from(((1,), (1,), (2,), (1, 2)))) if step.kind is VersionKind.COMMIT else (1,)
    return Commit(
        records=tuple(Record(organization, event_type, number) for number in numbers),
        step=step,
        is_echo=draw(st.sampled_from((False, False, False, True))),
        wrapping=draw(_WRAPPINGS),
        calls=draw(_CALLS),
    )


_COMMITS = _commits()


@dataclasses.dataclass(frozen=True, slots=True)
class Again:
    """An event that was published before, maybe in another wrapping."""

    which: int
    wrapping: str


Traffic = Again | bytes | str
_UNREADABLE = (b"", b"{", b"\xff\x00", b'{"specversion": "1.0"}', b'{"detail-type": "NoSuchEvent"}')
TRAFFIC: st.SearchStrategy[Traffic] = st.one_of(
    st.builds(Again, st.integers(0, 20), _WRAPPINGS),
    st.sampled_from(_UNREADABLE),
    st.sampled_from(("redeliver", "redrive", "bring_back_deleted")),
)

TROUBLE = (
    st.builds(Dies, st.integers(0, 30)),
    st.builds(Overtaken, st.integers(0, 20), st.sampled_from(("poller", "worker", "worker", "flush"))),
    st.builds(CommitUnanswered, st.integers(0, 3)),
    st.builds(DatabaseAway, st.integers(0, 20)),
    st.builds(RedisAway, st.integers(0, 2)),
)
_PLANS = st.one_of(st.just(0).map(Plan), st.just(0).map(Plan), *TROUBLE)


LEASE_PASSES, WORKER_WORKS, REDIS_FLUSHED = "a lease passes", "another worker works", "Redis is flushed"
_MEANWHILE = st.lists(st.sampled_from((LEASE_PASSES, WORKER_WORKS, REDIS_FLUSHED)), max_size=3)
OVERTAKING = st.just([LEASE_PASSES, REDIS_FLUSHED, WORKER_WORKS])
"""What it takes for a worker that stands still to lose its message to another one."""
_SHARES = st.booleans()


@dataclasses.dataclass(frozen=True, slots=True)
class Focus:
    """What an example is made of. A narrow one finds faster what it is made for."""

    rules: tuple[str, ...] | None = None
    """Beside `publish`; all of them where none is named."""
    commits: st.SearchStrategy[Commit] = _COMMITS
    plans: st.SearchStrategy[Plan] = _PLANS
    shares: st.SearchStrategy[bool] = _SHARES
    """Whether the handler of opportunities shares its transaction."""
    meanwhile: st.SearchStrategy[list[str]] = _MEANWHILE
    """What others do while a worker stands still."""

    def has(self, rule: str) -> bool:
        """Whether a rule is played."""
        return self.rules is None or rule in self.rules


EVERYTHING = Focus()


def creations(*calls: str) -> st.SearchStrategy[Commit]:
    """Commits of the plainest kind, whose handler ends like this before it succeeds."""
    step = st.builds(_relayed, st.just(Change.CREATED), _FIELDS, _AT)
    records = st.sampled_from((1, 2)).map(lambda number: (Record(KNOWN, "opportunity", number),))
    return st.builds(Commit, records, step, st.just(value=False), st.just("relay"), st.just(calls))
