"""Personal data: every column that can hold any, and what becomes of it.

This is the one inventory. Erasing, purging, exporting, the pages of the admin and the table in
docs/operating.md follow it. A test compares it with the models, so that a new column is declared here
before it is merged: as personal, or as harmless.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Model


class Display(enum.Enum):
    """How pages and commands show a column."""

    MASKED = "masked until somebody with `view_payload` asks; the look is recorded"
    HIDDEN = "values are never shown"
    SHOWN = "shown; stored without values of the event"
    TYPED = "shown; typed by an operator"


class Export(enum.Enum):
    """When an export of messages contains a column."""

    NEVER = "no"
    PAYLOAD = "with `view_payload`"
    ALWAYS = "yes"


DELETED = object()
"""In place of an empty value: the whole row is deleted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonalColumn:
    """One column of one model."""

    model: str
    """As Django labels it, because optional apps are not imported here."""
    column: str
    holds: str
    empty: Any
    """The empty value, or DELETED."""
    is_purged: bool
    """Whether the purge empties it. Erasing a record empties every column of this inventory."""
    display: Display
    export: Export = Export.NEVER


_DELIVERY = "passport_events.Delivery"
_MESSAGE = "passport_events.ProcessedMessage"
_ATTEMPT = "passport_events.MessageAttempt"
_RECORD = "passport_events.SalesforceRecord"
_OPERATION = "passport_events.OperatorAction"

PERSONAL: tuple[PersonalColumn, ...] = (
    PersonalColumn(
        model=_DELIVERY,
        column="body",
        holds="the bytes that SQS or S3 handed out",
        empty=None,
        is_purged=True,
        display=Display.MASKED,
    ),
    PersonalColumn(
        model=_DELIVERY,
        column="attributes",
        holds="message attributes, whatever the publisher put there",
        empty={},
        is_purged=True,
        display=Display.HIDDEN,
    ),
    PersonalColumn(
        model=_DELIVERY,
        column="trace_context",
        holds="trace headers, whatever the publisher put there",
        empty={},
        is_purged=True,
        display=Display.HIDDEN,
    ),
    PersonalColumn(
        model=_MESSAGE,
        column="content",
        holds="field values of the event; of a pointer, the key in S3",
        empty={},
        is_purged=True,
        display=Display.MASKED,
        export=Export.PAYLOAD,
    ),
    PersonalColumn(
        model=_MESSAGE,
        column="reason",
        holds="why it has its status, which may be a handler's own sentence",
        empty="",
        is_purged=True,
        display=Display.SHOWN,
        export=Export.ALWAYS,
    ),
    PersonalColumn(
        model=_MESSAGE,
        column="merged",
        holds="names of the fields that it wrote or lost; no values. They explain the record",
        empty={},
        is_purged=False,
        display=Display.SHOWN,
    ),
    PersonalColumn(
        model=_ATTEMPT,
        column="error",
        holds="the text of an error",
        empty="",
        is_purged=True,
        display=Display.SHOWN,
    ),
    PersonalColumn(
        model=_ATTEMPT,
        column="traceback",
        holds="files, lines and functions that an error came through",
        empty="",
        is_purged=True,
        display=Display.SHOWN,
    ),
    PersonalColumn(
        model=_RECORD,
        column="fields",
        holds="field values of the record",
        empty=DELETED,
        is_purged=True,
        display=Display.MASKED,
    ),
    PersonalColumn(
        model=_RECORD,
        column="merge_state",
        holds="names of fields, and which message wrote each",
        empty=DELETED,
        is_purged=True,
        display=Display.MASKED,
    ),
    PersonalColumn(
        model=_OPERATION,
        column="reason",
        holds="reasons and notes. Those about one message or naming the record are erased",
        empty="",
        is_purged=False,
        display=Display.TYPED,
    ),
)

# Ids are no personal data here: they say nothing without Salesforce, where a record is erased first.
# Keys and content hashes outlive erasure, so that a delivery that comes again brings nothing back.
HARMLESS: Mapping[str, Collection[str]] = {
    _DELIVERY: (
        *("id", "body_size", "wire_format", "queue", "sqs_message_id", "sns_message_id", "topic_arn"),
        *("published_at", "sent_at", "received_at", "receive_count"),
    ),
    _MESSAGE: (
        *("id", "delivery", "organization", "organization_salesforce_id", "record_id", "entity"),
        *("dedup_key", "identity", "content_hash", "event_type", "change", "version_kind", "version"),
        *("status", "fingerprint", "due_at", "lease_token", "attempts", "crashes", "isolated"),
        *("deferred_since", "generation", "last_action", "release", "claimed_at", "finished_at"),
    ),
    _ATTEMPT: (
        *(
            "id",
            "message",
            "generation",
            "number",
            "outcome",
            "error_class",
            "own_frames",
            "fingerprint",
            "release",
        ),
        *("worker", "started_at", "ended_at"),
    ),
    _RECORD: (
        *("id", "organization", "entity", "record_id", "version", "is_deleted", "is_complete"),
        *("needs_refetch", "created_at", "updated_at"),
    ),
    # Those who operate are staff, and the audit log is about them.
    _OPERATION: (
        *("id", "kind", "actor", "actor_name", "event_type", "organization", "message", "fingerprint"),
        *("per_minute", "affected", "selection", "total", "cursor", "up_to", "next_step_at", "paused_at"),
        *("failure", "created_at", "ended_at", "ended_by"),
    ),
    "passport_events.SalesforceOrganization": (
        *("id", "salesforce_id", "name", "mode", "heartbeat_sent_at", "heartbeat_received_at"),
        *("created_at", "updated_at"),
    ),
    "passport_events.Heartbeat": (
        *("id", "name", "kind", "release", "started_at", "beaten_at", "received_at", "committed_at"),
    ),
    "passport_monitoring.MinuteClaim": ("id", "name", "minute"),
    "passport_monitoring.QueueSample": (
        *("id", "queue", "minute", "is_dead_letters", "depth", "in_flight", "delayed"),
        *("retention_seconds", "oldest_seconds"),
    ),
    "passport_monitoring.Figures": (
        *("id", "span", "start", "event_type", "organization_salesforce_id", "arrived", "succeeded"),
        *("superseded", "ignored", "dead", "quarantined", "failed_attempts", "latency", "processing_time"),
        *("waiting", "due", "retries", "dead_letters", "in_quarantine"),
    ),
    "passport_monitoring.Freshness": (
        *("id", "event_type", "organization_salesforce_id", "published_at", "arrived_at", "processed_at"),
    ),
    "passport_monitoring.Outage": ("id", "organization", "began_at", "ended_at"),
}


def get_columns(model: type[Model]) -> tuple[PersonalColumn, ...]:
    """The personal columns of a model."""
    label = model._meta.label  # noqa: SLF001  Django documents it
    return tuple(each for each in PERSONAL if each.model == label)


def build_empty_values(model: type[Model], *, by_purge: bool = False) -> dict[str, Any]:
    """Column -> empty value, for an UPDATE that erases rows, or that purges them."""
    return {
        each.column: each.empty
        for each in get_columns(model)
        if each.empty is not DELETED and (each.is_purged or not by_purge)
    }


def is_exportable(model: type[Model], column: str, *, with_payload: bool) -> bool:
    """True if an export may contain a column."""
    allowed = (Export.ALWAYS, Export.PAYLOAD) if with_payload else (Export.ALWAYS,)
    found = next((each for each in get_columns(model) if each.column == column), None)
    return found is None or found.export in allowed


def get_masked_columns(model: type[Model]) -> frozenset[str]:
    """Columns that no list, filter, sort order or search of the admin may name."""
    hidden = (Display.MASKED, Display.HIDDEN)
    return frozenset(each.column for each in get_columns(model) if each.display in hidden)
