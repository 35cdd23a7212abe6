"""`make bench-growth`: the rate and the statements of a poll while one thing after the other grows."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.growth.past import handled
from benchmarks.growth.picture import draw
from benchmarks.growth.scenario import BASE, Scenario, contender_of, groups, more_organizations
from benchmarks.growth.soak import Soaked, soak
from benchmarks.throughput.contender import Tables
from benchmarks.throughput.run import Result, run
from benchmarks.throughput.stack import Stack
from passport_events.testing.factories import organization_id

CORES = 2
JSON = Path(__file__).parents[1] / "results" / "growth.json"
_HEAD = (
    *("what grows", "to", "events/s", "of the base", "CPU ms an event", "PostgreSQL", "statements a poll"),
    *("lost", "doubled", "wrong"),
)
_NEW_ORGANIZATION = b"""
INSERT INTO passport_events_salesforceorganization (salesforce_id, name, mode, created_at, updated_at)
VALUES (%s, %s, 'live', now(), now())
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """A scenario, what came out of each of its runs, and the base's median rate beside them."""

    scenario: Scenario
    results: list[Result]
    base: float

    @property
    def rate(self) -> float:
        """The median, in events a second."""
        return median_rate(self.results)

    @property
    def cells(self) -> tuple[str, ...]:
        """Of the table."""
        rates = [result.rate for result in self.results]
        spread = f" ({min(rates):,.0f}-{max(rates):,.0f})" if len(rates) > 1 else ""
        consumers = statistics.median(result.consumer_cpu_per for result in self.results)
        postgresql = statistics.median(result.postgresql_cpu_per for result in self.results)
        poll = statistics.median(each.poller_statements / max(1, each.polls) for each in self.results)
        verdicts = [dataclasses.astuple(result.verdict) for result in self.results]
        return (
            *(self.scenario.grows, self.scenario.value),
            *(f"{self.rate:,.0f}{spread}", f"{self.rate / self.base:.2f}"),
            *(f"{consumers:.2f}", f"{postgresql:.2f}", f"{poll:.1f}"),
            *(str(sum(each)) for each in zip(*verdicts, strict=True)),
        )


def median_rate(results: list[Result]) -> float:
    """Events a second."""
    return statistics.median(result.rate for result in results)


def main() -> int:
    """Run, and return 0 when every event was handled exactly once."""
    options = _parser().parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    if "fields of one event".startswith(options.only):
        # In a process of its own, because it sets up Django.
        subprocess.run([sys.executable, "-m", "benchmarks.growth.many_fields"], check=True)
        if options.only:
            return 0
    played: list[Played] = []
    with Stack() as stack:
        for group in groups(options.rows):
            if chosen := [scenario for scenario in group if options.only in scenario.grows]:
                played += _play([BASE, *chosen], stack, options.rounds)
        soaked = soak(stack, options.soak, _say) if options.soak else None
    print(table(played, soaked))
    if path := options.json or (None if options.only else JSON):
        document = _document(played, soaked)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n")
        for written in (path, *draw(document, path.parent)):
            _say(f"written: {written}")
    is_right = all(result.verdict.is_clean for each in played for result in each.results)
    return 0 if is_right and (soaked is None or soaked.lost == 0) else 1


def _play(group: list[Scenario], stack: Stack, rounds: int) -> list[Played]:
    """Every round runs each of them once, and every other round the other way round."""
    pasts = [_past(stack, scenario) for scenario in group]
    results: list[list[Result]] = [[] for _ in group]
    for number in range(rounds):
        turns = list(zip(group, pasts, results, strict=True))
        for scenario, (like, after), own in turns[:: -1 if number % 2 else 1]:
            contender = contender_of(scenario)
            result = run(
                stack, contender, scenario.events, None, shape=scenario.shape, like=like, after=after
            )
            _say(f"{scenario.grows} {scenario.value}: {result.rate:,.0f}/s, {result.verdict}")
            own.append(result)
    for like, _ in pasts:
        stack.drop_database(like)
    base = median_rate(results[0])
    return [Played(scenario, own, base) for scenario, own in zip(group, results, strict=True)]


def _past(stack: Stack, scenario: Scenario) -> tuple[str, int]:
    """A database with what was before, and the last key of its inbox."""
    database = stack.new_database(Tables.OURS)
    with stack.connect(database) as connection:
        with connection.cursor() as cursor:
            ids = [organization_id(number) for number in more_organizations(scenario)]
            cursor.executemany(_NEW_ORGANIZATION, [(each, each) for each in ids])
        return database, handled(connection, scenario.rows, scenario.shape.organizations)


def table(played: list[Played], soaked: Soaked | None) -> str:
    """Markdown, for docs/scaling.md."""
    lines = [_HEAD, ("---", "---", *["--:"] * (len(_HEAD) - 2)), *(each.cells for each in played)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if soaked is None:
        return text
    grown = ", ".join(f"{name} {factor:.2f}" for name, factor in soaked.growth.items())
    said = f"Soak: {soaked.minutes:g} minutes, {soaked.published:,} events, lost {soaked.lost}"
    return f"{text}\n\n{said}; memory of the last quarter against the second: {grown}."


def _document(played: list[Played], soaked: Soaked | None) -> dict[str, Any]:
    rows = [
        {
            "scenario": dataclasses.asdict(each.scenario),
            "base": each.base,
            "rate": each.rate,
            "runs": [dataclasses.asdict(result) for result in each.results],
        }
        for each in played
    ]
    return {"rows": rows, "soak": soaked and dataclasses.asdict(soaked)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description=__doc__,
        epilog="example: make bench-growth ARGS='--only rows --rows 1000000'",
    )
    parser.add_argument("--rows", type=int, default=5_000_000, metavar="N", help="the fullest inbox")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--only", default="", metavar="TEXT", help="only what grows by such a name")
    parser.add_argument(
        "--soak", type=float, default=0, metavar="MINUTES", help="then a steady rate for so long"
    )
    parser.add_argument("--cores", type=int, default=CORES, metavar="N", help=f"default: {CORES}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, and beside it the picture")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
