"""What every command of the package has in common."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, OutputWrapper, SystemCheckError

from passport_events.standard_streams import guard_streams

CANNOT_START = 2
"""Exit code: waiting, or another start with the same settings, does not help."""


class GuardedCommand(BaseCommand):
    """Ends like other Unix tools where its output is closed, full or missing; exits 2 on wrong settings."""

    def execute(self, *arguments: Any, **options: Any) -> str | None:
        """Wrong settings, which Django's checks or its database find first, are a reason not to start."""
        try:
            return super().execute(*arguments, **options)
        except (SystemCheckError, ImproperlyConfigured) as error:
            self.refuse_to_start(str(error))

    def refuse_to_start(self, reason: str) -> NoReturn:
        """Say why, and exit with CANNOT_START."""
        name = type(self).__module__.rpartition(".")[2]
        self.stderr.write(f"{name} cannot start: {reason}")
        sys.exit(CANNOT_START)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a process of its own. `call_command` leaves the streams alone."""
        with guard_streams(argv[1]):
            style = self.stderr.style_func
            # Django made these when it loaded the command, of the bare streams.
            self.stdout, self.stderr = OutputWrapper(sys.stdout), OutputWrapper(sys.stderr)
            self.stderr.style_func = style
            super().run_from_argv(argv)
