"""What became of one entry: where it is, as far as this device knows, and what about it is not in order.

Owns the word for each state. An entry has one: whoever looks at one entry is told neither more nor less than the sums
say that it is counted in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.access.disputes import Dispute, disputes_of
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.naming import one_named
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.lacking import Held, held_one
from edge_runtime.sync.safety import is_safe
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, EntryHash

_PAGE: Final = 512


class State(StrEnum):
    """Where an entry is known to be."""

    HERE = "on_this_device_only"
    AT_PEER = "at_a_peer"
    AT_RELAY = "at_the_relay"
    RECEIPTED = "receipted"
    SAFE = "safe"
    REFUSED = "refused"
    HELD = "held"
    """In the held pool: it is here and takes no place before what it waits for comes."""


_OF_UPLOAD: Final = {
    UploadState.PENDING: State.HERE,
    UploadState.AT_PEER: State.AT_PEER,
    UploadState.RECEIPTED: State.RECEIPTED,
    UploadState.REFUSED: State.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryState:
    """One entry.

    Attributes:
        author: the first certificate of the device that wrote it.
        log_index: its place in the relay's log, of one that this device brought there.
        refused: code and words of the relay, of one that it refuses.
        held: what it waits for, of one that waits; in the pool or not.
        disputes: why it is disputed.
    """

    entry: VerifiedEntry
    author: CertificateHash
    state: State
    log_index: int | None = None
    refused: tuple[str, str] | None = None
    held: Held | None = None
    disputes: tuple[Dispute, ...] = ()


def find_entry(store: DeviceStore, text: str) -> EntryHash:
    """The entry whose hash begins with `text`, of those in the store and those in the held pool.

    The store knows names by their MACs, so what begins so is found by looking at all.

    Raises:
        RefusedError: none, or several.
    """
    known = dict.fromkeys((*_names(store), *(one.entry.hash for one in store.held())))
    return one_named(text, known, "entry", "'fieldward audit timeline' and 'sync status --json' name entries")


def entry_state(store: DeviceStore, identity: Identity, keyring: Keyring, name: EntryHash) -> EntryState:
    """What became of an entry that `find_entry` found."""
    waits = next((one for one in store.held() if one.entry.hash == name), None)
    arrival = store.arrival(name)
    if arrival is None:
        assert waits is not None, "what was found is in the store or in the pool"
        return EntryState(entry=waits.entry, author=waits.author, state=State.HELD, held=held_one(waits))
    found = store.entry(name)
    assert found is not None, "an entry that arrived is here"
    session = store.session(found.entry.header.session)
    assert session is not None, "a stored entry has a stored session"
    upload = store.noted(arrival)
    state = State.AT_RELAY if upload is None else _OF_UPLOAD[upload.state]
    return EntryState(
        entry=found.entry,
        author=identity.trust.principal(session.value.certificate),
        state=State.SAFE if is_safe(store, name) else state,
        log_index=None if upload is None else upload.log_index,
        refused=(upload.code, upload.text) if upload is not None and state is State.REFUSED else None,
        held=None if waits is None else held_one(waits),
        disputes=tuple(disputes_of(store, identity, keyring, found.entry)),
    )


def _names(store: DeviceStore) -> Iterator[EntryHash]:
    after = 0
    while page := store.arrivals(after=after, limit=_PAGE):
        yield from (arrived.entry.hash for arrived in page)
        after = page[-1].index + 1
