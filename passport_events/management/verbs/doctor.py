"""`passport doctor`: whether everything around us is set up as the promises need it."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events import conf
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, ERROR, TROUBLE
from passport_events.management.verbs.arguments import parse_positive
from passport_events.management.verbs.output import Counter
from passport_events.operating.doctor import canary, topic
from passport_events.operating.doctor.examination import examine
from passport_events.operating.doctor.finding import DoctorFinding, Severity, has_trouble, run_guarded


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--topic",
        metavar="ARN",
        action="append",
        default=[],
        help="an SNS topic to look at, and to send the canary through; may be repeated. Without it the "
        "topics of the settings and of recent deliveries are looked at, and the canary goes to the queue",
    )
    parser.add_argument("--no-canary", action="store_true", help="send nothing")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=parse_positive, default=60, help="for the canary (default: 60)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Report."""
    findings = []
    for finding in _find(options):
        findings.append(finding)
        if not options["json"]:
            _write(out, finding)
    trouble = has_trouble(findings)
    asked = all(finding.severity is not Severity.UNASKED for finding in findings)
    if options["json"]:
        report = {"ok": not trouble and asked, "findings": [dataclasses.asdict(each) for each in findings]}
        out.write(json.dumps(report))
    return TROUBLE if trouble else DONE if asked else ERROR


def _find(options: dict[str, Any]) -> Iterator[DoctorFinding]:
    settings = conf.get_settings()
    yield from examine(settings, options["topic"])
    if options["no_canary"]:
        yield canary.report_not_sent()
        return
    yield from run_guarded(
        "C9",
        "No canary could be sent, or followed",
        lambda: _send_canaries(settings, options),
        "What fails here fails in other findings, too: see to those first.",
    )


def _send_canaries(settings: conf.Settings, options: dict[str, Any]) -> Iterable[DoctorFinding]:
    timeout = timedelta(seconds=options["timeout"])
    through, *others = options["topic"] or [""]
    sent = canary.send(settings, through, settings.event_types)
    if isinstance(sent, DoctorFinding):
        return [sent]
    untried = list(topic.report_untried_topics(others)) if others or not through else []
    counter = Counter(len(sent), "canaries at their end")
    seen = canary.follow(sent, timeout, counter.show)
    counter.end()
    return [*canary.judge(seen, timeout), *untried]


def _write(out: OutputWrapper, finding: DoctorFinding) -> None:
    out.write(f"{finding.severity.upper():9}  {finding.id:3}  {finding.text}")
    if finding.hint:
        out.write(f"{'':16}{finding.hint}")


VERBS = (
    Verb(
        "doctor",
        "Compare the real queue, topic, Redis, workers and database with what is needed; send a canary.",
        "manage.py passport doctor --topic arn:aws:sns:us-east-1:123456789012:salesforce",
        add_arguments,
        run,
    ),
)
