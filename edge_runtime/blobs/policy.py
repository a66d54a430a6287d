"""Which blobs this device fetches of its own accord, and how much room they may take. Whoever asks gets any.

Owns the stored decision and its defaults. Refuses to hold back what is attached here: writing is never blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.blobs.book import BlobNote
from edge_runtime.identity import Values, ValueWriter
from sync_protocol.limits import SEQ_MAX
from sync_protocol.records import choice, key, pack, uint, unpack

POLICY: Final = "blobs/policy"
SMALL_BYTES: Final = 2 * 1024 * 1024
ROOM_BYTES: Final = 1024 * 1024 * 1024


class Fetch(StrEnum):
    """What is fetched without being asked for."""

    ALL = "all"
    SMALL = "small"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a device decided.

    Attributes:
        fetch: what comes of its own accord.
        small_bytes: the longest file that counts as small.
        room_bytes: sealed bytes of all blobs on this device, beyond which safe ones make room for others.
    """

    fetch: Fetch = key(1, choice(Fetch))
    small_bytes: int = key(2, uint(SEQ_MAX))
    room_bytes: int = key(3, uint(SEQ_MAX))

    def fetches(self, note: BlobNote) -> bool:
        """Whether a blob that is not whole here is to be fetched."""
        if note.whole:
            return False
        if note.asked:
            return True
        small = note.file_bytes <= self.small_bytes
        return not note.pruned and (self.fetch is Fetch.ALL or (self.fetch is Fetch.SMALL and small))


DEFAULT: Final = Policy(fetch=Fetch.SMALL, small_bytes=SMALL_BYTES, room_bytes=ROOM_BYTES)
FOR_KITS: Final = Policy(fetch=Fetch.ALL, small_bytes=SMALL_BYTES, room_bytes=ROOM_BYTES)


def load_policy(values: Values, *, kit: bool) -> Policy:
    """What was decided, or the default."""
    data = values.get_value(POLICY)
    if data is None:
        return FOR_KITS if kit else DEFAULT
    return unpack(Policy, data)


def save_policy(writer: ValueWriter, policy: Policy) -> None:
    """Decide otherwise from now on."""
    writer.put_value(POLICY, pack(policy))
