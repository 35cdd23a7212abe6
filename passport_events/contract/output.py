"""Where the checker's report goes: standard output, payload by payload."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from passport_events.contract import report
from passport_events.contract.check import Checked
from passport_events.stdio import OutputError, discard_output


class Output:
    """Lines while the payloads are checked, or one JSON document at the end.

    It falls silent when whoever reads has seen enough; the exit code still speaks for every payload.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.count = 0
        self.in_trouble = 0
        self._as_json = as_json
        self._facts: list[dict[str, Any]] = []
        self._is_read = True

    def show(self, checked: Checked) -> None:
        """Report one payload."""
        self.count += 1
        self.in_trouble += not checked.is_well
        if self._as_json:
            self._facts.append(report.facts(checked))
        else:
            self._write(report.lines(checked))

    def end(self) -> None:
        """Say what it comes to."""
        if self._as_json:
            document = {"ok": not self.in_trouble, "notes": report.NOTES, "payloads": self._facts}
            self._write([json.dumps(document)])
        else:
            well = self.count - self.in_trouble
            self._write([*report.NOTES, f"{self.count} checked: {well} well, {self.in_trouble} in trouble"])
        self._flush()

    def _write(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                if self._is_read:
                    sys.stdout.write(f"{line}\n")
        except OutputError as error:
            self._fall_silent(error)

    def _flush(self) -> None:
        try:
            sys.stdout.flush()
        except OutputError as error:
            self._fall_silent(error)

    def _fall_silent(self, error: OutputError) -> None:
        if not error.is_closed:
            raise error
        self._is_read = False
        discard_output(sys.stdout)
