"""How failures of one reason go: a few bars of text, and the same in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Self

from django.utils.translation import gettext

_BARS = "▁▂▃▄▅▆▇█"
_MARKED = 1.5
"""So many times the hours before is more than chance."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """Bars for the eyes, a sentence for everybody."""

    bars: str
    text: str

    @classmethod
    def of(cls, by_hour: Sequence[int]) -> Self:
        """Of the failures of each of the last hours, the oldest first."""
        highest = max(by_hour, default=0)
        bars = "".join(_bar(count, highest) for count in by_hour)
        return cls(bars, _text(by_hour))


def _bar(count: int, highest: int) -> str:
    """Of none the lowest bar, of one already the next one."""
    return _BARS[-(-count * (len(_BARS) - 1) // highest)] if highest else _BARS[0]


def _text(by_hour: Sequence[int]) -> str:
    *before, last = by_hour
    usual = sum(before) / len(before) if before else 0
    if not last:
        return gettext("none in the last hour")
    said = gettext("%(count)s in the last hour") % {"count": f"{last:,}"}
    if not sum(before):
        return f"{said}, {gettext('new')}"
    if last > usual * _MARKED:
        return f"{said}, {gettext('growing')}"
    return f"{said}, {gettext('falling')}" if last * _MARKED < usual else f"{said}, {gettext('steady')}"
