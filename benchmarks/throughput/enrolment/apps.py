"""The app of the handler. Only installed where a contender calls it."""

from __future__ import annotations

from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    """Its table is `enrolment_enrolment`."""

    name = "benchmarks.throughput.enrolment"
    label = "enrolment"
    default_auto_field = "django.db.models.BigAutoField"
