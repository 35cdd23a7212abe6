"""Searching by whole ids only: each kind of id has its index, and a part of an id has none."""

from __future__ import annotations

import re

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from passport_events.exceptions import Unreadable
from passport_events.models import Delivery
from passport_events.salesforce_ids import normalize_id

_DEDUP_KEY = re.compile(r"[0-9a-f]{64}")
_PRIMARY_KEY = re.compile(r"[0-9]{1,14}")
HELP = _("Complete IDs only: message, Salesforce record, dedup key, SQS or SNS message.")


def of_messages(text: str) -> Q:
    """The messages that a search means."""
    if _DEDUP_KEY.fullmatch(text):
        return Q(dedup_key=text)
    if _PRIMARY_KEY.fullmatch(text):
        return Q(pk=int(text))
    try:
        return Q(record_id=normalize_id(text))
    except Unreadable:
        return Q(delivery__in=Delivery.objects.filter(of_deliveries(text)).values("pk"))


def of_deliveries(text: str) -> Q:
    """The deliveries that a search means."""
    return Q(sqs_message_id=text) | Q(sns_message_id=text)


def of_records(text: str) -> Q:
    """The records that a search means."""
    try:
        return Q(record_id=normalize_id(text))
    except Unreadable:
        return Q(record_id=text)
