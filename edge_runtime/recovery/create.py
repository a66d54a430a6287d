"""Making the organisation's recovery key: two seeds, their shares on sheets, and the root's word for it.

Owns what is in a recovery record. In two steps: the sheets are made and kept first, then the record is announced; in
the other order a crash would leave an organisation that wraps its keys to shares that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import ORGANISATION_KEYS, Entropy
from edge_runtime.recorder.record import Recorder
from edge_runtime.recovery.seeds import SEED_BYTES, DrillSeed, RecoveryKeys, RecoverySeed, drill_key
from edge_runtime.recovery.shares import split_drill, split_live
from edge_runtime.recovery.sheets import Head, Sheet
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.certificates import Root
from sync_protocol.emergency_records import AnnounceRecovery, RecoveryRecord, issue_recovery
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPublicKey, wrap
from sync_protocol.labels import Label
from sync_protocol.limits import ID_BYTES
from sync_protocol.roles import Compartment
from sync_protocol.sealing import NONCE_BYTES, ContentKey, open_sealed, seal
from sync_protocol.signed import Verified
from sync_protocol.signing import HybridSigningKey

CANARY: Final = b"The canary sings: these shares open what was sealed for drills."


@dataclass(frozen=True, slots=True, repr=False)
class Created:
    """A recovery key that is made and not yet announced. No repr: the sheets are secret."""

    record: Verified[RecoveryRecord]
    sheets: tuple[Sheet, ...]


def make_recovery(
    root: Verified[Root], keys: HybridSigningKey, *, threshold: int, shares: int, now_ms: int, entropy: Entropy
) -> Created:
    """Make a recovery key, its sheets, and the record of it.

    Args:
        root: the organisation's.
        keys: the root's; they are sealed into the record and sign it.
        threshold: how many sheets open the key.
        shares: how many there are.
        now_ms: the record's time; the sheets show its day.
        entropy: makes both seeds.

    Raises:
        InputError: no such numbers of shares.
    """
    seed, drill_seed = RecoverySeed(entropy(SEED_BYTES)), DrillSeed(entropy(SEED_BYTES))
    made, drill = RecoveryKeys(seed), drill_key(drill_seed).public
    public = made.wrap.public
    live_shares = split_live(seed, public=public, threshold=threshold, shares=shares)
    drill_shares = split_drill(drill_seed, public=drill, threshold=threshold, shares=shares)
    organisation, canary = root.value.organisation, ChartId(entropy(ID_BYTES))
    canary_key = ContentKey(entropy(SEED_BYTES))
    context = canary_context(root, canary=canary, drill=drill)
    record = RecoveryRecord(
        organisation=organisation,
        wrap=public,
        signer=made.signer.public,
        threshold=threshold,
        shares=shares,
        drill=drill,
        canary=canary,
        canary_wrap=wrap(drill, canary_key.reveal(), context=context),
        canary_body=seal(canary_key, CANARY, nonce=entropy(NONCE_BYTES), aad=canary_bound(organisation, canary)),
        issued_ms=now_ms,
        root_escrow=seal(made.escrow, keys.reveal(), nonce=entropy(NONCE_BYTES), aad=_escrow_bound(root)),
    )
    made_on = datetime.fromtimestamp(now_ms / 1000, tz=UTC).strftime("%Y-%m-%d")
    sheets = tuple(
        Sheet(
            Head(
                number=live.number,
                shares=shares,
                threshold=threshold,
                organisation=organisation.short,
                made_on=made_on,
            ),
            live,
            rehearsal,
        )
        for live, rehearsal in zip(live_shares, drill_shares, strict=True)
    )
    return Created(issue_recovery(record, keys), sheets)


def announce(recorder: Recorder, store: DeviceStore, created: Created, *, remove_root: bool) -> None:
    """Put the record on the organisation's control stream; from now on every epoch is wrapped to it.

    Args:
        recorder: writes as this device.
        store: this device's.
        created: its sheets are kept already.
        remove_root: take the root's keys off this device: from now on the sheets alone bring them back.
    """
    batch = recorder.begin()
    batch.organisation_control(AnnounceRecovery(record=created.record.wire))

    def finish(writer: DeviceWriter) -> None:
        if remove_root:
            writer.put_value(ORGANISATION_KEYS, None)

    recorder.write(batch, also=finish)
    if remove_root:
        store.scrub()


def open_escrow(keys: RecoveryKeys, record: RecoveryRecord, root: Verified[Root]) -> HybridSigningKey:
    """The root's keys, as the record keeps them.

    Raises:
        RefusedError: the record holds none, or others.
    """
    found: HybridSigningKey | None = None
    if record.root_escrow is not None:
        try:
            found = HybridSigningKey(open_sealed(keys.escrow, record.root_escrow, aad=_escrow_bound(root)))
        except PeerError:
            found = None
    if found is None or found.public != root.value.keys:
        raise RefusedError(
            "no_root_escrow",
            expected="the root's keys in the recovery record",
            got="none" if record.root_escrow is None else "others, or none that open",
            do="look for them in the founder's device or its backup",
        )
    return found


def canary_context(root: Verified[Root], *, canary: ChartId, drill: WrapPublicKey) -> WrapContext:
    """What the canary's wrap is for: an epoch of a chart that does not exist, minted by the root."""
    return WrapContext(
        organisation=root.value.organisation,
        commitment=Hash.of(Label.CANARY + canary),
        parents=(),
        recipient=drill,
        minter=CertificateHash(root.hash),
        chart=canary,
        compartment=Compartment.SAFETY,
    )


def canary_bound(organisation: OrganisationId, canary: ChartId) -> bytes:
    """What the canary's body is bound to."""
    return Label.CANARY + organisation + canary


def _escrow_bound(root: Verified[Root]) -> bytes:
    return Label.RECOVERY_ESCROW + root.hash
