"""How the app starts: checks, listeners, and each app's `event_handlers.py`."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PassportEventsConfig(AppConfig):
    """Salesforce events."""

    name = "passport_events"
    verbose_name = "Salesforce events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what listens, then find the handlers."""
        # Not before: these need the models.
        from passport_events import checks, signals  # noqa: PLC0415  they need the models
        from passport_events.handling import registry  # noqa: PLC0415  they need the models
        from passport_events.observing import logs  # noqa: PLC0415  they need the models
        from passport_events.operating import automatic_purge, runner  # noqa: PLC0415  they need the models

        checks.start()
        signals.connect()
        logs.start()
        runner.register()
        automatic_purge.register()
        with registry.collect_problems():
            autodiscover_modules("event_handlers")
