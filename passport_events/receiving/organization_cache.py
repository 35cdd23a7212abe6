"""Which organization a Salesforce organization id belongs to, without a query per message.

A dict in this process. An answer carries the time it was read from the database, and is not given out
when it is older than `ORGANIZATION_CACHE_SECONDS`; so a change is seen everywhere within that time. Nothing
is shared with other processes: an answer is a primary key, which is used without a check.
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

UNKNOWN_SECONDS = 5
"""An organization that was just added must not stay unknown for long."""
FEW = 200
"""A process that knows no more than these asks for so many others at once: it will soon meet them all, and
then their answers grow old together."""
MAX_ENTRIES = 20_000
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
        """Whether it may still be given out."""
        limit = seconds if self.organization else min(UNKNOWN_SECONDS, seconds)
        return 0 <= time.time() - self.read_at < limit


_Key = tuple[str, str]
"""The installation, which changes with the schema of a tenant, and the organization's Salesforce id."""
_local: dict[_Key, _Answer] = {}
_guard = threading.Lock()


def lookup(salesforce_ids: Collection[str]) -> dict[str, KnownOrganization]:
    """The known ones among these ids. At most one query, and none while the answers are fresh."""
    seconds, here = conf.current().organization_cache_seconds, keys.installation()
    # get(), because another thread may drop an entry between a test and the look.
    local = {wanted: _local.get((here, wanted)) for wanted in salesforce_ids}
    answers = {wanted: answer for wanted, answer in local.items() if answer and answer.is_fresh(seconds)}
    missing = [wanted for wanted in salesforce_ids if wanted not in answers]
    if missing:
        answers |= _from_database(missing, FEW if seconds and len(_local) < FEW else 0)
        with _guard:
            if len(_local) + len(answers) > MAX_ENTRIES:
                _local.clear()
            _local.update({(here, name): answer for name, answer in answers.items()})
    wanted_ones = {wanted: answers[wanted].organization for wanted in salesforce_ids}
    return {wanted: organization for wanted, organization in wanted_ones.items() if organization}


def forget(salesforce_id: str) -> None:
    """Drop the answer about one: at once in this process, within `ORGANIZATION_CACHE_SECONDS` elsewhere."""
    with _guard:
        for key in [key for key in _local if key[1] == salesforce_id]:
            del _local[key]


def forget_local() -> None:
    """Drop every answer of this process."""
    with _guard:
        _local.clear()


def _from_database(wanted: Collection[str], others: int = 0) -> dict[str, _Answer]:
    """Answers for these, and for up to so many others, in one query."""
    now = time.time()
    asked = Q(salesforce_id__in=wanted)
    if others:
        asked |= Q(pk__in=SalesforceOrganization.objects.order_by("pk").values("pk")[:others])
    rows = SalesforceOrganization.objects.filter(asked)
    known = {
        key: KnownOrganization(pk, key, Mode(mode))
        for pk, key, mode in rows.values_list("pk", "salesforce_id", "mode")
    }
    return {key: _Answer(known.get(key), now) for key in {*wanted, *known}}
