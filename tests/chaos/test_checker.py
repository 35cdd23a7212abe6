"""The checker must find each class of violation, or its zeros mean nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from project.demo.oracle import MirrorRow, mirror_row
from tests.chaos.checker import EffectRow, Evidence, MessageRow, Verdict, Violation, judge
from tests.chaos.journal import Published
from tests.chaos.story import Chapter, Ending, Expected, Place, make_chapter

Harm = Callable[[Evidence], Evidence]
UNREADABLE = "0/malformed-0"


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    """With everything in it: wishes, poison, twins, malformed messages."""
    return make_chapter(0, seed=1)


@pytest.fixture(scope="module")
def perfect(chapter: Chapter) -> Evidence:
    """What a pipeline without faults leaves behind."""
    merged: dict[tuple[str, str], list[Any]] = {}
    for place, expected in chapter.events.items():
        merged.setdefault(place.record, [])
        if expected.is_merged:
            merged[place.record].append(expected.change)
    names = {expected.name for expected in chapter.events.values()} | chapter.malformed.keys()
    return Evidence(
        published=Published(frozenset(names), frozenset()),
        events=chapter.events,
        malformed=chapter.malformed,
        messages=(
            *(MessageRow(place, e.name, e.ending, e.reason) for place, e in chapter.events.items()),
            *(MessageRow(None, name, "quarantined", reason) for name, reason in chapter.malformed.items()),
        ),
        effects=tuple(EffectRow(place, 0, e.value) for place, e in chapter.events.items() if e.has_effect),
        mirror={record: mirror_row(changes) for record, changes in merged.items()},
        in_queue=0,
        in_dead_letter_queue=0,
        stale_completions=(),
    )


def _place(evidence: Evidence, wanted: Callable[[Expected], bool]) -> Place:
    return next(place for place, expected in evidence.events.items() if wanted(expected))


def _handled(expected: Expected) -> bool:
    return expected.has_effect


def _dead(expected: Expected) -> bool:
    return expected.ending is Ending.DEAD


def _row(wanted: Callable[[Expected], bool], /, **changes: Any) -> Harm:
    """Change the row of one event; with no changes, remove it."""

    def harm(evidence: Evidence) -> Evidence:
        place = _place(evidence, wanted)
        rows = [row for row in evidence.messages if row.place != place]
        row = next(row for row in evidence.messages if row.place == place)
        if changes:
            rows.append(dataclasses.replace(row, **changes))
        return dataclasses.replace(evidence, messages=tuple(rows))

    return harm


def _second_row(evidence: Evidence) -> Evidence:
    place = _place(evidence, _handled)
    row = next(row for row in evidence.messages if row.place == place)
    return dataclasses.replace(evidence, messages=(*evidence.messages, row))


def _effects(wanted: Callable[[Expected], bool], *effects: tuple[int, str]) -> Harm:
    """Give one event these effects and no others: generation and value, where "" is the right one."""

    def harm(evidence: Evidence) -> Evidence:
        place = _place(evidence, wanted)
        others = [effect for effect in evidence.effects if effect.place != place]
        right = evidence.events[place].value
        its = [EffectRow(place, generation, value or right) for generation, value in effects]
        return dataclasses.replace(evidence, effects=(*others, *its))

    return harm


def _unreadable(**changes: Any) -> Harm:
    def harm(evidence: Evidence) -> Evidence:
        rows = [row for row in evidence.messages if row.name != UNREADABLE]
        row = next(row for row in evidence.messages if row.name == UNREADABLE)
        if changes:
            rows.append(dataclasses.replace(row, **changes))
        return dataclasses.replace(evidence, messages=tuple(rows))

    return harm


def _mirror(change: Callable[[MirrorRow], MirrorRow | None], wanted: Callable[[MirrorRow], bool]) -> Harm:
    def harm(evidence: Evidence) -> Evidence:
        mirror = dict(evidence.mirror)
        key = next(key for key, row in mirror.items() if wanted(row))
        changed = change(mirror.pop(key))
        return dataclasses.replace(evidence, mirror=mirror | ({key: changed} if changed else {}))

    return harm


def _older_value(row: MirrorRow) -> MirrorRow:
    return dataclasses.replace(row, fields={**row.fields, next(iter(row.fields)): "an older value"})


def _revived(row: MirrorRow) -> MirrorRow:
    return MirrorRow({"Name": "back again"}, is_deleted=False, is_complete=False)


def _stranger(evidence: Evidence) -> Evidence:
    place = Place("00D000000000000AAA", "006000000000000AAA", 1, 1)
    rows = (*evidence.messages, MessageRow(place, "", "succeeded", ""))
    return dataclasses.replace(evidence, messages=rows)


def _effect_of_a_stranger(evidence: Evidence) -> Evidence:
    effect = EffectRow(Place("00D000000000000AAA", "006000000000000AAA", 1, 1), 0, "")
    return dataclasses.replace(evidence, effects=(*evidence.effects, effect))


def _record_of_a_stranger(evidence: Evidence) -> Evidence:
    stranger = {("00D000000000000AAA", "006000000000000AAA"): MirrorRow({}, False, False)}
    return dataclasses.replace(evidence, mirror={**evidence.mirror, **stranger})


def _with(**changes: Any) -> Harm:
    return lambda evidence: dataclasses.replace(evidence, **changes)


@pytest.mark.parametrize(
    ("harm", "violation"),
    [
        pytest.param(_row(_handled), Violation.LOST, id="acknowledged and no row"),
        pytest.param(_row(_handled, status="dead", reason="x"), Violation.LOST, id="dead by mistake"),
        pytest.param(_row(_handled, status="quarantined"), Violation.LOST, id="quarantined by mistake"),
        pytest.param(_row(_dead, reason="another one"), Violation.LOST, id="dead for another reason"),
        pytest.param(_row(_dead, status="succeeded"), Violation.LOST, id="succeeded by mistake"),
        pytest.param(_effects(_handled), Violation.LOST, id="a success without effect"),
        pytest.param(_unreadable(), Violation.LOST, id="unreadable and not kept"),
        pytest.param(_unreadable(reason="other"), Violation.LOST, id="unreadable for another reason"),
        pytest.param(_effects(_handled, (0, ""), (0, "")), Violation.DUPLICATED, id="two effects"),
        pytest.param(_effects(_handled, (0, ""), (1, ""), (1, "")), Violation.DUPLICATED, id="in a replay"),
        pytest.param(_second_row, Violation.DUPLICATED, id="two rows"),
        pytest.param(_row(_handled, status="waiting"), Violation.STUCK, id="still waiting"),
        pytest.param(_row(_handled, status="processing"), Violation.STUCK, id="still held"),
        pytest.param(_with(in_queue=1), Violation.STUCK, id="left in SQS"),
        pytest.param(_with(in_dead_letter_queue=1), Violation.STUCK, id="given up by SQS"),
        pytest.param(_stranger, Violation.UNEXPECTED, id="a row from nowhere"),
        pytest.param(_effect_of_a_stranger, Violation.UNEXPECTED, id="an effect from nowhere"),
        pytest.param(_effects(_handled, (0, "x")), Violation.UNEXPECTED, id="an effect of another value"),
        pytest.param(_effects(_dead, (0, "")), Violation.UNEXPECTED, id="an effect that must roll back"),
        pytest.param(
            _mirror(_older_value, lambda row: bool(row.fields)), Violation.WRONG_MIRROR, id="an older value"
        ),
        pytest.param(_mirror(_revived, lambda row: row.is_deleted), Violation.WRONG_MIRROR, id="revived"),
        pytest.param(
            _mirror(lambda row: None, lambda row: bool(row.fields)), Violation.WRONG_MIRROR, id="no record"
        ),
        pytest.param(_record_of_a_stranger, Violation.WRONG_MIRROR, id="a record from nowhere"),
        pytest.param(
            _with(stale_completions=("message 1",)), Violation.STALE_COMPLETION, id="ended by another"
        ),
    ],
)
def test_one_violation_is_found_once(perfect: Evidence, harm: Harm, violation: Violation) -> None:
    verdict = judge(harm(perfect))

    assert {kind: len(texts) for kind, texts in verdict.violations.items() if texts} == {violation: 1}
    assert not verdict.is_right


def test_a_perfect_run_is_right(perfect: Evidence) -> None:
    verdict = judge(perfect)

    assert verdict.is_right
    assert verdict.events == len(perfect.messages)
    assert verdict.recovered == 0


def _without_answer(evidence: Evidence, name: str) -> Evidence:
    acknowledged = evidence.published.acknowledged - {name}
    return dataclasses.replace(evidence, published=Published(acknowledged, frozenset({name})))


def test_an_event_without_an_answer_may_arrive(perfect: Evidence) -> None:
    name = perfect.events[_place(perfect, _handled)].name

    verdict = judge(_without_answer(perfect, name))

    assert verdict.is_right
    assert verdict.recovered == 1


def test_an_event_without_an_answer_may_be_missing(perfect: Evidence) -> None:
    alone = _only_event_of_its_record(perfect)
    harmed = _without_answer(perfect, perfect.events[alone].name)
    harmed = dataclasses.replace(
        harmed,
        messages=tuple(row for row in harmed.messages if row.place != alone),
        effects=tuple(effect for effect in harmed.effects if effect.place != alone),
        mirror={record: row for record, row in harmed.mirror.items() if record != alone.record},
    )

    verdict = judge(harmed)

    assert verdict.is_right
    assert verdict.recovered == 0


def test_an_event_that_was_never_published_is_unexpected(perfect: Evidence) -> None:
    alone = _only_event_of_its_record(perfect)
    names = perfect.published.acknowledged - {perfect.events[alone].name}

    verdict: Verdict = judge(dataclasses.replace(perfect, published=Published(names, frozenset())))

    assert verdict.count(Violation.UNEXPECTED) == 1


def _only_event_of_its_record(evidence: Evidence) -> Place:
    records = [place.record for place in evidence.events]
    names = [expected.name for expected in evidence.events.values()]
    return _place_where(
        evidence,
        lambda place, expected: (
            records.count(place.record) == 1 and names.count(expected.name) == 1 and expected.has_effect
        ),
    )


def _place_where(evidence: Evidence, wanted: Callable[[Place, Expected], bool]) -> Place:
    return next(place for place, expected in evidence.events.items() if wanted(place, expected))
