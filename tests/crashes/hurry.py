"""Waits that are right in production and too long for a test, as seconds."""

from __future__ import annotations

import importlib

HURRY = "PASSPORT_TEST_HURRY"
SHORTER = {
    "passport_events.processes.threads:MAX_STEP_SECONDS": 4,
    "passport_events.processes.threads:CHECK_SECONDS": 0.1,
    "passport_events.receiving.poller:STOP_SECONDS": 2,
    "passport_events.management.commands.dispatch_messages:STOP_SECONDS": 2,
    "passport_events.aws_clients.clients:READ_MARGIN_SECONDS": 0.3,
    "passport_events.receiving.sqs:READ_MARGIN_SECONDS": 0.3,
}


def hurry() -> None:
    """Let this process hang sooner."""
    for where, seconds in SHORTER.items():
        module, _, name = where.partition(":")
        found = importlib.import_module(module)
        assert hasattr(found, name), where
        setattr(found, name, seconds)
