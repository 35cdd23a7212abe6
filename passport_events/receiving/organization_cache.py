"""A cache of organizations by Salesforce id, so that a message costs no query.

A dict in this process. No entry is used after `ORGANIZATION_CACHE_SECONDS`, so each process sees a change
within that time. Processes share nothing: an entry is a primary key, which is used without a check.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Collection

from django.db.models import Q

from passport_events import conf
from passport_events.models import Mode, SalesforceOrganization
from passport_events.redis_store import keys

MAX_UNKNOWN_SECONDS = 5
"""The lifetime of an entry for an unknown id: a new organization must not stay unknown for long."""
MAX_PREFETCH = 200
"""A query also loads up to this many other organizations, until the cache has as many. So a process with few
organizations loads all of them with one query, and they expire together."""
MAX_ENTRIES = 20_000
"""Entries per process. Ids of organizations that do not exist must not fill the memory."""


@dataclasses.dataclass(frozen=True, slots=True)
class KnownOrganization:
    """The values of an organization that receiving needs."""

    pk: int
    salesforce_id: str
    mode: Mode


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    organization: KnownOrganization | None
    read_at: float

    def is_fresh(self, seconds: float) -> bool:
        """True if it may still be used."""
        limit = seconds if self.organization else min(MAX_UNKNOWN_SECONDS, seconds)
        return 0 <= time.time() - self.read_at < limit


_Key = tuple[str, str]
"""The installation, which depends on the tenant's schema, and the organization's Salesforce id."""
_entries: dict[_Key, _Entry] = {}
_lock = threading.Lock()


def lookup(salesforce_ids: Collection[str]) -> dict[str, KnownOrganization]:
    """Look up organizations; unknown ids are left out. At most one query, none while entries are fresh."""
    seconds, here = conf.get_settings().organization_cache_seconds, keys.get_installation()
    # get(), because another thread can remove an entry at any moment.
    cached = {key: _entries.get((here, key)) for key in salesforce_ids}
    entries = {key: entry for key, entry in cached.items() if entry and entry.is_fresh(seconds)}
    missing = [key for key in salesforce_ids if key not in entries]
    if missing:
        entries |= _load(missing, MAX_PREFETCH if seconds and len(_entries) < MAX_PREFETCH else 0)
        with _lock:
            if len(_entries) + len(entries) > MAX_ENTRIES:
                _entries.clear()
            _entries.update({(here, key): entry for key, entry in entries.items()})
    found = {key: entries[key].organization for key in salesforce_ids}
    return {key: organization for key, organization in found.items() if organization}


def forget(salesforce_id: str) -> None:
    """Remove one organization from the cache of this process. Other processes see the change later."""
    with _lock:
        for key in [key for key in _entries if key[1] == salesforce_id]:
            del _entries[key]


def clear() -> None:
    """Remove all entries of this process."""
    with _lock:
        _entries.clear()


def _load(missing: Collection[str], others: int = 0) -> dict[str, _Entry]:
    """Load the missing organizations, and up to so many others, with one query."""
    now = time.time()
    selected = Q(salesforce_id__in=missing)
    if others:
        selected |= Q(pk__in=SalesforceOrganization.objects.order_by("pk").values("pk")[:others])
    rows = SalesforceOrganization.objects.filter(selected)
    known = {
        key: KnownOrganization(pk, key, Mode(mode))
        for pk, key, mode in rows.values_list("pk", "salesforce_id", "mode")
    }
    return {key: _Entry(known.get(key), now) for key in {*missing, *known}}
