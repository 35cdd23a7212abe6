"""The app's name and title."""

from django.apps import AppConfig


class AdmissionsConfig(AppConfig):
    """Opportunities, their attachments and their line items."""

    name = "project.admissions"
    verbose_name = "Admissions"
