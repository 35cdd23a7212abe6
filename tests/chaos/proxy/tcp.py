"""The proxy before one server: its thread, its port, and what it can be told."""

from __future__ import annotations

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

from project.embedded import LOOPBACK
from project.embedded.loopback import free_port
from tests.chaos.proxy.link import Conditions, Link, reset
from tests.chaos.proxy.shape import CLEAR, Shape
from tests.chaos.proxy.traps import Action, Trap, Whose, everybody

_ANSWER_SECONDS = 10

Result = TypeVar("Result")


class TcpProxy:
    """Listens on a port of its own and passes everything on to `target_port`.

    Runs in a thread with an event loop; all methods are for other threads. What is a context manager
    ends its harm by itself; harms of different kinds add up.
    """

    def __init__(self, name: str, target_port: int, seed: int = 0) -> None:
        """Nothing listens before `start`. The seed is the jitter's."""
        self.name = name
        self.port = free_port()
        self._target_port = target_port
        self._seed = seed
        self._links: set[Link] = set()
        self._listener: asyncio.Server | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{name}", daemon=True)

    def start(self) -> None:
        """Listen on `port`. Returns when it does. A proxy that was closed cannot start again."""
        self._thread.start()
        if not self._ready.wait(_ANSWER_SECONDS):
            raise RuntimeError(f"The proxy before {self.name} does not listen on {self.port}.")

    def close(self) -> None:
        """Stop listening and end every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(_ANSWER_SECONDS)

    def heal(self) -> None:
        """Drop every harm: pass everything on, at once, from now on."""
        self._wait_for(self._heal())

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    def cut(self) -> int:
        """RST to every connection there is, on both sides; returns how many. New ones are welcome."""
        return self._do(self._cut)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens: new connections are refused. Those that exist stay."""
        self._do(self._stop_listening)
        try:
            yield
        finally:
            self._wait_for(self._listen())

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Connections are accepted and stay open, and nothing passes. Afterwards all of it does."""
        self._do(self._conditions.passing.clear)
        try:
            yield
        finally:
            self._do(self._conditions.passing.set)

    @contextmanager
    def slowed(self, shape: Shape) -> Iterator[None]:
        """Let bytes pass as `shape` says."""
        self._do(lambda: self._set_shape(shape))
        try:
            yield
        finally:
            self._do(lambda: self._set_shape(CLEAR))

    @contextmanager
    def trap(
        self,
        pattern: bytes,
        action: Action,
        *,
        after: bytes = b"",
        whose: Whose = everybody,
        times: int | None = 1,
    ) -> Iterator[Trap]:
        """Do `action` to the next requests that contain `pattern`; afterwards let go what is held."""
        trap = Trap(pattern, action, after=after, whose=whose, times=times)
        self._do(lambda: self._conditions.traps.append(trap))
        try:
            yield trap
        finally:
            self._do(lambda: self._remove(trap))

    def _do(self, change: Callable[[], Result]) -> Result:
        """Have something done between two steps of the loop, and return what it returns."""

        async def call() -> Result:
            return change()

        return self._wait_for(call())

    def _wait_for(self, task: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(_ANSWER_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._conditions = Conditions(Random(self._seed), passing=asyncio.Event())
        self._conditions.passing.set()
        await self._listen()
        self._ready.set()
        await self._stopped.wait()
        self._stop_listening()
        self._let_go()
        while self._links:
            self._cut()
            await asyncio.sleep(0)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, from_client: StreamReader, to_client: StreamWriter) -> None:
        await self._conditions.passing.wait()
        try:
            server = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            reset(to_client)  # the nearest to the refusal that it would have met there
            return
        link = Link(self._conditions, (from_client, to_client), server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    def _cut(self) -> int:
        for link in self._links:
            link.cut()
        return len(self._links)

    async def _heal(self) -> None:
        self._let_go()
        self._set_shape(CLEAR)
        await self._listen()

    def _let_go(self) -> None:
        for trap in tuple(self._conditions.traps):
            self._remove(trap)
        self._conditions.passing.set()

    def _set_shape(self, shape: Shape) -> None:
        self._conditions.shape = shape

    def _remove(self, trap: Trap) -> None:
        if trap in self._conditions.traps:
            self._conditions.traps.remove(trap)
        trap.released.set()
