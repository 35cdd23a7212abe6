"""Rate limits, counted in Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis

from passport_events.dispatching.flow_control import RateLimit, Scope
from passport_events.models import ProcessedMessage
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

WINDOW_SECONDS = 6
"""A minute has ten windows, so that it does not begin with a burst."""


def find_exhausted(redis: Redis, rate_limits: Sequence[RateLimit]) -> list[Scope]:
    """Return the scopes that are exhausted in this window, so that a claim skips their backlog."""
    window = _get_window()
    with OutageGuard("rate limits"):
        counts = redis.mget([_make_key(rate_limit, window) for rate_limit in rate_limits])
        return [
            rate_limit.scope
            for rate_limit, used in zip(rate_limits, counts, strict=True)
            if int(used or 0) >= _calculate_share(rate_limit, window)
        ]
    return [rate_limit.scope for rate_limit in rate_limits]


def limit_messages(
    redis: Redis, rate_limits: Sequence[RateLimit], messages: Sequence[ProcessedMessage]
) -> list[ProcessedMessage]:
    """Return the messages that may run now; the others stay due.

    Redis and not the database counts: a flushed count allows one window twice, which is acceptable. Without
    Redis, messages under a rate limit wait.
    """
    allowed = list(messages)
    for rate_limit in rate_limits:
        covered = [m for m in allowed if rate_limit.scope.covers(m.event_type, m.organization_id or 0)]
        granted = _reserve(redis, rate_limit, len(covered)) if covered else 0
        refused = {message.pk for message in covered[granted:]}
        allowed = [message for message in allowed if message.pk not in refused]
    return allowed


def _reserve(redis: Redis, rate_limit: RateLimit, wanted: int) -> int:
    """Reserve up to `wanted` in the current window; never too many, but in a race maybe too few."""
    window = _get_window()
    name = _make_key(rate_limit, window)
    with OutageGuard("rate limits"):
        used = int(redis.incrby(name, wanted))
        redis.expire(name, 2 * WINDOW_SECONDS)
        granted = max(0, min(wanted, _calculate_share(rate_limit, window) - (used - wanted)))
        if granted < wanted:
            redis.decrby(name, wanted - granted)
        return granted
    return 0


def _get_window() -> int:
    return int(time.time() / WINDOW_SECONDS)


def _make_key(rate_limit: RateLimit, window: int) -> str:
    return keys.make_key("throttle", rate_limit.action, window)


def _calculate_share(rate_limit: RateLimit, window: int) -> int:
    """Return the limit of one window; the remainder is spread, so that small rates are exact."""
    windows_per_minute = 60 // WINDOW_SECONDS
    position = window % windows_per_minute
    share = (rate_limit.per_minute * (position + 1)) // windows_per_minute
    return share - (rate_limit.per_minute * position) // windows_per_minute
