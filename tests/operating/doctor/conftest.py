"""Processes of their own, as the tests of crashes start them."""

from __future__ import annotations

from tests.crashes.conftest import nursery, world

__all__ = ["nursery", "world"]
