"""The picture: a bar per contender, its spread, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.pictures import save
from benchmarks.throughput.contender import Side
from benchmarks.throughput.report import Row

_COLOURS = {Side.OURS: "#0b6e4f", Side.PEER: "#7a8ca3", Side.NAIVE: "#c1666b", Side.FLOOR: "#3b3b3b"}


def draw(rows: Sequence[Row], directory: Path, caption: str) -> list[Path]:
    """Write `throughput.svg` and `throughput.png`, and return their paths."""
    import matplotlib as mpl  # noqa: PLC0415  # half a second, and not where only the tests are

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415  # after the choice of what draws

    ordered = sorted(rows, key=lambda row: row.rate)
    figure, axes = plt.subplots(figsize=(10, 0.42 * len(ordered) + 1.6))
    spread = [
        [row.rate - row.lowest for row in ordered],
        [row.highest - row.rate for row in ordered],
    ]
    axes.barh(
        [row.title for row in ordered],
        [row.rate for row in ordered],
        xerr=spread,
        color=[_COLOURS[row.side] for row in ordered],
        error_kw={"ecolor": "#222222", "capsize": 3},
    )
    for position, row in enumerate(ordered):
        axes.text(row.highest * 1.08, position, f"{row.rate:,.0f}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(right=max(row.highest for row in ordered) * 2)
    axes.set_xlabel(f"events a second (median, lowest and highest; logarithmic). {caption}", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, directory, "throughput")
