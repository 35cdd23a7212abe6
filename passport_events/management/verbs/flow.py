"""`passport pause`, `resume` and `rate-limit`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import add_scope, describe_scope, get_scope, parse_positive
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor


def _add_pause_arguments(parser: ArgumentParser) -> None:
    add_scope(parser)
    parser.add_argument("--reason", required=True, help="recorded in the audit log")


def _pause(out: OutputWrapper, options: dict[str, Any]) -> int:
    is_new = flow_operations.pause(*get_scope(options), Actor.from_command(), options["reason"])
    out.write(f"pause: {describe_scope(options)} {'is' if is_new else 'was already'} paused")
    return DONE


def _resume(out: OutputWrapper, options: dict[str, Any]) -> int:
    is_ended = flow_operations.resume(*get_scope(options), Actor.from_command())
    out.write(f"resume: {describe_scope(options)} {'resumed' if is_ended else 'was not paused'}")
    return DONE if is_ended else TROUBLE


def _add_rate_limit_arguments(parser: ArgumentParser) -> None:
    add_scope(parser)
    rate = parser.add_mutually_exclusive_group(required=True)
    rate.add_argument("--per-minute", type=parse_positive, metavar="N", help="messages a minute")
    rate.add_argument("--remove", action="store_true", help="remove the rate limit of exactly this scope")
    parser.add_argument("--reason", default="", help="recorded in the audit log")


def _limit_rate(out: OutputWrapper, options: dict[str, Any]) -> int:
    scope = describe_scope(options)
    if options["remove"]:
        is_ended = flow_operations.remove_rate_limit(*get_scope(options), Actor.from_command())
        out.write(f"rate-limit: {scope} {'rate limit removed' if is_ended else 'had no rate limit'}")
        return DONE if is_ended else TROUBLE
    rate = options["per_minute"]
    flow_operations.limit_rate(*get_scope(options), Actor.from_command(), options["reason"], rate)
    out.write(f"rate-limit: {scope} at most {rate} messages a minute")
    return DONE


VERBS = (
    Verb(
        "pause",
        "Pause an event type or an organization. Messages are stored and wait, and lose no attempts.",
        'manage.py passport pause --event-type attachment --reason "S3 is down"',
        _add_pause_arguments,
        _pause,
    ),
    Verb(
        "resume",
        "Remove the pause of exactly this scope.",
        "manage.py passport resume --event-type attachment",
        add_scope,
        _resume,
    ),
    Verb(
        "rate-limit",
        "Limit how many messages a minute are handled, or remove the limit.",
        'manage.py passport rate-limit --event-type item --per-minute 60 --reason "their API is slow"',
        _add_rate_limit_arguments,
        _limit_rate,
    ),
)
