"""An organisation in memory: people who write really signed records, each after what it has seen, and no I/O.

    world = OrgWorld.make(1)
    nurse, doctor = world.actor(Role.NURSE), world.actor(Role.PHYSICIAN)
    chart = nurse.create_chart()
    nurse.write(AddMember(certificate=doctor.name, compartments=tuple(Compartment)), chart)
    doctor.see_all()
    reading = world.reading()
    reading.chart(chart).now.members

Whoever should act on less sees less: `actor.see(entry)` brings an entry with everything that it follows. `reading`
takes any entries in any order. The wraps in it are dummies unless a test makes real ones: see `org_keys`.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sync_protocol.certificates import Trust
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import (
    ORGANISATION_KINDS,
    Certify,
    Control,
    CreateChart,
    chart_id,
    content_stream,
    control_stream,
    pack_control,
)
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import (
    CertificateHash,
    ChartId,
    DocumentId,
    EntryHash,
    SealHash,
    SessionId,
    StreamId,
    TeamId,
    UserId,
)
from sync_protocol.judge import Judge
from sync_protocol.organisation import Organisation
from sync_protocol.revocation import Cut, Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Verified
from sync_protocol.signing import HybridSigningKey
from sync_protocol.team_records import CreateTeam, team_id
from tests.support import people
from tests.support.people import YEAR_MS, Clock, Device, DeviceSession, Entropy

DOCUMENT = DocumentId(b"d" * 16)
"""The chart document of every chart here."""
_SIGNED: dict[tuple[bytes, Revocation], bytes] = {}
_DEVICES: dict[tuple[object, ...], Device] = {}
"""Signatures made once: ML-DSA draws its own randomness, and a test must be the same each time it runs."""


class SealBook:
    """The seals that somebody holds."""

    def __init__(self, seals: Iterable[Verified[Seal]] = ()) -> None:
        self._seals: dict[tuple[SessionId, int], dict[bytes, Verified[Seal]]] = {}
        for seal in seals:
            self._seals.setdefault((seal.value.session, seal.value.number), {})[seal.hash] = seal

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """The session's seals of that number."""
        return tuple(self._seals.get((session, number), {}).values())


@dataclass
class Reading:
    """What some entries amount to."""

    world: OrgWorld
    organisation: Organisation
    entries: Sequence[VerifiedEntry]
    seals: SealBook
    _charts: dict[ChartId, ChartHistory] = field(default_factory=dict)

    def chart(self, chart: ChartId) -> ChartHistory:
        """A chart's history."""
        if chart not in self._charts:
            stream = control_stream(chart)
            entries = [self.world.control(one, self.seals) for one in self.entries if one.header.stream == stream]
            self._charts[chart] = ChartHistory(entries, chart, self.organisation)
        return self._charts[chart]

    def judge(self, chart: ChartId, compartment: Compartment = Compartment.CLINICAL) -> Judge:
        """The judge of a chart's content in one compartment."""
        stream = content_stream(chart, DOCUMENT, compartment)
        placed = parents_first(one for one in self.entries if one.header.stream == stream)
        return Judge(self.chart(chart), compartment, placed, authors=self.world.author, seals=self.seals)


def parents_first(entries: Iterable[VerifiedEntry]) -> list[VerifiedEntry]:
    """Entries of one stream in causal order; those that lack a parent are left out, as a store leaves them."""
    waiting = {entry.hash: entry for entry in entries}
    placed: dict[EntryHash, VerifiedEntry] = {}
    while ready := [one for one in waiting.values() if all(name in placed for name in one.header.parents)]:
        for one in ready:
            placed[one.hash] = waiting.pop(one.hash)
    return list(placed.values())


class OrgWorld:
    """Everything that was written, and by whom."""

    def __init__(self, organisation: people.Organisation) -> None:
        self.people = organisation
        self.entries: dict[EntryHash, VerifiedEntry] = {}
        self.covering: dict[EntryHash, Verified[Seal]] = {}
        self.seals: dict[SealHash, Verified[Seal]] = {}
        self.sessions: dict[SessionId, DeviceSession] = {}
        self.actors: list[Actor] = []
        self.finish: Callable[[Actor, Control], Control] = lambda _, record: record
        """What is done to a record before it is written: the dummies in it may be replaced by real wraps."""
        self.admin = Actor(self, organisation.admin)
        self.trust = organisation.trust()

    @classmethod
    def make(cls, seed: int = 1) -> OrgWorld:
        """A world of its own, the same for each seed; its organisation is made once."""
        base = _organisation(seed)
        fresh = copy.copy(base)
        fresh.entropy, fresh.clock = Entropy(seed + 10**6), Clock(base.clock.now_ms)
        fresh.certificates = list(base.certificates)
        fresh.admin = copy.copy(base.admin)
        fresh.admin.organisation = fresh
        return cls(fresh)

    @property
    def control_stream(self) -> StreamId:
        """The organisation's."""
        return self.people.root.value.control

    def actor(
        self,
        role: Role,
        *,
        by: Actor | None = None,
        user: UserId | None = None,
        life_ms: int = YEAR_MS,
        on_record: bool = True,
    ) -> Actor:
        """A new device with its user, certified by an administrator, by default the first.

        Args:
            role: in the certificate.
            by: the administrator that certifies it.
            user: whose it is; by default a new person's.
            life_ms: of the certificate.
            on_record: the administrator puts the certificate on record.
        """
        issuer = by or self.admin
        assert isinstance(issuer.device.key, HybridSigningKey), "administrators certify"
        device = self._device(role, issuer.device.key, issuer.name, user, life_ms)
        self.trust = self.people.trust()
        found = Actor(self, device)
        if on_record:
            found.see(issuer.write(Certify(certificate=device.certificate.wire)))
        return found

    def _device(
        self, role: Role, key: HybridSigningKey, issuer: CertificateHash, user: UserId | None, life_ms: int
    ) -> Device:
        """A device, signed once for all worlds that make the same."""
        certificates = self.people.certificates
        name = (self.people.root.hash, len(certificates), role, issuer, user, life_ms, self.people.clock.now_ms)
        if name not in _DEVICES:
            maker = copy.copy(self.people)
            maker.entropy = Entropy(
                int.from_bytes(hashlib.sha256(repr(tuple(map(str, name))).encode()).digest(), "big")
            )
            maker.clock, maker.certificates = Clock(maker.clock.now_ms), []
            _DEVICES[name] = Device(maker, role, issuer=issuer, issuer_key=key, user=user, life_ms=life_ms)
        device = copy.copy(_DEVICES[name])
        device.organisation = self.people
        certificates.append(device.certificate)
        return device

    def author(self, entry: VerifiedEntry) -> CertificateHash:
        """The principal who wrote an entry."""
        return self.trust.principal(self.sessions[entry.header.session].device.name)

    def control(self, entry: VerifiedEntry, seals: SealBook) -> ControlEntry:
        """A control entry as its reader has it."""
        return read_control(entry, self.author(entry), seals)

    def keep(self, session: DeviceSession, seal: Verified[Seal], entries: Iterable[VerifiedEntry]) -> None:
        """Take in what was written."""
        self.sessions.setdefault(session.id, session)
        self.seals[SealHash(seal.hash)] = seal
        for entry in entries:
            self.entries[entry.hash] = entry
            self.covering[entry.hash] = seal

    def past(self, entries: Iterable[EntryHash]) -> set[EntryHash]:
        """Entries with everything that they follow, in their streams and by the heads that they name."""
        found: set[EntryHash] = set()
        ahead = list(entries)
        while ahead:
            name = ahead.pop()
            if name not in found and name in self.entries:
                found.add(name)
                header = self.entries[name].header
                ahead += [*header.parents, *header.organisation_heads, *header.chart_heads]
        return found

    def seals_of(self, entries: Iterable[VerifiedEntry]) -> SealBook:
        """The seals that travel with entries: a session's without gaps."""
        found: dict[SealHash, Verified[Seal]] = {}
        for entry in entries:
            seal: Verified[Seal] | None = self.covering[entry.hash]
            while seal is not None and SealHash(seal.hash) not in found:
                found[SealHash(seal.hash)] = seal
                previous = seal.value.previous
                seal = None if previous is None else self.seals[previous]
        return SealBook(found.values())

    def reading(self, entries: Iterable[VerifiedEntry] | None = None, *, trust: Trust | None = None) -> Reading:
        """What some entries amount to, in the order in which they are given; by default all."""
        chosen = list(self.entries.values() if entries is None else entries)
        seals = self.seals_of(chosen)
        control = [self.control(one, seals) for one in chosen if one.header.stream == self.control_stream]
        return Reading(self, Organisation(trust or self.trust, control, seals), chosen, seals)

    def cuts(self, *actors: Actor, at: dict[SessionId, int] | None = None) -> dict[SessionId, Cut]:
        """Cuts after the last seals of all sessions of some, or after a seal of that number."""
        mine = [one for one in self.sessions.values() if any(one.device.name == actor.name for actor in actors)]
        found = {}
        for session in mine:
            number = len(session.seals) - 1 if at is None else at.get(session.id, -1)
            if number >= 0:
                found[session.id] = (number, SealHash(session.seals[number].hash))
        return found

    def revocation(self, issuer: Actor | None, subject: Actor, cuts: dict[SessionId, Cut], **changes: Any) -> Revoke:
        """A signed revocation of a device by an administrator, or by the root where there is none."""
        key = self.people.root_key if issuer is None else issuer.device.key
        assert isinstance(key, HybridSigningKey), "revocations are for the long term"
        fields = {"device": subject.device.certificate.value.device, **changes}
        record = Revocation(
            organisation=self.people.root.value.organisation,
            issuer=self.people.root.hash if issuer is None else issuer.name,
            cuts=cuts,
            reason=RevocationReason.STOLEN,
            issued_ms=self.people.clock(),
            **fields,
        )
        name = key.public.ed25519, _frozen(record)
        if name not in _SIGNED:
            _SIGNED[name] = issue_revocation(record, key).wire
        return Revoke(record=_SIGNED[name])


def _frozen(record: Revocation) -> Any:
    return (record.issuer, tuple(sorted(record.cuts.items())), record.issued_ms, record.device, record.user)


@cache
def _organisation(seed: int) -> people.Organisation:
    return people.Organisation.make(seed)


class Actor:
    """A (device, user) at work: it writes in its session, after what it has seen."""

    def __init__(self, world: OrgWorld, device: Device) -> None:
        self.world = world
        self.device = device
        self.session = device.session()
        self.seen: dict[EntryHash, VerifiedEntry] = {}
        self._own: set[EntryHash] = set()
        world.sessions[self.session.id] = self.session
        world.actors.append(self)

    @property
    def name(self) -> CertificateHash:
        """The principal."""
        return self.device.name

    def see(self, *entries: VerifiedEntry) -> None:
        """Receive entries with everything that they follow."""
        names = self.world.past(entry.hash for entry in entries) - self.seen.keys()
        self.seen.update((name, self.world.entries[name]) for name in sorted(names))

    def see_all(self) -> None:
        """Receive everything that there is."""
        self.see(*self.world.entries.values())

    def twin(self) -> Actor:
        """The same device a second time, with the same session: what a thief, or a restored backup, makes of it."""
        found = copy.copy(self)
        found.session, found.seen, found._own = self.session.branch(), dict(self.seen), set(self._own)
        return found

    def restart(self) -> None:
        """Go on in a new session."""
        self.session = self.device.session()
        self.world.sessions[self.session.id] = self.session

    def heads(self, stream: StreamId) -> tuple[EntryHash, ...]:
        """The newest entries of a stream that it has seen."""
        known = [one for one in self.seen.values() if one.header.stream == stream]
        named = {parent for one in known for parent in one.header.parents}
        return tuple(sorted(one.hash for one in known if one.hash not in named))

    def write(self, record: Control | bytes, chart: ChartId | None = None) -> VerifiedEntry:
        """Write a control record, or the bytes of one, to the organisation's stream or a chart's."""
        assert isinstance(record, bytes) or isinstance(record, ORGANISATION_KINDS) is (chart is None), "its stream"
        stream = self.world.control_stream if chart is None else control_stream(chart)
        body = record if isinstance(record, bytes) else pack_control(self.world.finish(self, record))
        chart_heads = () if chart is None else self.heads(stream)
        return self._written(
            stream, body, organisation_heads=self.heads(self.world.control_stream), chart_heads=chart_heads
        )

    def write_content(
        self,
        chart: ChartId,
        compartment: Compartment = Compartment.CLINICAL,
        *,
        chart_heads: Iterable[EntryHash] | None = None,
        organisation_heads: Iterable[EntryHash] | None = None,
        epoch: EntryHash | None = None,
        body: bytes = b"sealed",
    ) -> VerifiedEntry:
        """Write an entry of content; by default it names everything that was seen."""
        own = self.heads(self.world.control_stream) if organisation_heads is None else organisation_heads
        of_chart = self.heads(control_stream(chart)) if chart_heads is None else chart_heads
        return self._written(
            content_stream(chart, DOCUMENT, compartment),
            body,
            organisation_heads=own,
            chart_heads=of_chart,
            epoch=epoch or EntryHash(b"e" * 32),
        )

    def create_chart(self, nonce: bytes = b"n" * 16) -> ChartId:
        """Make a chart."""
        chart = chart_id(self.name, nonce)
        self.write(CreateChart(nonce=nonce, document=DOCUMENT), chart)
        return chart

    def create_team(self, *compartments: Compartment, nonce: bytes = b"t" * 16) -> TeamId:
        """Make a team."""
        self.write(CreateTeam(nonce=nonce, compartments=tuple(sorted(compartments))))
        return team_id(self.name, nonce)

    def _join(self, stream: StreamId) -> None:
        """Follow what others wrote, one branch of each fork; after a fork of the own session, in a new one."""
        if any(one.header.session == self.session.id and name not in self._own for name, one in self.seen.items()):
            self.restart()
        heads = [self.seen[name] for name in self.heads(stream)]
        others = {one.header.session: one for one in heads if one.header.session != self.session.id}
        self.session.see(others.values())

    def _written(self, stream: StreamId, body: bytes, **header: Any) -> VerifiedEntry:
        self._join(stream)
        return self._sealed(stream, body, **header)

    def _sealed(self, stream: StreamId, body: bytes, **header: Any) -> VerifiedEntry:
        seal, entries = self.session.write(stream, [body], **header)
        self._own.add(entries[0].hash)
        self.world.keep(self.session, seal, entries)
        self.seen[entries[0].hash] = entries[0]
        return entries[0]
