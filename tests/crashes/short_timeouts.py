"""Timeouts of production, shortened for tests; in seconds."""

from __future__ import annotations

import importlib

SHORT_TIMEOUTS = "PASSPORT_TEST_SHORT_TIMEOUTS"
SHORTER = {
    "passport_events.processes.threads:MAX_STEP_SECONDS": 4,
    "passport_events.processes.threads:CHECK_SECONDS": 0.1,
    "passport_events.receiving.poller:STOP_SECONDS": 2,
    "passport_events.management.commands.dispatch_messages:STOP_SECONDS": 2,
    "passport_events.aws_clients.clients:READ_MARGIN_SECONDS": 0.3,
    "passport_events.receiving.sqs:READ_MARGIN_SECONDS": 0.3,
}


def shorten_timeouts() -> None:
    """Let this process hang sooner."""
    for where, seconds in SHORTER.items():
        module, _, name = where.partition(":")
        found = importlib.import_module(module)
        assert hasattr(found, name), where
        setattr(found, name, seconds)
