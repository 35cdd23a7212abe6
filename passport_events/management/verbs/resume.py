"""`passport resume`: end a pause."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import add_scope, describe_scope, scope
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor

HELP = "End the pause of exactly this scope."
EXAMPLE = "manage.py passport resume --type attachment"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_scope(parser)


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Resume."""
    is_ended = flow_operations.resume(*scope(options), Actor.from_command())
    out.write(f"resume: {describe_scope(options)} {'goes on' if is_ended else 'was not paused'}")
    return DONE if is_ended else TROUBLE
