"""What the relay's desk answers: a CBOR list of signed records, as received."""

from __future__ import annotations

from typing import Final

from sync_protocol.encoding import decode
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.records import many, octets

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024


def read_wires(data: bytes, *, items_max: int) -> tuple[bytes, ...]:
    """Read the list.

    Raises:
        MalformedError: not such a list.
        LimitError: too long.
    """
    return many(octets(1, RECORD_BYTES_MAX), items_max).load(decode(data, bytes_max=ANSWER_BYTES_MAX))
