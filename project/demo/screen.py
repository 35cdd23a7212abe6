"""Live progress: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_SECONDS = 2.0
PLAIN_WIDTH = 100
BAR_WIDTH = 40
STATUSES = ("waiting", "processing", "succeeded", "dead", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All that is shown while it runs."""

    stage: str
    published: int = 0
    to_publish: int = 0
    recorded: int = 0
    to_record: int = 0
    ended: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    alive: Mapping[str, int] = field(default_factory=dict)
    restarts: int = 0
    help: str = ""


class Screen(Protocol):
    """Where the demo shows itself. A context manager."""

    def show(self, progress: Progress) -> None:
        """Show where it stands."""

    def say(self, what: RenderableType) -> None:
        """Print something that stays."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LiveScreen:
    """Bars that move, on a terminal."""

    def __init__(self, console: Console) -> None:
        """Nothing is drawn before it is entered."""
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def show(self, progress: Progress) -> None:
        """Draw it anew."""
        self._live.update(_picture(progress), refresh=True)

    def say(self, what: RenderableType) -> None:
        """Print it above the picture."""
        self._live.console.print(what, soft_wrap=_is_text(what))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class PlainScreen:
    """For logs: a line when the stage changes, and every other second while something happens."""

    def __init__(self, console: Console) -> None:
        """Prints to `console`."""
        self._console = console
        self._stage = ""
        self._last = ""
        self._at = 0.0

    def show(self, progress: Progress) -> None:
        """Print it, if it is time and says something new."""
        line = (
            f"{progress.stage}: published {progress.published}/{progress.to_publish}"
            f" recorded {progress.recorded}/{progress.to_record} ended {progress.ended}/{progress.to_record}"
        )
        now = time.monotonic()
        is_new = progress.stage != self._stage
        if is_new or (line != self._last and now - self._at >= PLAIN_EVERY_SECONDS):
            self._console.print(line, highlight=False, soft_wrap=True)
            self._stage, self._last, self._at = progress.stage, line, now

    def say(self, what: RenderableType) -> None:
        """Print it."""
        self._console.print(what, highlight=False, soft_wrap=_is_text(what))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def make_screen() -> Screen:
    """The one that suits standard output."""
    console = Console()
    return LiveScreen(console) if console.is_terminal else PlainScreen(Console(width=PLAIN_WIDTH))


def _is_text(what: RenderableType) -> bool:
    """Text may be longer than the screen is wide: a link that is broken in two leads nowhere."""
    return isinstance(what, str | Text)


def _picture(progress: Progress) -> RenderableType:
    bars = Table.grid(padding=(0, 2))
    for what, done, total in (
        ("published to SNS", progress.published, progress.to_publish),
        ("recorded in the inbox", progress.recorded, progress.to_record),
        ("ended", progress.ended, progress.to_record),
    ):
        bars.add_row(what, ProgressBar(max(total, 1), done, width=BAR_WIDTH), f"{done:,} of {total:,}")
    statuses = "  ".join(f"{name} {progress.by_status.get(name, 0):,}" for name in STATUSES)
    processes = "  ".join(f"{name} [{pid}]" for name, pid in progress.alive.items())
    return Group(
        Text(progress.stage, style="bold"),
        bars,
        Text(statuses),
        Text(f"{processes}  restarted {progress.restarts}", style="dim"),
        Text(progress.help, style="cyan"),
    )
