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
from passport_events.operating import automatic_purge
from passport_events.operating.audit_log import Actor
from passport_events.operating.erasure import erase, preview_erasure
from passport_events.operating.retention import Retention, purge

HELP = (
    "Forget what was kept for long enough, now; pollers, workers and dispatchers do so every six hours "
    "(PURGE_AUTOMATICALLY). Or erase what is known of one record."
)
EXAMPLE = 'manage.py passport purge --erase 006... --organization 00D... --reason "request 17"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--erase", type=record, metavar="ID", help="everything known of this record, now")
    parser.add_argument(
        "--organization", type=record, metavar="00D...", help="with --erase: the record's organization"
    )
    parser.add_argument(
        "--reason",
        default="",
        help="with --erase: recorded in the audit log; required. Give the number of the request, not a name",
    )
    parser.add_argument("--preview", action="store_true", help="with --erase: count, and erase nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Purge, and report what is gone."""
    if options["erase"]:
        return _erase(out, options)
    if options["preview"]:
        raise OperationRefused("--preview counts what --erase would erase. Name the record: --erase.")
    counter = Counter(None, "rows")
    purged = purge(Retention.of(conf.current()), lambda so_far: counter.show(so_far.rows))
    counter.end()
    automatic_purge.record_purge(Actor.from_command(), purged)
    _report(out, "purge", purged, as_json=options["json"])
    return DONE


def _erase(out: OutputWrapper, options: dict[str, Any]) -> int:
    organization, is_preview = options["organization"], options["preview"]
    if not organization or not (is_preview or options["reason"].strip()):
        raise OperationRefused("To erase, say of which organization and why: --organization, --reason.")
    counter = Counter(None, "deliveries searched")
    if is_preview:
        erased = preview_erasure(organization, options["erase"], progress=counter.show)
    else:
        actor = Actor.from_command()
        erased = erase(organization, options["erase"], actor, options["reason"], progress=counter.show)
    counter.end()
    _report(out, "erase (preview)" if is_preview else "erase", erased, as_json=options["json"])
    return DONE if erased.rows else TROUBLE


def _report(out: OutputWrapper, name: str, counts: Any, *, as_json: bool) -> None:
    facts = dataclasses.asdict(counts)
    if as_json:
        out.write(json.dumps(facts))
    else:
        out.write(f"{name}: " + " ".join(f"{key}={value}" for key, value in facts.items()))
