"""How slowly, and in which pieces, bytes pass. Nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The same for both directions. The default changes nothing."""

    latency_seconds: float = 0.0
    """Before each chunk that was read at once, so that a question and its answer wait twice as long."""
    jitter_seconds: float = 0.0
    """Up to so much more, or less."""
    bytes_per_second: float = 0.0
    """0 is no limit."""
    piece_bytes: int = 0
    """Writes no more than this at once; 0 is whatever was read."""

    def pause_before(self, random: Random) -> float:
        """Seconds to wait before a chunk."""
        return max(0.0, self.latency_seconds + random.uniform(-1, 1) * self.jitter_seconds)

    def pause_after(self, size: int) -> float:
        """Seconds to wait after a piece of `size` bytes."""
        return size / self.bytes_per_second if self.bytes_per_second else 0.0

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk, cut up."""
        step = self.piece_bytes or len(chunk)
        for start in range(0, len(chunk), step):
            yield chunk[start : start + step]


CLEAR = Shape()
