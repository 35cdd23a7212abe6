"""One copy of a message as SQS handed it to us."""

from __future__ import annotations

from django.db import models

from passport_events.db.managers import PrimaryManager


class Delivery(models.Model):
    """The raw bytes of a delivery, stored once, with the ids and times of its way here."""

    body = models.BinaryField(null=True, help_text="Exactly what SQS handed us; empty once redacted.")
    body_size = models.PositiveIntegerField(help_text="Bytes.")
    wire_format = models.CharField(max_length=64, blank=True, help_text="How the body was recognised.")
    queue = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="The SQS queue that handed it out: the one of events, or a dead letter queue.",
    )
    sqs_message_id = models.CharField(max_length=128)
    sns_message_id = models.CharField(max_length=128, blank=True)
    topic_arn = models.CharField(max_length=512, blank=True)
    attributes = models.JSONField(default=dict, help_text="Message attributes as the publisher set them.")
    trace_context = models.JSONField(default=dict, help_text="The publisher's trace propagation headers.")
    published_at = models.DateTimeField(null=True, help_text="SNS's timestamp, else SQS's.")
    sent_at = models.DateTimeField(null=True, help_text="When SQS took it.")
    received_at = models.DateTimeField(help_text="When we stored it, by the database's clock.")
    receive_count = models.PositiveIntegerField(default=1, help_text="How often SQS had handed it out.")

    objects = PrimaryManager()

    class Meta:
        verbose_name_plural = "deliveries"
        base_manager_name = "objects"
        permissions = (("view_payload", "Can see what deliveries, messages and records say"),)
        indexes = (
            models.Index(fields=("sqs_message_id",), name="passport_delivery_sqs_id"),
            models.Index(
                fields=("sns_message_id",),
                name="passport_delivery_sns_id",
                condition=~models.Q(sns_message_id=""),
            ),
            models.Index(fields=("received_at",), name="passport_delivery_received"),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk}"
