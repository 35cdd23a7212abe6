"""Checking one thing, and looking at everything that would be said about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from passport_events.conf import Settings
from passport_events.contract import report
from passport_events.contract.check import Checked, check_file
from passport_events.contract.simulated_delivery import SimulatedRoute

AT = datetime(2026, 5, 7, 22, 29, 48, tzinfo=UTC)
"""Just after the samples were committed."""


def checked(data: object, settings: Settings | None = None, **journey: str) -> list[Checked]:
    """Every payload in bytes, or in the JSON of a value."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return list(check_file(raw, settings or Settings(), SimulatedRoute(at=AT, **journey)))


def only(data: object, settings: Settings | None = None, **journey: str) -> Checked:
    """The same where there is one."""
    (one,) = checked(data, settings, **journey)
    return one


def facts(data: object, settings: Settings | None = None, **journey: str) -> dict[str, Any]:
    """What `--json` says about the only payload."""
    return report.build_facts(only(data, settings, **journey))


def said(found: list[Checked]) -> str:
    """Everything that is said about them, to people and to programs."""
    return "\n".join(
        [
            *(line for one in found for line in report.format_lines(one)),
            json.dumps([*map(report.build_facts, found)]),
        ]
    )
