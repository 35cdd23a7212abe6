"""`manage.py passport <verb>`: what an operator asks and does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from passport_events.escaping import escape_controls
from passport_events.exceptions import PassportEventsError, ThreadStuck
from passport_events.management.base import GuardedCommand
from passport_events.management.process import exit_with_error
from passport_events.management.verbs import (
    COULD_NOT_ASK,
    Verb,
    actions,
    dead_letters,
    doctor,
    health,
    ingest_dlq,
    messages,
    pause,
    publish,
    purge,
    replay,
    reprocess,
    resume,
    retry,
    throttle,
)
from passport_events.processes.errors import describe_error

VERBS: Mapping[str, Verb] = {
    "health": health,
    "doctor": doctor,
    "messages": messages,
    "dead-letters": dead_letters,
    "retry": retry,
    "replay": replay,
    "reprocess": reprocess,
    "actions": actions,
    "purge": purge,
    "pause": pause,
    "resume": resume,
    "throttle": throttle,
    "publish": publish,
    "ingest-dlq": ingest_dlq,
}


class Command(GuardedCommand):
    """One command, a verb each."""

    help = (
        "See and operate the Salesforce events. Exits 0 when done, 1 when it found trouble, 2 when it could "
        "not ask. Example: manage.py passport health"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare each verb's flags."""
        verbs = parser.add_subparsers(dest="verb", metavar="verb", required=True)
        for name, verb in VERBS.items():
            own = verbs.add_parser(
                name,
                help=verb.HELP,
                description=verb.HELP,
                epilog=f"Example: {verb.EXAMPLE}\nExits 0 when done, 1 on trouble, 2 when it could not ask.",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            verb.add_arguments(own)

    def handle(self, **options: Any) -> None:
        """Run the verb."""
        try:
            code = VERBS[options["verb"]].run(self.stdout, options)
        except ThreadStuck as error:
            exit_with_error(f"passport {options['verb']}", error, self.stderr)
        except PassportEventsError as error:
            self.stderr.write(f"passport {options['verb']}: {error}")
            sys.exit(COULD_NOT_ASK)
        except Error as error:
            self.stderr.write(f"passport {options['verb']}: {escape_controls(describe_error(error))}")
            sys.exit(COULD_NOT_ASK)
        if code:
            sys.exit(code)
