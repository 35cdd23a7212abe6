"""What Django tells us: an organization changed."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save

from passport_events.models import SalesforceOrganization
from passport_events.receiving import organization_cache


def connect() -> None:
    """Listen."""
    for signal in (post_save, post_delete):
        signal.connect(_forget, sender=SalesforceOrganization, dispatch_uid="passport_events.forget")


def _forget(instance: SalesforceOrganization, **facts: Any) -> None:
    organization_cache.forget(instance.salesforce_id)
