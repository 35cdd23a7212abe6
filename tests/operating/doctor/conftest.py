"""Processes of their own, as the tests of crashes start them."""

from __future__ import annotations

from tests.crashes.conftest import fork_server, world

__all__ = ["fork_server", "world"]
