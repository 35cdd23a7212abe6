"""`passport health`: is all well, and if not, why."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, TROUBLE
from passport_events.operating.health import assess

HELP = "Say whether events flow, and if not, the likely cause and the way out."
EXAMPLE = "manage.py passport health --json"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Report."""
    findings = assess()
    is_well = all(finding.ok for finding in findings)
    if options["json"]:
        report = {"ok": is_well, "findings": [dataclasses.asdict(finding) for finding in findings]}
        out.write(json.dumps(report))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            out.write(f"{'ok     ' if finding.ok else 'TROUBLE'}  {finding.name:{width}}  {finding.text}")
            if finding.hint:
                out.write(f"{'':{width + 11}}{finding.hint}")
    return DONE if is_well else TROUBLE
