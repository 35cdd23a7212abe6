"""`manage.py dispatch_messages`: the dispatcher alone, where no poller runs."""

from __future__ import annotations

import argparse
import contextlib
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connections

from passport_events import conf
from passport_events.handling import dispatcher
from passport_events.receiving.patience import Patience


class Command(BaseCommand):
    """Hints once a second until SIGTERM or SIGINT. Pollers and workers do the same on the side."""

    help = (
        "Wake RQ workers for messages that are due: retries, lost hints, messages of dead workers. "
        "poll_sqs does this too; run it alone where no poller runs. Exits 0. "
        "Example: manage.py dispatch_messages --once"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument("--once", action="store_true", help="look once, then exit")

    def handle(self, **options: Any) -> None:
        """Dispatch."""
        if options["once"]:
            self.stdout.write(f"dispatch_messages: hints={dispatcher.dispatch()}")
            return
        # A look can be cut off anywhere: it changes nothing.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            self._dispatch()

    def _dispatch(self) -> None:
        patience = Patience(conf.current().max_errors_in_a_row)
        while True:
            pause = dispatcher.TICK_SECONDS
            try:
                dispatcher.tick()
                patience.succeeded("database")
            except Error as error:
                connections.close_all()
                pause = patience.failed("database", error)
            time.sleep(pause)
