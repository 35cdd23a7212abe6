"""All contenders in turns: a machine that slows down for a minute slows down nobody more than others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.throughput.contender import Contender
from benchmarks.throughput.processes import ContenderError
from benchmarks.throughput.run import Result, run
from benchmarks.throughput.stack import Stack

NO_MODERN_PYTHON = "needs Python 3.12 or newer with requirements/bench-modern.txt, and none was found"


@dataclass
class Course:
    """What ran, and what did not."""

    results: list[Result] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)
    """Contender -> why."""


def run_all(
    stack: Stack,
    contenders: Sequence[Contender],
    *,
    rounds: int,
    is_quick: bool,
    modern_python: str | None,
    progress: Callable[[str], None],
) -> Course:
    """Run everybody `rounds` times, beginning each round with another one."""
    course = Course()
    able = []
    for contender in contenders:
        if contender.is_modern and modern_python is None:
            course.not_run[contender.name] = NO_MODERN_PYTHON
        else:
            able.append(contender)
    turns = [
        (number, contender)
        for number in range(rounds)
        for contender in _from(able, number * len(able) // rounds)
        if number == 0 or contender.in_table
    ]
    for position, (number, contender) in enumerate(turns, start=1):
        if contender.name in course.not_run:
            continue
        count = contender.quick_events if is_quick else contender.events
        head = f"[{position}/{len(turns)}] round {number + 1}: {contender.name}"
        try:
            result = run(stack, contender, count, modern_python)
        except ContenderError as error:
            course.not_run[contender.name] = str(error)
            progress(f"{head}: {error}")
            continue
        course.results.append(result)
        verdict = result.verdict
        wrong = "" if verdict.is_clean else f"  {verdict}"
        progress(f"{head}: {result.count:,} events, {result.rate:,.0f}/s, load {result.load:.1f}{wrong}")
    return course


def _from(contenders: Sequence[Contender], start: int) -> list[Contender]:
    return [*contenders[start:], *contenders[:start]]
