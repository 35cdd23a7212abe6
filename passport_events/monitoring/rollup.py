"""Minute by minute, what the rows say goes into tables of its own, so that no page counts rows.

What happened can be counted later, too, and is after a stop. Each minute is one transaction that also
moves the turn on: whoever dies in it has done nothing, and the next one begins with the same minute. It
is counted when it is over, and again two minutes later, for transactions that ended late.

What stands can only be counted now; where nobody did, nobody knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from django.db import router, transaction

from passport_events.monitoring import freshness, spans
from passport_events.monitoring.flows import Flow, Scope, flows_of
from passport_events.monitoring.minutes import minute_of, now_and_turn, take
from passport_events.monitoring.models import Figures, QueueSample, Turn
from passport_events.monitoring.pace import Pace
from passport_events.monitoring.stock import Stock, stock_now

TURN = "figures"
STOCK_TURN = "stock"
LATE = 2
"""Minutes after which one is counted again."""
FIRST_LOOK_BACK = 60
"""Minutes before the first run that are counted, from rows that were there before this app."""
LONGEST_CATCH_UP = 24 * 60
"""After a longer stop of everything the minutes before it have no figures."""
STEPS = 5
"""Minutes of one run, so that whoever runs it on the side is not held up for long."""
KEEP_MINUTES, KEEP_THE_REST = 2 * 24 * 60, 8 * 24 * 60

_pace = Pace()


def tick(queue_urls: Collection[str] = ()) -> None:
    """A chore: count what stands, and what is over and not counted yet."""
    if not _pace.allows():
        return
    take_stock()
    if roll_up() == STEPS:
        _pace.hurry()


def take_stock() -> bool:
    """Count what stands, unless somebody does in this minute: as the end of the minute before."""
    minute = take(STOCK_TURN)
    if minute is None:
        return False
    found = {Scope("", ""): Stock()} | stock_now()
    spans.write(
        [spans.row(spans.MINUTES, minute - 1, scope, dataclasses.asdict(it)) for scope, it in found.items()],
        spans.STOCKS,
    )
    freshness.note_outages()
    _forget(minute)
    return True


def roll_up(steps: int = STEPS) -> int:
    """Count up to so many minutes; returns how many there were."""
    for done in range(steps):
        if not _step():
            return done
    return steps


def _step() -> bool:
    now, turn = now_and_turn(TURN)
    last_over = minute_of(now) - 1
    if turn.minute >= last_over:
        return False
    with transaction.atomic(using=router.db_for_write(Turn)):
        # Somebody else is at it: let them.
        mine = Turn.objects.select_for_update(skip_locked=True).filter(name=TURN, minute=turn.minute).first()
        if mine is None:
            return False
        oldest = last_over - (LONGEST_CATCH_UP if turn.minute else FIRST_LOOK_BACK)
        minute = max(turn.minute, oldest) + 1
        _count(minute)
        Turn.objects.filter(pk=mine.pk).update(minute=minute)
    return True


def _count(minute: int) -> None:
    for each in (minute - LATE, minute):
        # Also where nothing happened: a minute without any row is one that nobody counted.
        flows = {Scope("", ""): Flow()} | flows_of(each)
        columns = (*spans.COUNTS, *spans.HISTOGRAMS)
        rows = [
            spans.row(spans.MINUTES, each, scope, {name: getattr(flow, name) for name in columns})
            for scope, flow in flows.items()
        ]
        spans.write(rows, columns)
        freshness.note(flows)
    for each in sorted({(minute - LATE) // spans.QUARTERS, minute // spans.QUARTERS}):
        spans.lengthen(each * spans.QUARTERS)


def _forget(minute: int) -> None:
    """What is old enough, which after every minute is little."""
    Figures.objects.filter(span=spans.MINUTES, start__lt=minute - KEEP_MINUTES).delete()
    Figures.objects.filter(span__in=(spans.QUARTERS, spans.HOURS), start__lt=minute - KEEP_THE_REST).delete()
    QueueSample.objects.filter(minute__lt=minute - KEEP_THE_REST).delete()
