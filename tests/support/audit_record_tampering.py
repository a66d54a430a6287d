"""What somebody who holds the data, and no key, may do to records: seals, sessions, certificates, the root.

What was removed whole, a session's newest part, a session, or a device, is found by what others say of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sync_protocol.certificates import Certificate, Root, Session, issue
from sync_protocol.entries import Seal
from sync_protocol.evidence import Piece
from sync_protocol.ids import CertificateHash, DeviceId, SessionId
from sync_protocol.labels import Label
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Envelope, Signed, Verified
from tests.support.audit_sealing import pen_of, seals_of
from tests.support.audit_source import MemorySource, named_in
from tests.support.audit_tampering import (
    Attack,
    K,
    Place,
    Tampering,
    exchanged,
    header_at,
    some_chain,
    some_piece,
    whose,
    without,
)
from tests.support.audit_world import World
from tests.support.people import Organisation

GARBLED = ("root_wire", "relay_wires", "certificate_wires", "session_wires", "seal_wires", "notes", "piece_list")


def seal_removed(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody removed a seal and left the entries under it."""
    header = header_at(source, some_piece(source, world, rng))
    at = next(at for at, seal in seals_of(source, header.session) if seal.value.number == header.seal)
    return Tampering(
        name="seal_removed",
        source=replace(source, seal_wires=without(source.seal_wires, (at,))),
        kinds=frozenset({K.GAP}),
        places=frozenset(_under(source, header.session, header.seal)),
        guilty=whose(world, header.session),
    )


def seals_exchanged(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody put the signature of one seal under another of the same session."""
    header = header_at(source, some_piece(source, world, rng))
    seals = seals_of(source, header.session)
    if len(seals) < 2:
        return None
    (one, a), (other, b) = rng.sample(seals, 2)
    first, second = unpack(Envelope, a.wire), unpack(Envelope, b.wire)
    wires = exchanged(source.seal_wires, one, pack(replace(first, ed25519=second.ed25519)))
    wires = exchanged(wires, other, pack(replace(second, ed25519=first.ed25519)))
    return Tampering(
        name="seals_exchanged",
        source=replace(source, seal_wires=wires),
        kinds=frozenset({K.FORGED}),
        sessions=frozenset({header.session}),
        guilty=whose(world, header.session),
    )


def session_dropped(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody removed a session's record."""
    header = header_at(source, some_piece(source, world, rng))
    wires = tuple(w for w in source.session_wires if Verified.from_store(Session, w).value.session != header.session)
    return Tampering(
        name="session_dropped",
        source=replace(source, session_wires=wires),
        kinds=frozenset({K.UNTRUSTED}),
        sessions=frozenset({header.session}),
        guilty=whose(world, header.session),
    )


def role_changed(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody changed the role in a certificate."""
    at, certificate = _some_certificate(source, world, rng)
    envelope = unpack(Envelope, source.certificate_wires[at])
    other = Role.PHYSICIAN if certificate.role is not Role.PHYSICIAN else Role.LAB_TECHNICIAN
    forged = pack(replace(envelope, payload=pack(replace(certificate, role=other))))
    return _uncertified("role_changed", source, world, at=at, forged=forged, device=certificate.device)


def certified_by_another_root(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody exchanged a certificate for one of the same words, made by another organisation's root."""
    at, certificate = _some_certificate(source, world, rng)
    outside = Organisation.make(rng.randrange(1 << 30) + 10_000)
    issuer = rng.choice((certificate.issuer, outside.root.hash, world.organisation.root.hash))
    organisation = rng.choice((certificate.organisation, outside.root.value.organisation))
    forged = issue(replace(certificate, issuer=issuer, organisation=organisation), outside.root_key).wire
    return _uncertified("certified_by_another_root", source, world, at=at, forged=forged, device=certificate.device)


def root_exchanged(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody put another organisation's root, or one with the same words signed anew, in the place of ours."""
    outside = Organisation.make(rng.randrange(1 << 30) + 10_000)
    ours = Signed(Root, source.root_wire).claimed()
    payload = pack(replace(outside.root.value, organisation=ours.organisation, control=ours.control))
    both = outside.root_key.sign(Label.ROOT, payload)
    same_words = pack(Envelope(payload=payload, ed25519=both.ed25519, ml_dsa=both.ml_dsa))
    return Tampering(
        name="root_exchanged",
        source=replace(source, root_wire=rng.choice((outside.root.wire, same_words))),
        kinds=frozenset({K.UNTRUSTED, K.FORGED}),
    )


def _uncertified(
    name: str, source: MemorySource, world: World, *, at: int, forged: bytes, device: DeviceId
) -> Tampering:
    sessions = frozenset(session for session, owner in world.owner.items() if owner == device)
    return Tampering(
        name=name,
        source=replace(source, certificate_wires=exchanged(source.certificate_wires, at, forged)),
        kinds=frozenset({K.UNTRUSTED, K.FORGED}),
        sessions=sessions,
        guilty=frozenset({device}),
    )


def _some_certificate(source: MemorySource, world: World, rng: random.Random) -> tuple[int, Certificate]:
    """The certificate of a device that has written; not the administrator's, on whom everybody hangs."""
    names: dict[CertificateHash, int] = {}
    for at, wire in enumerate(source.certificate_wires):
        names[CertificateHash(Signed(Certificate, wire).hash)] = at
    while True:
        session = header_at(source, some_piece(source, world, rng)).session
        device = pen_of(world, session).device
        if device.certificate.value.role is not Role.ADMIN:
            return names[device.name], device.certificate.value


def _under(source: MemorySource, session: SessionId, number: int) -> Iterator[Place]:
    for index in range(source.size()):
        header = header_at(source, index)
        if header.session == session and header.seal == number:
            yield session, header.seq


def session_cut(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed all that a session wrote from some seal on, seals included; others knew of some of it."""
    vouched = {
        chain: max(source.vouched_by_peers.get(chain, -1), source.receipted.get(chain, -1)) for chain in source.chains
    }
    found = some_chain(source, world, rng, lambda chain, _: vouched[chain] >= 0)
    if found is None:
        return None
    chain, indices = found
    session = chain[1]
    known = [at for at in indices if header_at(source, at).seq <= vouched[chain]]
    first = header_at(source, rng.choice(known)).seal
    gone = [
        at
        for at in range(source.size())
        if header_at(source, at).session == session and header_at(source, at).seal >= first
    ]
    seals = {at for at, seal in seals_of(source, session) if seal.value.number >= first}
    return Tampering(
        name="session_cut",
        source=replace(
            source,
            piece_list=without(source.piece_list, gone),
            seal_wires=without(source.seal_wires, seals),
        ),
        kinds=frozenset({K.GAP}),
        places=frozenset((session, header_at(source, at).seq) for at in gone),
        names=frozenset(source.hashes[at] for at in gone),
        guilty=whose(world, session),
    )


def session_erased(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed all of a session: its record, its seals and its entries. Others had named some of those."""
    found = some_chain(source, world, rng, lambda chain, _: chain in source.vouched_by_peers)
    if found is None:
        return None
    return _erased("session_erased", source, world, frozenset({found[0][1]}))


def device_erased(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed all of a device: its certificate, and every session. Others had named some of its entries."""
    found = some_chain(source, world, rng, lambda chain, _: chain in source.vouched_by_peers)
    if found is None:
        return None
    device = world.owner[found[0][1]]
    if device == world.organisation.admin.certificate.value.device:
        return None  # it vouches for the others
    sessions = frozenset(session for session, owner in world.owner.items() if owner == device)
    if not _named_by_others(source, sessions):
        return None
    erased = _erased("device_erased", source, world, sessions)
    certificates = tuple(
        wire for wire in source.certificate_wires if Signed(Certificate, wire).claimed().device != device
    )
    return replace(erased, source=replace(erased.source, certificate_wires=certificates))


def _named_by_others(source: MemorySource, sessions: frozenset[SessionId]) -> bool:
    """Whether an entry of other sessions, or a meeting that they recorded, names an entry of these."""
    mine = {name for name in source.hashes if source.book[name].session in sessions}
    others = (source.book[name] for name in source.hashes if name not in mine)
    heads = (head for header in others for head in named_in(header))
    met = (one.entry for one in source.witness_list if one.by not in mine)
    return not mine.isdisjoint((*heads, *met))


def _erased(name: str, source: MemorySource, world: World, sessions: frozenset[SessionId]) -> Tampering:
    gone = [at for at in range(source.size()) if header_at(source, at).session in sessions]
    names = frozenset(source.hashes[at] for at in gone)
    return Tampering(
        name=name,
        source=replace(
            source,
            piece_list=without(source.piece_list, gone),
            seal_wires=tuple(w for w in source.seal_wires if Signed(Seal, w).claimed().session not in sessions),
            session_wires=tuple(
                w for w in source.session_wires if Signed(Session, w).claimed().session not in sessions
            ),
            receipt_proofs=tuple(receipt for receipt in source.receipt_proofs if receipt.entry not in names),
        ),
        kinds=frozenset({K.GAP}),
        places=frozenset((header_at(source, at).session, header_at(source, at).seq) for at in gone),
        names=names,
        guilty=whose(world, *sessions),
    )


def garbled(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """A byte of some record, header or checkpoint was changed, dropped or added, as a bad disk might."""
    field = rng.choice([name for name in GARBLED if getattr(source, name)])
    value = getattr(source, field)
    if isinstance(value, bytes):
        changed: object = _noisy(value, rng)
    else:
        at = rng.randrange(len(value))
        item = value[at]
        noisy = replace(item, header=_noisy(item.header, rng)) if isinstance(item, Piece) else _noisy(item, rng)
        changed = exchanged(value, at, noisy)
    change: dict[str, Any] = {field: changed}
    return Tampering(
        name="garbled",
        source=replace(source, **change),
        kinds=frozenset({K.FORGED, K.UNTRUSTED, K.GAP, K.FOREIGN_CHECKPOINT, K.MISSING_LEAF}),
    )


def _noisy(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    flipped = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    return rng.choice((flipped, flipped, flipped, data[:at], data[:at] + data[at + 1 :], data + b"\0", b""))


RECORD_ATTACKS: tuple[Attack, ...] = (
    seal_removed,
    seals_exchanged,
    session_dropped,
    session_cut,
    session_erased,
    device_erased,
    role_changed,
    certified_by_another_root,
    garbled,
)
