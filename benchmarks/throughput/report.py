"""What came out: a row per contender, and the ratios. Pure; nothing is measured here."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.throughput.contender import Contender, Side
from benchmarks.throughput.run import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians of a contender's runs; what went wrong is added up."""

    name: str
    title: str
    side: Side
    count: int
    runs: int
    rate: float
    lowest: float
    highest: float
    consumer_cpu_per: float
    postgresql_cpu_per: float
    requests_per: float
    statements_per: float
    all_statements_per: float
    lost: int
    doubled: int
    wrong: int
    load: float
    other_cpu: float
    stub_share: float
    missing: str


def rows_of(contenders: Sequence[Contender], results: Sequence[Result]) -> list[Row]:
    """In the order of the contenders; who did not run, or is not for the table, has none."""
    rows = []
    for contender in contenders:
        own = [result for result in results if result.name == contender.name]
        if own and contender.in_table:
            rows.append(_row(contender, own))
    return rows


def _row(contender: Contender, own: Sequence[Result]) -> Row:
    def median(of: Callable[[Result], float]) -> float:
        return statistics.median(map(of, own))

    rates = [result.rate for result in own]
    return Row(
        name=contender.name,
        title=contender.title,
        side=contender.side,
        count=own[0].count,
        runs=len(own),
        rate=statistics.median(rates),
        lowest=min(rates),
        highest=max(rates),
        consumer_cpu_per=median(lambda r: r.consumer_cpu_per),
        postgresql_cpu_per=median(lambda r: r.postgresql_cpu_per),
        requests_per=median(lambda r: r.requests_per),
        statements_per=median(lambda r: r.statements_per),
        all_statements_per=median(lambda r: r.all_statements_per),
        lost=sum(result.verdict.lost for result in own),
        doubled=sum(result.verdict.doubled for result in own),
        wrong=sum(result.verdict.wrong for result in own),
        load=max(result.load for result in own),
        other_cpu=median(lambda r: r.other_cpu),
        stub_share=max(result.stub_share for result in own),
        missing=contender.missing,
    )


def summary_of(rows: Sequence[Row], results: Sequence[Result]) -> dict[str, float | None]:
    """The ratios, with the names of the last line first; None where one side did not run.

    "Ours" is the package with its defaults: RQ's fork worker, and no handler.
    """
    rates = {row.name: row.rate for row in rows}
    peers = [row for row in rows if row.side is Side.PEER]
    with_orm = [row.rate for row in peers if row.name.endswith("-orm")]
    ours = rates.get("passport")
    statements = {row.name: row.statements_per for row in rows}
    return {
        "vs_naive": _ratio(ours, rates.get("naive")),
        "vs_best_peer": _ratio(ours, max((row.rate for row in peers), default=None)),
        "of_floor": _ratio(ours, rates.get("floor")),
        "queries_per_poll": _queries_per_poll(results),
        "org_queries_saved": _saved(results),
        "simple_vs_naive_simple": _ratio(rates.get("passport-simple"), rates.get("naive-simple")),
        "vs_naive_simple": _ratio(ours, rates.get("naive-simple")),
        "vs_best_orm_peer": _ratio(ours, max(with_orm, default=None)),
        "handler_vs_naive_handler": _ratio(rates.get("passport-handler"), rates.get("naive-handler")),
        "shared_vs_naive_handler": _ratio(rates.get("passport-shared"), rates.get("naive-handler")),
        "statements_per_1000": statements.get("passport"),
    }


LAST_LINE = ("vs_naive", "vs_best_peer", "of_floor", "queries_per_poll", "org_queries_saved")


def last_line(summary: Mapping[str, float | None]) -> str:
    """One line, of ratios; the saved queries are per cent."""
    parts = []
    for name in LAST_LINE:
        value = summary[name]
        text = "-" if value is None else f"{value:.1%}" if name == "org_queries_saved" else f"{value:.2f}"
        parts.append(f"{name}={text}")
    return f"bench: {' '.join(parts)}"


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def _queries_per_poll(results: Sequence[Result]) -> float | None:
    """Everything that the poller says to the database, its heartbeat and dispatcher too, per poll."""
    own = [result for result in results if result.name == "passport" and result.polls]
    return statistics.median(r.poller_statements / r.polls for r in own) if own else None


def _saved(results: Sequence[Result]) -> float | None:
    """The part of all lookups of organizations that the cache saves."""
    cached = [r.poller_organization_queries / r.count for r in results if r.name == "passport"]
    uncached = [r.poller_organization_queries / r.count for r in results if r.name == "passport-uncached"]
    if not cached or not uncached or not statistics.median(uncached):
        return None
    return 1 - statistics.median(cached) / statistics.median(uncached)
