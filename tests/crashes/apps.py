"""Arms the one step that the environment names, and shortens waits where it asks for that."""

from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig

from tests.crashes import strikes


class CrashesConfig(AppConfig):
    """The last of INSTALLED_APPS, so that all it steps into is there."""

    name = "tests.crashes"

    def ready(self) -> None:
        """Arm."""
        from tests.crashes.hurry import HURRY, hurry  # noqa: PLC0415  it needs the models
        from tests.crashes.steps import STEPS, TOLD_TO_STOP  # noqa: PLC0415  it needs the models

        if HURRY in os.environ:
            hurry()
        how, _, step = os.environ.get(strikes.STRIKE, "").partition(" ")
        if step:
            file = Path(os.environ[strikes.FILE])
            STEPS[step].arm(strikes.strike(how, step, file))
            for seam in TOLD_TO_STOP:
                seam.arm(file.with_suffix(strikes.TOLD).touch)
