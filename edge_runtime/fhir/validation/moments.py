"""Which of two FHIR dates or date-times comes first, when they may be of different precision and in different zones.

Owns that comparison for the rules. Two moments with a zone are compared as instants. Where one has no zone, as no mere
date has, both are compared by the calendar as written: a stay that began on the third at half past midnight did not
end on the second, whatever the zone. Where the shared precision is equal and one side says more, the order is not
known. Refuses dates that do not exist: they have no order, and the check of dates speaks about them.

Source: FHIRPath N1 section 6.2 comparison (component by component, seconds as one decimal); FHIR R4 section 2.24.0.1
dateTime, section 2.24.0.11 Period (an end of less precision includes all that match it).
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final

_MOMENT: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d{1,20})?))?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_DAY_MINUTES: Final = 24 * 60
_TO_MINUTES: Final = 5
"""Components that a moment with a time has at least: year, month, day, hour, minute."""


def order(one: str, other: str) -> int | None:
    """-1, 0 or 1 as the first moment is before, at or after the second.

    Args:
        one: a date or dateTime: `2024`, `2024-05`, `2024-05-06`, `2024-05-06T07:08:09.5+02:00`.
        other: the same.

    Returns:
        None where precision leaves it open, or where one is no such moment.
    """
    first, second = _MOMENT.fullmatch(one), _MOMENT.fullmatch(other)
    if first is None or second is None:
        return None
    zoned = bool(first[7]) and bool(second[7])
    left, right = _components(first, zoned=zoned), _components(second, zoned=zoned)
    if left is None or right is None:
        return None
    for mine, yours in zip(left, right, strict=False):
        if mine != yours:
            return -1 if mine < yours else 1
    return 0 if len(left) == len(right) else None


def not_after(start: str, end: str) -> bool:
    """Whether a start may come before, or be, an end; true as well where their precision leaves it open.

    Args:
        start: a date or dateTime.
        end: the same.
    """
    return order(start, end) != 1


def is_moment(text: str) -> bool:
    """Whether a text has the form of a date or dateTime."""
    return _MOMENT.fullmatch(text) is not None


def _components(found: re.Match[str], *, zoned: bool) -> list[Decimal] | None:
    """Year, month, day, hour, minute, second as far as they are there; minutes since year 1 and seconds if zoned."""
    parts = [Decimal(part) for part in found.groups()[:6] if part is not None]
    try:
        days = date(*(int(part) for part in [*parts[:3], Decimal(1), Decimal(1)][:3])).toordinal()
    except ValueError:
        return None
    if not zoned:
        return parts
    assert len(parts) >= _TO_MINUTES, "a zone stands after a time"
    zone = found[7]
    shift = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[4:6]))
    return [days * _DAY_MINUTES + parts[3] * 60 + parts[4] - shift, *parts[5:]]
