"""`passport publish`: send messages to the topic, as the platform team would."""

from __future__ import annotations

import json
import random
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events import conf
from passport_events.conf import Settings
from passport_events.contract.input_files import read_input
from passport_events.contract.simulated_delivery import SimulatedRoute
from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, ERROR, TROUBLE
from passport_events.management.verbs.arguments import parse_positive, parse_salesforce_id
from passport_events.management.verbs.output import Counter
from passport_events.publishing import report
from passport_events.publishing.messages import PreparedMessages, prepare_messages
from passport_events.publishing.publisher import PublishResult, publish_messages
from passport_events.publishing.sns_topic import SnsTopic, parse_region
from passport_events.testing import generated_messages
from passport_events.testing.factories import COMMITTED_MS

MAX_GENERATED = 100_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--topic", required=True, metavar="ARN", help="a standard topic")
    parser.add_argument("file", nargs="?", metavar="FILE", help="a message on each line; - is standard input")
    parser.add_argument(
        "--generate", type=parse_positive, metavar="N", help="instead of FILE: N made-up messages"
    )
    parser.add_argument(
        "--event-type", default="opportunity", help="of generated messages (default: opportunity)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed generates the same messages")
    parser.add_argument(
        "--organization",
        type=parse_salesforce_id,
        metavar="00D...",
        help="of the generated ones, and of lines that name none",
    )
    parser.add_argument("--skip-invalid", action="store_true", help="send the lines that are right")
    parser.add_argument("--preview", action="store_true", help="check the messages, and send none")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Read, send and report."""
    settings = conf.get_settings()
    topic = options["topic"]
    parse_region(topic)  # A wrong one is told before anything is read.
    journey = SimulatedRoute(at=datetime.now(UTC), org_id=options["organization"] or "", topic_arn=topic)
    prepared = prepare_messages(_read_input(options, settings), settings, journey)
    if not prepared.ready and not prepared.invalid:
        raise OperationRefused(f"There is nothing in {options['file']}.")
    account = None
    if not options["preview"] and (options["skip_invalid"] or not prepared.invalid):
        account = _send(SnsTopic(settings, topic), prepared)
    if options["json"]:
        out.write(json.dumps(report.build_document(prepared, account)))
    else:
        for line in report.format_lines(prepared, account):
            out.write(line)
    if account and account.gave_up and not account.sent:
        return ERROR
    return TROUBLE if prepared.invalid or (account and account.unsent) else DONE


def _send(topic: SnsTopic, prepared: PreparedMessages) -> PublishResult:
    counter = Counter(len(prepared.ready), "messages")
    account = publish_messages(topic, prepared.ready, lambda account: counter.show(account.settled))
    counter.end()
    return account


def _read_input(options: dict[str, Any], settings: Settings) -> bytes:
    if (options["file"] is None) == (options["generate"] is None):
        raise OperationRefused("Name a FILE (- is standard input) or --generate N messages, one of both.")
    return _generate(options, settings) if options["generate"] else read_input(options["file"])


def _generate(options: dict[str, Any], settings: Settings) -> bytes:
    event_type = settings.event_types.get(options["event_type"])
    if event_type is None:
        raise OperationRefused(f"--event-type must be one of {', '.join(settings.event_types)}.")
    if not options["organization"]:
        raise OperationRefused("--generate needs an --organization, like 00D5f000000CabWEAS.")
    if options["generate"] > MAX_GENERATED:
        raise OperationRefused(f"--generate makes at most {MAX_GENERATED:,} messages.")
    seeded = options["seed"] is not None
    messages = generated_messages(
        event_type,
        options["generate"],
        organization=options["organization"],
        seed=options["seed"] if seeded else random.getrandbits(64),
        at_ms=COMMITTED_MS if seeded else int(time.time() * 1000),
    )
    return "\n".join(map(json.dumps, messages)).encode()


VERBS = (
    Verb(
        "publish",
        "Send messages to the SNS topic, in batches and with the attributes of the contract. Every line is "
        "read first as the receiver will read it; one that is wrong stops them all.",
        "manage.py passport publish --topic arn:aws:sns:us-east-1:123456789012:events messages.jsonl",
        add_arguments,
        run,
    ),
)
