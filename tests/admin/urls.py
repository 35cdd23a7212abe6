"""Pages of the desk by model."""

from __future__ import annotations

from django.db.models import Model
from django.urls import reverse

from passport_events.models import ProcessedMessage


def page(row: Model, site: str = "admin") -> str:
    """One row's page."""
    return reverse(f"{site}:passport_events_{row._meta.model_name}_change", args=(row.pk,))


def listing(model: type[Model], site: str = "admin") -> str:
    """A model's list."""
    return reverse(f"{site}:passport_events_{model._meta.model_name}_changelist")


def action(name: str, model: type[Model] = ProcessedMessage) -> str:
    """Where an action is asked for and confirmed."""
    return reverse(f"admin:passport_events_{model._meta.model_name}_{name}")
