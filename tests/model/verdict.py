"""The end of an example: faults stop, workers drain, and everything is compared with what had to be."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import Group

from passport_events import conf
from passport_events.mirror.state import RecordState
from passport_events.models import (
    LIVE,
    Mode,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.operating.organizations import reprocess_organization
from tests.mirror.histories import expected, seen
from tests.model import operator
from tests.model.handlers import DISCARDED, ledger
from tests.model.invariants import Invariants, Row, rows
from tests.model.plans import Plan
from tests.model.world import ALSO_KNOWN, KNOWN, LONG, UNKNOWN, World

MOST_ROUNDS = 8


def reach_a_verdict(world: World, invariants: Invariants) -> None:
    """Heal, drain, and compare. Raises AssertionError."""
    heal(world)
    drain(world, invariants)
    every_dead_letter_has_a_cause(world)
    for _ in let_the_operator_finish(world):
        invariants.check()
    drain(world, invariants)
    nothing_is_lost(world)
    every_status_is_explained(world)
    effects_are_those_of_the_succeeded(invariants)
    the_mirror_shows_what_happened(world)


def heal(world: World) -> None:
    """No more faults. Whoever held something is gone; SQS hands out what is left."""
    world.flush_redis()
    operator.resume()
    world.queue.failing_deletes = 0
    for _ in range(len(world.queue.bodies) + 1):
        world.queue.redeliver()
        world.poll(Plan())
    assert not world.queue.bodies, "stuck in SQS"


def drain(world: World, invariants: Invariants) -> None:
    """Only by what runs in an installation: time, the dispatcher, and workers that take hints."""
    for _ in range(MOST_ROUNDS):
        world.time_passes(LONG)
        world.dispatch()
        while world.answer_hints(100):
            pass
        invariants.check()
        if not ProcessedMessage.objects.filter(status__in=LIVE).exists():
            return
    stuck = ProcessedMessage.objects.filter(status__in=LIVE).values("status", "reason", "attempts", "crashes")
    assert not stuck, f"stuck: {list(stuck)}"


def let_the_operator_finish(world: World) -> Iterator[None]:
    """Mend what failed, and send everything back that can go back, in steps."""
    world.script.is_healed = True
    for number in (KNOWN, ALSO_KNOWN, UNKNOWN):
        world.add_organization(number)
        world.set_mode(number, Mode.LIVE)
    operator.restore()
    yield
    operator.retry()
    yield
    for organization in SalesforceOrganization.objects.all():
        reprocess_organization(organization, operator.ON_CALL)
        yield


def every_dead_letter_has_a_cause(world: World) -> None:
    """Nothing dies of faults around it."""
    most = conf.get_settings().max_retries
    for row in rows():
        if row.status == Status.DEAD:
            said = world.script.said[row.place] if row.record_id else {}
            if row.reason.startswith("rejected"):
                assert said["reject"], f"rejected by nobody: {row}"
            elif row.reason.startswith("poison"):
                assert world.leases_ended >= 3, f"poison without crashes: {row}"
            else:
                failures = said["fail"] + said["break_the_transaction"]
                assert failures + row.crashes > most, f"dead after {failures} failures: {row}"


def nothing_is_lost(world: World) -> None:
    """Every event that was ever sent is a message."""
    stored = {row.place for row in rows() if row.record_id}
    sent = {place for sent in world.sent for place in sent.places}
    assert stored == sent, f"lost or made up: {stored ^ sent}"


def every_status_is_explained(world: World) -> None:
    """After a healthy end, only what was meant so has no effect."""
    for row in rows():
        assert _explanation(world, row), f"nobody asked for this end: {row}"


def _explanation(world: World, row: Row) -> bool:
    place = row.place if row.record_id else ("", "", 0)
    said, is_echo = world.script.said[place], place in world.salesforce.echoes
    explanations = {
        (Status.QUARANTINED, row.reason): not row.record_id,
        (Status.SUCCEEDED, ""): not is_echo or row.event_type == "item",
        (Status.SUCCEEDED, "shadow"): place[0] in world.was_shadow,
        (Status.IGNORED, "own_change"): is_echo,
        (Status.IGNORED, DISCARDED): said["discard"] > 0,
        (Status.SUPERSEDED, "newer_data"): row.event_type == "attachment",
    }
    return explanations.get((Status(row.status), row.reason), False)


def effects_are_those_of_the_succeeded(invariants: Invariants) -> None:
    """The ledger has each of them once, and nothing else."""
    found = ledger()
    assert not invariants.effects - found.keys(), "effects that are gone"
    generations = {row.dedup_key: row.generation for row in rows()}
    for key in found.keys() - invariants.effects:
        # A replay that came before anybody looked.
        dedup_key, generation = key.split(":")
        assert int(generation) < generations[dedup_key], f"effects of what did not succeed: {key}"
    assert Group.objects.count() == len(found)


def the_mirror_shows_what_happened(world: World) -> None:
    """Each record is what its history comes to, applied in order by the model."""
    mirrored = {
        (each.organization.salesforce_id, each.record_id): each
        for each in SalesforceRecord.objects.select_related("organization")
    }
    assert len(mirrored) == len(world.salesforce.history)
    for record, history in world.salesforce.history.items():
        row = mirrored[record.organization_id, record.record_id]
        state = RecordState.from_json(row.merge_state, row.fields)
        assert seen(state) == expected(list(history.values())), record
        assert (row.is_deleted, row.is_complete) == (state.is_deleted, state.is_complete)
        assert row.needs_refetch == state.needs_refetch
