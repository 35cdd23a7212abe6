"""`passport release`: let go what waited for an organization."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE
from passport_events.operating.actor import Actor
from passport_events.operating.release import find_organization, release_organization

HELP = "Hand on the messages that came before an organization was known, or while it was off."
EXAMPLE = "manage.py passport release --organization 00D5f000000CabWEAS"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--organization", required=True, metavar="00D...", help="Salesforce's id of it")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Release."""
    count = release_organization(find_organization(options["organization"]), Actor.of_command())
    out.write(f"release: {count} messages released")
    return DONE
