"""`make bench-growth`: the rate and the statements of a poll while one thing after the other grows."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.growth.past import handled
from benchmarks.growth.picture import draw
from benchmarks.growth.scenario import BASE, Scenario, contender_of, groups, more_organizations
from benchmarks.growth.soak import Soaked, soak
from benchmarks.throughput.outcome import Connection
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
    """A scenario, what came out, and the base's rate beside it."""

    scenario: Scenario
    result: Result
    base: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Of the table."""
        found = self.result
        return (
            *(
                self.scenario.grows,
                self.scenario.value,
                f"{found.rate:,.0f}",
                f"{found.rate / self.base:.2f}",
            ),
            *(f"{found.consumer_cpu_per:.2f}", f"{found.postgresql_cpu_per:.2f}"),
            f"{found.poller_statements / max(1, found.polls):.1f}",
            *map(str, dataclasses.astuple(found.verdict)),
        )


def main() -> int:
    """Run, and return 0 when every event was handled exactly once."""
    options = _parser().parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    played: list[Played] = []
    with Stack() as stack:
        for group in groups(options.rows):
            chosen = [scenario for scenario in group if options.only in scenario.grows]
            if chosen:
                base = _play(stack, BASE)
                played.append(Played(BASE, base, base.rate))
                played += [Played(scenario, _play(stack, scenario), base.rate) for scenario in chosen]
        soaked = soak(stack, options.soak, _say) if options.soak else None
    print(table(played, soaked))
    if path := options.json or (None if options.only else JSON):
        document = _document(played, soaked)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n")
        for written in (path, *draw(document, path.parent)):
            _say(f"written: {written}")
    is_right = all(each.result.verdict.is_clean for each in played)
    return 0 if is_right and (soaked is None or soaked.lost == 0) else 1


def _play(stack: Stack, scenario: Scenario) -> Result:
    def prepare(connection: Connection) -> int:
        with connection.cursor() as cursor:
            ids = [organization_id(number) for number in more_organizations(scenario)]
            cursor.executemany(_NEW_ORGANIZATION, [(each, each) for each in ids])
        return handled(connection, scenario.rows, scenario.shape.organizations)

    contender = contender_of(scenario)
    result = run(stack, contender, scenario.events, None, shape=scenario.shape, prepare=prepare)
    _say(f"{scenario.grows} {scenario.value}: {result.rate:,.0f}/s, {result.verdict}")
    return result


def table(played: list[Played], soaked: Soaked | None) -> str:
    """Markdown, for docs/scale.md."""
    lines = [_HEAD, ("---", "---", *["--:"] * (len(_HEAD) - 2)), *(each.cells for each in played)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if soaked is None:
        return text
    grown = ", ".join(f"{name} {factor:.2f}" for name, factor in soaked.growth.items())
    said = f"Soak: {soaked.minutes:g} minutes, {soaked.published:,} events, lost {soaked.lost}"
    return f"{text}\n\n{said}; memory of the last quarter against the second: {grown}."


def _document(played: list[Played], soaked: Soaked | None) -> dict[str, Any]:
    rows = [
        {"scenario": dataclasses.asdict(each.scenario), "base": each.base, **dataclasses.asdict(each.result)}
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
