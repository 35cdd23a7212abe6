"""One message in its own turn, and the verbs that end it."""

from __future__ import annotations

import dataclasses
import functools
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.db.compiled import CompiledUpdate, make_placeholders
from passport_events.exceptions import LeaseLost
from passport_events.handling.plan import Plan
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, Status
from passport_events.models.message import TEXT_OF_REASON
from passport_events.models.querysets import ENDED

_COUNTED: dict[str, Any] = {"attempts": F("attempts") + 1}


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """A message under a lease. Every verb raises LeaseLost when the lease holds it no more."""

    message: ProcessedMessage
    plan: Plan
    lease_token: UUID
    worker: str
    started: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.message.attempts + 1

    def finish(
        self, status: Status, reason: str, merged: Merged | None = None, fingerprint: str = ""
    ) -> None:
        """End the message; `fingerprint` is that of the error which ended it."""
        said = self._said(reason, merged, fingerprint)
        of = {"id": self.message.pk, "lease_token": self.lease_token, "status": status}
        self._must_hold(_finish(tuple(said)).run(**of, **said))

    def quarantine(self, reason: str, fingerprint: str) -> None:
        """End it as one that a poller would have quarantined, had it known; no worker claims those."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        ended = self._ended(reason, None, fingerprint)
        self._must_hold(rows.finish(self.lease_token, Status.QUARANTINED, claimed_at=None, **ended))

    def wait(self, delay: timedelta, reason: str, merged: Merged | None, fingerprint: str) -> None:
        """Try again later; this attempt counts."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        ended = self._ended(reason, merged, fingerprint)
        self._must_hold(rows.wait(self.lease_token, delay, isolated=False, **ended))

    @property
    def put_off_for(self) -> timedelta:
        """The time since its handler first said RetryLater; compared with days, so any clock will do."""
        since = self.message.deferred_since
        return timezone.now() - since if since else timedelta(0)

    def put_off(self, delay: timedelta, reason: str, merged: Merged | None) -> None:
        """Try again when its handler asked for it, at no cost in attempts."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        since = Coalesce(F("deferred_since"), ClockTimestamp())
        said = {"reason": reason[:TEXT_OF_REASON], **_merged(merged)}
        self._must_hold(rows.wait(self.lease_token, delay, isolated=False, deferred_since=since, **said))

    def put_back(self, delay: timedelta, reason: str, merged: Merged) -> None:
        """Look again later, at no cost in attempts."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        self._must_hold(rows.wait(self.lease_token, delay, reason=reason, merged=names_of(merged)))

    def _ended(self, reason: str, merged: Merged | None, fingerprint: str) -> dict[str, Any]:
        return {**_COUNTED, **self._said(reason, merged, fingerprint)}

    def _said(self, reason: str, merged: Merged | None, fingerprint: str) -> dict[str, Any]:
        return {
            "reason": reason[:TEXT_OF_REASON],
            "release": conf.current().release,
            **_merged(merged),
            # What succeeds keeps that of its last failure.
            **({"fingerprint": fingerprint} if fingerprint else {}),
        }

    def _must_hold(self, changed: int) -> None:
        if not changed:
            raise LeaseLost(f"message {self.message.pk} is held by another worker")


@functools.cache
def _finish(names: tuple[str, ...]) -> CompiledUpdate:
    """The statement that ends one message and writes these fields; `MessageQuerySet.finish` for one."""
    of = make_placeholders(ProcessedMessage, "id", "lease_token", "status")
    return CompiledUpdate(
        lambda: ProcessedMessage.objects.filter(pk=of["id"]).held_by(of["lease_token"]),
        ProcessedMessage,
        status=of["status"],
        **ENDED,
        **_COUNTED,
        **make_placeholders(ProcessedMessage, *names),
    )


def _merged(merged: Merged | None) -> dict[str, Any]:
    """The column, where anything was merged: a pointer is about no record."""
    return {"merged": names_of(merged)} if merged else {}


def names_of(merged: Merged) -> dict[str, Any]:
    """How a message's fields fared, by name; values stay in the record."""
    return {"wrote": list(merged.wrote), "lost": list(merged.lost), "stale": merged.is_stale}
