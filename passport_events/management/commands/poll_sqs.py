"""`manage.py poll_sqs`: receive events from SQS into the inbox."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import Error

from passport_events import conf
from passport_events.escaping import escape_controls
from passport_events.exceptions import ConfigurationError, PassportEventsError, StartFailed
from passport_events.management.base import GuardedCommand
from passport_events.management.giving_up import give_up
from passport_events.management.stopping import stop_on_signals
from passport_events.receiving.poller import Limits, Poller, Totals
from passport_events.receiving.sqs import SqsQueue
from passport_events.stdio import OutputError


def positive(text: str) -> int:
    """An argparse type: a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


class Command(GuardedCommand):
    """Runs until SIGTERM or SIGINT; then finishes what it has received and exits 0."""

    help = (
        "Receive events from SQS, store each once, delete them from SQS and wake the RQ workers. "
        "Exits 0 when told to stop or done, 1 after too many errors in a row, 2 when it cannot start. "
        "Example: manage.py poll_sqs --concurrency 4 --health-file /tmp/poller.json"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument("--once", action="store_true", help="poll once, then exit")
        parser.add_argument("--until-empty", action="store_true", help="exit when a receive brings nothing")
        parser.add_argument(
            "--max-messages", type=positive, metavar="N", help="exit after N messages, never receiving more"
        )
        parser.add_argument(
            "--concurrency", type=positive, metavar="N", help="receivers in this process (default: RECEIVERS)"
        )
        parser.add_argument(
            "--health-file", type=Path, metavar="PATH", help="JSON with the last signs of life, for probes"
        )

    def handle(self, **options: Any) -> None:
        """Poll."""
        try:
            totals = self._run(options)
        except (ConfigurationError, StartFailed) as error:
            self.refuse_to_start(escape_controls(str(error)))
        except (PassportEventsError, Error) as error:
            give_up("poll_sqs", error, self.stderr)
        self.stdout.write(
            f"poll_sqs: received={totals.received} new={totals.new} duplicates={totals.duplicates}"
        )

    def _run(self, options: dict[str, Any]) -> Totals:
        settings = conf.current()
        health_file = options["health_file"]
        if health_file is not None and not health_file.parent.is_dir():
            raise ConfigurationError(f"--health-file: there is no directory {health_file.parent}")
        service = Poller(
            [lambda: SqsQueue(settings)] * (options["concurrency"] or settings.receivers),
            limits=Limits(
                once=options["once"],
                until_empty=options["until_empty"],
                messages=options["max_messages"],
            ),
            health_file=health_file,
            started=self._say_start,
            progress=self._progress,
        )
        stop_on_signals(service.stop)
        return service.run()

    def _say_start(self, sentence: str) -> None:
        self.stdout.write(f"poll_sqs: {sentence}")
        self.stdout.flush()

    def _progress(self, totals: Totals) -> None:
        if self.stdout.isatty():
            with suppress(OutputError):  # a terminal that was closed is no reason to receive no more
                self.stdout.write(f"\r{totals.received} received, {totals.new} new", ending="")
                self.stdout.flush()
