"""The printed sheet of one holder: what it says, and reading it back by parts.

A sheet has two parts, live words and drill words, each under its own heading and with its own check: eight hexadecimal
digits over the sheet's head and that part's words. Reading one part leaves the other unread, so that a drill from a
sheet's file never takes the live words in hand. The words alone do as well: their own checksum stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from edge_runtime.errors import InputError
from edge_runtime.recovery.words import DrillShare, LiveShare, Share, read_share
from sync_protocol.encoding import Value, encode
from sync_protocol.ids import Hash
from sync_protocol.labels import Label

SHEET_BYTES_MAX: Final = 16 * 1024
"""A sheet as a file; one is under 3 kB."""
_A_ROW: Final = 4
_CHECK_BYTES: Final = 4
_HEAD: Final = re.compile(
    r"sheet\s+(?P<number>\d{1,2})\s+of\s+(?P<shares>\d{1,2})\b.*?"
    r"organisation:\s*(?P<organisation>[0-9a-f]{8})\b.*?"
    r"made on:\s*(?P<made_on>\d{4}-\d{2}-\d{2})\b.*?"
    r"opens with:\s*any\s+(?P<threshold>\d{1,2})\b",
    re.DOTALL | re.IGNORECASE,
)
_PART: Final = re.compile(r"^[ \t]*(live|drill) words\b.*$", re.MULTILINE | re.IGNORECASE)
_CHECK: Final = re.compile(r"^[ \t]*check:[ \t]*([0-9a-f]{4})[- \t]?([0-9a-f]{4})\b.*$", re.MULTILINE | re.IGNORECASE)

S = TypeVar("S", bound=Share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a sheet says in the open.

    Attributes:
        number: of the share, from 1.
        shares, threshold: how many there are, and how many open the key.
        organisation: its short id.
        made_on: the day, as YYYY-MM-DD.
    """

    number: int
    shares: int
    threshold: int
    organisation: str
    made_on: str

    def check(self, kind: type[Share], words: tuple[str, ...]) -> str:
        """The eight digits that stand under one part."""
        head: list[Value] = [self.number, self.shares, self.threshold, self.organisation, self.made_on]
        digits = Hash.of(Label.RECOVERY_SHEET + encode([*head, kind.name, " ".join(words)]))[:_CHECK_BYTES].hex()
        return f"{digits[:4]}-{digits[4:]}"


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """What one holder keeps. No repr: it holds secret words."""

    head: Head
    live: LiveShare
    drill: DrillShare

    def text(self) -> str:
        """The sheet, to be printed."""
        head = self.head
        return "\n".join(
            (
                f"FIELDWARD RECOVERY SHEET {head.number} of {head.shares}",
                "",
                f"Organisation: {head.organisation}",
                f"Made on: {head.made_on}",
                f"Opens with: any {head.threshold} of the {head.shares} sheets together",
                "",
                "Keep this sheet closed and apart from the others. Whoever has",
                f"{head.threshold} of them and a device of the organisation can open every chart.",
                "Give the drill words in a drill, the live words only when the charts",
                "must be recovered. Type words into Fieldward only, never elsewhere.",
                "",
                *self._part(self.live, "LIVE WORDS (for the real thing)"),
                "",
                "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -",
                "",
                *self._part(self.drill, "DRILL WORDS (for drills; they open no chart)"),
                "",
            )
        )

    def _part(self, share: Share, heading: str) -> Iterator[str]:
        yield heading
        for at in range(0, len(share.words), _A_ROW):
            row = enumerate(share.words[at : at + _A_ROW], at + 1)
            yield "".join(f"{number:>4} {word:<10}" for number, word in row).rstrip()
        yield f"Check: {self.head.check(type(share), share.words)}"


def read_sheet(text: str, kind: type[S]) -> S:
    """Read one part of a sheet, or its words alone, however they are spaced and broken into lines.

    Args:
        text: a sheet's text, or the words of one part.
        kind: which part; the other is passed over unread.

    Raises:
        InputError: as `read_share`; or "sheet_part", "sheet_check", "sheet_head": nothing was put together.
    """
    part = _part_of(text, kind)
    if part is None:
        return read_share(_CHECK.sub("", text), kind)
    share = read_share(_CHECK.sub("", part), kind)
    check, head = _CHECK.search(part), _head(text)
    if check is None or head is None:
        raise _unlike("sheet_head", "a sheet's head, and the check under its words", "a part of a sheet without them")
    if f"{check[1]}-{check[2]}".lower() != head.check(kind, share.words):
        raise _unlike("sheet_check", "the check that follows from the sheet's head and words", "another")
    if (head.number, head.threshold) != (share.number, share.threshold):
        raise _unlike("sheet_head", f"the words of sheet {head.number}", f"those of sheet {share.number}")
    return share


def _part_of(text: str, kind: type[Share]) -> str | None:
    """What stands under one heading; None where there is no heading at all."""
    found = list(_PART.finditer(text))
    if not found:
        return None
    ends = [heading.start() for heading in found[1:]] + [len(text)]
    parts = [text[heading.end() : end] for heading, end in zip(found, ends, strict=True) if _is(heading, kind)]
    if len(parts) != 1:
        raise _unlike("sheet_part", f"one part of {kind.name} words", f"{len(parts)}")
    return parts[0]


def _is(heading: re.Match[str], kind: type[Share]) -> bool:
    return heading[1].lower() == kind.name


def _head(text: str) -> Head | None:
    found = _HEAD.search(text)
    if found is None:
        return None
    return Head(
        number=int(found["number"]),
        shares=int(found["shares"]),
        threshold=int(found["threshold"]),
        organisation=found["organisation"].lower(),
        made_on=found["made_on"],
    )


def _unlike(code: str, expected: str, got: str) -> InputError:
    return InputError(code, expected=expected, got=got, do="compare with the printed sheet; nothing was put together")
