"""`manage.py passport <verb>`: what an operator asks and does."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from passport_events.exceptions import PassportEventsError, ThreadStuck
from passport_events.extension_points import Verb, verbs
from passport_events.management.base import GuardedCommand
from passport_events.management.process import exit_with_error
from passport_events.management.verbs import (
    ERROR,
    doctor,
    flow,
    health,
    ingest_dlq,
    messages,
    operations,
    publish,
    purge,
    replay,
    reprocess,
    retry,
)
from passport_events.processes.errors import describe_error
from passport_events.text_escaping import escape_controls

MODULES = (
    *(health, doctor, messages, retry, replay, reprocess, operations),
    *(flow, purge, publish, ingest_dlq),
)


def list_verbs() -> dict[str, Verb]:
    """The verbs of the core, then those that optional apps registered."""
    own = {verb.name: verb for module in MODULES for verb in module.VERBS}
    return {**own, **verbs}


class Command(GuardedCommand):
    """One command, a verb each."""

    help = (
        "See and operate the Salesforce events. Exit codes: 0 done, 1 found trouble, 2 error. "
        "Example: manage.py passport health"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare each verb's flags."""
        subparsers = parser.add_subparsers(dest="verb", metavar="verb", required=True)
        for name, verb in list_verbs().items():
            own = subparsers.add_parser(
                name,
                help=verb.help,
                description=verb.help,
                epilog=f"Example: {verb.example}\nExit codes: 0 done, 1 found trouble, 2 error.",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            verb.add_arguments(own)

    def handle(self, **options: Any) -> None:
        """Run the verb."""
        name = options["verb"]
        try:
            code = list_verbs()[name].run(self.stdout, options)
        except ThreadStuck as error:
            exit_with_error(f"passport {name}", error, self.stderr)
        except PassportEventsError as error:
            self.stderr.write(f"passport {name}: {error}")
            sys.exit(ERROR)
        except Error as error:
            self.stderr.write(f"passport {name}: {escape_controls(describe_error(error))}")
            sys.exit(ERROR)
        if code:
            sys.exit(code)
