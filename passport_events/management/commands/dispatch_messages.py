"""`manage.py dispatch_messages`: the dispatcher alone, where no poller runs."""

from __future__ import annotations

import argparse
import signal
from types import FrameType
from typing import Any

from django.db import Error, connections

from passport_events import chores, conf
from passport_events.exceptions import PassportEventsError
from passport_events.handling import dispatcher
from passport_events.management.base import GuardedCommand
from passport_events.management.giving_up import give_up
from passport_events.receiving.loops import STOP_SECONDS, Loops
from passport_events.receiving.patience import Patience


class Command(GuardedCommand):
    """Hints once a second until SIGTERM or SIGINT. Pollers and workers do the same on the side."""

    help = (
        "Wake RQ workers for messages that are due: retries, lost hints, messages of dead workers; and take "
        "the next step of what operators asked for. poll_sqs does this too; run it alone where none runs. "
        "Exits 0 when told to stop, 1 after too many errors in a row or when it hangs. "
        "Example: manage.py dispatch_messages --once"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument("--once", action="store_true", help="look once, then exit")

    def handle(self, **options: Any) -> None:
        """Dispatch."""
        if options["once"]:
            chores.run()  # first, because they may make messages due
            self.stdout.write(f"dispatch_messages: hints={dispatcher.dispatch()}")
            return
        loops = Loops(STOP_SECONDS)
        loops.lead("dispatcher", self._dispatch, loops)

        def stop(number: int, frame: FrameType | None) -> None:
            loops.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            loops.run()
        except (PassportEventsError, Error) as error:
            give_up("dispatch_messages", error, self.stderr)

    def _dispatch(self, loops: Loops) -> None:
        patience = Patience(conf.current().max_errors_in_a_row)
        while not loops.is_stopping:
            pause = dispatcher.TICK_SECONDS
            try:
                with loops.watch.step("dispatching"):
                    dispatcher.tick()
                patience.succeeded("database")
            except Error as error:
                connections.close_all()
                pause = patience.failed("database", error)
            loops.stopping.wait(pause)
