"""How every picture of a benchmark is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save(figure: Any, directory: Path, name: str) -> list[Path]:
    """Write a figure of matplotlib's as `NAME.svg`, without a date, and `NAME.png`; and close it."""
    from matplotlib import pyplot as plt  # noqa: PLC0415  # not where only the tests are

    figure.tight_layout()
    paths = [directory / f"{name}.{kind}" for kind in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
    return paths
