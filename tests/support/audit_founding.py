"""The beginning of an audit world: an organisation, its twelve devices with their clocks, their ledgers and charts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property

from sync_protocol import control
from sync_protocol.entries import Header, VerifiedEntry
from sync_protocol.ids import (
    ChartId,
    DeviceId,
    DocumentId,
    EntryHash,
    Hash,
    InvitationId,
    SealHash,
    SessionId,
    StreamId,
)
from sync_protocol.roles import Compartment, Role
from tests.support.audit_actors import Actor, Backup, DeviceClock, Writing, some_clock
from tests.support.audit_log import RelayLog
from tests.support.charts import mint
from tests.support.people import START_MS, Device, Organisation


@dataclass(frozen=True, slots=True)
class WorldChart:
    """A chart, or a ledger.

    Attributes:
        ready: the index of its last founding entry: who holds that may write in it.
    """

    id: ChartId
    document: DocumentId
    members: tuple[Actor, ...]
    epochs: dict[Compartment, EntryHash]
    ready: int

    @property
    def control(self) -> StreamId:
        """Its control stream."""
        return control.control_stream(self.id)

    @property
    def streams(self) -> tuple[StreamId, ...]:
        """All of its streams."""
        content = (control.content_stream(self.id, self.document, compartment) for compartment in Compartment)
        return (self.control, *content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What kind of history is to be made.

    Attributes:
        size: entries at least.
        charts: how many.
        skewed: whether clocks are wrong.
        restores: how many devices come back from a backup, each of which forks a session.
    """

    size: int
    charts: int = 8
    skewed: bool = True
    restores: int = 0


@dataclass(eq=False)
class Founding:
    """An organisation that is ready to work, and what its history becomes.

    Attributes:
        entries: all of them, as they were written.
        relay_order: the indices of those that the relay has, in the order of its log.
        seal_of: under which seal each entry stands.
        forked: the sessions that a restore made two histories of.
    """

    seed: int
    plan: Plan
    organisation: Organisation = field(init=False)
    entries: list[VerifiedEntry] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    charts: list[WorldChart] = field(default_factory=list)
    ledgers: dict[str, WorldChart] = field(default_factory=dict)
    relay_order: list[int] = field(default_factory=list)
    log_index: dict[int, int] = field(default_factory=dict)
    forked: set[SessionId] = field(default_factory=set)
    control_streams: set[StreamId] = field(default_factory=set)
    seal_of: dict[EntryHash, SealHash] = field(default_factory=dict)
    now_ms: int = START_MS + 3_600_000

    def __post_init__(self) -> None:
        """Found the organisation."""
        self.rng = random.Random(f"audit-world/{self.seed}")
        self.organisation = Organisation.make(self.seed)
        self.log = RelayLog(self.organisation.note_key)
        self.sides: dict[str, int] = {}
        self.backups: list[tuple[Actor, Backup, int]] = []

    @property
    def officer(self) -> Actor:
        """The compliance officer's device."""
        return next(actor for actor in self.actors if actor.name == "officer")

    @cached_property
    def owner(self) -> dict[SessionId, DeviceId]:
        """Which device each session is of, once the history is over."""
        return {pen.id: actor.device.certificate.value.device for actor in self.actors for pen in actor.pens}

    @property
    def clocks(self) -> dict[SessionId, DeviceClock]:
        """By which clock each session wrote."""
        return {pen.id: pen.clock for actor in self.actors for pen in actor.pens}

    @cached_property
    def book(self) -> dict[EntryHash, Header]:
        """All headers by name, once the history is over."""
        return {entry.hash: entry.header for entry in self.entries}

    # ------------------------------------------------------------------------------------------------- founding

    def found(self) -> None:
        """Enrol the devices; each has a ledger, and half of the charts are there from the start."""
        organisation = self.organisation
        self.control_streams.add(organisation.root.value.control)
        people = [("admin", organisation.admin), ("officer", organisation.device(Role.COMPLIANCE_OFFICER))]
        people += [(f"kit-{n}", organisation.device(Role.CLINICAL_ADMIN)) for n in (1, 2)]
        people += [("nurse", organisation.device(Role.NURSE))]
        people += [(f"doctor-{n}", organisation.device(Role.PHYSICIAN)) for n in range(1, 8)]
        for name, device in people:
            self._enrol(name, device)
        admin = self.actors[0]
        # Invitations, because the bytes of certificates and relay records are not the same in two runs.
        records = [
            control.Invite(
                invitation=InvitationId(organisation.entropy(16)),
                role=device.certificate.value.role,
                expires_ms=self.now_ms,
                proof=Hash(organisation.entropy(32)),
            )
            for _, device in people
        ]
        bodies = [Writing(organisation.root.value.control, control.pack_control(record)) for record in records]
        self.write(admin, bodies)
        for actor in self.actors[1:]:
            admin.hand_over(actor, true_ms=self.now_ms, share=1)
        for actor in self.actors:
            self.ledgers[actor.name] = self._found_chart(actor, (self.officer,), ledger=True)
        for _ in range(self.plan.charts // 2):
            self._new_chart()

    def _enrol(self, name: str, device: Device) -> None:
        clock = some_clock(self.rng, self.now_ms) if self.plan.skewed else DeviceClock(self.now_ms)
        everything = name in {"officer", "kit-1", "kit-2"}
        streams = None if everything else {self.organisation.root.value.control}
        actor = Actor(name, device, clock, self.entries, streams, self.control_streams)
        actor.start(self.now_ms)
        self.actors.append(actor)

    def _new_chart(self) -> None:
        creator = self.rng.choice(self.actors[4:])
        others = [actor for actor in self.actors[2:] if actor is not creator]
        kits, rest = others[:2], others[2:]
        self.charts.append(self._found_chart(creator, (*kits, *self.rng.sample(rest, self.rng.randint(2, 5)))))

    def _found_chart(self, creator: Actor, others: tuple[Actor, ...], *, ledger: bool = False) -> WorldChart:
        entropy = self.organisation.entropy
        nonce = control.LEDGER_NONCE if ledger else entropy(16)
        document = control.LEDGER_DOCUMENT if ledger else DocumentId(entropy(16))
        members = (creator, *others)
        compartments = (Compartment.AUDIT,) if ledger else tuple(Compartment)
        records: list[control.Control] = [control.CreateChart(nonce=nonce, document=document)]
        records += [control.AddMember(certificate=one.device.name, compartments=compartments) for one in others]
        records += [mint(creator.pen, one, [member.device for member in members]) for one in compartments]
        chart_id = control.chart_id(creator.device.name, nonce)
        stream = control.control_stream(chart_id)
        self.control_streams.add(stream)
        written = self.write(creator, [Writing(stream, control.pack_control(record)) for record in records])
        minted = written[-len(compartments) :]
        epochs = {compartment: entry.hash for compartment, entry in zip(compartments, minted, strict=True)}
        chart = WorldChart(chart_id, document, members, epochs, len(self.entries) - 1)
        for member in members:
            if member.streams is not None:
                member.streams.update(chart.streams)
        return chart

    def write(self, actor: Actor, writings: list[Writing], *, pause_ms: int = 1) -> tuple[VerifiedEntry, ...]:
        """Let a device write under one seal."""
        stream = self.organisation.root.value.control
        entries = actor.write(writings, true_ms=self.now_ms, organisation_stream=stream, pause_ms=pause_ms)
        self.seal_of.update(dict.fromkeys((entry.hash for entry in entries), SealHash(actor.pen.seals[-1].hash)))
        return entries
