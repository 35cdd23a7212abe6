"""The app, and the switch that takes one safeguard away."""

from __future__ import annotations

import os

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """One row per effect."""

    name = "tests.chaos.ledger"

    def ready(self) -> None:
        """Break what PASSPORT_TEST_ABLATION names, in this process."""
        # Not before: these need the models.
        from tests.chaos import ablations  # noqa: PLC0415  they need the models

        ablations.apply(os.environ.get(ablations.VARIABLE, ""))
