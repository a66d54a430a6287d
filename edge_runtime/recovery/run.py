"""The use of the recovery key, in the one order in which it can be done.

1. `announce_use`: the record that the key will be put together, durable on this device.
2. The caller syncs; `receipt.check_receipted` finds that very record in the relay's log.
3. `open_keys`: only then are the shares put together, and compared with the recovery record.
4. `grant`: the recovery key's word that a principal belongs to every chart; the caller syncs again.
5. `rewrap`: what the recovery key opens is wrapped to the members who lack it, this device among them, so that the seed
   is needed no longer. `bring_root` puts the root's keys on an administrator's device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edge_runtime.errors import RefusedError
from edge_runtime.identity import ORGANISATION_KEYS, Entropy, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.record import Recorder
from edge_runtime.recovery.create import open_escrow
from edge_runtime.recovery.receipt import Receipted
from edge_runtime.recovery.seeds import RecoveryKeys
from edge_runtime.recovery.shares import combine_live
from edge_runtime.recovery.words import LiveShare
from edge_runtime.store.device import DeviceStore
from sync_protocol.emergency_records import RecoveryRecord, RunRecovery, grant_recovered
from sync_protocol.epochs import Epoch
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash
from sync_protocol.limits import ID_BYTES
from sync_protocol.roles import CONTENT
from sync_protocol.sealing import ContentKey
from sync_protocol.signed import Verified


def announce_use(recorder: Recorder, record: Verified[RecoveryRecord], *, drill: bool, entropy: Entropy) -> EntryHash:
    """Record durably that the shares are about to be put together.

    Raises:
        StoreError: it cannot be recorded; do not go on.
    """
    batch = recorder.begin()
    name = batch.organisation_control(RunRecovery(recovery=record.hash, drill=drill, nonce=entropy(ID_BYTES)))
    recorder.write(batch)
    return name


def open_keys(receipted: Receipted, shares: Sequence[LiveShare], record: Verified[RecoveryRecord]) -> RecoveryKeys:
    """Put the recovery key together.

    Raises:
        RefusedError: the receipt is for another key.
        InputError: the shares are wrong, too few, of another set, or one of them twice.
    """
    return RecoveryKeys(combine_live(receipted, shares, record))


def grant(
    recorder: Recorder, keys: RecoveryKeys, record: Verified[RecoveryRecord], principal: CertificateHash
) -> EntryHash:
    """Let a principal into every chart, as its role reads and writes."""
    batch = recorder.begin()
    name = batch.organisation_control(grant_recovered(record.hash, principal, keys.signer))
    recorder.write(batch)
    return name


def bring_root(store: DeviceStore, identity: Identity, keys: RecoveryKeys, record: Verified[RecoveryRecord]) -> None:
    """Put the root's keys on this device, an administrator's.

    Raises:
        RefusedError: this is no administrator's device, or the record holds no such keys.
    """
    require_administrator(identity)
    root = open_escrow(keys, record.value, identity.root)
    with store.writing() as writer:
        writer.put_value(ORGANISATION_KEYS, root.reveal())


def require_administrator(identity: Identity) -> None:
    """Refuse a device on which the root's keys have no business.

    Raises:
        RefusedError: it is no administrator's.
    """
    if identity.keys.administrator is None:
        raise RefusedError(
            "not_an_administrator",
            expected="an administrator's device for the root's keys",
            got=f"role {identity.certificate.role.value}",
            do="run it on an administrator's device, or without --root",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """What became of the charts on this device.

    Attributes:
        charts: how many this device may read by now.
        epochs: how many keys the recovery key opened.
        closed: how many it could not open: they were minted before the organisation had this key, and nobody has
            wrapped them to it since.
        entries: how many were written to wrap keys again.
    """

    charts: int
    epochs: int
    closed: int
    entries: int


def recovered_keys(
    keyring: Keyring,
    keys: RecoveryKeys,
    record: Verified[RecoveryRecord],
    *,
    chart: ChartId,
    epochs: Iterable[Epoch],
) -> Iterator[tuple[EntryHash, ContentKey]]:
    """Those of a chart's epochs that are wrapped to the recovery key, with their keys.

    Wraps that do not open, or open to another key than their epoch commits to, are passed over.
    """
    for epoch in epochs:
        key = keyring.open_with(chart, epoch, keys.wrap, Hash(record.hash))
        if key is not None:
            yield epoch.id, key


def rewrap(
    recorder: Recorder, keyring: Keyring, identity: Identity, keys: RecoveryKeys, record: Verified[RecoveryRecord]
) -> Rewrapped:
    """Open what the recovery key opens in the charts here, and wrap it to the members who lack it.

    No more than this device's role reads: what the role keeps closed stays so.
    """
    charts: list[ChartId] = []
    opened = closed = 0
    for chart in keyring.charts():
        epochs = _readable_epochs(keyring, chart, identity.principal)
        if epochs is None:
            continue
        charts.append(chart)
        for name, key in recovered_keys(keyring, keys, record, chart=chart, epochs=epochs):
            keyring.keep(name, key)
            opened += 1
        closed += sum(keyring.open_epoch(chart, epoch) is None for epoch in epochs)
    return Rewrapped(charts=len(charts), epochs=opened, closed=closed, entries=recorder.mend(charts))


def _readable_epochs(keyring: Keyring, chart: ChartId, principal: CertificateHash) -> list[Epoch] | None:
    """The epochs of the content that a principal reads in a chart; None where it reads none of it."""
    membership = keyring.membership(chart)
    reads = None if membership is None else membership.members.get(principal)
    if membership is None or reads is None or not reads.intersection(CONTENT):
        return None
    return [epoch for one in CONTENT if one in reads for epoch in membership.epochs_of(one)]
