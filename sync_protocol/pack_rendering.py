"""The bytes that a PACK's reader makes of columns: a header, a seal, a seal's envelope.

Not `records.pack`, which judges: whatever comes out here is judged by the intake, and a pack renders hundreds. A writer
compares what comes out with what it was given, and sends that as it is where they differ. Fields stand in ascending
order of their keys and sets in ascending order of their members, which is the deterministic one.
"""

from __future__ import annotations

from typing import Final

import cbor2

from sync_protocol.entries import Header, Seal

_ENVELOPE_PAYLOAD: Final = 1
_ENVELOPE_SIGNATURE: Final = 2


def render_header(header: Header) -> bytes:
    """A header without any key that this version does not know."""
    fields: dict[int, object] = {1: bytes(header.stream), 2: bytes(header.session), 3: header.seq}
    if header.prev is not None:
        fields[4] = bytes(header.prev)
    fields[5] = [[bytes(session), [seq, bytes(name)]] for session, (seq, name) in sorted(header.deps.items())]
    fields[6] = [bytes(name) for name in sorted(header.organisation_heads)]
    fields[7] = [bytes(name) for name in sorted(header.chart_heads)]
    if header.epoch is not None:
        fields[8] = bytes(header.epoch)
    fields[9], fields[10] = header.lamport, header.wall_ms
    fields[11], fields[12], fields[13] = bytes(header.body_hash), header.body_size, header.seal
    return cbor2.dumps(fields)


def render_seal(seal: Seal) -> bytes:
    """A seal's payload without any key that this version does not know."""
    fields: dict[int, object] = {1: bytes(seal.session), 2: seal.number}
    if seal.previous is not None:
        fields[3] = bytes(seal.previous)
    fields[4], fields[5] = bytes(seal.root), seal.size
    return cbor2.dumps(fields)


def render_envelope(payload: bytes, signature: bytes) -> bytes:
    """The envelope of a payload with its one signature."""
    return cbor2.dumps({_ENVELOPE_PAYLOAD: payload, _ENVELOPE_SIGNATURE: signature})
