"""`python -m passport_events.contract FILE`: would these messages be understood? Needs no Django project."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from passport_events.conf import Settings
from passport_events.contract.check import check_file
from passport_events.contract.input_files import parse_settings_file, read_input
from passport_events.contract.report import ReportWriter
from passport_events.contract.simulated_delivery import SimulatedRoute
from passport_events.exceptions import ConfigurationError, OperationRefused
from passport_events.standard_streams import guard_streams

VALID, INVALID, ERROR = 0, 1, 2

PROGRAM = "python -m passport_events.contract"
EPILOG = f"""\
Example: {PROGRAM} captured.json
         {PROGRAM} --json --settings project.json - < messages.jsonl

A FILE is one JSON document, or one on each line: a payload, a notification of SNS around it, or what
`aws sqs receive-message` printed. Nothing is sent anywhere, and no value of a payload is ever shown.
Exits 0 when all is well, 1 when something is wrong with a payload, 2 when it could not ask.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print, and return the exit code."""
    options = _build_parser().parse_args(arguments)
    try:
        settings = parse_settings_file(read_input(options.settings)) if options.settings else Settings()
        data = read_input(options.file)
    except (ConfigurationError, OperationRefused) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return ERROR
    output = ReportWriter(as_json=options.json)
    for checked in check_file(data, settings, _build_route(options)):
        output.show(checked)
    if not output.count:
        sys.stderr.write(f"{PROGRAM}: There is nothing in {options.file}.\n")
        return ERROR
    output.end()
    return INVALID if output.in_trouble else VALID


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Say what messages would become, and everything that is wrong with them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="where the messages are; - is standard input")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="JSON with keys of PASSPORT_EVENTS, like EVENT_TYPES, for a project with its own",
    )
    envelope = parser.add_argument_group("for payloads that come without their envelope")
    envelope.add_argument("--org-id", metavar="00D...", default="", help="the message attribute org_id")
    envelope.add_argument("--topic-arn", metavar="ARN", default="", help="the SNS topic it is published to")
    return parser


def _build_route(options: argparse.Namespace) -> SimulatedRoute:
    return SimulatedRoute(at=datetime.now(UTC), org_id=options.org_id, topic_arn=options.topic_arn)


def _run() -> int:
    # A name that the terminal's encoding does not have is no reason to stop.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with guard_streams(PROGRAM):
        return main()


if __name__ == "__main__":
    sys.exit(_run())
