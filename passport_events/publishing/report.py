"""What publishing came to, for people and for programs. Never a value of a message."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from passport_events.contract.report import NOTES, build_faults, format_place, iterate_violations
from passport_events.publishing.messages import PreparedMessages, split_into_requests
from passport_events.publishing.publisher import PublishResult


def format_lines(prepared: PreparedMessages, account: PublishResult | None) -> Iterator[str]:
    """For people. `account` is None where nothing was to be sent."""
    for checked in prepared.invalid:
        for violation in iterate_violations(checked):
            yield f"{format_place(checked)}: {violation}"
    if prepared.invalid:
        yield from NOTES
    ready, invalid = len(prepared.ready), len(prepared.invalid)
    if account is None:
        requests = _count_requests(prepared)
        yield f"publish: nothing was sent. ready={ready} invalid={invalid} requests={requests}"
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


def build_document(prepared: PreparedMessages, account: PublishResult | None) -> dict[str, Any]:
    """For programs."""
    return {
        "sent": account.sent if account else 0,
        "failed": [dataclasses.asdict(unsent) for unsent in account.unsent] if account else [],
        "reason": account.reason if account else "",
        "invalid": [build_faults(checked) for checked in prepared.invalid],
        "requests": account.requests if account else 0,
        "retried": account.retried if account else 0,
        "ready": len(prepared.ready),
    }


def _count_requests(prepared: PreparedMessages) -> int:
    return sum(1 for _ in split_into_requests(prepared.ready))
