"""Reading the dashboard: a number of queries that never grows, and no call to AWS."""

from __future__ import annotations

import dataclasses
from typing import Any

from passport_events import conf
from passport_events.monitoring.dashboard import figures, freshness, processes, queues
from passport_events.monitoring.dashboard.time_ranges import DEFAULT, Range, look
from passport_events.monitoring.dashboard.values import Dashboard, Line
from passport_events.monitoring.intervals import STOCKS
from passport_events.monitoring.minute_counts import Scope
from passport_events.monitoring.minutes import time_of

__all__ = ["Dashboard", "read"]


def read(of: Range = DEFAULT, scope: Scope = figures.NOTHING) -> Dashboard:
    """Everything at this moment. The scope narrows figures and their charts; an empty part is all.

    Raises the database's errors. Where Redis is away the rest is shown.
    """
    moment = look()
    period = figures.Period.read(of, moment.last_minute, scope)
    stock_minute, stock = figures.stock_of(scope)
    known = freshness.organizations()
    windows = freshness.outages(moment)
    workers, redis_problem = processes.workers(moment)
    lines = period.lines()
    for each in stock.keys() - lines.keys():
        lines[each] = Line(event_type=each.event_type, organization=each.organization)
    named = [
        dataclasses.replace(
            line, organization_name=freshness.name_of(line.organization, known), **stock.get(each, {})
        )
        for each, line in lines.items()
    ]
    standing: dict[str, Any] = {name: sum(part[name] for part in stock.values()) for name in STOCKS}
    until = moment.counted_until
    return Dashboard(
        taken_at=moment.now,
        range=of.name,
        organizations={each: freshness.name_of(each, known) for each in known},
        counted_until=None if until is None else time_of(until + 1),
        stock_at=None if stock_minute is None else time_of(stock_minute + 1),
        total=dataclasses.replace(period.total(), **standing),
        lines=sorted(filter(_says_something, named), key=_worst_first),
        queues=queues.queues(conf.current(), moment),
        freshness=freshness.freshness(moment, known, windows),
        outages=windows,
        processes=[*processes.receiving(moment), *workers],
        rq_queues=list(conf.current().queues()),
        redis_problem=redis_problem,
        controls=list(processes.controls()),
        charts=[*period.charts(), *queues.charts(of, moment.last_minute)],
    )


def _says_something(line: Line) -> bool:
    happened = (line.arrived, line.processed, line.failed_attempts)
    return any((*happened, line.waiting, line.dead_letters, line.in_quarantine))


def _worst_first(line: Line) -> tuple[object, ...]:
    needs_you = line.dead_letters + line.in_quarantine
    return -needs_you, -line.waiting, -line.arrived, line.organization_name, line.event_type
