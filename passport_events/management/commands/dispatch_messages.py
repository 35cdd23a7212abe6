"""`manage.py dispatch_messages`: the dispatcher alone, where no poller runs."""

from __future__ import annotations

import argparse
from typing import Any

from django.db import Error, connections

from passport_events import conf, periodic_tasks
from passport_events.dispatching import dispatcher
from passport_events.exceptions import ConfigurationError, PassportEventsError, StartFailed
from passport_events.management.base import GuardedCommand
from passport_events.management.process import exit_with_error, stop_on_signals
from passport_events.models import ProcessedMessage
from passport_events.processes.backoff import Backoff, Startup
from passport_events.processes.errors import describe_database
from passport_events.processes.threads import STOP_SECONDS, ThreadGroup
from passport_events.text_escaping import escape_controls


class Command(GuardedCommand):
    """Sends hints once a second until SIGTERM or SIGINT. Pollers and workers do the same."""

    help = (
        "Wake RQ workers for messages that are due: retries, lost hints, messages of dead workers; and take "
        "the next step of what operators asked for. poll_sqs does this too; run it alone where none runs. "
        "Exits 0 when told to stop, 1 after too many errors in a row or when it hangs, "
        "2 when it cannot start. "
        "Example: manage.py dispatch_messages --once"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument("--once", action="store_true", help="look once, then exit")

    def handle(self, **options: Any) -> None:
        """Dispatch."""
        try:
            self._dispatch_once() if options["once"] else self._dispatch_until_stopped()
        except (ConfigurationError, StartFailed) as error:
            self.refuse_to_start(escape_controls(str(error)))
        except (PassportEventsError, Error) as error:
            exit_with_error("dispatch_messages", error, self.stderr)

    def _dispatch_once(self) -> None:
        describe_database()  # raises StartFailed where DATABASES is wrong
        periodic_tasks.run()  # first: they can make messages due
        try:
            hints = dispatcher.dispatch()
        except Error as error:
            Startup().raise_permanent("database", error)
            raise
        self.stdout.write(f"dispatch_messages: hints={hints}")

    def _dispatch_until_stopped(self) -> None:
        describe_database()
        threads = ThreadGroup(STOP_SECONDS)
        threads.add_primary("dispatcher", self._dispatch, threads)
        stop_on_signals(threads.stop)
        threads.run()

    def _dispatch(self, threads: ThreadGroup) -> None:
        backoff = Backoff(conf.get_settings().max_consecutive_errors)
        has_answered = False
        while not threads.is_stopping:
            pause = dispatcher.TICK_SECONDS
            try:
                with threads.watchdog.step("dispatching"):
                    if not has_answered:
                        # A tick runs no query if another process ticks, or if Redis is away.
                        ProcessedMessage.objects.exists()
                        has_answered = True
                    dispatcher.tick()
                backoff.note_success("database")
            except Error as error:
                connections.close_all()
                pause = backoff.note_failure("database", error)
            threads.stopping.wait(pause)
