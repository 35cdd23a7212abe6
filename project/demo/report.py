"""The figures for people, as a table, and for scripts, as one line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from project.demo.timing import BURST_TARGET_SECONDS, IDLE_TARGET_SECONDS, PROMISED_PER_SECOND, Timing
from project.demo.verdict import APPLIED_TWICE, LOST, MIRROR_DIFFERS, TABLES_DIFFER, Verdict

MAX_NAMED = 8

Line = tuple[str, str, str, bool]
"""What, what it must be, what it is, and whether that is right."""


def table(verdict: Verdict, idle: Timing, burst: Timing) -> Table:
    """What must be, what is, and how fast it came."""
    shown = Table(title="What the publisher knows, and what is there", title_justify="left")
    for heading, side in (("", "left"), ("must be", "right"), ("is", "right"), ("", "left")):
        shown.add_column(heading, justify=side)  # type: ignore[arg-type]  # a literal in rich
    for what, must, found, is_right in _counts(verdict):
        shown.add_row(what, must, found, "[green]right[/]" if is_right else "[bold red]WRONG[/]")
    shown.add_section()
    for what, must, found, is_right in _times(idle, burst):
        shown.add_row(what, must, found, "[green]met[/]" if is_right else "[yellow]missed[/]")
    return shown


def _counts(verdict: Verdict) -> Iterator[Line]:
    mirror_rows = verdict.mirror_rows - verdict.count(MIRROR_DIFFERS)
    table_rows = verdict.table_rows - verdict.count(TABLES_DIFFER)
    others = verdict.wrong.keys() - {LOST, APPLIED_TWICE, MIRROR_DIFFERS, TABLES_DIFFER}
    for what, must, found in (
        ("messages published, duplicates included", verdict.must_be_published, verdict.published),
        ("different events recorded", verdict.unique, verdict.recorded),
        ("lost", 0, verdict.count(LOST)),
        ("applied twice", 0, verdict.count(APPLIED_TWICE)),
        ("dead letters: their handler always fails", verdict.must_be_dead, verdict.dead),
        ("quarantined: malformed", verdict.must_be_quarantined, verdict.quarantined),
        ("right rows in the mirror", verdict.mirror_rows, mirror_rows),
        ("right rows in the monolith's own tables", verdict.table_rows, table_rows),
        ("other contradictions", 0, sum(map(verdict.count, others))),
    ):
        yield (what, f"{must:,}", f"{found:,}", must == found)


def _times(idle: Timing, burst: Timing) -> Iterator[Line]:
    rate = f"{PROMISED_PER_SECOND:g}/s"
    yield (
        "idle: publish to succeeded, p95",
        f"< {IDLE_TARGET_SECONDS:g} s",
        f"{idle.p95:.2f} s",
        idle.p95 < IDLE_TARGET_SECONDS,
    )
    yield (
        f"burst: behind its turn at {rate}, the slowest",
        f"< {BURST_TARGET_SECONDS:g} s",
        f"{burst.latest:.2f} s",
        burst.latest < BURST_TARGET_SECONDS,
    )
    yield (
        "burst: events a second",
        f"> {rate}",
        f"{burst.per_second:.0f}/s",
        burst.per_second > PROMISED_PER_SECOND,
    )


def complaints(verdict: Verdict) -> Iterator[str]:
    """For each thing that is wrong, where: the first few events or rows."""
    for what, where in verdict.wrong.items():
        if where:
            more = f" and {len(where) - MAX_NAMED} more" if len(where) > MAX_NAMED else ""
            yield f"{what}: {', '.join(where[:MAX_NAMED])}{more}"


def summary(verdict: Verdict, idle: Timing) -> str:
    """The last line. Its p95 is that of the idle phase."""
    return (
        f"demo: published={verdict.published} unique={verdict.unique} recorded={verdict.recorded}"
        f" lost={verdict.count(LOST)} applied_twice={verdict.count(APPLIED_TWICE)}"
        f" dead={verdict.dead} p95_seconds={idle.p95:.2f}"
    )
