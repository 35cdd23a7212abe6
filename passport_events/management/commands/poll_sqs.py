"""`manage.py poll_sqs`: receive events from SQS into the inbox."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import Error

from passport_events import conf
from passport_events.exceptions import ConfigurationError, PassportEventsError, StartFailed
from passport_events.management.base import GuardedCommand
from passport_events.management.process import exit_with_error, stop_on_signals
from passport_events.receiving.poller import Limits, Poller, Totals
from passport_events.receiving.sqs import SqsQueue
from passport_events.standard_streams import OutputError
from passport_events.text_escaping import escape_controls


def parse_positive(text: str) -> int:
    """Parse a whole number from 1, as an argparse type."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


class Command(GuardedCommand):
    """Runs until SIGTERM or SIGINT; then finishes the running batches and exits 0."""

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
            "--max-messages",
            type=parse_positive,
            metavar="N",
            help="exit after N messages, never receiving more",
        )
        parser.add_argument(
            "--concurrency",
            type=parse_positive,
            metavar="N",
            help="receivers in this process (default: RECEIVERS)",
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
            exit_with_error("poll_sqs", error, self.stderr)
        self.stdout.write(
            f"poll_sqs: received={totals.received} new={totals.new} duplicates={totals.duplicates}"
        )

    def _run(self, options: dict[str, Any]) -> Totals:
        settings = conf.get_settings()
        health_file = options["health_file"]
        if health_file is not None and not health_file.parent.is_dir():
            raise ConfigurationError(f"--health-file: there is no directory {health_file.parent}")
        poller = Poller(
            [lambda: SqsQueue(settings)] * (options["concurrency"] or settings.receivers),
            limits=Limits(
                once=options["once"],
                until_empty=options["until_empty"],
                messages=options["max_messages"],
            ),
            health_file=health_file,
            on_start=self._print_start,
            on_progress=self._print_progress,
        )
        stop_on_signals(poller.stop)
        return poller.run()

    def _print_start(self, sentence: str) -> None:
        self.stdout.write(f"poll_sqs: {sentence}")
        self.stdout.flush()

    def _print_progress(self, totals: Totals) -> None:
        if self.stdout.isatty():
            with suppress(OutputError):  # a closed terminal must not end receiving
                self.stdout.write(f"\r{totals.received} received, {totals.new} new", ending="")
                self.stdout.flush()
