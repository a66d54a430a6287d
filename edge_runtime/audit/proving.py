"""Proof that one entry is in the relay's log: from the receipt that this device keeps, verified again."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.audit.device_source import Holder
from edge_runtime.errors import RefusedError
from edge_runtime.events import Events
from edge_runtime.recorder.naming import one_named
from edge_runtime.sync.log_keeping import LogKeeper
from sync_protocol.accusations import check_receipt
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError, forged
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import DeviceId, EntryHash
from sync_protocol.limits import BATCH_ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry, whose it is, and the receipt with the checkpoint that it stands under."""

    entry: VerifiedEntry
    device: DeviceId
    receipt: ReceiptProof
    checkpoint: Checkpoint


def prove_inclusion(holder: Holder, text: str) -> Inclusion:
    """Find an entry's receipt and verify it from the organisation's root on.

    Args:
        holder: the device.
        text: the entry's hash, or the beginning of it.

    Raises:
        RefusedError: no such entry, several, or no receipt for it here.
        ForgedError: the receipt does not hold.
    """
    arrived = holder.store.entry(_find(holder, text))
    assert arrived is not None, "a store keeps what it has"
    entry = arrived.entry
    log = LogKeeper(holder.store, holder.identity, events=Events())
    receipt = next((one for one in log.receipts() if one.entry == entry.hash), None)
    if receipt is None:
        raise RefusedError(
            "no_receipt",
            expected="an entry for which this device keeps a receipt",
            got=f"entry {entry.hash.short} without one",
            do="sync first; for another device's entry, ask that device: receipts are kept by whoever pushed it",
        )
    author = holder.identity.trust.certificate(holder.keyring.author(entry))
    assert author is not None, "a stored entry has a known author"
    relays = [open_relay(wire, holder.identity.root).value for wire in log.relays()]
    return Inclusion(entry, author.value.device, receipt, _checked(receipt, relays))


def _checked(receipt: ReceiptProof, relays: list[RelayRecord]) -> Checkpoint:
    problem: PeerError = forged("a receipt by a relay of the organisation", "no relay")
    for record in relays:
        try:
            return check_receipt(receipt, record)
        except PeerError as error:
            problem = error
    raise problem


def _find(holder: Holder, text: str) -> EntryHash:
    if len(text) == 2 * EntryHash.SIZE:
        try:
            name = EntryHash.parse(text)
        except PeerError:
            name = None
        if name is not None and holder.store.entry(name) is not None:
            return name
    names: list[EntryHash] = []
    after = 0
    while page := holder.store.arrivals(after=after, limit=BATCH_ENTRIES_MAX):
        names += [arrived.entry.hash for arrived in page if arrived.entry.hash.hex().startswith(text)]
        after = page[-1].index + 1
    return one_named(text, names, "entry", "see 'fieldward audit timeline --json'")
