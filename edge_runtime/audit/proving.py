"""Proof that one entry is in the relay's log: by the receipt that this device keeps, or from what the relay publishes.

Owns the judgement. A kept receipt is verified again. A fresh proof is made here, from tiles that lead to a root which
the relay signed, and only of a log that begins with what this device knows of it. Where the relay says that an entry
stands is a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_runtime.audit.device_source import Holder
from edge_runtime.audit.log_fetching import PublishedLog
from edge_runtime.audit.watching import FOREIGN_KEY, UNPROVEN, WatchError, grown, proven
from edge_runtime.errors import RefusedError
from edge_runtime.recorder.naming import one_named
from edge_runtime.sync.log_shelf import LogShelf
from edge_runtime.sync.progress import RELAY, load_newest
from sync_protocol.accusations import check_receipt
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError, forged
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import DeviceId, EntryHash
from sync_protocol.limits import BATCH_ENTRIES_MAX

_TELL: Final = "run 'fieldward audit watch' from elsewhere, and tell the organisation's administrator"


@dataclass(frozen=True, slots=True)
class Named:
    """An entry on this device, and whose it is."""

    entry: VerifiedEntry
    device: DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Where an entry stands in the log.

    Attributes:
        receipt, checkpoint: the proof, and the state of the log that it stands under.
        fresh: made now from the published log; otherwise this device keeps it.
        before: of a fresh one, the newest state that this device had verified, with which the log begins; None where
            it had verified none of this log.
    """

    receipt: ReceiptProof
    checkpoint: Checkpoint
    fresh: bool
    before: Checkpoint | None = None


def entry_named(holder: Holder, text: str) -> Named:
    """Find an entry of this device by its hash, or the beginning of it.

    Raises:
        RefusedError: no such entry, or several.
    """
    arrived = holder.store.entry(_find(holder, text))
    assert arrived is not None, "a store keeps what it has"
    author = holder.identity.trust.certificate(holder.keyring.author(arrived.entry))
    assert author is not None, "a stored entry has a known author"
    return Named(arrived.entry, author.value.device)


def kept_inclusion(holder: Holder, entry: EntryHash) -> Inclusion | None:
    """Verify the receipt that this device keeps for an entry, from the organisation's root on; None without one.

    Raises:
        ForgedError: the receipt does not hold.
    """
    log = LogShelf(holder.store)
    receipt = next((one for one in log.receipts() if one.entry == entry), None)
    if receipt is None:
        return None
    relays = [open_relay(wire, holder.identity.root).value for wire in log.relays()]
    return Inclusion(receipt=receipt, checkpoint=_checked(receipt, relays), fresh=False)


def without_receipt(entry: EntryHash) -> RefusedError:
    """The refusal where no receipt is kept and no relay is known."""
    return RefusedError(
        "no_receipt",
        expected="an entry for which this device keeps a receipt, or a relay to ask",
        got=f"entry {entry.short} without one",
        do="sync first, or name the relay with --relay URL",
    )


def fresh_inclusion(
    holder: Holder, entry: EntryHash, log: PublishedLog, *, hear: Callable[[bytes], object]
) -> Inclusion:
    """Prove an entry from what the relay publishes now.

    Args:
        holder: the device; its record of the relay judges the log.
        entry: one of its entries.
        log: as the relay publishes it.
        hear: given the newest checkpoint once its signature holds, whatever comes of it: the relay must stand by it.

    Raises:
        RefusedError: the log does not have it, or this device has no record of a relay yet.
        RemoteError: the relay does not answer.
        WatchError: what the relay shows is not by its key, contradicts what this device knows, or proves nothing.
    """
    record = _record(holder)
    index = log.index(entry)  # before the note, which then covers it
    if index is None and not _kept_under(holder, entry, record):
        raise RefusedError(
            "not_in_log",
            expected="an entry of the relay's log",
            got=f"entry {entry.short}, which the relay says it does not have",
            do="sync the device that wrote it, then try again",
        )
    note = log.note()
    checkpoint = _opened(note, record)
    hear(note)
    newest = load_newest(holder.store)
    before = newest if newest.size and newest.origin == record.origin else None
    tiles = grown(before, checkpoint, log.tiles)
    if index is None or index >= checkpoint.size:
        raise _unproven(entry, checkpoint, "none" if index is None else f"its word that it is leaf {index}")
    path = proven(lambda: tiles.inclusion_path(index), checkpoint)
    receipt = ReceiptProof(entry=entry, index=index, path=path, note=note)
    try:
        check_receipt(receipt, record)
    except PeerError:
        raise _unproven(entry, checkpoint, f"another entry at leaf {index}") from None
    return Inclusion(receipt=receipt, checkpoint=checkpoint, fresh=True, before=before)


def _record(holder: Holder) -> RelayRecord:
    wire = holder.store.get_value(RELAY)
    if wire is None:
        raise RefusedError(
            "no_relay_record",
            expected="the organisation's record of its relay on this device",
            got="none yet",
            do="run 'fieldward sync once' first",
        )
    return open_relay(wire, holder.identity.root).value


def _kept_under(holder: Holder, entry: EntryHash, record: RelayRecord) -> bool:
    """Whether this relay gave this device a receipt for an entry: then its log must have it."""
    receipts = [one for one in LogShelf(holder.store).receipts() if one.entry == entry]
    for receipt in receipts:
        try:
            check_receipt(receipt, record)
        except PeerError:
            continue  # an earlier relay's
        return True
    return False


def _opened(note: bytes, record: RelayRecord) -> Checkpoint:
    try:
        return open_checkpoint(note, NoteVerifyKey(record.origin, record.ed25519))
    except PeerError as error:
        raise WatchError(
            FOREIGN_KEY,
            expected=f"a checkpoint by the key that the organisation recorded: {error.expected}",
            got=error.got,
            do="check the address; if the relay was replaced, sync first; otherwise tell the administrator",
        ) from None


def _unproven(entry: EntryHash, checkpoint: Checkpoint, got: str) -> WatchError:
    return WatchError(
        UNPROVEN,
        expected=f"entry {entry.short} among the {checkpoint.size} entries that the relay signed",
        got=got,
        do=_TELL,
    )


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
