"""The table, as Markdown: for a terminal, and for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.throughput.report import Row

_HEAD = (
    *("contender", "events/s: median (lowest-highest)", "runs x events", "CPU s: consumers", "PostgreSQL"),
    *("SQS requests", "statements (all)", "lost", "doubled", "wrong"),
)


def markdown(rows: Sequence[Row], not_run: Mapping[str, str]) -> str:
    """CPU, requests and statements are per 1,000 events; `all` counts BEGIN and COMMIT too."""
    lines = [_line(_HEAD), _line(["---"] + ["--:"] * (len(_HEAD) - 1))]
    lines += [_line(_cells(row)) for row in rows]
    if rows:
        share, load = max(row.stub_share for row in rows), max(row.load for row in rows)
        others = max(row.other_cpu for row in rows)
        lines += ["", f"The stub took at most {share:.0%} of a core. Load before a run: up to {load:.1f};"]
        lines += [f"others used up to {others:.1f} cores meanwhile."]
    lines += ["", "What they do not do that we do:", ""]
    lines += [f"- `{row.name}`: {row.missing}." for row in rows if row.missing]
    if not_run:
        lines += ["", "Not run:", ""]
        lines += [f"- `{name}`: {_short(reason)}" for name, reason in not_run.items()]
    return "\n".join(lines) + "\n"


def _short(reason: str) -> str:
    """Without the log between what happened and how the log ends."""
    first, *rest = reason.splitlines()
    return f"{first} {rest[-1].strip()}" if rest else f"{first}."


def _cells(row: Row) -> list[str]:
    return [
        f"`{row.name}`: {row.title}",
        f"{row.rate:,.0f} ({row.lowest:,.0f}-{row.highest:,.0f})",
        f"{row.runs} x {row.count:,}",
        f"{row.consumer_cpu_per:.2f}",
        f"{row.postgresql_cpu_per:.2f}",
        f"{row.requests_per:,.0f}",
        f"{row.statements_per:,.0f} ({row.all_statements_per:,.0f})",
        str(row.lost),
        str(row.doubled),
        str(row.wrong),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
