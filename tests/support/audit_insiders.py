"""What somebody who holds a key may do: the author of the entries, a colleague, a stranger with a root of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from sync_protocol.certificates import Session
from sync_protocol.entries import Header
from sync_protocol.ids import Hash, SessionId
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import Envelope, Verified
from tests.support.audit_sealing import added, pen_of, sealed, seals_of
from tests.support.audit_source import Chain, MemorySource
from tests.support.audit_tampering import (
    Attack,
    K,
    Tampering,
    exchanged,
    header_at,
    some_piece,
    whose,
)
from tests.support.audit_world import World
from tests.support.people import DeviceSession, Organisation

HOUR_MS = 3_600_000


# ------------------------------------------------------------------------------------------- by the device itself


def back_dated_by_its_author(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A device's user set its clock back by hours, wrote, and signed it."""
    end = source.chains[_chain_of(source, some_piece(source, world, rng))][-1]
    header = header_at(source, end)
    pen = pen_of(world, header.session)
    seals = seals_of(source, header.session)
    newest = max(header_at(source, at).wall_ms for chain, at in _ends(source) if chain[1] == header.session)
    wall_ms = min(newest, header.wall_ms) - rng.randint(1, 48) * HOUR_MS
    entry = replace(_following(source, end), wall_ms=wall_ms), rng.randbytes(64)
    seal, entries = sealed([entry], session=pen.record.value, previous=seals[-1][1], signer=pen.device.signer)
    return Tampering(
        name="back_dated_by_its_author",
        source=added(source, world, seal, entries, after=end),
        kinds=frozenset({K.TIME_TRAVEL}),
        places=frozenset({(header.session, header.seq + 1)}),
        guilty=whose(world, header.session),
    )


def back_dated_in_another_stream(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """A device's user set its clock back and wrote in a stream in which this session had written nothing."""
    spans: dict[SessionId, tuple[int, int]] = {}
    for name in source.hashes:
        header = source.book[name]
        low, high = spans.get(header.session, (header.wall_ms, header.wall_ms))
        spans[header.session] = min(low, header.wall_ms), max(high, header.wall_ms)
    # Long enough that the entry is dated after its session's start: only the order of seals can tell.
    long = sorted(
        session for session, (low, high) in spans.items() if high - low > 2 * HOUR_MS and session not in world.forked
    )
    streams = sorted({stream for stream, _ in source.chains})
    choices = [(stream, session) for session in long for stream in streams if (stream, session) not in source.chains]
    if not choices:
        return None
    stream, session = rng.choice(choices)
    low, high = spans[session]
    pen = pen_of(world, session)
    header = Header(
        stream=stream,
        session=session,
        seq=0,
        deps={},
        organisation_heads=(),
        chart_heads=(),
        lamport=1,
        wall_ms=rng.randint(low, high - HOUR_MS),
        body_hash=Hash(bytes(32)),
        body_size=0,
        seal=0,
    )
    seal, entries = sealed(
        [(header, rng.randbytes(64))],
        session=pen.record.value,
        previous=seals_of(source, session)[-1][1],
        signer=pen.device.signer,
    )
    return Tampering(
        name="back_dated_in_another_stream",
        source=added(source, world, seal, entries, after=rng.choice((-1, source.size() - 1))),
        kinds=frozenset({K.TIME_TRAVEL}),
        places=frozenset({(session, at) for at in _numbers(source, session)}),
        guilty=whose(world, session),
    )


def walked_back(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A device's user set its clock back a minute and more at each entry, and so came hours into the past."""
    end = source.chains[_chain_of(source, some_piece(source, world, rng))][-1]
    header = header_at(source, end)
    pen = pen_of(world, header.session)
    newest = max(header_at(source, at).wall_ms for chain, at in _ends(source) if chain[1] == header.session)
    wall_ms = newest
    drafts: list[tuple[Header, bytes]] = []
    following = _following(source, end)
    for step in range(rng.randint(40, 80)):
        wall_ms -= rng.randint(70_000, 110_000)
        number, lamport = following.seq + step, following.lamport + step
        drafts.append((replace(following, seq=number, lamport=lamport, wall_ms=wall_ms), b"filler"))
    seal, entries = sealed(
        drafts,
        session=pen.record.value,
        previous=seals_of(source, header.session)[-1][1],
        signer=pen.device.signer,
    )
    return Tampering(
        name="walked_back",
        source=added(source, world, seal, entries, after=end),
        kinds=frozenset({K.TIME_TRAVEL}),
        sessions=frozenset({header.session}),
        guilty=whose(world, header.session),
    )


def two_histories(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A device signed another entry at a place where it had signed one already."""
    index = some_piece(source, world, rng)
    header = header_at(source, index)
    pen = pen_of(world, header.session)
    wall_ms = max(header_at(source, at).wall_ms for chain, at in _ends(source) if chain[1] == header.session)
    seal, entries = sealed(
        [(replace(header, wall_ms=wall_ms), rng.randbytes(64))],
        session=pen.record.value,
        previous=seals_of(source, header.session)[-1][1],
        signer=pen.device.signer,
    )
    return Tampering(
        name="two_histories",
        source=added(source, world, seal, entries, after=index),
        kinds=frozenset({K.FORK}),
        places=frozenset({(header.session, header.seq)}),
        guilty=whose(world, header.session),
    )


def two_seals(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A device signed a second seal of a number, over an entry that no other branch has."""
    end = source.chains[_chain_of(source, some_piece(source, world, rng))][-1]
    header = header_at(source, end)
    pen = pen_of(world, header.session)
    seals = [seal for _, seal in seals_of(source, header.session)]
    twin = rng.randrange(min(header.seal + 1, len(seals) - 1), len(seals))
    seal, entries = sealed(
        [
            (
                replace(header, seq=header.seq + 1, prev=source.hashes[end], deps={}, lamport=header.lamport + 1),
                rng.randbytes(64),
            )
        ],
        session=pen.record.value,
        previous=seals[twin - 1] if twin else None,
        signer=pen.device.signer,
    )
    return Tampering(
        name="two_seals",
        source=added(source, world, seal, entries, after=end),
        kinds=frozenset({K.FORK}),
        sessions=frozenset({header.session}),
        guilty=whose(world, header.session),
    )


# ------------------------------------------------------------------------------------------- by somebody else


def inserted_by_a_stranger(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody outside the organisation wrote an entry and brought its session, seal and, perhaps, certificate."""
    outside = Organisation.make(rng.randrange(1 << 30) + 10_000)
    stranger = DeviceSession(outside.device(Role.PHYSICIAN))
    stream = header_at(source, some_piece(source, world, rng)).stream
    seal, entries = stranger.write(stream, [rng.randbytes(64)])
    tampered = added(source, world, seal, entries, after=source.size() - 1)
    certificates = (stranger.device.certificate.wire,) if rng.random() < 0.5 else ()
    return Tampering(
        name="inserted_by_a_stranger",
        source=replace(
            tampered,
            session_wires=(*source.session_wires, stranger.record.wire),
            certificate_wires=(*source.certificate_wires, *certificates),
        ),
        kinds=frozenset({K.UNTRUSTED}),
        places=frozenset({(stranger.id, 0)}),
        sessions=frozenset({stranger.id}),
        guilty=frozenset({stranger.device.certificate.value.device}),
    )


def inserted_by_another_member(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A member continued a colleague's chain, with a seal in the colleague's name under the member's own key."""
    end = source.chains[_chain_of(source, some_piece(source, world, rng))][-1]
    header = header_at(source, end)
    victim = pen_of(world, header.session)
    thief = rng.choice([actor.device for actor in world.actors if actor.device is not victim.device])
    seal, entries = sealed(
        [
            (
                replace(header, seq=header.seq + 1, prev=source.hashes[end], deps={}, lamport=header.lamport + 1),
                rng.randbytes(64),
            )
        ],
        session=victim.record.value,
        previous=seals_of(source, header.session)[-1][1],
        signer=thief.signer,
    )
    return Tampering(
        name="inserted_by_another_member",
        source=added(source, world, seal, entries, after=end),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(header.session, header.seq + 1)}),
        sessions=frozenset({header.session}),
        guilty=whose(world, header.session),
    )


def session_taken_over(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """A member signed a colleague's session record anew."""
    at = rng.randrange(len(source.session_wires))
    record = Verified.from_store(Session, source.session_wires[at]).value
    owner = world.owner[record.session]
    thief = rng.choice([a.device for a in world.actors if a.device.certificate.value.device != owner])
    payload = pack(replace(record, started_ms=record.started_ms + 1))
    forged = pack(Envelope(payload=payload, ed25519=thief.signer.sign(Label.SESSION, payload)))
    return Tampering(
        name="session_taken_over",
        source=replace(source, session_wires=exchanged(source.session_wires, at, forged)),
        kinds=frozenset({K.FORGED}),
        sessions=frozenset({record.session}),
        guilty=frozenset({owner}),
    )


def _following(source: MemorySource, end: int) -> Header:
    """The header of an entry that continues a chain behind the piece at `end`."""
    header = header_at(source, end)
    return replace(header, seq=header.seq + 1, prev=source.hashes[end], deps={}, lamport=header.lamport + 1)


def _chain_of(source: MemorySource, index: int) -> Chain:
    header = header_at(source, index)
    return header.stream, header.session


def _ends(source: MemorySource) -> Iterator[tuple[Chain, int]]:
    return ((chain, indices[-1]) for chain, indices in source.chains.items())


def _numbers(source: MemorySource, session: SessionId) -> frozenset[int]:
    return frozenset(
        header_at(source, at).seq for chain, at_all in source.chains.items() if chain[1] == session for at in at_all
    )


INSIDER_ATTACKS: tuple[Attack, ...] = (
    back_dated_by_its_author,
    back_dated_in_another_stream,
    walked_back,
    two_histories,
    two_seals,
    inserted_by_a_stranger,
    inserted_by_another_member,
    session_taken_over,
)
