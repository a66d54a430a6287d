"""Entries wait for their parents in a bounded room."""

from __future__ import annotations

import pytest

from edge_runtime.text import held as module
from edge_runtime.text.errors import HeldLimitError
from edge_runtime.text.held import Held
from edge_runtime.text.history import TextEntry
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.text.histories import entry_hash, session

A, B, C = entry_hash("a"), entry_hash("b"), entry_hash("c")


def child(name: str, *parents: EntryHash, update: bytes = b"12") -> TextEntry:
    """An entry that waits."""
    return TextEntry(entry=entry_hash(name), session=session(0), parents=parents, update=update)


def test_waits_for_all_parents() -> None:
    """An entry is released with the last of its missing parents, once."""
    held, entry = Held(), child("d", A, B)
    held.keep(entry, {A, B})
    assert entry.entry in held
    assert list(held.release(A)) == []
    assert list(held.release(C)) == []
    assert list(held.release(B)) == [entry]
    assert entry.entry not in held
    assert list(held.release(B)) == []


def test_a_full_room_keeps_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds on entries and bytes; what leaves makes room."""
    monkeypatch.setattr(module, "HELD_ENTRIES_MAX", 2)
    monkeypatch.setattr(module, "HELD_BYTES_MAX", 5)
    held = Held()
    held.keep(child("d", A), {A})
    with pytest.raises(HeldLimitError):
        held.keep(child("e", B, update=b"1234"), {B})
    held.keep(child("f", B), {B})
    with pytest.raises(HeldLimitError, match="fetch the missing parents"):
        held.keep(child("g", B, update=b""), {B})
    assert len(list(held.release(A))) == 1
    held.keep(child("h", C, update=b"123"), {C})
    assert entry_hash("g") not in held
