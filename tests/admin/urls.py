"""Pages of the desk by model."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse

from passport_events.models import ProcessedMessage


def page(row: Model, site: str = "admin") -> str:
    """One row's page."""
    return reverse(f"{site}:passport_events_{row._meta.model_name}_change", args=(row.pk,))


def reveal(row: Model, site: str = "admin") -> str:
    """Where one row's values are asked for."""
    return reverse(f"{site}:passport_events_{row._meta.model_name}_reveal", args=(row.pk,))


def desk(**query: Any) -> str:
    """The desk."""
    found = reverse("admin:passport_events_processedmessage_failures")
    return f"{found}?{urlencode(query)}" if query else found


def group(fingerprint: str, **query: Any) -> str:
    """One of its groups."""
    found = reverse("admin:passport_events_processedmessage_group", args=(fingerprint or "none",))
    return f"{found}?{urlencode(query)}" if query else found


def listing(model: type[Model], site: str = "admin") -> str:
    """A model's list."""
    return reverse(f"{site}:passport_events_{model._meta.model_name}_changelist")


def action(name: str, model: type[Model] = ProcessedMessage) -> str:
    """Where an action is asked for and confirmed."""
    return reverse(f"admin:passport_events_{model._meta.model_name}_{name}")
