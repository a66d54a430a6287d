"""Messages that say no, and errors as the other side is told of them.

Reasons are texts for people, written by whoever is at the other end: they are cut to size on the way out, and on the
way in they lose everything that could deceive a terminal or a screen.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sync_protocol.blob_messages import BlobRefused
from sync_protocol.errors import ExplainedError, PeerError
from sync_protocol.ids import EntryHash
from sync_protocol.limits import REASON_BYTES_MAX, REASON_CODE_BYTES_MAX
from sync_protocol.records import identifier, key, optional, string

_CODE: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{REASON_CODE_BYTES_MAX - 1}}}")
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that no reason needs: controls, direction marks, private and lone code units, line ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Either: one entry, or one proof, was not taken; why, and the way out. The connection goes on."""

    entry: EntryHash | None = key(1, optional(identifier(EntryHash)))
    code: str = key(2, string(REASON_CODE_BYTES_MAX))
    expected: str = key(3, string(REASON_BYTES_MAX))
    got: str = key(4, string(REASON_BYTES_MAX))
    do: str = key(5, string(REASON_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Either: I end the connection; why, and the way out."""

    code: str = key(1, string(REASON_CODE_BYTES_MAX))
    expected: str = key(2, string(REASON_BYTES_MAX))
    got: str = key(3, string(REASON_BYTES_MAX))
    do: str = key(4, string(REASON_BYTES_MAX))


class ToldError(PeerError):
    """The other side's reason for refusing, in its own words; nothing that this side found."""


def failure(error: ExplainedError) -> Failure:
    """Why this side ends the connection."""
    return Failure(code=_code(error.code), expected=_cut(error.expected), got=_cut(error.got), do=_cut(error.do))


def refused(entry: EntryHash | None, error: ExplainedError) -> Refused:
    """Why this side did not take an entry, or a proof."""
    why = failure(error)
    return Refused(entry=entry, code=why.code, expected=why.expected, got=why.got, do=why.do)


def told(message: Failure | Refused | BlobRefused) -> ToldError:
    """What the other side said, fit to be shown."""
    return ToldError(
        _code(message.code), expected=_shown(message.expected), got=_shown(message.got), do=_shown(message.do)
    )


def _code(code: str) -> str:
    return code if _CODE.fullmatch(code) else "unexplained"


def _shown(text: str) -> str:
    """The text without what moves cursors, turns directions, breaks lines or is no character."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in _UNSHOWN else letter for letter in text
    )


def _cut(text: str) -> str:
    """The text in as many whole characters as the limit has room for."""
    return _shown(text).encode()[:REASON_BYTES_MAX].decode(errors="ignore")
