"""Arms the one step that the environment names, and shortens waits where it asks for that."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from tests.crashes import strikes

SETTINGS = "PASSPORT_TEST_SETTINGS"
"""What a single test wants otherwise in `PASSPORT_EVENTS`, as JSON."""


class CrashesConfig(AppConfig):
    """The last of INSTALLED_APPS, so that all it steps into is there."""

    name = "tests.crashes"

    def ready(self) -> None:
        """Arm."""
        arm()


def arm() -> None:
    """Do what the environment says."""
    # Django's settings are loaded, and a process that was forked has its environment since now.
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, **json.loads(os.environ.get(SETTINGS, "{}"))}
    from tests.crashes.short_timeouts import SHORT_TIMEOUTS, shorten_timeouts  # noqa: PLC0415  it needs the models
    from tests.crashes.steps import STEPS, TOLD_TO_STOP  # noqa: PLC0415  it needs the models

    if SHORT_TIMEOUTS in os.environ:
        shorten_timeouts()
    how, _, step = os.environ.get(strikes.STRIKE, "").partition(" ")
    if step:
        file = Path(os.environ[strikes.FILE])
        STEPS[step].arm(strikes.strike(how, step, file))
        for seam in TOLD_TO_STOP:
            seam.arm(file.with_suffix(strikes.TOLD).touch)
