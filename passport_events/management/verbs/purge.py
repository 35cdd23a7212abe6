"""`passport purge`: forget what was kept for long enough, or what is known of one record."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events import conf
from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import record
from passport_events.management.verbs.progress import Counter
from passport_events.operating.actor import Actor
from passport_events.operating.erasure import erase
from passport_events.operating.release import find_organization
from passport_events.operating.retention import Retention, purge

HELP = "Forget what was kept for long enough: once a day is right. Or erase what is known of one record."
EXAMPLE = 'manage.py passport purge --erase 006... --organization 00D... --reason "request 17"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--erase", type=record, metavar="ID", help="everything known of this record, now")
    parser.add_argument("--organization", metavar="00D...", help="with --erase: the record's organization")
    parser.add_argument("--reason", default="", help="with --erase: kept in the journal; required")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Purge, and report what is gone."""
    if options["erase"]:
        return _erase(out, options)
    counter = Counter(None, "rows")
    purged = purge(Retention.of(conf.current()), lambda so_far: counter.show(so_far.rows))
    counter.end()
    _report(out, "purge", purged, as_json=options["json"])
    return DONE


def _erase(out: OutputWrapper, options: dict[str, Any]) -> int:
    if not options["organization"] or not options["reason"].strip():
        raise OperationRefused("To erase, say of which organization and why: --organization, --reason.")
    organization = find_organization(options["organization"])
    erased = erase(organization, options["erase"], Actor.of_command(), options["reason"])
    _report(out, "erase", erased, as_json=options["json"])
    return DONE if erased.records or erased.messages else TROUBLE


def _report(out: OutputWrapper, name: str, counts: Any, *, as_json: bool) -> None:
    facts = dataclasses.asdict(counts)
    if as_json:
        out.write(json.dumps(facts))
    else:
        out.write(f"{name}: " + " ".join(f"{key}={value}" for key, value in facts.items()))
