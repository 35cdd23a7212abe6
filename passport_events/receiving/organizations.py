"""Which organization a Salesforce organization id belongs to, without a query per message.

Two layers: a dict in this process, over Django's cache, which all processes share. An answer
carries the time it was read from the database, and neither layer gives it out when it is older
than `ORGANIZATION_CACHE_SECONDS`; so a change is seen everywhere within that time, whatever races
happen between reading, saving and deleting a cache entry.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import caches
from django.db.models import Q

from passport_events import conf
from passport_events.models import Mode, SalesforceOrganization
from passport_events.stages import Stage, announce

UNKNOWN_SECONDS = 5
"""An organization that was just added must not stay unknown for long."""
FEW = 200
"""A process that knows no more than these asks for so many others at once: it will soon meet them all, and
then their answers grow old together."""
MOST_KEPT = 20_000
"""Answers per process. Ids of organizations that do not exist must not fill the memory."""


@dataclasses.dataclass(frozen=True, slots=True)
class KnownOrganization:
    """What receiving needs to know of an organization."""

    pk: int
    salesforce_id: str
    mode: Mode


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    organization: KnownOrganization | None
    read_at: float

    def is_fresh(self, seconds: float) -> bool:
        limit = seconds if self.organization else min(UNKNOWN_SECONDS, seconds)
        return 0 <= time.time() - self.read_at < limit


_local: dict[str, _Answer] = {}
_guard = threading.Lock()


def lookup(salesforce_ids: Collection[str]) -> dict[str, KnownOrganization]:
    """The known ones among these ids. At most one query, and none while the caches are warm."""
    seconds = conf.current().organization_cache_seconds
    # get(), because another thread may drop an entry between a test and the look.
    local = {key: _local.get(key) for key in salesforce_ids}
    answers = {key: answer for key, answer in local.items() if answer and answer.is_fresh(seconds)}
    missing = [key for key in salesforce_ids if key not in answers]
    if missing:
        shared = {key: a for key, a in _from_cache(missing).items() if a.is_fresh(seconds)}
        answers |= shared
        missing = [key for key in missing if key not in shared]
    if missing:
        read = _from_database(missing, FEW if seconds and len(_local) < FEW else 0)
        _to_cache({key: read[key] for key in missing}, seconds)
        answers |= read
    with _guard:
        if len(_local) + len(answers) > MOST_KEPT:
            _local.clear()
        _local.update(answers)
    wanted = {key: answers[key].organization for key in salesforce_ids}
    return {key: organization for key, organization in wanted.items() if organization}


def forget(salesforce_id: str) -> None:
    """Drop what is cached: at once here, within the time of the local layer elsewhere."""
    with _guard:
        _local.pop(salesforce_id, None)
    with _cache_may_be_away():
        _cache().delete(_key(salesforce_id))


def forget_local() -> None:
    """Drop this process's own layer."""
    with _guard:
        _local.clear()


def _from_database(keys: Collection[str], others: int = 0) -> dict[str, _Answer]:
    """Answers for these, and for up to so many others, in one query."""
    now = time.time()
    asked = Q(salesforce_id__in=keys)
    if others:
        asked |= Q(pk__in=SalesforceOrganization.objects.order_by("pk").values("pk")[:others])
    rows = SalesforceOrganization.objects.filter(asked)
    known = {
        key: KnownOrganization(pk, key, Mode(mode))
        for pk, key, mode in rows.values_list("pk", "salesforce_id", "mode")
    }
    return {key: _Answer(known.get(key), now) for key in {*keys, *known}}


def _from_cache(keys: Collection[str]) -> dict[str, _Answer]:
    answers: dict[str, _Answer] = {}
    with _cache_may_be_away():
        found = _cache().get_many([_key(key) for key in keys])
        answers |= {key: _loads(key, found[_key(key)]) for key in keys if _key(key) in found}
    return answers


def _to_cache(answers: dict[str, _Answer], seconds: float) -> None:
    with _cache_may_be_away():
        _cache().set_many({_key(key): _dumps(answer) for key, answer in answers.items()}, timeout=seconds)


@contextmanager
def _cache_may_be_away() -> Iterator[None]:
    """Without the cache there is a query more, and nothing else: receiving goes on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # each backend has errors of its own
        announce(Stage.STATE_CHANGED, what="organization cache", state="away", reason=type(error).__name__)
    else:
        announce(Stage.STATE_CHANGED, what="organization cache", state="here")


def _dumps(answer: _Answer) -> list[Any]:
    # Plain values, so that two releases that share a cache understand each other.
    known = answer.organization
    return [answer.read_at, known.pk if known else None, known.mode.value if known else ""]


def _loads(key: str, value: list[Any]) -> _Answer:
    read_at, pk, mode = value
    return _Answer(KnownOrganization(pk, key, Mode(mode)) if pk is not None else None, read_at)


def _cache() -> Any:
    return caches[conf.current().organization_cache]


def _key(salesforce_id: str) -> str:
    return f"passport_events:organization:{salesforce_id}"
