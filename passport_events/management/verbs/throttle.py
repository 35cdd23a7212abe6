"""`passport throttle`: let through only so many a minute."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import add_scope, describe_scope, positive, scope
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor

HELP = "Let through only so many messages a minute, or all again."
EXAMPLE = 'manage.py passport throttle --type item --per-minute 60 --reason "their API is slow"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_scope(parser)
    rate = parser.add_mutually_exclusive_group(required=True)
    rate.add_argument("--per-minute", type=positive, metavar="N", help="messages")
    rate.add_argument("--end", action="store_true", help="let all through again")
    parser.add_argument("--reason", default="", help="for the others who wonder why")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Throttle, or end it."""
    if options["end"]:
        is_ended = flow_operations.remove_rate_limit(*scope(options), Actor.from_command())
        out.write(f"throttle: {describe_scope(options)} {'runs freely' if is_ended else 'was not throttled'}")
        return DONE if is_ended else TROUBLE
    rate = options["per_minute"]
    flow_operations.limit_rate(*scope(options), Actor.from_command(), options["reason"], rate)
    out.write(f"throttle: {describe_scope(options)} at most {rate} a minute")
    return DONE
