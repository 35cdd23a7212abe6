"""`passport pause`: let nothing be claimed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE
from passport_events.management.verbs.arguments import add_scope, describe_scope, scope
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor

HELP = "Hold back messages. They are stored and wait, and lose no attempts."
EXAMPLE = 'manage.py passport pause --type attachment --reason "S3 is down"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_scope(parser)
    parser.add_argument("--reason", required=True, help="for the others who wonder why")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Pause."""
    is_new = flow_operations.pause(*scope(options), Actor.from_command(), options["reason"])
    out.write(f"pause: {describe_scope(options)} {'is' if is_new else 'was already'} paused")
    return DONE
