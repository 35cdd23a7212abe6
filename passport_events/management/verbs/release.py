"""`passport release`: let go what waited for an organization."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, carrying_out
from passport_events.management.verbs.carrying_out import Words
from passport_events.operating.release import find_organization, waited_for
from passport_events.operating.waited import RELEASE

HELP = "Hand on the messages that came before an organization was known, or while it was off."
EXAMPLE = "manage.py passport release --organization 00D5f000000CabWEAS"
WORDS = Words("release", "messages released")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--organization", required=True, metavar="00D...", help="Salesforce's id of it")
    parser.add_argument("--reason", default="", help="kept in the journal")
    carrying_out.add_pace(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Release. That nothing waited is no trouble."""
    meant = waited_for(find_organization(options["organization"]))
    if not RELEASE.eligible(meant.messages()).exists():
        carrying_out.report(out, WORDS, None, as_json=options["json"])
        return DONE
    return carrying_out.carry_out(out, WORDS, RELEASE, meant, options)
