"""The verbs of `manage.py passport`, a module each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Protocol

from django.core.management.base import OutputWrapper

DONE, TROUBLE, COULD_NOT_ASK = 0, 1, 2
"""Exit codes of a verb."""


class Verb(Protocol):
    """What a verb's module offers."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""

    def run(self, out: OutputWrapper, options: dict[str, Any]) -> int:
        """Do it, and return the exit code."""
