"""The app of the peers' tables."""

from __future__ import annotations

from django.apps import AppConfig


class PeersConfig(AppConfig):
    """Its tables are `peers_organization`, `peers_event` and `peers_record`."""

    name = "benchmarks.throughput.peers"
    label = "peers"
    default_auto_field = "django.db.models.BigAutoField"
