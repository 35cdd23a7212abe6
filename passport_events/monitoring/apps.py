"""How monitoring starts: it registers its chores and listens. The core does not know it."""

from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Samples, figures and the dashboard."""

    name = "passport_events.monitoring"
    label = "passport_monitoring"
    verbose_name = "Salesforce events: monitoring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what is done on the side."""
        # Not before: these need the models.
        from passport_events import instrumentation, periodic_tasks  # noqa: PLC0415
        from passport_events.monitoring import rollup, sampling  # noqa: PLC0415
        from passport_events.operating import health_findings  # noqa: PLC0415

        instrumentation.subscribe(sampling.listen)
        periodic_tasks.register("sampling", sampling.tick)
        periodic_tasks.register("figures", rollup.tick)
        health_findings.register_sampler(sampling.read_last_depth)
