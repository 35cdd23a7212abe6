"""What the tests of long-running processes share with those of receiving."""

from tests.receiving.conftest import _nothing_is_remembered, home, queue, short_timeouts

__all__ = ["_nothing_is_remembered", "home", "queue", "short_timeouts"]
