"""`passport purge` and `passport erase`."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events import conf
from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import parse_salesforce_id, require_reason
from passport_events.management.verbs.output import Counter
from passport_events.operating import automatic_purge
from passport_events.operating.audit_log import Actor
from passport_events.operating.erasure import erase, preview_erasure
from passport_events.operating.retention import Retention, purge


def _add_purge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _purge(out: OutputWrapper, options: dict[str, Any]) -> int:
    counter = Counter(None, "rows")
    purged = purge(Retention.from_settings(conf.get_settings()), lambda so_far: counter.show(so_far.rows))
    counter.end()
    automatic_purge.record_purge(Actor.from_command(), purged)
    _report(out, "purge", purged, as_json=options["json"])
    return DONE


def _add_erase_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("record", type=parse_salesforce_id, metavar="RECORD", help="its Salesforce id")
    parser.add_argument(
        "--organization",
        type=parse_salesforce_id,
        metavar="00D...",
        help="the organization of the record; required",
    )
    parser.add_argument(
        "--reason",
        default="",
        help="recorded in the audit log; required. Give the number of the request, not a name",
    )
    parser.add_argument("--preview", action="store_true", help="count the rows, and erase nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _erase(out: OutputWrapper, options: dict[str, Any]) -> int:
    organization, record, is_preview = options["organization"], options["record"], options["preview"]
    if not organization:
        raise OperationRefused("--organization is required.")
    if not is_preview:
        require_reason(options)
    counter = Counter(None, "deliveries searched")
    if is_preview:
        erased = preview_erasure(organization, record, progress=counter.show)
    else:
        erased = erase(organization, record, Actor.from_command(), options["reason"], progress=counter.show)
    counter.end()
    _report(out, "erase (preview)" if is_preview else "erase", erased, as_json=options["json"])
    return DONE if erased.rows else TROUBLE


def _report(out: OutputWrapper, name: str, counts: Any, *, as_json: bool) -> None:
    facts = dataclasses.asdict(counts)
    if as_json:
        out.write(json.dumps(facts))
    else:
        out.write(f"{name}: " + " ".join(f"{key}={value}" for key, value in facts.items()))


VERBS = (
    Verb(
        "purge",
        "Delete what is older than the retention settings, now. Pollers, workers and dispatchers do so every "
        "six hours (PURGE_AUTOMATICALLY).",
        "manage.py passport purge",
        _add_purge_arguments,
        _purge,
    ),
    Verb(
        "erase",
        "Erase everything that is stored about one Salesforce record.",
        'manage.py passport erase 006... --organization 00D... --reason "request 17"',
        _add_erase_arguments,
        _erase,
    ),
)
