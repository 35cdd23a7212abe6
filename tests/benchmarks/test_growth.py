"""What grows in `make bench-growth`, and what its table says."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks.growth.__main__ import Played
from benchmarks.growth.scenario import BASE, LARGE_BODIES, Scenario, contender_of, groups, more_organizations
from benchmarks.growth.soak import Soaked
from benchmarks.throughput import events
from benchmarks.throughput.events import Shape
from benchmarks.throughput.outcome import Verdict
from benchmarks.throughput.run import Result

pytestmark = pytest.mark.any_database

EVERY = [scenario for group in groups(5_000_000) for scenario in group]


def test_every_scenario_differs_from_the_base_in_one_thing() -> None:
    for scenario in EVERY:
        said = {"rows": scenario.rows, "processes": scenario.processes, "shape": scenario.shape}
        base = {"rows": BASE.rows, "processes": BASE.processes, "shape": BASE.shape}
        assert len([name for name in said if said[name] != base[name]]) == 1, scenario


def test_an_inbox_is_no_fuller_than_asked_for() -> None:
    assert [scenario.rows for scenario in next(groups(1_000_000))] == [1_000_000]


def test_every_poller_and_worker_is_a_program_of_its_own() -> None:
    names = [program.name for program in contender_of(Scenario(grows="", value="", processes=2)).programs]
    assert names == ["poller", "worker", "poller-1", "worker-1"]


@pytest.mark.parametrize("scenario", [each for each in EVERY if each.shape.bytes != events.BYTES])
def test_bodies_are_of_their_size(scenario: Scenario) -> None:
    work = events.make(20, shape=scenario.shape)
    assert all(abs(len(body) - scenario.shape.bytes) < 20 for body in work.bodies)
    assert scenario.events * scenario.shape.bytes <= LARGE_BODIES * 2


def test_a_hot_record_has_its_share() -> None:
    work = events.make(1_000, shape=Shape(hot_share=0.2))
    about = [json.loads(json.loads(body)["Message"])["detail"]["payload"] for body in work.bodies]
    ids = [payload["ChangeEventHeader"]["recordIds"][0] for payload in about]
    assert 150 < max(map(ids.count, set(ids))) < 250


def test_every_organization_has_a_record() -> None:
    scenario = Scenario(grows="", value="", shape=Shape(organizations=40))
    named = {
        json.loads(json.loads(body)["Message"])["source"]
        for body in events.make(3_000, shape=scenario.shape).bodies
    }
    assert len(named) == 40
    assert list(more_organizations(scenario)) == list(range(15, 40))


def test_events_of_two_parts_of_a_soak_are_different() -> None:
    parts = [events.make(50, seed=second, first=second * 50).bodies for second in range(3)]
    assert len({events.sns_id(body) for part in parts for body in part}) == 150


def test_memory_is_compared_after_it_was_warm() -> None:
    flat = Soaked(minutes=1, published=1, lost=0, memory={"poller": [1, 1, 9, 9, 9, 9, 9, 9]})
    assert flat.growth == {"poller": 1.0}


def a_result(rate: float, *, lost: int = 0) -> Result:
    """Of a run that did ten polls."""
    zeros = {field.name: 0 for field in dataclasses.fields(Result)}
    said = {"rate": rate, "verdict": Verdict(lost, 0, 0), "polls": 10, "poller_statements": 7}
    return Result(**{**zeros, "name": "passport", "texts": [], **said})  # type: ignore[arg-type]


def test_a_row_is_the_median_of_its_runs_beside_the_bases_and_adds_up_what_went_wrong() -> None:
    played = Played(EVERY[0], [a_result(900, lost=1), a_result(1_000), a_result(400, lost=2)], base=1_000)

    assert played.cells == (
        *("rows of the inbox", "1,000,000", "900 (400-1,000)", "0.90"),
        *("0.00", "0.00", "0.7", "3", "0", "0"),
    )
