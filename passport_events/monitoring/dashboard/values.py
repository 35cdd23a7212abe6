"""What the dashboard shows, as values: the page and the JSON are two views of them. Durations in seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Durations:
    """Percentiles in seconds; None where nothing was processed."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """The figures of one scope, or of all together, over a range; and what stands now."""

    event_type: str = ""
    organization: str = ""
    organization_name: str = ""
    arrived: int = 0
    processed: int = 0
    failed_attempts: int = 0
    arrived_per_minute: float = 0.0
    processed_per_minute: float = 0.0
    error_rate: float | None = None
    """Attempts that failed, of all that ended; None where none did."""
    latency: Durations = Durations()
    """From published to processed."""
    processing_time: Durations = Durations()
    """From claimed to processed."""
    waiting: int = 0
    due: int = 0
    retries: int = 0
    dead_letters: int = 0
    quarantined: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The newest sample of an SQS queue; without one only its name."""

    name: str
    is_dead_letters: bool
    is_configured: bool = True
    """Whether the settings name it; a queue that they named before has samples for some days."""
    sampled_at: datetime | None = None
    sample_age: float | None = None
    depth: int | None = None
    in_flight: int | None = None
    delayed: int | None = None
    oldest_age: float | None = None
    """Of what the sampling process received in that minute; None where it received nothing."""
    retention: int | None = None
    first_expires_at: datetime | None = None
    """When SQS forgets the oldest that was seen, if it is still there."""
    expires_in_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessRow:
    """The newest of one event type of one organization; ages are by the database's clock."""

    event_type: str
    organization: str
    organization_name: str
    published_at: datetime | None
    arrived_at: datetime | None
    arrived_age: float | None
    processed_at: datetime | None
    heartbeat_at: datetime | None
    """When the organization's newest heartbeat was recorded."""
    heartbeat_age: float | None
    silent_since: datetime | None
    """The beginning of an outage that has not ended."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    """A time in which an organization's heartbeats did not come."""

    organization: str
    organization_name: str
    began_at: datetime
    ended_at: datetime | None
    lasted: float
    is_off: bool = False
    """Nothing is expected of the organization any more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One of our own, and its last sign of life."""

    kind: str
    name: str
    seen_at: datetime
    age: float
    is_late: bool
    detail: str = ""
    """What it says it does."""
    queues: Sequence[str] = ()
    """Of a worker: those of our RQ queues that it listens to."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowRule:
    """A pause or a throttle in force."""

    kind: str
    event_type: str
    organization: str
    per_minute: int | None
    who: str
    why: str
    get_age: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over one stretch of time."""

    id: str
    title: str
    unit: str
    is_duration: bool
    """True if values are seconds."""
    labels: Sequence[str]
    points: Sequence[tuple[int, Sequence[float | None]]]
    """Seconds since 1970, and a value for each label; None where nobody looked."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Everything."""

    taken_at: datetime
    range: str
    organizations: Mapping[str, str]
    """That can be asked for: Salesforce's id and name."""
    counted_until: datetime | None
    """Figures are of the minutes before it."""
    backlog_at: datetime | None
    """What stands was counted then."""
    total: FigureRow
    lines: Sequence[FigureRow]
    queues: Sequence[QueueRow]
    freshness: Sequence[FreshnessRow]
    outages: Sequence[OutageRow]
    processes: Sequence[ProcessRow]
    rq_queues: Sequence[str]
    """Those of the settings."""
    redis_problem: str
    """Why workers could not be listed; empty where they were."""
    flow_rules: Sequence[FlowRule]
    charts: Sequence[Chart]
