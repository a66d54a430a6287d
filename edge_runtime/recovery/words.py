"""The words of a share: read from what a person typed or a sheet says, and found whole before anything is combined.

The words are SLIP-0039's, one group, without a passphrase, and any program that knows SLIP-0039 combines them. Three
things are ours. Live words carry iteration exponent 1 and drill words 0, so that neither is taken for the other. The
identifier, which SLIP-0039 draws at random, is taken from the public key that the seed makes: words of another set are
known before anything is combined. And a share's words are a type of their own for drills and for the real thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from edge_runtime.errors import InputError
from sync_protocol.ids import Hash
from sync_protocol.labels import Label

WORDS: Final = 33
"""Words of one share of 32 bytes. Source: SLIP-0039, section Format of the share mnemonic."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_LIVE_EXPONENT: Final = 1
_DRILL_EXPONENT: Final = 0


@dataclass(frozen=True, slots=True, repr=False)
class Share:
    """One holder's words, read and found whole. No repr: they are secret.

    Attributes:
        number: from 1.
        threshold: how many open the seed.
        identifier: which set it is of, as `identifier_of` says.
        words: WORDS of them.
    """

    number: int
    threshold: int
    identifier: int
    words: tuple[str, ...]
    exponent: ClassVar[int]
    name: ClassVar[str]


class LiveShare(Share):
    """A share of the organisation's recovery key."""

    __slots__ = ()
    exponent = _LIVE_EXPONENT
    name = "live"


class DrillShare(Share):
    """A share of the seed of drills, in the same holder's hands."""

    __slots__ = ()
    exponent = _DRILL_EXPONENT
    name = "drill"


S = TypeVar("S", bound=Share)
_KINDS: Final[dict[int, type[Share]]] = {_LIVE_EXPONENT: LiveShare, _DRILL_EXPONENT: DrillShare}


def identifier_of(public: bytes) -> int:
    """The 15 bits by which the shares of one set know each other: of the hash of the public key that the seed makes."""
    return int.from_bytes(Hash.of(Label.RECOVERY_SHARES + public)[:2], "big") >> 1


def read_share(text: str, kind: type[S]) -> S:
    """Read a share's words. Case, spaces, line breaks, numbers and punctuation do not matter; nothing is combined.

    Raises:
        InputError: "share_length", "share_word", "share_checksum", "share_form" or "share_kind"; no word is repeated.
    """
    from shamir_mnemonic import MnemonicError  # noqa: PLC0415 few commands need it
    from shamir_mnemonic.share import Share as RawShare  # noqa: PLC0415 few commands need it
    from shamir_mnemonic.wordlist import WORD_INDEX_MAP  # noqa: PLC0415 few commands need it

    words = tuple(_WORD.findall(text.lower()))
    unknown = [str(at) for at, word in enumerate(words, 1) if word not in WORD_INDEX_MAP]
    if unknown:
        raise _bad("share_word", "words of the SLIP-0039 list", f"another word at place {', '.join(unknown[:5])}")
    if len(words) != WORDS:
        raise _bad("share_length", f"{WORDS} words", f"{len(words)}")
    try:
        raw = RawShare.from_mnemonic(" ".join(words))
    except MnemonicError:
        raise _bad("share_checksum", "words whose checksum holds", "at least one wrong or misplaced word") from None
    found = _KINDS.get(raw.iteration_exponent)
    if found is None or (raw.group_threshold, raw.group_count) != (1, 1) or not raw.extendable:
        raise _bad("share_form", "words of a recovery sheet", "words of another SLIP-0039 set")
    if found is not kind:
        raise InputError(
            "share_kind",
            expected=f"the {kind.name} words of a sheet",
            got=f"its {found.name} words",
            do="mind the heading on the sheet; nothing was put together",
        )
    return kind(raw.index + 1, raw.member_threshold, raw.identifier, words)


def _bad(code: str, expected: str, got: str) -> InputError:
    return InputError(
        code, expected=expected, got=got, do="compare with the sheet, word by word; nothing was put together"
    )
