"""`passport ingest-dlq`: what SQS and SNS gave up goes into the inbox."""

from __future__ import annotations

import dataclasses
import functools
import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events import conf
from passport_events.exceptions import ConfigurationError
from passport_events.extension_points import Verb
from passport_events.management.process import stop_on_signals
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import parse_positive
from passport_events.management.verbs.output import Counter
from passport_events.receiving.poller import Limits, Poller, Totals
from passport_events.receiving.sqs import SqsQueue

KIND = "ingest-dlq"
"""Of its process heartbeat."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--once", action="store_true", help="exit when every queue was found empty")
    parser.add_argument(
        "--max-messages", type=parse_positive, metavar="N", help="exit after N messages, never receiving more"
    )
    parser.add_argument(
        "--health-file", type=Path, metavar="PATH", help="JSON with the last signs of life, for probes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document at the end")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Ingest; TROUBLE where a message stayed in its queue."""
    counter = Counter(None, "messages of dead letter queues")

    def report_start(sentence: str) -> None:
        if not options["json"]:
            out.write(f"{KIND}: {sentence}")
            out.flush()

    poller = _build_poller(options, counter, report_start)
    stop_on_signals(poller.stop)
    totals = poller.run()
    counter.end()
    facts = dataclasses.asdict(totals)
    line = f"{KIND}: " + " ".join(f"{name}={count}" for name, count in facts.items())
    out.write(json.dumps(facts) if options["json"] else line)
    return TROUBLE if totals.left else DONE


def _build_poller(options: dict[str, Any], counter: Counter, started: Callable[[str], None]) -> Poller:
    settings = conf.get_settings()
    urls = settings.dead_letter_queue_urls
    if not urls:
        raise ConfigurationError(
            "PASSPORT_EVENTS['DEAD_LETTER_QUEUE_URLS'] names no queue. Give it the dead letter queue of "
            "QUEUE_URL and that of the SNS subscription."
        )
    health_file = options["health_file"]
    if health_file is not None and not health_file.parent.is_dir():
        raise ConfigurationError(f"--health-file: there is no directory {health_file.parent}")

    def progress(totals: Totals) -> None:
        counter.show(totals.received)

    return Poller(
        # One receiver for each: what failed ten receives should not fail in a hurry.
        [functools.partial(SqsQueue.create_for_dead_letters, settings, url) for url in urls],
        limits=Limits(until_empty=options["once"], messages=options["max_messages"]),
        kind=KIND,
        health_file=health_file,
        on_start=started,
        on_progress=progress,
    )


VERBS = (
    Verb(
        "ingest-dlq",
        "Read SQS's dead letter queues into the inbox: messages that can be parsed wait to be handled, "
        "the others are quarantined. Runs until SIGTERM.",
        "manage.py passport ingest-dlq --once",
        add_arguments,
        run,
    ),
)
