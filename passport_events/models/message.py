"""One event in our inbox, or one delivery that could not be read. The row is the job."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from passport_events.db.managers import PrimaryManager
from passport_events.event import S3_POINTER, Change, Event, Identity, Version, VersionKind
from passport_events.exact_json import ExactDecoder, ExactEncoder
from passport_events.models.delivery import Delivery
from passport_events.models.organization import SalesforceOrganization
from passport_events.models.querysets import MessageQuerySet
from passport_events.models.status import FAILED, LIVE, TERMINAL, Status

TEXT_OF_REASON = 200


FAILING = Q(status__in=FAILED) | Q(status=Status.WAITING) & ~Q(fingerprint="")
"""Messages that a person looks at: nobody works on them any more, or they failed and are tried again."""

ProcessedMessageManager = PrimaryManager.from_queryset(MessageQuerySet)


class ProcessedMessage(models.Model):
    """The inbox row: what arrived, where it stands, and how it ended."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="messages")
    organization = models.ForeignKey(
        SalesforceOrganization,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,  # the indexes below begin with what is asked for
    )
    organization_salesforce_id = models.CharField(
        max_length=18, blank=True, help_text="Kept also where the organization is not known (yet)."
    )

    dedup_key = models.CharField(max_length=64, help_text="sha256 of the strongest identity.")
    identity = models.CharField(max_length=16, help_text="What the dedup key was made of.")
    content_hash = models.CharField(max_length=64, blank=True)
    event_type = models.CharField(max_length=64, blank=True)
    entity = models.CharField(max_length=80, blank=True)
    record_id = models.CharField(max_length=18, blank=True)
    change = models.CharField(max_length=16, blank=True)
    version_kind = models.CharField(max_length=16, blank=True)
    version = models.CharField(max_length=64, blank=True, help_text="Orders events of one record.")
    content = models.JSONField(
        default=dict,
        encoder=ExactEncoder,
        decoder=ExactDecoder,
        help_text="What the event says; empty once redacted.",
    )

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    reason = models.CharField(max_length=TEXT_OF_REASON, blank=True, help_text="Why it stands so.")
    # Of its last failure, also after it succeeded: messages with one fingerprint fail for one reason.
    fingerprint = models.CharField(max_length=32, blank=True, db_default="")
    due_at = models.DateTimeField(
        null=True, help_text="When it may next be claimed; the end of the lease while it is held."
    )
    lease_token = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Attempts in this generation.")
    crashes = models.PositiveIntegerField(default=0, help_text="Leases that expired while it was isolated.")
    isolated = models.BooleanField(default=False, help_text="A worker died while it held this message.")
    deferred_since = models.DateTimeField(
        null=True,
        help_text="When its handler first raised RetryLater, which is free for seven days.",
    )
    generation = models.PositiveIntegerField(default=0, help_text="Replays asked for by operators.")
    # A number and no foreign key: what is purged on either side asks nothing of the other.
    last_action = models.BigIntegerField(
        null=True, help_text="The last operator action that sent it back, put it away or restored it."
    )
    merged = models.JSONField(
        default=dict, help_text="Names of the fields it wrote to the record, and of those it lost."
    )
    release = models.CharField(max_length=64, blank=True, help_text="The release that ended it.")
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ProcessedMessageManager()

    class Meta:
        verbose_name = "message"
        base_manager_name = "objects"
        permissions = (
            ("retry_message", "Can retry dead letters"),
            ("discard_message", "Can discard and restore messages"),
            ("replay_message", "Can replay messages that have ended"),
            ("reprocess_message", "Can reprocess messages that are held back"),
            ("rehearse_handler", "Can rehearse handlers against real messages"),
            ("export_message", "Can export lists of messages"),
            ("note_message", "Can write notes on groups of messages"),
        )
        constraints = (
            models.UniqueConstraint(fields=("dedup_key",), name="passport_message_once"),
            models.CheckConstraint(
                name="passport_message_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="passport_message_live_is_due",
                condition=Q(status__in=LIVE, due_at__isnull=False)
                | Q(status__in=TERMINAL, due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="passport_message_held_has_token",
                condition=Q(status=Status.PROCESSING, lease_token__isnull=False)
                | (~Q(status=Status.PROCESSING) & Q(lease_token__isnull=True)),
            ),
            models.CheckConstraint(
                name="passport_message_ended_has_time",
                condition=Q(status__in=LIVE) | Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="passport_message_live_has_record",
                condition=~Q(status__in=LIVE)
                | (Q(organization__isnull=False) & ~Q(record_id="") & ~Q(event_type__in=("", S3_POINTER)))
                # Its events know both; it only knows where they are.
                | Q(organization__isnull=True, record_id="", event_type=S3_POINTER),
            ),
        )
        indexes = (
            # The one index of the whole lifecycle: claims, retries, crashes and dispatch read it.
            models.Index(
                fields=("event_type", "organization", "due_at"),
                name="passport_message_due",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(
                fields=("lease_token",), name="passport_message_lease", condition=Q(lease_token__isnull=False)
            ),
            models.Index(
                fields=("status", "organization_salesforce_id"),
                name="passport_message_needs_you",
                condition=Q(status__in=(Status.DEAD, Status.QUARANTINED, Status.IGNORED)),
            ),
            # The desk counts and groups failures in this index alone, the newest first; the rows
            # themselves lie scattered over the whole table.
            models.Index(
                fields=(
                    "id",
                    "status",
                    "fingerprint",
                    "event_type",
                    "organization_salesforce_id",
                    "finished_at",
                    "claimed_at",
                ),
                name="passport_message_failing",
                condition=FAILING,
            ),
            # So few among those that succeeded that the newest of them are far apart.
            models.Index(
                fields=("status", "id"),
                name="passport_message_uncommon",
                condition=Q(status__in=(Status.SUPERSEDED, Status.IGNORED, Status.DISCARDED)),
            ),
            models.Index(
                fields=("fingerprint", "status"), name="passport_message_group", condition=~Q(fingerprint="")
            ),
            models.Index(fields=("record_id", "organization", "version"), name="passport_message_record"),
            # What ended in a span of time; a row enters it once.
            models.Index(
                fields=("finished_at",),
                name="passport_message_finished",
                condition=Q(finished_at__isnull=False),
            ),
            # What became of an action's messages. No worker enters a row here that no operator touched.
            models.Index(
                fields=("last_action", "status"),
                name="passport_message_last_action",
                condition=Q(last_action__isnull=False),
            ),
            models.Index(
                fields=("event_type", "due_at"),
                name="passport_message_isolated",
                condition=Q(isolated=True, due_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing happens to it any more unless an operator asks."""
        return self.status in TERMINAL

    @property
    def is_pointer(self) -> bool:
        """Whether it only says where in S3 its events are; then it has no organization and no record."""
        return self.event_type == S3_POINTER

    def to_event(self) -> Event:
        """The event as it was read; `content` must not have been redacted, and a pointer is none."""
        return Event(
            event_type=self.event_type,
            change=Change(self.change),
            organization=self.organization_salesforce_id,
            entity=self.entity,
            record_id=self.record_id,
            version=Version(VersionKind(self.version_kind), self.version),
            identity=Identity(self.identity, self.dedup_key),
            fields=self.content["fields"],
            missing=tuple(self.content["missing"]),
            enriched=tuple(self.content.get("enriched", ())),
            is_gap=self.content["is_gap"],
            origin=self.content["origin"],
            transaction=self.content["transaction"],
            generation=self.generation,
            attempt=self.attempts + 1,
        )

    @classmethod
    def from_event(cls, event: Event) -> ProcessedMessage:
        """A new row for an event, not saved and not yet due."""
        return cls(
            organization_salesforce_id=event.organization,
            dedup_key=event.identity.key,
            identity=event.identity.strength,
            content_hash=event.content_hash(),
            event_type=event.event_type,
            entity=event.entity,
            record_id=event.record_id,
            change=event.change,
            version_kind=event.version.kind,
            version=event.version.value,
            content=event.content(),
        )
