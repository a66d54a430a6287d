"""Batches for the tests of packs: what an organisation writes, and everything odd that may stand among it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from sync_protocol.encoding import decode, encode
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.intake import Intake, Proofs
from sync_protocol.labels import Label
from sync_protocol.memory_store import MemoryStore
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.pack_reading import read_pack
from sync_protocol.packs import split_packs
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import Envelope, Verified
from tests.support.people import DeviceSession, Organisation


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, in an order in which a relay may have logged it."""

    organisation: Organisation
    sessions: tuple[DeviceSession, ...]
    seals: tuple[Verified[Seal], ...]
    entries: tuple[VerifiedEntry, ...]

    @property
    def proofs(self) -> Proofs:
        """Everything that the entries need."""
        return Proofs(
            certificates=tuple(certificate.wire for certificate in self.organisation.certificates),
            sessions=tuple(dict.fromkeys(session.record.wire for session in self.sessions)),
            seals=tuple(dict.fromkeys(seal.wire for seal in self.seals)),
        )

    @property
    def wires(self) -> list[WireEntry]:
        """The entries as they travel."""
        return [entry.wire for entry in self.entries]


def write(seed: int, *, batches: int = 12, forks: bool = True, most: int = 5) -> Written:
    """Some devices write to some streams, each having read what is before it, or not; some are restored from backups.

    Args:
        seed: everything follows from it.
        batches: so many seals.
        forks: whether devices are restored.
        most: entries in one stream under one seal.
    """
    draw, organisation = random.Random(seed), Organisation.make(seed)
    sessions = [organisation.device(Role.NURSE).session() for _ in range(draw.randint(1, 4))]
    streams = [organisation.stream() for _ in range(draw.randint(1, 3))]
    heads: list[EntryHash] = [EntryHash(organisation.entropy(32))]
    seals: list[Verified[Seal]] = []
    entries: list[VerifiedEntry] = []
    for _ in range(batches):
        session = draw.choice(sessions)
        if forks and draw.random() < 0.15:
            sessions.append(session.branch())
        _read(session, entries, draw)
        organisation.clock.now_ms += draw.choice([0, 5, 90_000, 3 * 86_400_000])
        chosen = [draw.choice(streams) for _ in range(draw.randint(1, most))]
        seal, new = session.write_all(
            [(stream, organisation.entropy(draw.choice([0, 1, 40, 200]))) for stream in chosen],
            epoch=draw.choice([None, EntryHash(heads[0])]),
            organisation_heads=draw.sample(heads, draw.randint(0, min(2, len(heads)))),
            chart_heads=draw.sample(heads, draw.randint(0, min(2, len(heads)))),
        )
        seals.append(seal)
        entries += new
        heads.append(new[0].hash)
    return Written(organisation, tuple(sessions), tuple(seals), tuple(entries))


def _read(session: DeviceSession, entries: list[VerifiedEntry], draw: random.Random) -> None:
    """The session reads others' newest entries, or older ones: their authors were offline."""
    known = entries[: draw.randint(0, len(entries))]
    last = {(entry.header.session, entry.header.stream): entry for entry in known if entry.header.session != session.id}
    session.see(entry for entry in last.values() if draw.random() < 0.7)


def with_odd_ones(written: Written, seed: int) -> tuple[Proofs, list[WireEntry]]:
    """The same with bytes that columns do not fit: newer versions' keys, destroyed bodies, damage, and nonsense."""
    draw, wires, seals = random.Random(seed), written.wires, list(written.proofs.seals)
    for at in draw.sample(range(len(wires)), min(len(wires), draw.randint(0, 6))):
        wires[at] = draw.choice([newer, stripped, bent, lengthened, nonsense])(wires[at])
    for _ in range(draw.randint(0, 3)):
        at = draw.randrange(len(seals))
        seals[at] = draw.choice([newer_seal(written, seals[at]), b"\x00", seals[at][:-1] + b"\x01"])
    wires += draw.sample(wires, draw.randint(0, 3))
    draw.shuffle(seals)
    return replace(written.proofs, seals=tuple(seals)), wires


def newer(wire: WireEntry) -> WireEntry:
    """With a key of a newer version in its header."""
    fields = decode(wire.header)
    assert isinstance(fields, dict)
    return replace(wire, header=encode({**fields, 64: "ß"}))


def stripped(wire: WireEntry) -> WireEntry:
    """With its body destroyed."""
    return replace(wire, body=b"")


def bent(wire: WireEntry) -> WireEntry:
    """With another index, to which its path does not belong."""
    return replace(wire, index=4096 - wire.index)


def lengthened(wire: WireEntry) -> WireEntry:
    """With a path that is too long, or another."""
    return replace(wire, path=(*wire.path, Hash(bytes(32)))[-12:])


def nonsense(wire: WireEntry) -> WireEntry:
    """With a header that is none."""
    return replace(wire, header=b"\xff" + wire.header[1:])


def newer_seal(written: Written, wire: bytes) -> bytes:
    """With a key of a newer version in its payload, signed by the first device."""
    seal = Verified.from_store(Seal, written.seals[0].wire)
    fields = decode(pack(seal.value))
    assert isinstance(fields, dict)
    payload = encode({**fields, 64: len(wire)})
    signature = written.sessions[0].device.signer.sign(Label.SEAL, payload)
    return pack(Envelope(payload=payload, ed25519=signature))


def packed(proofs: Proofs, wires: list[WireEntry]) -> list[Pack]:
    """As it would travel."""
    return list(split_packs(proofs, [PackedEntry.of(wire) for wire in wires]))


def opened(packs: list[Pack]) -> tuple[Proofs, list[WireEntry]]:
    """What packs stand for, together."""
    found = [read_pack(one) for one in packs]
    return sum((proofs for proofs, _ in found), Proofs()), [wire for _, wires in found for wire in wires]


def taken(organisation: Organisation, proofs: Proofs, wires: list[WireEntry]) -> tuple[set[bytes], set[bytes]]:
    """What the intake of somebody who knows only the certificates takes: seals, and entries."""
    checked = Intake(organisation.trust(), MemoryStore()).check(proofs, wires)
    return {seal.wire for seal in checked.seals}, {pack(entry.wire) for entry in checked.entries}
