"""The world that every seed begins with: an organisation at work, made once a process and copied for each seed.

Owns who is there: a founding administrator, two physicians, a nurse, an emergency responder's kit and a compliance
officer; a care team, and charts that are shared in different ways. Devices are certified by the administrator's word
on the organisation's stream, as approval does; the invitations before it are other tests' concern.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from edge_runtime.blobs.policy import Fetch
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.enrolment.organisation import certify_self, found_organisation
from edge_runtime.facts import Fact
from edge_runtime.identity import ORGANISATION_KEYS, DeviceKeys, enrol, new_session
from sync_protocol.certificates import Certificate, RelayRecord, issue
from sync_protocol.control import AnnounceRelay, Certify
from sync_protocol.ids import DeviceId, Hash, UserId
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey
from tests.simulation.clock import Entropy, Time
from tests.simulation.device import SimDevice
from tests.simulation.network import RelayLink, Sky, Weather
from tests.simulation.relay import ADDRESS, SimRelay, copy_relay
from tests.simulation.words import NAMES

ADMIN: Final = "admin"
PEOPLE: Final = {
    "doctor": Role.PHYSICIAN,
    "nurse": Role.NURSE,
    "second": Role.PHYSICIAN,
    "kit": Role.EMERGENCY_RESPONDER,
    "officer": Role.COMPLIANCE_OFFICER,
}
_LIFE_MS: Final = 20 * 365 * 24 * 3600 * 1000
"""Of certificates: clocks jump, and their end is other tests' concern."""
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Template:
    """Where the beginning lies, and what of it is known.

    Attributes:
        folder: `relay`, `empty` (the relay as it was claimed, with nothing in its log) and one folder a device.
        organisation: the organisation's file.
        now_ms: the true time when it was done.
    """

    folder: Path
    organisation: bytes
    now_ms: int

    def copy(self, folder: Path) -> None:
        """Copy everything for one seed."""
        shutil.copytree(self.folder, folder)


def no_fault(_kind: str) -> None:
    """While the template is made, nothing goes wrong."""


def make_template(folder: Path) -> Template:
    """Make the organisation, its devices and its relay, and let everybody sync."""
    time = Time()
    sky = Sky(time, random.Random(0), fault=no_fault, seen=lambda _: None, meanwhile=lambda _: None)
    relays: list[SimRelay] = []

    def dial(device: SimDevice) -> Any:
        return RelayLink(sky, device, relays[0], Weather())

    def machine(name: str) -> SimDevice:
        made = SimDevice(name, folder / name, time=time, seed=f"template/{name}", fault=no_fault, dial=dial)
        made.start()
        return made

    admin = machine(ADMIN)
    file = found_organisation(admin.store, clock=admin.clock, entropy=Entropy("template/founding"))
    certify_self(admin.runtime.recorder, admin.runtime.identity)
    organisation = pack(file)
    relay = SimRelay(folder / "relay", organisation, time=time, seed="template/relay", fault=no_fault)
    relay.folder.mkdir()
    relay.start()
    _claim(admin, relay, time)
    relay.stop()
    copy_relay(folder / "relay", folder / "empty")
    relay.start()
    relays.append(relay)
    devices = {name: machine(name) for name in PEOPLE}
    for name, role in PEOPLE.items():
        _certify(admin, devices[name], role, time)
    everybody = [admin, *devices.values()]
    _settle(everybody, time)
    _begin_work(devices, everybody, time)
    for device in everybody:
        device.stop()
    relay.stop()
    return Template(folder, organisation, time.now_ms)


def _claim(admin: SimDevice, relay: SimRelay, time: Time) -> None:
    """The root's word for the relay."""
    seeds = admin.store.get_value(ORGANISATION_KEYS)
    assert seeds is not None, "the founder holds the root's keys"
    identity = relay.services.identity
    record = sign_hybrid(
        RelayRecord(
            organisation=admin.runtime.identity.root.value.organisation,
            ed25519=identity.key.public,
            origin=identity.origin,
            addresses=(ADDRESS,),
            issued_ms=time.now_ms,
            cosigner=identity.cosigner,
        ),
        HybridSigningKey(seeds),
        Label.RELAY,
    )
    identity.claim(record.wire)
    batch = admin.runtime.recorder.begin()
    batch.organisation_control(AnnounceRelay(record=record.wire))
    admin.runtime.recorder.write(batch)


def _certify(admin: SimDevice, made: SimDevice, role: Role, time: Time) -> None:
    """Make a device a member, as approval of its request does."""
    time.passes(1000)
    entropy = Entropy(f"template/{made.name}/keys")
    administrator = admin.runtime.identity
    keys = DeviceKeys.make(entropy, administrator=False)
    assert administrator.keys.administrator is not None, "an administrator certifies"
    certificate = issue(
        Certificate(
            organisation=administrator.root.value.organisation,
            device=DeviceId(entropy(16)),
            user=UserId(entropy(16)),
            role=role,
            ed25519=keys.signer.public,
            wrap=bytes(keys.wrap.public),
            issuer=Hash(administrator.name),
            issued_ms=time.now_ms,
            not_after_ms=time.now_ms + _LIFE_MS,
            ml_dsa=None,
        ),
        administrator.keys.administrator,
    )
    batch = admin.runtime.recorder.begin()
    batch.organisation_control(Certify(certificate=certificate.wire))
    admin.runtime.recorder.write(batch, also=lambda writer: writer.put_certificate(certificate))
    administrator.trust.restore(certificate)
    chain = (administrator.chain[0], certificate)
    session = new_session(keys, certificate, now_ms=time.now_ms, entropy=entropy)
    with made.store.writing() as writer:
        for one in chain:
            writer.put_certificate(one)
        keys.save(writer)
        enrol(writer, root=administrator.root, chain=chain, session=session)


def _settle(everybody: list[SimDevice], time: Time) -> None:
    for _ in range(_ROUNDS):
        moved = 0
        for device in everybody:
            time.passes(60_000)
            report = device.runtime.connections.sync_once(ADDRESS)
            moved += report.sent + report.received
        if not moved:
            return


def fact(kind: str, **payload: Any) -> Fact:
    """A fact that supersedes what its author sees."""
    return Fact(kind=kind, payload=payload, supersedes=())


def _begin_work(devices: dict[str, SimDevice], everybody: list[SimDevice], time: Time) -> None:
    """A team, and charts that are shared in different ways."""
    doctor, nurse, second = devices["doctor"].runtime, devices["nurse"].runtime, devices["second"].runtime

    def id_of(name: str) -> str:
        return str(devices[name].runtime.identity.certificate.device)

    first, _ = doctor.charts.create([fact("identity", name=NAMES[0])], workflow=WorkflowType.ENCOUNTER)
    _settle(everybody, time)
    team = doctor.teams.create("ward", sensitive=False)
    _settle(everybody, time)
    doctor.teams.add(team, id_of("nurse"))
    doctor.teams.add(team, id_of("kit"))
    doctor.access.share_with_team(first, team)
    other, _ = second.charts.create([fact("identity", name=NAMES[1])], workflow=WorkflowType.CARE_PLAN)
    second.charts.share(other, id_of("doctor"))
    second.charts.share(other, id_of("nurse"))
    third, _ = nurse.charts.create([fact("identity", name=NAMES[2])], workflow=WorkflowType.ENCOUNTER)
    nurse.charts.share(third, id_of("second"))
    for device in devices.values():
        stock = device.runtime.attachments.stock
        stock.decide(replace(stock.policy, fetch=Fetch.NONE))  # a file lies where it was attached, and where it is read
    _settle(everybody, time)
    _settle(everybody, time)


Make = Callable[[Path], Template]
