"""What must hold after every step, whatever happened in it.

I1 what left SQS is stored; I2 an event is one row; I3 its effect comes once in each generation; I4 nobody
shares a record; I5 what is not finished will be claimed; I6 attempts keep to the policy; I7 only operators
change what has ended, and it is written down; I8 Redis holds a handful of hints.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.models import LIVE, TERMINAL, OperatorAction, ProcessedMessage, Status
from passport_events.testing.factories import COMMITTED_MS
from tests.model.handlers import ledger
from tests.model.salesforce import Place
from tests.model.world import World

REACHABLE = timedelta(days=2)
"""Nothing in the model waits longer, not even after its clocks were put back."""
A_HANDFUL = 8
"""Of hints in one RQ queue, however many rows wait."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A message as the database has it."""

    pk: int
    organization_salesforce_id: str
    record_id: str
    version: str
    status: str
    reason: str
    attempts: int
    crashes: int
    due_at: datetime | None
    lease_token: Any
    finished_at: datetime | None
    event_type: str
    dedup_key: str
    generation: int
    delivery_id: int

    @property
    def place(self) -> Place:
        """Of an event that could be read."""
        at = (int(self.version[:14]) - COMMITTED_MS) // 1000
        return self.organization_salesforce_id, self.record_id, at

    @property
    def idempotency_key(self) -> str:
        """As its handler sees it."""
        return f"{self.dedup_key}:{self.generation}"

    @property
    def had_its_effect(self) -> bool:
        """Whether a handler has succeeded; items have none."""
        return (self.status, self.reason) == (Status.SUCCEEDED, "") and self.event_type != "item"

    @property
    def end(self) -> tuple[Any, ...]:
        """What only an operator may change once it is terminal."""
        return self.status, self.reason, self.attempts, self.crashes, self.generation, self.finished_at


def rows() -> list[Row]:
    """Every message."""
    names = [field.name for field in dataclasses.fields(Row)]
    return [Row(*values) for values in ProcessedMessage.objects.order_by("pk").values_list(*names)]


class Invariants:
    """Checked after every step; remembers the step before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ended: dict[int, tuple[Any, ...]] = {}
        self._audited = 0
        self.effects: set[str] = set()
        """Idempotency keys of everything that was seen to have succeeded in a handler."""

    def check(self) -> None:
        """Raises AssertionError, which begins with the number."""
        found = rows()
        self._what_left_sqs_is_stored(found)
        self._every_event_is_one_row(found)
        self._every_effect_is_once()
        self._nobody_shares_a_record(found)
        self._everything_unfinished_is_reachable(found)
        self._attempts_keep_to_the_policy(found)
        self._only_operators_change_what_has_ended(found)
        self._redis_holds_few_hints()
        self.effects |= {row.idempotency_key for row in found if row.had_its_effect}

    def _what_left_sqs_is_stored(self, found: list[Row]) -> None:
        places = {row.place for row in found if row.record_id}
        left = set(self._world.queue.bodies)
        for sent in self._world.sent:
            if sent.body not in left:
                assert places.issuperset(sent.places), f"I1: left SQS and is not stored: {sent.places}"
        unreadable = {sent.body for sent in self._world.sent if not sent.places} - left
        if unreadable:
            quarantined = ProcessedMessage.objects.filter(
                record_id="", status__in=(Status.QUARANTINED, Status.DISCARDED)
            )
            kept = {bytes(body or b"") for body in quarantined.values_list("delivery__body", flat=True)}
            assert unreadable <= kept, "I1: left SQS and is not quarantined"

    def _every_event_is_one_row(self, found: list[Row]) -> None:
        keys = Counter(row.dedup_key for row in found)
        assert max(keys.values(), default=0) <= 1, "I2: a dedup key in two rows"
        places = Counter(row.place for row in found if row.record_id)
        assert max(places.values(), default=0) <= 1, f"I2: an event in two rows: {places.most_common(1)}"

    def _every_effect_is_once(self) -> None:
        effects = ledger()
        assert max(effects.values(), default=0) <= 1, f"I3: an effect came twice: {effects.most_common(1)}"

    def _nobody_shares_a_record(self, found: list[Row]) -> None:
        assert not self._world.violations, self._world.violations[0]
        if self._world.locks_are_whole:
            held = {(row.organization_salesforce_id, row.record_id, row.lease_token) for row in found}
            held = {each for each in held if each[2] is not None}
            assert len(held) == len({each[:2] for each in held}), "I4: two leases of one record"

    def _everything_unfinished_is_reachable(self, found: list[Row]) -> None:
        limit = timezone.now() + REACHABLE
        for row in found:
            if row.status in LIVE:
                assert row.due_at is not None, f"I5: message {row.pk} has no time"
                assert row.due_at < limit, f"I5: message {row.pk} waits until {row.due_at}"

    def _attempts_keep_to_the_policy(self, found: list[Row]) -> None:
        most = conf.get_settings().max_retries + 1
        for row in found:
            assert row.attempts <= most, f"I6: {row.attempts} attempts of {most}"

    def _only_operators_change_what_has_ended(self, found: list[Row]) -> None:
        now = {row.pk: row for row in found}
        assert self._ended.keys() <= now.keys(), "I7: a message is gone"
        changed = [pk for pk, end in self._ended.items() if now[pk].end != end]
        audited = OperatorAction.objects.aggregate(rows=Sum("affected"))["rows"] or 0
        told = audited - self._audited
        assert len(changed) == told, f"I7: {len(changed)} ended messages changed, operators changed {told}"
        self._ended = {row.pk: row.end for row in found if row.status in TERMINAL}
        self._audited = audited

    def _redis_holds_few_hints(self) -> None:
        for name in conf.get_settings().queues():
            waiting = hints.get_rq_queue(name).count
            assert waiting <= A_HANDFUL, f"I8: {waiting} hints wait in {name}"
