"""One short Redis lock per record, so that two workers do not even start on the same one.

It only saves work. What keeps two workers apart is the row lock in the effect transaction; without
Redis, or when a lock ends too early, they meet there and one of them waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from redis import Redis

from passport_events.models import ProcessedMessage
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

RecordKey = tuple[int, str]
"""Primary key of the organization, and Salesforce's id of the record."""


def record_key(message: ProcessedMessage) -> RecordKey:
    """What two messages of one record have in common. Without a record a message is like no other."""
    return (message.organization_id or 0, message.record_id or f"message {message.pk}")


# One command for all records: two for each cost the worker more than to merge its message. Asking who
# holds a lock, instead of trusting the reply of SET, finds one of our own whose reply got lost.
_ACQUIRE = """
local free = {}
for position, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2])
  if redis.call('GET', key) == ARGV[1] then free[#free + 1] = position end
end
return free
"""
# Compare and act in one step: a lock that ended may be somebody else's by now.
_RELEASE = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""
_RENEW = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) end
end
"""


class RecordLocks:
    """The locks of one Redis, held in the name of a lease."""

    def __init__(self, connection: Redis) -> None:
        self.redis = connection

    def acquire(self, records: Sequence[RecordKey], lease_token: UUID, lease: timedelta) -> set[RecordKey]:
        """Lock what is free, and name what is ours now. Without Redis everything is free."""
        names = _names(records)
        with OutageGuard("record locks"):
            free = self.redis.eval(_ACQUIRE, len(names), *names, str(lease_token), str(_milliseconds(lease)))
            return {records[position - 1] for position in free}
        return set(records)

    def renew(self, records: Iterable[RecordKey], lease_token: UUID, lease: timedelta) -> None:
        """Hold on to them for another `lease`."""
        self._run(_RENEW, records, str(lease_token), str(_milliseconds(lease)))

    def release(self, records: Iterable[RecordKey], lease_token: UUID) -> None:
        """Let go of those that are still ours."""
        self._run(_RELEASE, records, str(lease_token))

    def _run(self, script: str, records: Iterable[RecordKey], *arguments: str) -> None:
        names = _names(records)
        with OutageGuard("record locks"):  # else they end by themselves
            if names:
                self.redis.eval(script, len(names), *names, *arguments)


def _names(records: Iterable[RecordKey]) -> list[str]:
    prefix = keys.make_key("lock")  # once: it looks up the installation
    return [f"{prefix}:{organization}:{record_id}" for organization, record_id in records]


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1000))
