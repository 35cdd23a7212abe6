"""`manage.py demo`: the whole pipeline with real processes on this machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Any

from passport_events.management.base import GuardedCommand
from project.demo.demonstration import Demonstration
from project.demo.processes import KeepsDyingError
from project.demo.publisher import PublishError
from project.demo.screen import make_screen
from project.demo.stack import Stack, StackError
from project.embedded import EmbeddedServerError

SERVE = "PASSPORT_DEMO_SERVE"
RIGHT, WRONG, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130


class Command(GuardedCommand):
    help = (
        "Publish 1,000 events through SNS with duplicates, in no order, some of them bad, and compare what "
        "the mirror and the tables hold at the end with what they must. On a terminal the admin keeps "
        f"running until q or Ctrl-C; {SERVE}=1 or 0 decides otherwise. Exits 0 when everything is right, 1 "
        "when something is wrong, 2 when it could not run. Example: make demo SERVE=1"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--postgresql", action="store_true", help="on PostgreSQL (needs requirements/test.txt)"
        )
        parser.add_argument(
            "--break",
            action="store_true",
            dest="breaking",
            help="in the burst kill a worker, the poller and PostgreSQL, and flush Redis",
        )

    def handle(self, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)  # leave in order, as after Ctrl-C
        demonstration: Demonstration | None = None
        try:
            with Stack(on_postgresql=options["postgresql"]) as stack, make_screen() as screen:
                demonstration = Demonstration(stack, screen)
                demonstration.run(breaking=options["breaking"])
                if _stays():
                    demonstration.stay()
        except KeyboardInterrupt:
            pass
        except (StackError, EmbeddedServerError, KeepsDyingError, PublishError) as error:
            self.stderr.write(f"demo could not run: {error}")
            sys.exit(COULD_NOT_RUN)
        if demonstration is None or demonstration.verdict is None:
            self.stderr.write("demo: interrupted")
            sys.exit(INTERRUPTED)
        self.stdout.write(demonstration.summary)
        sys.exit(RIGHT if demonstration.verdict.is_right else WRONG)


def _stays() -> bool:
    wish = os.environ.get(SERVE, "")
    return wish != "0" if wish else sys.stdin.isatty() and sys.stdout.isatty()
