"""The demo's verdict must notice everything that can go wrong, or its figures mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from project.demo import report
from project.demo.oracle import MirrorRow
from project.demo.publisher import Sent
from project.demo.scenario import Ending, Round, Size, make_round
from project.demo.timing import Timing
from project.demo.verdict import (
    APPLIED_TWICE,
    GIVEN_UP_BY_SQS,
    LOST,
    MIRROR_DIFFERS,
    NEVER_PUBLISHED,
    TABLES_DIFFER,
    Arrival,
    Observed,
    Verdict,
    judge,
)

Change = Callable[[Observed], Observed]


@pytest.fixture(scope="module")
def small() -> Round:
    """A round with everything in it."""
    return make_round(1, Size(events=60, duplicates=12, malformed=6, failing_once=3, failing_always=2))


@pytest.fixture(scope="module")
def sent(small: Round) -> dict[str, Sent]:
    """Every copy under an id of its own."""
    return {
        f"sns-{number}": Sent(publication.name, at=float(number))
        for number, publication in enumerate(small.publications)
    }


@pytest.fixture(scope="module")
def perfect(small: Round, sent: dict[str, Sent]) -> Observed:
    """What a pipeline without faults leaves."""
    first = {copy.name: sns_id for sns_id, copy in reversed(sent.items())}
    return Observed(
        arrivals=tuple(
            Arrival(
                sns_message_id=first[name],
                status=ending,
                reason=small.reasons.get(name, ""),
                finished_at=100.0,
                applied=int(ending is Ending.SUCCEEDED),
            )
            for name, ending in small.endings.items()
        ),
        mirror=small.mirror,
        tables=small.tables,
        in_dead_letter_queue=0,
    )


def _first(status: str, /, **changes: object) -> Change:
    """Change the first arrival of that status; with no changes, remove it."""

    def change(observed: Observed) -> Observed:
        arrivals = list(observed.arrivals)
        position = next(n for n, arrival in enumerate(arrivals) if arrival.status == status)
        arrival = arrivals.pop(position)
        return replace(
            observed,
            arrivals=(*arrivals, replace(arrival, **changes)) if changes else tuple(arrivals),  # type: ignore[arg-type]
        )

    return change


def _without_a_mirror_row(observed: Observed) -> Observed:
    return replace(observed, mirror=dict(list(observed.mirror.items())[1:]))


def _with_an_old_value(observed: Observed) -> Observed:
    mirror = dict(observed.mirror)
    key = next(key for key, row in mirror.items() if row.fields)
    fields = mirror[key].fields
    mirror[key] = replace(mirror[key], fields={**fields, next(iter(fields)): "an older value"})
    return replace(observed, mirror=mirror)


def _with_a_revived_record(observed: Observed) -> Observed:
    mirror = dict(observed.mirror)
    key = next(key for key, row in mirror.items() if row.is_deleted)
    mirror[key] = MirrorRow({"Name": "back again"}, is_deleted=False, is_complete=False)
    return replace(observed, mirror=mirror)


def _with_an_extra_row(observed: Observed) -> Observed:
    tables = {name: dict(rows) for name, rows in observed.tables.items()}
    tables["Opportunity"]["an organization", "a record"] = ("of a deleted record",)
    return replace(observed, tables=tables)


def _without_a_row(observed: Observed) -> Observed:
    tables = {name: dict(rows) for name, rows in observed.tables.items()}
    tables["Opportunity"].popitem()
    return replace(observed, tables=tables)


def _with_a_stranger(observed: Observed) -> Observed:
    return replace(observed, arrivals=(*observed.arrivals, replace(observed.arrivals[0], sns_message_id="?")))


def _with_a_second_copy(small: Round, sent: dict[str, Sent]) -> Change:
    names = [copy.name for copy in sent.values()]
    twice = next(name for name in names if names.count(name) > 1)

    def change(observed: Observed) -> Observed:
        recorded = {arrival.sns_message_id for arrival in observed.arrivals}
        original = next(a for a in observed.arrivals if sent[a.sns_message_id].name == twice)
        other = next(key for key, copy in sent.items() if copy.name == twice and key not in recorded)
        return replace(observed, arrivals=(*observed.arrivals, replace(original, sns_message_id=other)))

    assert small.endings[twice] is Ending.SUCCEEDED
    return change


def test_a_perfect_run_is_right(small: Round, sent: dict[str, Sent], perfect: Observed) -> None:
    verdict = judge([small], sent, perfect)

    assert verdict.is_right
    assert (verdict.published, verdict.unique, verdict.recorded) == (72, 60, 60)
    assert (verdict.dead, verdict.quarantined) == (2, 6)
    assert report.summary(verdict, Timing(0.25, 10.0, 0.0)) == (
        "demo: published=72 unique=60 recorded=60 lost=0 applied_twice=0 dead=2 p95_seconds=0.25"
    )


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        pytest.param(_first("succeeded"), LOST, id="no row"),
        pytest.param(_first("succeeded", status="waiting"), LOST, id="still waiting"),
        pytest.param(_first("succeeded", applied=0), LOST, id="succeeded without an effect"),
        pytest.param(_first("quarantined"), LOST, id="malformed and not kept"),
        pytest.param(_first("succeeded", applied=2), APPLIED_TWICE, id="applied twice"),
        pytest.param(_first("succeeded", status="dead"), "ended otherwise", id="dead by mistake"),
        pytest.param(_first("dead", status="succeeded"), "ended otherwise", id="alive by mistake"),
        pytest.param(_first("dead", applied=1), "applied, yet no success", id="survived its rollback"),
        pytest.param(
            _first("quarantined", reason="other"), "quarantined for another reason", id="other reason"
        ),
        pytest.param(_with_a_stranger, NEVER_PUBLISHED, id="from nowhere"),
        pytest.param(_without_a_mirror_row, MIRROR_DIFFERS, id="mirror row missing"),
        pytest.param(_with_an_old_value, MIRROR_DIFFERS, id="old value kept"),
        pytest.param(_with_a_revived_record, MIRROR_DIFFERS, id="deleted record revived"),
        pytest.param(_without_a_row, TABLES_DIFFER, id="monolith row missing"),
        pytest.param(_with_an_extra_row, TABLES_DIFFER, id="monolith row too many"),
        pytest.param(lambda o: replace(o, in_dead_letter_queue=1), GIVEN_UP_BY_SQS, id="given up by SQS"),
    ],
)
def test_one_fault_is_noticed_once(
    small: Round, sent: dict[str, Sent], perfect: Observed, change: Change, noticed: str
) -> None:
    verdict = judge([small], sent, change(perfect))

    assert not verdict.is_right
    assert verdict.count(noticed) == 1
    assert any(line.startswith(noticed) for line in report.complaints(verdict))


def test_a_duplicate_that_became_an_event_of_its_own_was_applied_twice(
    small: Round, sent: dict[str, Sent], perfect: Observed
) -> None:
    verdict = judge([small], sent, _with_a_second_copy(small, sent)(perfect))

    assert verdict.count(APPLIED_TWICE) == verdict.count("recorded twice") == 1


def test_what_an_operator_discards_is_not_held_against_the_pipeline(
    small: Round, sent: dict[str, Sent], perfect: Observed
) -> None:
    assert _discarded("dead", small, sent, perfect).is_right
    assert not _discarded("succeeded", small, sent, perfect).is_right


def _discarded(status: str, small: Round, sent: dict[str, Sent], perfect: Observed) -> Verdict:
    return judge([small], sent, _first(status, status="discarded")(perfect))
