"""Arms the one step that the environment names."""

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
        from tests.crashes.steps import STEPS  # noqa: PLC0415  it needs the models

        how, _, step = os.environ.get(strikes.STRIKE, "").partition(" ")
        if step:
            STEPS[step].arm(strikes.strike(how, step, Path(os.environ[strikes.FILE])))
