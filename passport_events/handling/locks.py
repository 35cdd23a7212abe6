"""One short Redis lock per record, so that two workers do not claim messages of the same record.

It only saves work: the row lock in the transaction excludes other workers. Without Redis, or after a lock
expired too early, one worker waits there for the other.
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
"""Primary key of the organization, and Salesforce id of the record."""


def get_record_key(message: ProcessedMessage) -> RecordKey:
    """Return the key that all messages of one record share; a message without a record has its own key."""
    return (message.organization_id or 0, message.record_id or f"message {message.pk}")


# One command for all records: two commands per record cost more than to merge its message. GET after SET
# also finds a lock of this lease after the reply of an earlier SET was lost.
_ACQUIRE = """
local free = {}
for position, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2])
  if redis.call('GET', key) == ARGV[1] then free[#free + 1] = position end
end
return free
"""
# Compare and delete in one step: another worker may hold an expired lock by now.
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
    """Record locks in one Redis, held by a lease token."""

    def __init__(self, connection: Redis) -> None:
        self.redis = connection

    def acquire(self, records: Sequence[RecordKey], lease_token: UUID, lease: timedelta) -> set[RecordKey]:
        """Lock these records; return those that the lease holds now. Without Redis, all of them."""
        arguments = (str(lease_token), str(_convert_to_milliseconds(lease)))
        names = _make_keys(records)
        with OutageGuard("record locks"):
            free = self.redis.eval(_ACQUIRE, len(names), *names, *arguments)
            return {records[position - 1] for position in free}
        return set(records)

    def renew(self, records: Iterable[RecordKey], lease_token: UUID, lease: timedelta) -> None:
        """Extend the locks by `lease`."""
        self._run(_RENEW, records, str(lease_token), str(_convert_to_milliseconds(lease)))

    def release(self, records: Iterable[RecordKey], lease_token: UUID) -> None:
        """Delete the locks that the lease still holds."""
        self._run(_RELEASE, records, str(lease_token))

    def _run(self, script: str, records: Iterable[RecordKey], *arguments: str) -> None:
        names = _make_keys(records)
        with OutageGuard("record locks"):  # else they expire
            if names:
                self.redis.eval(script, len(names), *names, *arguments)


def _make_keys(records: Iterable[RecordKey]) -> list[str]:
    prefix = keys.make_key("lock")  # once, because it looks up the installation
    return [f"{prefix}:{organization}:{record_id}" for organization, record_id in records]


def _convert_to_milliseconds(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1000))
