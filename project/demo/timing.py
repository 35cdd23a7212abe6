"""How long events took, from the moment SNS was asked until they had succeeded. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from project.demo.publisher import Sent
from project.demo.scenario import Ending, Round
from project.demo.verdict import Arrival

PROMISED_PER_SECOND = 50.0
"""A day's 50,000 events in seventeen minutes. So fast at least a burst is handled."""
IDLE_TARGET_SECONDS = 1.0
BURST_TARGET_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one round."""

    p95: float
    """Seconds, 95 % of the events took no longer."""
    per_second: float
    """Events that succeeded, over the time from the first publish to the last success."""
    latest: float
    """Seconds by which the slowest event missed its turn at the promised rate."""


def timing(each: Round, sent: Mapping[str, Sent], arrivals: Iterable[Arrival]) -> Timing:
    """Of the events of a round that succeeded. Duplicates count from their first copy."""
    first: dict[str, float] = {}
    for copy in sent.values():
        if each.endings.get(copy.name) is Ending.SUCCEEDED:
            first[copy.name] = min(copy.at, first.get(copy.name, math.inf))
    done = {
        sent[arrival.sns_message_id].name: arrival.finished_at
        for arrival in arrivals
        if arrival.sns_message_id in sent and arrival.finished_at is not None
    }
    spans = sorted((first[name], done[name]) for name in first if name in done)
    if not spans:
        return Timing(math.inf, 0.0, math.inf)
    begun = spans[0][0]
    # The n-th published event has its turn n/rate after the first, or when it is published.
    turns = [max(at, begun + n / PROMISED_PER_SECOND) for n, (at, _) in enumerate(spans)]
    return Timing(
        p95=percentile([end - at for at, end in spans], 0.95),
        per_second=len(spans) / (max(end for _, end in spans) - begun),
        latest=max(max(0.0, end - turn) for turn, (_, end) in zip(turns, spans, strict=True)),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
