"""Absurd evidence: whatever is in a file that somebody hands in, a verification ends in findings, not in an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.evidence import Transcript
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.verification import verify
from tests.support.audit_campaign import view_of
from tests.support.audit_source import MemorySource
from tests.support.audit_tampering import exchanged

SIZE = 500
HUGE = 2**70
NOTHING = Hash(bytes(32))
JUNK = {
    "nothing": b"",
    "a megabyte": bytes(1 << 20),
    "ones": b"\xff" * 100,
    "a list that claims to be long": b"\x9b\x7f" + b"\xff" * 7,
    "a deep list": b"\x81" * 1000 + b"\x00",
}
RECORDS = ("relay_wires", "certificate_wires", "session_wires", "seal_wires", "notes")
PIECES: dict[str, dict[str, object]] = {
    "a place below 0": {"index": -1},
    "a huge place": {"index": HUGE},
    "a long path": {"path": (NOTHING,) * 5000},
    "a path of bytes": {"path": (b"x",)},
    "no header": {"header": b""},
    "a huge header": {"header": bytes(1 << 20)},
    "a huge body": {"body": bytes(1 << 20)},
    "a leaf below 0": {"log_index": -1},
    "a huge leaf": {"log_index": HUGE},
    "no leaf": {"log_index": None},
}
RECEIPTS: dict[str, dict[str, object]] = {
    "a place below 0": {"index": -1},
    "a huge place": {"index": HUGE},
    "a long path": {"path": (NOTHING,) * 5000},
    "a path of bytes": {"path": (b"x",) * 9},
    "no note": {"note": b""},
    "a huge note": {"note": bytes(1 << 20)},
    "another entry": {"entry": EntryHash(bytes(32))},
}
PROOFS: dict[str, dict[str, object]] = {
    "a long path": {"path": (NOTHING,) * 5000},
    "a path of bytes": {"path": (b"x",)},
    "no path": {"path": ()},
    "no note": {"first": b""},
}
WITNESSES: dict[str, dict[str, object]] = {
    "a number below 0": {"seq": -1},
    "a huge number": {"seq": HUGE},
    "no such entry": {"entry": EntryHash(bytes(32))},
    "said by nobody": {"by": EntryHash(bytes(32))},
}
ARRANGEMENTS: dict[str, Callable[[MemorySource], MemorySource]] = {
    "seals for sessions": lambda source: replace(source, session_wires=source.seal_wires),
    "sessions for seals": lambda source: replace(source, seal_wires=source.session_wires),
    "certificates for relays": lambda source: replace(source, relay_wires=source.certificate_wires),
    "seals backwards": lambda source: replace(source, seal_wires=source.seal_wires[::-1]),
    "certificates backwards": lambda source: replace(source, certificate_wires=source.certificate_wires[::-1]),
    "entries backwards": lambda source: replace(source, piece_list=source.piece_list[::-1]),
    "no leaves": lambda source: replace(source, leaf_list=()),
    "short leaves": lambda source: replace(source, leaf_list=(b"x",) * len(source.piece_list)),
    "no relays": lambda source: replace(source, relay_wires=()),
    "no certificates": lambda source: replace(source, certificate_wires=()),
    "empty frames": lambda source: replace(source, transcript_list=(Transcript(hello=b"", welcome=b""),)),
    "junk frames": lambda source: replace(source, transcript_list=(Transcript(hello=b"\0\0\0\1\1", welcome=b"x"),)),
}


def source_with(field: str, change: dict[str, Any] | bytes, *, log: bool = True) -> MemorySource:
    """Evidence with one item of a list changed, or exchanged for bytes."""
    source = view_of(1, SIZE, "evidence" if log else "officer")
    items = getattr(source, field)
    at = len(items) // 2
    item = change if isinstance(change, bytes) else replace(items[at], **change)
    exchanging: dict[str, Any] = {field: exchanged(items, at, item)}
    return replace(source, **exchanging)


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("field", RECORDS)
def test_junk_for_a_record_is_found(field: str, junk: bytes):
    """Bytes that are no record are damage wherever a record should stand."""
    assert not verify(source_with(field, junk)).ok


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_for_the_root_is_found(junk: bytes):
    """Without a root nothing can be believed, and nothing else is said."""
    report = verify(replace(view_of(1, SIZE, "evidence"), root_wire=junk))
    assert not report.ok
    assert len(report.findings) == 1


@pytest.mark.parametrize("change", PIECES.values(), ids=PIECES)
def test_an_absurd_piece_is_found(change: dict[str, Any]):
    """A piece that no holder could have, beside the log."""
    assert not verify(source_with("piece_list", change)).ok


@pytest.mark.parametrize("change", [c for c in PIECES.values() if "log_index" not in c])
def test_an_absurd_piece_is_found_without_the_log(change: dict[str, Any]):
    """The same where there is no log to compare with."""
    assert not verify(source_with("piece_list", change, log=False)).ok


@pytest.mark.parametrize("change", RECEIPTS.values(), ids=RECEIPTS)
def test_an_absurd_receipt_is_found(change: dict[str, Any]):
    """A receipt that no relay gives."""
    assert not verify(source_with("receipt_proofs", change)).ok


@pytest.mark.parametrize("change", PROOFS.values(), ids=PROOFS)
def test_an_absurd_consistency_proof_is_found(change: dict[str, Any]):
    """A proof between checkpoints that no relay gives."""
    assert not verify(source_with("consistency_proofs", change)).ok


@pytest.mark.parametrize("change", WITNESSES.values(), ids=WITNESSES)
def test_an_absurd_word_of_a_meeting_breaks_nothing(change: dict[str, Any]):
    """What a lying member wrote into the record of a meeting is read without harm; only a missing entry is missed."""
    report = verify(source_with("witness_list", change, log=False))
    assert report.ok == (change != WITNESSES["no such entry"])


@pytest.mark.parametrize("arrange", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_what_stands_in_the_wrong_place_is_found(arrange: Callable[[MemorySource], MemorySource]):
    """Whole lists that are missing, backwards, or of another kind."""
    assert not verify(arrange(view_of(1, SIZE, "evidence"))).ok
