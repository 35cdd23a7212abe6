"""Numbers as people read them. What is not known is a dash, never a zero."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template

register = template.Library()

UNKNOWN_VALUE = "\N{EN DASH}"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in the unit that fits."""
    if seconds is None:
        return UNKNOWN_VALUE
    for size, unit in _UNITS:
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    if abs(seconds) >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms"


@register.filter
def number(value: float | None) -> str:
    """A count or a rate."""
    if value is None:
        return UNKNOWN_VALUE
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.2f}"


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 in percent."""
    return UNKNOWN_VALUE if share is None else f"{share * 100:.1f} %"


@register.filter
def moment(epoch: int) -> datetime:
    """Seconds since 1970 as a time, for `date`."""
    return datetime.fromtimestamp(epoch, UTC)
