"""What publishing came to, for people and for programs. Never a value of a message."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from passport_events.contract.report import NOTES, faults, place, violations
from passport_events.publishing.account import Account
from passport_events.publishing.outgoing import batches
from passport_events.publishing.prepare import Prepared


def lines(prepared: Prepared, account: Account | None) -> Iterator[str]:
    """For people. `account` is None where nothing was to be sent."""
    for checked in prepared.invalid:
        for violation in violations(checked):
            yield f"{place(checked)}: {violation}"
    if prepared.invalid:
        yield from NOTES
    ready, invalid = len(prepared.ready), len(prepared.invalid)
    if account is None:
        yield f"publish: nothing was sent. ready={ready} invalid={invalid} requests={_requests(prepared)}"
        if ready and invalid:
            yield "--skip-invalid sends the lines that are right."
        return
    for unsent in account.unsent:
        yield f"line {unsent.line}: not sent: {unsent.code}"
    if account.reason:
        yield f"publish: {account.reason}"
    yield (
        f"publish: sent={account.sent} failed={len(account.unsent)} invalid={invalid} "
        f"requests={account.requests} retried={account.retried}"
    )


def document(prepared: Prepared, account: Account | None) -> dict[str, Any]:
    """For programs."""
    return {
        "sent": account.sent if account else 0,
        "failed": [dataclasses.asdict(unsent) for unsent in account.unsent] if account else [],
        "reason": account.reason if account else "",
        "invalid": [faults(checked) for checked in prepared.invalid],
        "requests": account.requests if account else 0,
        "retried": account.retried if account else 0,
        "ready": len(prepared.ready),
    }


def _requests(prepared: Prepared) -> int:
    return sum(1 for _ in batches(prepared.ready))
