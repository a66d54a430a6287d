"""The wraps behind the glass: each epoch's key to the facility's token, and that to the break-glass desk.

Owns the two layers, and the records that a device and the desk exchange. Neither layer is worth anything alone: the
desk never sees a key, and a token opens nothing that the desk, or a member by a `Preload`, did not let out. Both layers
are bound to chart, compartment and epoch, so that what is claimed of a wrap need not be believed: a layer of another
chart does not come off. `glass_requests` says what the desk must have seen before it takes one off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.emergency_records import BreakGlassRecord
from sync_protocol.entries import WireEntry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.errors import forged
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, WrapPublicKey, encrypt_to, unwrap, wrap
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BREAK_GLASS_WRAP_BYTES,
    CERTIFICATES_MAX,
    GLASS_ANSWER_BYTES_MAX,
    GLASS_EPOCHS_MAX,
    ID_BYTES,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    RECORD_BYTES_MAX,
    WRAP_BYTES,
    WRAPS_MAX,
)
from sync_protocol.records import choice, identifier, key, many, nested, octets, ordered, pack, pair, uint, unpack
from sync_protocol.roles import Compartment
from sync_protocol.secret import Secret
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import SigningKey

_WIRE: Final = octets(1, RECORD_BYTES_MAX)
_ROOM_BYTES: Final = 96 * 1024
"""Of one request for wraps; each takes 2.5 kB, with very many parents 5.8 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassWrap:
    """One epoch's wrap with what it is bound to. Nothing of it is believed: a false word, and no layer comes off.

    Attributes:
        epoch: the hash of the entry that minted it.
        minter: who made the wrap: the epoch's minter, or whoever wrapped it later.
        wrapped: both layers, as `MintEpoch.break_glass` or `Rewrap.break_glass` has them.
    """

    epoch: EntryHash = key(1, identifier(EntryHash))
    compartment: Compartment = key(2, choice(Compartment))
    commitment: Hash = key(3, identifier(Hash))
    parents: tuple[EntryHash, ...] = key(4, ordered(identifier(EntryHash), WRAPS_MAX))
    minter: CertificateHash = key(5, identifier(CertificateHash))
    wrapped: bytes = key(6, octets(BREAK_GLASS_WRAP_BYTES, BREAK_GLASS_WRAP_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassRequest:
    """A device asks the desk to take off the outer layers of one chart's wraps; signed by the device.

    Attributes:
        certificate: of the device that asks; to its key the answer is encrypted.
        certificates: what is needed to verify that device and the entry's author, issuers first.
        session, seal: of the entry's author, in their envelopes.
        entry: a `BreakGlass` by the device that asks, or a `Preload` that names it.
        relay: the relay's record, in its envelope.
        index, path, note: the entry's leaf in the relay's log, its path, and the signed checkpoint above it.
        nonce: 16 random bytes; the desk answers it once.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    chart: ChartId = key(2, identifier(ChartId))
    certificate: CertificateHash = key(3, identifier(CertificateHash))
    certificates: tuple[bytes, ...] = key(4, many(_WIRE, 2 * CERTIFICATES_MAX))
    session: bytes = key(5, _WIRE)
    seal: bytes = key(6, _WIRE)
    entry: WireEntry = key(7, nested(WireEntry))
    relay: bytes = key(8, _WIRE)
    index: int = key(9, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(10, many(identifier(Hash), LOG_PATH_MAX))
    note: bytes = key(11, octets(1, NOTE_BYTES_MAX))
    wraps: tuple[GlassWrap, ...] = key(12, many(nested(GlassWrap), GLASS_EPOCHS_MAX))
    nonce: bytes = key(13, octets(ID_BYTES, ID_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassAnswer:
    """The desk's answer, signed by it.

    Attributes:
        request: the hash of the request.
        sealed: `GlassLayers`, encrypted to the device that asked.
    """

    request: Hash = key(1, identifier(Hash))
    sealed: bytes = key(2, octets(1, GLASS_ANSWER_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassLayers:
    """What was under the outer layers: each epoch's key as it is wrapped to the token.

    Attributes:
        layers: by the place of the wrap in the request; one whose outer layer did not come off is missing.
    """

    layers: tuple[tuple[int, bytes], ...] = key(
        1, many(pair(uint(GLASS_EPOCHS_MAX), octets(WRAP_BYTES, WRAP_BYTES)), GLASS_EPOCHS_MAX)
    )


def wrap_in_glass(
    secret: Secret,
    *,
    glass: BreakGlassRecord,
    chart: ChartId,
    compartment: Compartment,
    commitment: Hash,
    parents: Collection[EntryHash],
    minter: CertificateHash,
) -> bytes:
    """Wrap an epoch's key to the facility's token, and that to the desk: `MintEpoch.break_glass`.

    Args:
        secret: the epoch's 32-byte key.
        glass: the root's word on desk and token, which was verified.
        chart: of the epoch.
        compartment: one of IN_GLASS.
        commitment: the epoch's.
        parents: the epochs that it follows, as its record names them.
        minter: the principal that mints it.

    Returns:
        BREAK_GLASS_WRAP_BYTES bytes.
    """
    assert compartment in IN_GLASS, "other compartments stay closed in an emergency"
    token, desk = WrapPublicKey(glass.token), WrapPublicKey(glass.desk)

    def context(recipient: WrapPublicKey) -> WrapContext:
        return WrapContext(
            organisation=glass.organisation,
            chart=chart,
            compartment=compartment,
            commitment=commitment,
            parents=tuple(parents),
            recipient=recipient,
            minter=minter,
        )

    return wrap(desk, wrap(token, secret.reveal(), context=context(token)), context=context(desk))


def take_off(desk: WrapPrivateKey, found: GlassWrap, *, organisation: OrganisationId, chart: ChartId) -> bytes:
    """Take off the outer layer. Only `glass_requests.strip` and tests call it.

    Returns:
        The key as it is wrapped to the token, WRAP_BYTES bytes.

    Raises:
        ForgedError: wrapped for another desk, organisation, chart, compartment or epoch, or not in two layers.
    """
    inner = unwrap(desk, found.wrapped, context=_context(found, organisation, chart, desk.public))
    if len(inner) != WRAP_BYTES:
        raise forged("a wrapped key under the outer layer", f"{len(inner)} bytes")
    return inner


def open_inner(
    token: WrapPrivateKey, inner: bytes, found: GlassWrap, *, organisation: OrganisationId, chart: ChartId
) -> bytes:
    """Open the inner layer with the facility's token. The caller checks the key's commitment.

    Raises:
        ForgedError: wrapped for another token, organisation, chart, compartment or epoch.
        LimitError: longer than any honest wrap.
    """
    return unwrap(token, inner, context=_context(found, organisation, chart, token.public))


def answer_request(
    request: Hash, layers: Mapping[int, bytes], *, recipient: WrapPublicKey, signer: SigningKey
) -> Verified[GlassAnswer]:
    """Encrypt what was under the outer layers to the device that asked, and sign for it as the desk.

    Args:
        request: the hash of the request.
        layers: by the wraps' places in the request.
        recipient: the device's X-Wing key.
        signer: the desk's.
    """
    plain = pack(GlassLayers(layers=tuple(sorted(layers.items()))))
    sealed = encrypt_to(recipient, plain, info=Label.GLASS_LAYERS + request)
    return sign(GlassAnswer(request=request, sealed=sealed), signer, Label.GLASS_ANSWER)


def open_answer(wire: bytes, request: Hash, *, glass: BreakGlassRecord, device: WrapPrivateKey) -> dict[int, bytes]:
    """Verify the desk's answer and decrypt it.

    Returns:
        The keys as they are wrapped to the token, by the wraps' places in the request.

    Raises:
        ForgedError: not signed by the desk of this record, for another request, or not encrypted to this device.
        MalformedError, LimitError: no answer.
    """
    answer = Signed(GlassAnswer, wire).verify(glass.desk_signer, Label.GLASS_ANSWER).value
    if answer.request != request:
        raise forged("the answer to this request", "the answer to another")
    plain = device.open(answer.sealed, Label.GLASS_LAYERS + request)
    return dict(unpack(GlassLayers, plain).layers)


def requests_of(wraps: Iterable[GlassWrap]) -> list[tuple[GlassWrap, ...]]:
    """Wraps in as many parts as there must be requests: GLASS_EPOCHS_MAX or some 96 KiB each."""
    parts: list[list[GlassWrap]] = []
    room = 0
    for found in wraps:
        size = len(pack(found))
        if size > room or len(parts[-1]) == GLASS_EPOCHS_MAX:
            parts.append([])
            room = _ROOM_BYTES
        parts[-1].append(found)
        room -= size
    return [tuple(part) for part in parts]


def _context(found: GlassWrap, organisation: OrganisationId, chart: ChartId, recipient: WrapPublicKey) -> WrapContext:
    return WrapContext(
        organisation=organisation,
        chart=chart,
        compartment=found.compartment,
        commitment=found.commitment,
        parents=found.parents,
        recipient=recipient,
        minter=found.minter,
    )
