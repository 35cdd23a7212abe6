"""What optional apps add. They register it here in `AppConfig.ready`, and the core does not import them.

Periodic tasks have a module of their own, `periodic_tasks`.
"""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Verb:
    """A verb of `manage.py passport`."""

    name: str
    help: str
    example: str
    """A command line that begins with `manage.py passport` and the verb."""
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Any, dict[str, Any]], int]
    """Takes the output and the options; returns an exit code: 0 done, 1 found trouble, 2 error."""


EraseHook = Callable[[str, str], int]
"""Takes an organization id and a record id; erases what the app stores about the record, in the transaction
of the erasure, and returns the number of rows."""
PurgeHook = Callable[[], int]
"""Deletes the app's expired rows at the end of each purge, and returns their number."""

verbs: dict[str, Verb] = {}
erase_hooks: dict[str, EraseHook] = {}
purge_hooks: dict[str, PurgeHook] = {}


def register_verb(verb: Verb) -> None:
    """Add a verb to `manage.py passport`."""
    verbs[verb.name] = verb


def register_erase_hook(name: str, hook: EraseHook) -> None:
    """Call `hook` whenever a record is erased."""
    erase_hooks[name] = hook


def register_purge_hook(name: str, hook: PurgeHook) -> None:
    """Call `hook` at the end of each purge."""
    purge_hooks[name] = hook
