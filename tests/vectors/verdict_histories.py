"""Histories for the vectors of verdicts, hostile ones included: really signed, made once and recorded."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sync_protocol.chart_records import AddTeam, Adopt, ConfirmPurge, ProposePurge, PurgeReason, Purpose, SetConsent
from sync_protocol.control import AddMember, SetRole
from sync_protocol.emergency_records import AnnounceRecovery, BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.entries import Draft, VerifiedEntry, seal_batch
from sync_protocol.ids import ChartId, SealHash
from sync_protocol.limits import WRAP_KEY_BYTES
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import AddToTeam, CreateTeam, RemoveFromTeam
from tests.support.org_emergency import announce_glass, announce_recovery, recovered, run
from tests.support.org_keys import mint, rewrap, team_mint
from tests.support.org_world import Actor, OrgWorld
from tests.support.people import YEAR_MS

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
GLASS = BreakGlass(reason=BreakGlassReason.LIFE_THREAT, kit=False, nonce=b"g" * 16)


class Scene:
    """A nurse's chart with a physician; a second nurse, an officer and a stranger, and two administrators."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(7)
        self.admin = self.world.admin
        self.second_admin = self.world.actor(Role.ADMIN)
        self.nurse, self.doctor, self.second, self.officer, self.stranger = (
            self.world.actor(role, by=self.second_admin)
            for role in (Role.NURSE, Role.PHYSICIAN, Role.NURSE, Role.COMPLIANCE_OFFICER, Role.PHYSICIAN)
        )
        self.tell()
        self.chart: ChartId = self.nurse.create_chart()
        self.tell()
        self.add(self.nurse, self.doctor)
        self.add(self.nurse, self.second)

    def tell(self) -> None:
        """Everybody learns everything."""
        for actor in self.world.actors:
            actor.see_all()

    def say(self, by: Actor, record: Any, *, of_chart: bool = True) -> VerifiedEntry:
        """Somebody writes, and everybody learns of it."""
        entry = by.write(record, self.chart if of_chart else None)
        self.tell()
        return entry

    def add(self, by: Actor, whom: Actor, *compartments: Compartment) -> VerifiedEntry:
        """Somebody adds somebody."""
        return self.say(by, AddMember(certificate=whom.name, compartments=compartments or tuple(Compartment)))


def growing() -> Scene:
    """Members, a team, epochs; what does not count, a removal beside an addition, one who is not on record."""
    scene = Scene()
    scene.stranger.write(AddMember(certificate=scene.stranger.name, compartments=(SAFETY,)), scene.chart)
    hidden = scene.world.actor(Role.NURSE, by=scene.second_admin, on_record=False)
    scene.add(scene.nurse, hidden, SAFETY)
    team = scene.doctor.create_team(SAFETY, CLINICAL)
    scene.tell()
    scene.say(scene.doctor, AddToTeam(team=team, certificate=scene.officer.name), of_chart=False)
    scene.say(scene.doctor, AddToTeam(team=team, certificate=scene.stranger.name), of_chart=False)
    pair = (scene.doctor.name, scene.stranger.name)
    seed = scene.say(scene.doctor, team_mint(scene.doctor, team, pair), of_chart=False).hash
    junk = replace(team_mint(scene.doctor, team, pair), public=bytes(WRAP_KEY_BYTES))
    scene.say(scene.doctor, junk, of_chart=False)
    scene.say(scene.doctor, CreateTeam(nonce=b"e" * 16, compartments=()), of_chart=False)
    scene.say(scene.nurse, AddTeam(team=team, compartments=(SAFETY, CLINICAL), from_now_on=True))
    readers = (scene.nurse.name, scene.second.name, seed)
    epoch = scene.say(scene.nurse, mint(scene.nurse, SAFETY, readers))
    scene.say(scene.nurse, mint(scene.nurse, SAFETY, readers[:2]))
    scene.stranger.write_content(scene.chart, SAFETY, epoch=epoch.hash)
    scene.doctor.write(RemoveFromTeam(team=team, certificate=scene.stranger.name))
    scene.stranger.write(AddToTeam(team=team, certificate=scene.second.name))
    scene.tell()
    scene.stranger.write_content(scene.chart, SAFETY, epoch=epoch.hash)
    return scene


def stolen_tablet() -> Scene:
    """Within and outside the cut, a fork below it, a friend let in, an adoption, and who may not adopt."""
    scene = Scene()
    scene.second.write_content(scene.chart)
    thief = scene.second.twin()
    kept = scene.second.write_content(scene.chart)
    cuts = scene.world.cuts(scene.second)
    thief.write_content(scene.chart)
    lost = scene.second.write_content(scene.chart)
    scene.second.write(AddMember(certificate=scene.stranger.name, compartments=tuple(Compartment)), scene.chart)
    scene.second.write(mint(scene.second, CLINICAL, [scene.second.name]), scene.chart)
    scene.stranger.see_all()
    scene.stranger.write_content(scene.chart)
    scene.second.write(Adopt(entries=(lost.hash,)), scene.chart)
    scene.tell()
    scene.admin.write(scene.world.revocation(scene.admin, scene.second, cuts))
    scene.tell()
    scene.doctor.write(Adopt(entries=tuple(sorted((lost.hash, kept.hash)))), scene.chart)
    scene.stranger.write_content(scene.chart)
    scene.nurse.write_content(scene.chart)
    return scene


def stolen_administrator() -> Scene:
    """It revokes everyone, certifies friends and changes roles; one record of its senior undoes that."""
    scene = Scene()
    before = scene.nurse.write_content(scene.chart)
    scene.second_admin.see(before)
    cuts = scene.world.cuts(scene.second_admin)
    for victim in (scene.nurse, scene.doctor, scene.second, scene.admin):
        scene.second_admin.write(scene.world.revocation(scene.second_admin, victim, {}))
    scene.second_admin.write(SetRole(certificate=scene.doctor.name, role=Role.DATA_SCIENTIST))
    fake = scene.world.actor(Role.PHYSICIAN, by=scene.second_admin)
    fake.see_all()
    fake.write(GLASS, scene.chart)
    fake.write_content(scene.chart)
    scene.admin.see_all()
    scene.admin.write(scene.world.revocation(scene.admin, scene.second_admin, cuts))
    scene.nurse.write_content(scene.chart)
    return scene


def roles_and_consents() -> Scene:
    """A role raised by its holder, two side by side, what was not seen, consents, an emergency, a purge."""
    scene = Scene()
    scene.nurse.write(SetRole(certificate=scene.nurse.name, role=Role.PHYSICIAN))
    scene.doctor.write_content(scene.chart)
    scene.admin.write(SetRole(certificate=scene.doctor.name, role=Role.NURSE))
    scene.second_admin.write(SetRole(certificate=scene.doctor.name, role=Role.CLINICAL_ADMIN))
    scene.tell()
    scene.doctor.write_content(scene.chart)
    scene.nurse.write(SetConsent(purpose=Purpose.TREATMENT, permitted=False), scene.chart)
    scene.second.write(SetConsent(purpose=Purpose.TREATMENT, permitted=True), scene.chart)
    scene.second.write_content(scene.chart)
    scene.tell()
    scene.second.write_content(scene.chart)
    glass = scene.say(scene.stranger, GLASS)
    scene.stranger.write_content(scene.chart)
    scene.add(scene.stranger, scene.stranger)
    scene.say(scene.stranger, CloseBreakGlass(record=glass.hash))
    scene.say(scene.nurse, CloseBreakGlass(record=glass.hash))
    scene.add(scene.nurse, scene.officer)
    proposal = scene.say(scene.nurse, ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=9))
    scene.say(scene.officer, ConfirmPurge(proposal=proposal.hash))
    return scene


def hostile() -> Scene:
    """Forged announcements, epochs that are not valid, a wrong Lamport time, older heads."""
    scene = Scene()
    readers = [scene.nurse.name, scene.doctor.name, scene.second.name]
    announce_glass(scene.world, scene.stranger, by_root=False)
    announce_recovery(scene.world, scene.stranger, by_root=False)
    scene.stranger.write(AnnounceRecovery(record=b"x"))
    good = scene.say(scene.nurse, record := mint(scene.nurse, SAFETY, readers))
    scene.say(scene.nurse, record)
    scene.say(scene.nurse, mint(scene.nurse, SAFETY, [*readers, scene.stranger.name]))
    scene.say(scene.nurse, mint(scene.nurse, SENSITIVE, readers))
    scene.world.people.clock.now_ms += 2 * YEAR_MS
    scene.say(scene.doctor, mint(scene.doctor, SAFETY, readers[:1]))
    scene.world.people.clock.now_ms -= 2 * YEAR_MS
    scene.say(scene.nurse, rewrap(good.hash, scene.stranger.name))
    scene.add(scene.nurse, scene.officer, AUDIT)
    scene.say(scene.officer, rewrap(good.hash, scene.stranger.name))
    heads = scene.nurse.heads(scene.world.control_stream)
    first = scene.nurse.write_content(scene.chart, organisation_heads=heads)
    back = scene.nurse.write_content(scene.chart, organisation_heads=heads[:0])
    _after(scene.nurse, back, lamport=first.header.lamport + 7, organisation_heads=heads)
    recovery = announce_recovery(scene.world, scene.admin)
    scene.tell()
    scene.admin.write(recovered(recovery, scene.officer.name))
    scene.admin.write(run(recovery))
    scene.admin.write(recovered(recovery, scene.stranger.name))
    return scene


def _after(actor: Actor, entry: VerifiedEntry, **changes: Any) -> None:
    """An entry that a device signs after one of its own, with a header that no honest device makes."""
    session = actor.session
    header = replace(
        entry.header, seq=entry.header.seq + 1, prev=entry.hash, seal=len(session.seals), deps={}, **changes
    )
    seal, entries = seal_batch(
        [Draft(header=header, body=entry.body)],
        session=session.record.value,
        number=header.seal,
        previous=SealHash(session.seals[-1].hash),
        signer=actor.device.signer,
    )
    session.seals.append(seal)
    actor.world.keep(session, seal, entries)


HISTORIES: dict[str, Callable[[], Scene]] = {
    "members, a team, epochs, a removal beside an addition": growing,
    "a stolen tablet: within and outside the cut, a fork below it, an adoption": stolen_tablet,
    "a stolen administrator's tablet that revokes everyone": stolen_administrator,
    "roles, consents, an emergency, a purge": roles_and_consents,
    "forged announcements, wrong epochs, a wrong Lamport time, older heads": hostile,
}


def record() -> bytes:
    """All histories, as they are recorded: compressed JSON; what several of them share stands there once, by hash."""
    content: dict[str, Any] = {"certificates": {}, "sessions": {}, "seals": {}, "entries": {}, "histories": []}
    for name, make in HISTORIES.items():
        world = (scene := make()).world
        content["root"] = world.people.root.wire.hex()
        parts: dict[str, dict[str, Any]] = {
            "certificates": {one.hash.hex(): one.wire.hex() for one in world.people.certificates},
            "sessions": {one.record.hash.hex(): one.record.wire.hex() for one in world.sessions.values() if one.seals},
            "seals": {one.hash.hex(): one.wire.hex() for one in world.seals.values()},
            "entries": {one.hash.hex(): _written(one) for one in world.entries.values()},
        }
        for part, found in parts.items():
            content[part].update(found)
        listed = {part: [*found] for part, found in parts.items()}
        content["histories"].append({"name": name, "chart": scene.chart.hex()} | listed)
    return lzma.compress(json.dumps(content).encode(), preset=9)


def _written(entry: VerifiedEntry) -> dict[str, Any]:
    return {
        "header": entry.wire.header.hex(),
        "body": entry.wire.body.hex(),
        "index": entry.wire.index,
        "path": [step.hex() for step in entry.wire.path],
    }
