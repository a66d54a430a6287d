"""Asking the desk: requests made of the receipt, the entry that lets this device, and the wraps; answers opened.

Owns what comes back: each layer beside the wrap that it was under. A layer is no key yet; the token opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.stored import Stored
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.log_shelf import unpack_receipt
from edge_runtime.sync.progress import RELAY
from sync_protocol.break_glass import GlassRequest, GlassWrap, open_answer, requests_of
from sync_protocol.emergency_records import BreakGlassRecord
from sync_protocol.entries import Seal, VerifiedEntry, verify_entry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.errors import PeerError
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import ChartId
from sync_protocol.labels import Label
from sync_protocol.limits import ID_BYTES, WRAP_BYTES
from sync_protocol.records import key, nested, octets
from sync_protocol.roles import Compartment
from sync_protocol.signed import Verified, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An epoch's key as it is wrapped to the token, and the wrap that it was under."""

    wrap: GlassWrap = key(1, nested(GlassWrap))
    inner: bytes = key(2, octets(WRAP_BYTES, WRAP_BYTES))


def receipt_of(holder: Holder, stored: Stored) -> ReceiptProof:
    """The relay's receipt of a broken glass, which this device verified when it came.

    Raises:
        RefusedError: there is none.
    """
    upload = holder.store.upload(stored.entry.hash)
    # Without an index the entry came back in the feed, which proves no place in the log.
    if upload is None or upload.state is not UploadState.RECEIPTED or upload.log_index is None or not upload.receipt:
        raise RefusedError(
            "not_receipted",
            expected="the relay's receipt of the broken glass",
            got="none yet" if upload is None or not upload.code else f"a refusal: {upload.code}",
            do="reach the relay and run it again; without a network, use a kit that carries the chart",
        )
    return unpack_receipt(upload.receipt)


def wraps_behind_glass(holder: Holder, chart: ChartId, *, known: Callable[[GlassWrap], bool]) -> list[GlassWrap]:
    """The wraps for emergencies of the epochs that this device may have in one and cannot open.

    Args:
        holder: the device.
        chart: which; its control records are here.
        known: whether a wrap's inner layer is here already.
    """
    membership, keyring = holder.keyring.membership(chart), holder.keyring
    assert membership is not None, "asked of a chart that is here"
    reads = keyring.organisation().now.reads(holder.identity.principal) & IN_GLASS
    found = [
        GlassWrap(
            epoch=epoch.id,
            compartment=compartment,
            commitment=epoch.record.commitment,
            parents=epoch.record.parents,
            minter=by,
            wrapped=wrapped,
        )
        for compartment in Compartment
        if compartment in reads
        for epoch in membership.epochs_of(compartment)
        if keyring.open_epoch(chart, epoch) is None
        for by, wrapped in epoch.glass
    ]
    return [wrap for wrap in found if not known(wrap)]


def ask_for_layers(
    holder: Holder,
    chart: ChartId,
    entry: VerifiedEntry,
    receipt: ReceiptProof,
    wraps: Iterable[GlassWrap],
    *,
    glass: BreakGlassRecord,
    send: Callable[[bytes], bytes],
    entropy: Entropy,
) -> list[Layer]:
    """Have the desk take off the outer layers of wraps.

    Args:
        holder: the device.
        chart: whose wraps.
        entry: lets this device: its own broken glass, or a member's word that it may carry the chart.
        receipt: the proof that this very entry is in the relay's log.
        wraps: which.
        glass: the root's word on the desk.
        send: carries a request to the desk and gives its answer.
        entropy: for nonces.

    Returns:
        What came off; a wrap that was badly made, or made for another desk, is left out.

    Raises:
        RemoteError: the desk does not answer, or refuses.
        ForgedError: the answer is not the desk's.
    """
    found: list[Layer] = []
    for part in requests_of(wraps):
        request = _request(holder, chart, entry, receipt, wraps=part, nonce=entropy(ID_BYTES))
        layers = open_answer(send(request.wire), request.hash, glass=glass, device=holder.identity.keys.wrap)
        found += [Layer(wrap=part[place], inner=inner) for place, inner in sorted(layers.items()) if place < len(part)]
    return found


def _request(
    holder: Holder,
    chart: ChartId,
    entry: VerifiedEntry,
    receipt: ReceiptProof,
    *,
    wraps: tuple[GlassWrap, ...],
    nonce: bytes,
) -> Verified[GlassRequest]:
    identity, store = holder.identity, holder.store
    session = store.session(entry.header.session)
    relay = store.get_value(RELAY)
    assert session is not None, "a stored entry has a stored session"
    assert relay is not None, "a receipt is the recorded relay's"
    chains = (*identity.trust.chain(session.value.certificate), *identity.trust.chain(identity.name))
    request = GlassRequest(
        organisation=identity.root.value.organisation,
        chart=chart,
        certificate=identity.name,
        certificates=tuple({one.hash: one.wire for one in chains}.values()),
        session=session.wire,
        seal=_seal_of(entry, store.seals(entry.header.session, entry.header.seal)).wire,
        entry=entry.wire,
        relay=relay,
        index=receipt.index,
        path=receipt.path,
        note=receipt.note,
        wraps=wraps,
        nonce=nonce,
    )
    return sign(request, identity.keys.signer, Label.GLASS_REQUEST)


def _seal_of(entry: VerifiedEntry, seals: tuple[Verified[Seal], ...]) -> Verified[Seal]:
    """The seal that covers a stored entry; a forked session has several of one number."""
    for seal in seals[:-1]:
        try:
            verify_entry(entry.wire, entry.header, seal)
        except PeerError:
            continue
        return seal
    assert seals, "a stored entry has a stored seal"
    return seals[-1]
