"""Reading the dashboard: a number of queries that never grows, and no call to AWS."""

from __future__ import annotations

import dataclasses
from typing import Any

from passport_events import conf
from passport_events.monitoring.dashboard import figures, freshness, processes, queues
from passport_events.monitoring.dashboard.time_ranges import DEFAULT_RANGE, TimeRange, read_moment
from passport_events.monitoring.dashboard.values import Dashboard, FigureRow
from passport_events.monitoring.minute_counts import FigureScope
from passport_events.monitoring.minutes import get_start

__all__ = ["Dashboard", "read_dashboard"]


def read_dashboard(of: TimeRange = DEFAULT_RANGE, scope: FigureScope = figures.ALL_SCOPES) -> Dashboard:
    """Everything at this moment. The scope narrows figures and their charts; an empty part is all.

    Raises the database's errors. Where Redis is away the rest is shown.
    """
    moment = read_moment()
    period = figures.Period.read(of, moment.last_minute, scope)
    backlog_minute, backlog = figures.read_backlog(scope)
    known = freshness.read_organizations()
    windows = freshness.read_outages(moment)
    workers, redis_problem = processes.read_workers(moment)
    lines = period.lines()
    for each in backlog.keys() - lines.keys():
        lines[each] = FigureRow(event_type=each.event_type, organization=each.organization)
    named = [
        dataclasses.replace(
            line, organization_name=freshness.get_name(line.organization, known), **backlog.get(each, {})
        )
        for each, line in lines.items()
    ]
    total_backlog: dict[str, Any] = {
        name: sum(part[name] for part in backlog.values()) for name in figures.BACKLOG_COLUMNS
    }
    until = moment.counted_until
    return Dashboard(
        taken_at=moment.now,
        range=of.name,
        organizations={each: freshness.get_name(each, known) for each in known},
        counted_until=None if until is None else get_start(until + 1),
        backlog_at=None if backlog_minute is None else get_start(backlog_minute + 1),
        total=dataclasses.replace(period.total(), **total_backlog),
        lines=sorted(filter(_has_figures, named), key=_rank),
        queues=queues.read_queues(conf.get_settings(), moment),
        freshness=freshness.read_freshness(moment, known, windows),
        outages=windows,
        processes=[*processes.read_pollers(moment), *workers],
        rq_queues=list(conf.get_settings().queues()),
        redis_problem=redis_problem,
        flow_rules=list(processes.read_flow_rules()),
        charts=[*period.charts(), *queues.build_charts(of, moment.last_minute)],
    )


def _has_figures(line: FigureRow) -> bool:
    happened = (line.arrived, line.processed, line.failed_attempts)
    return any((*happened, line.waiting, line.dead_letters, line.quarantined))


def _rank(line: FigureRow) -> tuple[object, ...]:
    failed = line.dead_letters + line.quarantined
    return -failed, -line.waiting, -line.arrived, line.organization_name, line.event_type
