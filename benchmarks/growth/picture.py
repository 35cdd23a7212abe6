"""The picture: what is left of the base's rate when one thing grows, and the memory of a soak."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.pictures import save

_COLOUR, _LINES = "#0b6e4f", ("#0b6e4f", "#c1666b", "#7a8ca3", "#3b3b3b")


def draw(document: Mapping[str, Any], directory: Path) -> list[Path]:
    """Write `growth.svg` and `growth.png` from what `--json` writes, and return their paths."""
    import matplotlib as mpl  # noqa: PLC0415  # half a second, and not where only the tests are

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415  # after the choice of what draws

    rows = [row for row in document["rows"] if row["scenario"]["value"]]
    soak = document["soak"]
    panels = [name for name, there in (("rows", rows), ("soak", soak)) if there]
    if not panels:
        return []
    heights = [0.35 * len(rows) + 0.8 if name == "rows" else 2.6 for name in panels]
    figure, grid = plt.subplots(
        len(panels), 1, figsize=(10, sum(heights)), height_ratios=heights, squeeze=False
    )
    for (axes,), name in zip(grid, panels, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        if name == "rows":
            _bars(axes, rows[::-1])
        else:
            _memory(axes, soak)
    return save(figure, directory, "growth")


def _bars(axes: Any, rows: list[Mapping[str, Any]]) -> None:
    names = [f"{row['scenario']['grows']}: {row['scenario']['value']}" for row in rows]
    shares = [row["rate"] / row["base"] for row in rows]
    axes.barh(names, shares, color=_COLOUR)
    for position, (row, share) in enumerate(zip(rows, shares, strict=True)):
        axes.text(share + 0.01, position, f"{share:.2f} ({row['rate']:,.0f}/s)", va="center", fontsize=9)
    axes.axvline(1, color="#222222", linewidth=1, linestyle=":")
    axes.set_xlim(0, max([1.0, *shares]) * 1.2)
    axes.set_xlabel("events a second, as a part of the base measured beside it", fontsize=8)


def _memory(axes: Any, soak: Mapping[str, Any]) -> None:
    for (name, of), colour in zip(soak["memory"].items(), itertools.cycle(_LINES), strict=False):
        step = soak["minutes"] / max(1, len(of))
        axes.plot([step * number for number in range(len(of))], of, label=name, color=colour)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"minutes of a soak of {soak['published']:,} events; MiB of each process", fontsize=8)
    axes.legend(frameon=False, fontsize=8)
