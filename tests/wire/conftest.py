"""The closing line of `make fuzz`."""

from __future__ import annotations

import pytest

from tests.conftest import FUZZ
from tests.wire.counting import cases


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many inputs were tried."""
    if terminalreporter.config.getoption("hypothesis_profile") == FUZZ:
        failed = len(terminalreporter.getreports("failed"))
        terminalreporter.write_line(f"fuzz: cases={next(cases)} failed={failed}")
