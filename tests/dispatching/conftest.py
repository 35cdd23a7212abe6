"""What the tests of hints and flow control share with those of handling."""

from tests.handling.conftest import _no_handlers, clock, locks, statements

__all__ = ["_no_handlers", "clock", "locks", "statements"]
