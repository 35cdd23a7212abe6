"""`passport health`: is all well, and if not, why."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, ERROR, TROUBLE
from passport_events.operating.finding import Code, Finding
from passport_events.operating.health import check_health


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Report."""
    findings = check_health()
    is_well = all(finding.ok for finding in findings)
    if options["json"]:
        report = {"ok": is_well, "findings": [_describe_finding(finding) for finding in findings]}
        out.write(json.dumps(report))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            out.write(f"{finding.level.upper():4}  {finding.name:{width}}  {finding.text}")
            if finding.hint:
                out.write(f"{'':{width + 8}}{finding.hint}")
    if any(finding.code is Code.NOT_ASKED for finding in findings):
        return ERROR
    return DONE if is_well else TROUBLE


def _describe_finding(finding: Finding) -> dict[str, object]:
    return {**dataclasses.asdict(finding), "ok": finding.ok, "level": finding.level}


VERBS = (
    Verb(
        "health",
        "Say whether events flow, and if not, the likely cause and the way out.",
        "manage.py passport health --json",
        add_arguments,
        run,
    ),
)
