"""All that `--latency` adds, as a document and as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.throughput.contenders import BY_NAME
from benchmarks.throughput.latency import polls, steady
from benchmarks.throughput.latency.percentiles import Percentiles
from benchmarks.throughput.run import run
from benchmarks.throughput.stack import Stack

RATES = ((1, 30), (50, 20), (500, 12))
"""Events a second, and seconds."""
QUICK_RATES = ((1, 8), (50, 6), (500, 4))
SPIKE = 20_000
QUICK_SPIKE = 4_000


def everything(stack: Stack, *, is_quick: bool, progress: Callable[[str], None]) -> dict[str, Any]:
    """Latencies at a steady rate, polls near and far, and a spike."""
    latencies, spike = [], QUICK_SPIKE if is_quick else SPIKE
    for rate, seconds in QUICK_RATES if is_quick else RATES:
        found, unfinished = steady.measure(stack, BY_NAME["passport"], rate, seconds)
        latencies.append({"rate": rate, "unfinished": unfinished, **_document(found)})
        progress(f"latency at {rate}/s: {found}, {unfinished} unfinished")
    lengths = {}
    for name, found in _polls(stack, is_quick=is_quick):
        lengths[name] = _document(found)
        progress(f"poll_ms, {name}: {found}")
    result = run(stack, BY_NAME["passport"], spike, None)
    progress(f"spike of {spike:,}: {result.rate:,.0f}/s, {result.verdict}")
    return {
        "latency": latencies,
        "poll_ms": lengths,
        "spike": {
            "count": spike,
            "seconds": spike / result.rate if result.rate else None,
            "verdict": dataclasses.asdict(result.verdict),
        },
    }


def _polls(stack: Stack, *, is_quick: bool) -> list[tuple[str, Percentiles | None]]:
    count, by_hand = (200, 40) if is_quick else (1_000, 100)
    ours, uncached, naive = (BY_NAME[name] for name in ("passport", "passport-uncached", "naive-simple"))
    alone, alone_uncached = polls.by_one_receiver(ours), polls.by_one_receiver(uncached)
    found: list[tuple[str, Percentiles | None]] = []
    for where, is_away in (("", False), (", database 10 ms away", True)):
        found += [
            (f"ours, all receivers{where}", polls.measure(stack, ours, count, is_away=is_away)),
            (f"ours, one receiver{where}", polls.measure(stack, alone, count, is_away=is_away)),
            (
                f"ours, one receiver, no organization cache{where}",
                polls.measure(stack, alone_uncached, count, is_away=is_away),
            ),
            (
                f"by hand, ten of one{where}",
                polls.measure_by_hand(stack, naive, by_hand, is_away=is_away),
            ),
        ]
    return found


def text(document: Mapping[str, Any]) -> str:
    """As Markdown."""
    lines = ["| publish to processed | p50 ms | p95 | p99 | events | unfinished |"]
    lines.append("| --- | --: | --: | --: | --: | --: |")
    lines += [
        f"| at {each['rate']}/s | {_cells(each)} | {each['unfinished']} |" for each in document["latency"]
    ]
    what = "`poll_ms`: ten messages, from the end of receive to the end of delete"
    lines += ["", f"| {what} | p50 ms | p95 | p99 | polls |"]
    lines.append("| --- | --: | --: | --: | --: |")
    lines += [f"| {name} | {_cells(each)} |" for name, each in document["poll_ms"].items()]
    spike = document["spike"]
    took = "not done" if spike["seconds"] is None else f"done after {spike['seconds']:.1f} s"
    lines += ["", f"A spike of {spike['count']:,} events: {took}; {spike['verdict']}.", ""]
    return "\n".join(lines)


def _document(found: Percentiles | None) -> dict[str, Any]:
    return dataclasses.asdict(found) if found else {"count": 0, "p50": None, "p95": None, "p99": None}


def _cells(each: Mapping[str, Any]) -> str:
    values = ("-" if each[name] is None else f"{each[name]:.1f}" for name in ("p50", "p95", "p99"))
    return f"{' | '.join(values)} | {each['count']}"
