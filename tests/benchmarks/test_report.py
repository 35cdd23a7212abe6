"""Medians, ratios and the last line are what the runs say."""

from __future__ import annotations

import dataclasses

from benchmarks.throughput import report, table
from benchmarks.throughput.contenders import ALL
from benchmarks.throughput.latency.percentiles import Percentiles
from benchmarks.throughput.outcome import Verdict
from benchmarks.throughput.profile import widest
from benchmarks.throughput.run import Result

RESULT = Result(
    name="passport",
    count=1_000,
    rate=900.0,
    verdict=Verdict(0, 0, 0),
    consumer_cpu_per=0.5,
    postgresql_cpu_per=0.2,
    valkey_cpu_per=0.0,
    stub_share=0.1,
    requests_per=200.0,
    statements_per=120.0,
    all_statements_per=150.0,
    poller_statements=500,
    poller_organization_queries=1,
    polls=100,
    left=0,
    load=1.0,
    other_cpu=0.0,
    texts=[],
)


def result(name: str, rate: float, **more: object) -> Result:
    return dataclasses.replace(RESULT, name=name, rate=rate, **more)  # type: ignore[arg-type]


RUNS = [
    *(result("passport", rate) for rate in (800, 1_000, 900)),
    *(result("naive", rate) for rate in (9, 11, 10)),
    result("celery-orm", 100),
    result("fanferro-sql", 450),
    result("floor", 1_000),
    result("passport-uncached", 700, poller_organization_queries=100),
]


def test_the_last_line_compares_medians() -> None:
    summary = report.summary_of(report.rows_of(ALL, RUNS), RUNS)

    assert report.last_line(summary) == (
        "bench: vs_naive=90.00 vs_best_peer=2.00 of_floor=0.90 queries_per_poll=5.00 org_queries_saved=99.0%"
    )
    assert summary["vs_best_orm_peer"] == 9


def test_what_did_not_run_has_no_ratio_and_no_row() -> None:
    runs = [result("passport", 900)]
    rows = report.rows_of(ALL, runs)
    text = table.markdown(
        rows, {"fanferro-sql": "no Python", "floor": "It ended. Its log ends with\n  a\n  b"}
    )

    assert report.last_line(report.summary_of(rows, runs)).startswith(
        "bench: vs_naive=- vs_best_peer=- of_floor=- "
    )
    assert "`naive`" not in text
    assert "- `fanferro-sql`: no Python.\n" in text
    assert "- `floor`: It ended. Its log ends with b\n" in text


def test_what_went_wrong_is_added_up_over_all_runs() -> None:
    runs = [result("naive", 10, verdict=Verdict(1, 0, 2)), result("naive", 10, verdict=Verdict(1, 3, 0))]
    (row,) = report.rows_of(ALL, runs)

    assert (row.lost, row.doubled, row.wrong) == (2, 3, 2)


def test_percentiles_are_values_that_were_measured() -> None:
    assert Percentiles.of(list(range(1, 101))) == Percentiles(100, 50, 95, 99)
    assert Percentiles.of([7.0]) == Percentiles(1, 7.0, 7.0, 7.0)
    assert Percentiles.of([]) is None


def test_a_frame_is_as_wide_as_all_lines_of_its_function() -> None:
    frames = widest(
        'main (a.py:1);work (b.py:2) 3\nmain (a.py:9);work (b.py:5) 1\nmain (a.py:2) 4\nprocess 7:"x" 9\n'
    )

    assert frames.own == [("work (b.py)", 0.5), ("main (a.py)", 0.5)]
    assert frames.whole[0] == ("main (a.py)", 1.0)
