"""Single keys, and a terminal that is left as it was."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from project.demo.keys import Keys

_LOCAL_FLAGS = 3


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of one: who types, and who reads."""
    typing, reading = pty.openpty()
    yield typing, reading
    os.close(typing)
    os.close(reading)


def test_a_key_is_read_without_return(terminal: tuple[int, int]) -> None:
    typing, reading = terminal
    with Keys(reading) as keys:
        assert keys.pressed() == ""
        os.write(typing, b"kp")
        assert keys.pressed() == "kp"


def test_ctrl_c_stays_a_signal_and_the_terminal_is_left_as_it_was(terminal: tuple[int, int]) -> None:
    _, reading = terminal
    before = termios.tcgetattr(reading)
    with Keys(reading):
        during = termios.tcgetattr(reading)[_LOCAL_FLAGS]
        assert during & termios.ISIG
        assert not during & termios.ICANON
    assert termios.tcgetattr(reading) == before


def test_without_a_terminal_nobody_presses_a_key() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"k")
    with Keys(reading) as keys:
        assert keys.pressed() == ""
    os.close(reading)
    os.close(writing)
