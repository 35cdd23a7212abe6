"""The verbs of `manage.py passport`, a module each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Protocol

from django.core.management.base import OutputWrapper

DONE, TROUBLE = 0, 1
"""Exit codes of a verb; the command exits 2 when it could not ask."""


class Verb(Protocol):
    """What a verb's module offers."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""

    def run(self, out: OutputWrapper, options: dict[str, Any]) -> int:
        """Do it, and return the exit code."""
