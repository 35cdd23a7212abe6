"""What every command of the package has in common."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand, OutputWrapper

from passport_events.stdio import guarded_streams


class GuardedCommand(BaseCommand):
    """Ends like other Unix tools where its output is closed, full or missing."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a process of its own. `call_command` leaves the streams alone."""
        with guarded_streams(argv[1]):
            style = self.stderr.style_func
            # Django made these when it loaded the command, of the bare streams.
            self.stdout, self.stderr = OutputWrapper(sys.stdout), OutputWrapper(sys.stderr)
            self.stderr.style_func = style
            super().run_from_argv(argv)
