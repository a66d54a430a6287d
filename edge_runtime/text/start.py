"""The start of a text: what a `text_start` fact says, and the first entry that it is in the Doc it opens.

Owns the payload, and the one update that every device makes of its text, so that what follows can be placed by
character. Whether a start counts, and what it replaces, `section` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.text.changes import ROOT
from sync_protocol.encoding import Value
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import ID_BYTES

REPLACES_MAX: Final = 256
"""Heads that one start replaces; what else was shown stays, and is replaced by the next one."""
_STRING: Final = 4
_INDEX_BYTES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What its author typed in place of what was shown.

    Attributes:
        section: which.
        text: the whole text; every number in it is the author's own.
        replaces: entries of earlier Docs of the section that were shown, ascending: each with all that it follows.
            Whoever names an entry has seen it, for nobody guesses a hash.
    """

    section: str
    text: str
    replaces: tuple[EntryHash, ...]

    def payload(self) -> dict[str, Value]:
        """The payload of the fact that says it."""
        replaced: list[Value] = [str(entry) for entry in self.replaces]
        return {"section": self.section, "text": self.text, "replaces": replaced}


def read_start(payload: Mapping[str, Value]) -> Start | None:
    """Read the payload of a `text_start` fact; None for what no version of this layout writes."""
    section, text, raw = payload.get("section"), payload.get("text"), payload.get("replaces")
    if not isinstance(section, str) or not isinstance(text, str) or not isinstance(raw, list):
        return None
    if len(raw) > REPLACES_MAX:
        return None
    try:
        replaced = {EntryHash.parse(one if isinstance(one, str) else "") for one in raw}
    except PeerError:
        return None
    return Start(section=section, text=text, replaces=tuple(sorted(replaced)))


def started_doc_id(first: bytes, entry: EntryHash, index: int) -> bytes:
    """Name the Doc that a start opens.

    Args:
        first: names the first Doc of the section.
        entry: the start's entry.
        index: the start's place among the facts of its entry.
    """
    return Hash.of(Label.TEXT_START.value + first + entry + index.to_bytes(_INDEX_BYTES, "big"))[:ID_BYTES]


def opening(client: int, text: str) -> bytes:
    """The update that puts a start's text into its Doc: one item, at clock 0; no bytes where there is no text.

    Args:
        client: client id of the author's session in the Doc that the start opens.
        text: whole characters.
    """
    if not text:
        return b""
    block = b"".join(map(_number, (1, 1, client, 0)))
    return block + bytes([_STRING]) + _number(1) + _string(ROOT) + _string(text) + _number(0)


def _string(text: str) -> bytes:
    data = text.encode()
    return _number(len(data)) + data


def _number(value: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
