"""What SQS handed us, byte for byte."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from passport_events.admin import filters
from passport_events.admin.pagination import get_part, limit_names
from passport_events.admin.payload import RevealingAdmin, ShownPayload
from passport_events.models import Delivery
from passport_events.models.personal_data import get_masked_columns
from passport_events.operating.text import format_line


@admin.register(Delivery)
class DeliveryAdmin(RevealingAdmin[Delivery]):
    """Deliveries."""

    page_template = "passport_events/admin/delivery.html"
    list_display = ("number", "received_at", "wire_format", "body_size", "sqs_id", "sns_id", "receive_count")
    ordering = ("-pk",)
    search_fields = ("sqs_message_id",)  # shows the box; what it means is in `search`
    search_help_text = _("Complete IDs only: SQS or SNS message.")
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer(*get_masked_columns(Delivery))

    def search(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(filters.search_deliveries(text)) if text else queryset), False

    @admin.display(description=_("ID"))
    def number(self, delivery: Delivery) -> str:
        return str(delivery.pk)  # as the search reads it: not grouped by thousands

    @admin.display(description=_("SQS message"))
    def sqs_id(self, delivery: Delivery) -> str:
        return format_line(delivery.sqs_message_id)

    @admin.display(description=_("SNS message"))
    def sns_id(self, delivery: Delivery) -> str:
        return format_line(delivery.sns_message_id)

    def content(self, row: Delivery, payload: ShownPayload, request: HttpRequest) -> dict[str, Any]:
        delivery = Delivery.objects.get(pk=row.pk)
        messages = delivery.messages.defer("content", "merged").order_by("pk")
        part = get_part(request, "messages", messages)
        return {
            "delivery": delivery,
            "sqs_id": format_line(delivery.sqs_message_id),
            "sns_id": format_line(delivery.sns_message_id),
            "topic": format_line(delivery.topic_arn),
            "attributes": limit_names(sorted(delivery.attributes)),
            "body": payload.body(delivery.body),
            "part": part,
            "messages_of_it": [
                {"message": message, "url": self.url_of(message), "reason": format_line(message.reason)}
                for message in part.rows
            ],
        }
