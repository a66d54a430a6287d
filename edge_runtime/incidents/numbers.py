"""Casualty numbers that a device makes by itself: the next one that it sees free, and a mark of its own.

Owns how they look. Two devices that know of each other never make the same number, however long they are apart: the
mark is the beginning of the device's id, so long that no other device it knows begins so. Refuses characters that are
mistaken for each other in the dark or by radio.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from edge_runtime.clinical.subjects import normalised
from sync_protocol.ids import DeviceId

MARK_CHARACTERS: Final = "34679ACDEFHJKMNPQRTUVWXY"
"""Digits and letters that a cold hand writes so that another reads them: no 0 O, 1 I L, 2 Z, 5 S, 8 B, 6 G."""
MARK_CHARS_MIN: Final = 2
COUNTED_MAX: Final = 99_999
"""Greater numbers are a printer's, and are not counted on from."""
_LEADING: Final = re.compile(r"[0-9]+", re.ASCII)


def next_numbers(seen: Iterable[str], mark: str, count: int) -> tuple[str, ...]:
    """Numbers that nobody has, as far as this device sees.

    Args:
        seen: every number that is in use, made or printed.
        mark: of this device.
        count: how many.
    """
    found = (_LEADING.match(normalised(number)) for number in seen)
    counted = (
        int(match.group()) for match in found if match is not None and len(match.group()) <= len(str(COUNTED_MAX))
    )
    start = max((number for number in counted if number <= COUNTED_MAX), default=0) + 1
    return tuple(f"{number}-{mark}" for number in range(start, start + count))


def mark_of(device: DeviceId, others: Iterable[DeviceId]) -> str:
    """The mark of a device: the beginning of its id in letters and digits, as long as it takes to be its own.

    Args:
        device: whose.
        others: every other device that it knows of.
    """
    own = _spelled(device)
    apart = [_spelled(other) for other in others if other != device]
    shared = max((_alike(own, other) for other in apart), default=0)
    return own[: max(MARK_CHARS_MIN, shared + 1)]


def _spelled(device: DeviceId) -> str:
    """A whole id in MARK_CHARACTERS, the greatest digit last, so that ids that differ are spelled differently."""
    rest, digits = int.from_bytes(device, "big"), []
    while rest:
        rest, digit = divmod(rest, len(MARK_CHARACTERS))
        digits.append(MARK_CHARACTERS[digit])
    return "".join(digits) or MARK_CHARACTERS[0]


def _alike(one: str, other: str) -> int:
    """How many characters two begin with alike."""
    return next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
