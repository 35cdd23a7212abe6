"""How many messages a throttle lets through this minute, counted in Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis

from passport_events.dispatching.flow_control import RateLimit, Scope
from passport_events.models import ProcessedMessage
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

WINDOW_SECONDS = 6
"""A minute's allowance is handed out in tenths, so that a minute does not begin with a burst."""


def used_up(redis: Redis, throttles: Sequence[RateLimit]) -> list[Scope]:
    """Scopes that may do nothing more in this window, so that a claim looks past their backlog."""
    window = _window()
    with OutageGuard("rate limits"):
        counts = redis.mget([_name(throttle, window) for throttle in throttles])
        return [
            throttle.scope
            for throttle, used in zip(throttles, counts, strict=True)
            if int(used or 0) >= _share(throttle, window)
        ]
    return [throttle.scope for throttle in throttles]


def allow(
    redis: Redis, throttles: Sequence[RateLimit], messages: Sequence[ProcessedMessage]
) -> list[ProcessedMessage]:
    """The messages that may run now. The others stay due, at no cost.

    Redis counts rather than the database: losing the count (a flush) lets one window through twice,
    which no promise depends on. Without Redis nothing counts, and what is throttled waits.
    """
    allowed = list(messages)
    for throttle in throttles:
        covered = [m for m in allowed if throttle.scope.covers(m.event_type, m.organization_id or 0)]
        granted = _reserve(redis, throttle, len(covered)) if covered else 0
        refused = {message.pk for message in covered[granted:]}
        allowed = [message for message in allowed if message.pk not in refused]
    return allowed


def _reserve(redis: Redis, throttle: RateLimit, wanted: int) -> int:
    """Take up to `wanted` from the current window. Never grants too many; may grant too few in a race."""
    window = _window()
    name = _name(throttle, window)
    with OutageGuard("rate limits"):
        used = int(redis.incrby(name, wanted))
        redis.expire(name, 2 * WINDOW_SECONDS)
        granted = max(0, min(wanted, _share(throttle, window) - (used - wanted)))
        if granted < wanted:
            redis.decrby(name, wanted - granted)
        return granted
    return 0


def _window() -> int:
    return int(time.time() / WINDOW_SECONDS)


def _name(throttle: RateLimit, window: int) -> str:
    return keys.make_key("throttle", throttle.action, window)


def _share(throttle: RateLimit, window: int) -> int:
    """What one window may let through; the remainder is spread, so that small rates are kept as well."""
    windows_a_minute = 60 // WINDOW_SECONDS
    turn = window % windows_a_minute
    share = (throttle.per_minute * (turn + 1)) // windows_a_minute
    return share - (throttle.per_minute * turn) // windows_a_minute
