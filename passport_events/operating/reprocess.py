"""Reprocess: parse stored bytes again, after the reason of a quarantine was fixed.

A message keeps its row and its delivery, and becomes the event that its bytes contain. Further events of
the delivery get new rows. An event that arrived again meanwhile ends the message as a duplicate. Bytes
that still cannot be read stay quarantined, with the new reason.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from passport_events import fingerprint
from passport_events.db.bulk import insert_many, split_into_batches, update_many
from passport_events.models import (
    Delivery,
    Mode,
    ProcessedMessage,
    SalesforceOrganization,
    Status,
)
from passport_events.operating import audit_log
from passport_events.operating.reprocess_outcomes import (
    ReprocessOutcome,
    ReprocessOutcomes,
    ReprocessResult,
    decide,
)
from passport_events.operating.selection import MAX_COUNTED, Messages, Selection, count, find_newest
from passport_events.receiving import queries
from passport_events.receiving.inbox import DATA_ERRORS

BATCH = 50
"""Messages whose deliveries are in memory at one time; each may be a megabyte."""
REFUSED = "database_refused"
MAX_PREVIEWED = 500
"""Messages that a preview parses, the newest."""

_EVENT_COLUMNS = (
    *("organization", "organization_salesforce_id", "dedup_key", "identity", "content_hash", "event_type"),
    *("entity", "record_id", "change", "version_kind", "version", "content", "due_at", "finished_at"),
)
_RESET: dict[str, Any] = {
    "attempts": 0,
    "crashes": 0,
    "isolated": False,
    "deferred_since": None,
    "merged": {},
    "release": "",
    "claimed_at": None,
}
_STATUS_COLUMNS = ("status", "reason", "fingerprint")

_ITS_ORGANIZATION = SalesforceOrganization.objects.filter(
    salesforce_id=OuterRef("organization_salesforce_id")
)
_HELD = Q(status=Status.QUARANTINED) | Q(
    # While the organization is off, workers would ignore them again.
    Exists(_ITS_ORGANIZATION.exclude(mode=Mode.OFF)),
    status=Status.IGNORED,
    reason="organization_off",
)
_HAS_BYTES = Q(delivery__body__isnull=False) & ~Q(delivery__body=b"")
_HAS_EVENT = ~Q(record_id="") & ~Q(content={})


REPROCESSABLE = _HELD & (_HAS_BYTES | _HAS_EVENT)
"""Held messages that can be parsed again."""


@dataclasses.dataclass(frozen=True, slots=True)
class ReprocessPreview:
    """What reprocessing would do, judged by the newest messages."""

    messages: int
    """Messages that would be parsed again, counted up to a limit."""
    is_capped: bool
    read: int
    """How many were parsed for this preview."""
    would: dict[str, int]
    """What would happen -> number of messages."""
    added: int
    """Messages that would be added, because their delivery holds several events."""
    without_bytes: int
    """Quarantined messages that cannot be parsed, because their bytes were purged."""


def preview_reprocess(selection: Selection) -> ReprocessPreview:
    """Parse the newest messages of a selection again, and change nothing."""
    rows = selection.bounded()
    found, added, read = Counter[str](), 0, 0
    for part in split_into_batches(find_newest(rows.filter(REPROCESSABLE), MAX_PREVIEWED), BATCH):
        decided = decide(part)
        found.update(map(_describe_outcome, decided.outcomes))
        added, read = added + len(decided.added), read + len(part)
    messages = count(rows.filter(REPROCESSABLE))
    return ReprocessPreview(
        messages=messages,
        is_capped=messages >= MAX_COUNTED,
        read=read,
        would=dict(found.most_common()),
        added=added,
        without_bytes=count(rows.filter(status=Status.QUARANTINED).exclude(_HAS_BYTES | _HAS_EVENT)),
    )


def reprocess_messages(messages: Messages, action: int) -> int:
    """Parse these again; returns how many are not held any more, plus the added messages."""
    return sum(_reprocess(part, action) for part in split_into_batches(messages.order_by("pk"), BATCH))


def _describe_outcome(outcome: ReprocessOutcome) -> str:
    word = outcome.reason.partition(":")[0]
    if outcome.result is ReprocessResult.HELD:
        return f"stay {outcome.status}: {word}"
    if outcome.result is ReprocessResult.DUPLICATE:
        return "end as duplicates of events that arrived again"
    return f"be {outcome.status}: {word}" if word else f"be {outcome.status}"


def _reprocess(messages: Sequence[ProcessedMessage], action: int) -> int:
    """Reprocess a batch in a savepoint; after a data error, each delivery in a savepoint of its own."""
    try:
        with transaction.atomic(using=audit_log.get_database_alias()):
            return _write(decide(messages), action)
    except DATA_ERRORS:
        pass
    changed = 0
    for delivery in dict.fromkeys(message.delivery_id for message in messages):
        # Load them again: the first try changed the objects.
        ids = [message.pk for message in messages if message.delivery_id == delivery]
        own = list(ProcessedMessage.objects.filter(pk__in=ids).order_by("pk"))
        try:
            with transaction.atomic(using=audit_log.get_database_alias()):
                changed += _write(decide(own), action)
        except DATA_ERRORS:
            held = ProcessedMessage.objects.filter(pk__in=ids, status=Status.QUARANTINED)
            held.update(reason=REFUSED, fingerprint=fingerprint.compute_quarantine_fingerprint("", REFUSED))
    return changed


def _write(decided: ReprocessOutcomes, action: int) -> int:
    """Returns the number of messages that are not held any more, plus the added ones."""
    Delivery.objects.bulk_update(decided.formats, ["wire_format"])
    outcomes = [outcome for outcome in decided.outcomes if outcome.is_changed]
    for outcome in outcomes:
        _apply(outcome, action)
    anew = [outcome.message for outcome in outcomes if outcome.draft is not None]
    update_many(anew, [*_STATUS_COLUMNS, *_EVENT_COLUMNS, *_RESET, "last_action"])
    update_many([o.message for o in outcomes if o.draft is None], [*_STATUS_COLUMNS, "last_action"])
    _add(decided.added, action)
    return sum(outcome.result is not ReprocessResult.HELD for outcome in outcomes) + len(decided.added)


def _apply(outcome: ReprocessOutcome, action: int) -> None:
    message, draft = outcome.message, outcome.draft
    if draft is not None:
        for name in _EVENT_COLUMNS:
            attribute = "organization_id" if name == "organization" else name
            setattr(message, attribute, getattr(draft, attribute))
        for name, value in _RESET.items():
            setattr(message, name, value)
    message.status, message.reason, message.fingerprint = outcome.status, outcome.reason, outcome.fingerprint
    if outcome.result is not ReprocessResult.HELD:
        message.last_action = action


def _add(messages: Sequence[ProcessedMessage], action: int) -> None:
    """Raises IntegrityError if a poller stores other content under the same key meanwhile."""
    for message in messages:
        message.last_action = action
    insert_many(sorted(messages, key=lambda message: message.dedup_key), once_by=("dedup_key",))
    stored = queries.find([message.dedup_key for message in messages])
    if any(stored.get(message.dedup_key) != message.content_hash for message in messages):
        raise IntegrityError("an event with the key of one of these and other content was just stored")
