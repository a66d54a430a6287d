"""An organisation with devices as enrolment leaves them: real stores, real keys, no network.

clinic = Clinic(tmp_path)
nurse = clinic.device(Role.NURSE)
chart, (document, encounter) = nurse.charts.create((), workflow=WorkflowType.ENCOUNTER)
relay = clinic.start_relay()
nurse.sync(relay)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from edge_runtime.charts import Charts
from edge_runtime.cli.chart_text import chart_json
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.documents import DocumentReader
from edge_runtime.enrolment.organisation import certify_self, found_organisation
from edge_runtime.events import Event, Events
from edge_runtime.facts import Fact
from edge_runtime.identity import ORGANISATION_KEYS, DeviceKeys, enrol, load_identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.again import ask_again
from edge_runtime.sync.client import SyncClient, SyncReport
from edge_runtime.sync.intake import Receiver, Taken
from edge_runtime.transports.link import Link
from edge_runtime.vault.keys import DataKey
from sync_protocol.certificates import Certificate, RelayRecord, issue
from sync_protocol.control import Certify
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, Hash, SessionId, UserId
from sync_protocol.intake import Proofs
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey
from sync_protocol.store import walk_seals
from tests.support.people import ORIGIN, START_MS, YEAR_MS, Clock, Entropy
from tests.unit.edge_runtime.relay_shell import RelayShell

ADDRESS: Final = "https://relay.example:443"
DATA_KEY: Final = DataKey(bytes(range(32)))


def fact(kind: str, **payload: Any) -> Fact:
    """A fact that supersedes what its author sees."""
    return Fact(kind=kind, payload=payload, supersedes=())


class Device:
    """A device at work; `restart` reads everything anew from its store."""

    def __init__(self, clinic: Clinic, path: Path, entropy: Entropy) -> None:
        self.clinic = clinic
        self.path = path
        self.entropy = entropy
        self.store = _open(path, entropy)
        self.heard: list[Event] = []
        self.sealed: Callable[[SessionId, int], object] = lambda *_: None

    def restart(self) -> Device:
        """Begin anew on the same store, as after a start of the program."""
        self.store.close()
        self.store = _open(self.path, self.entropy)
        self.load()
        return self

    def load(self) -> None:
        """Put the rooms together."""
        self.events = Events()
        self.events.subscribe(self.heard.append)
        self.identity = load_identity(self.store, self.store)
        self.keyring = Keyring(self.store, self.identity)
        self.recorder = Recorder(
            self.store,
            self.identity,
            self.keyring,
            clock=self.clinic.clock,
            entropy=self.entropy,
            events=self.events,
            sealed=self.sealed,
        )
        self.reader = DocumentReader(self.store, self.identity, self.keyring)
        self.charts = Charts(
            store=self.store,
            identity=self.identity,
            keyring=self.keyring,
            reader=self.reader,
            recorder=self.recorder,
            entropy=self.entropy,
            writable=lambda kind: self.keyring.organisation().now.writes(self.identity.principal, kind),
        )

    @property
    def name(self) -> CertificateHash:
        """The hash of its certificate."""
        return self.identity.name

    @property
    def id(self) -> str:
        """The device's id, in full."""
        return str(self.identity.certificate.device)

    @property
    def client(self) -> SyncClient:
        """What syncs it."""
        return SyncClient(
            self.store,
            self.identity,
            self.keyring,
            events=self.events,
            clock=self.clinic.clock,
            entropy=self.entropy,
            timeout_s=1.0,
            mend=self.recorder.mend,
            lacking=lambda: ask_again(self.store),
        )

    def sync(self, relay: RelayShell, link: Link | None = None) -> SyncReport:
        """One whole sync."""
        return self.client.run(relay.link() if link is None else link, ADDRESS)

    def pending(self) -> int:
        """How many entries wait for the relay."""
        return self.store.waiting()

    def shown(self, chart: ChartId) -> dict[str, Any]:
        """The chart as `chart show --json` prints it."""
        return chart_json(self.charts.open(chart))

    def text(self, chart: ChartId, document: Any, section: str = "plan") -> str:
        """What a section reads."""
        return self.charts.open(chart).documents[document].text(section).text


class Clinic:
    """A root, an administrator's device, a relay's keys, and devices."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        self.seed = seed
        self.entropy = Entropy(seed)
        self.clock = Clock(START_MS)
        self.devices: list[Device] = []
        self._numbers = itertools.count()
        self.admin = self._home()
        self.file = found_organisation(self.admin.store, clock=self.clock, entropy=self.admin.entropy)
        self.admin.load()
        certify_self(self.admin.recorder, self.admin.identity)
        self.root = self.admin.identity.root
        self.relay_key = SigningKey(self.entropy(32))
        self.relay = self.relay_record()

    def relay_record(self, *, issued_ms: int | None = None, key: SigningKey | None = None) -> Any:
        """The root's word for a relay."""
        seed = self.admin.store.get_value(ORGANISATION_KEYS)
        assert seed is not None
        return sign_hybrid(
            RelayRecord(
                organisation=self.root.value.organisation,
                ed25519=(key or self.relay_key).public,
                origin=ORIGIN,
                addresses=(ADDRESS,),
                issued_ms=self.clock() if issued_ms is None else issued_ms,
            ),
            HybridSigningKey(seed),
            Label.RELAY,
        )

    def start_relay(self, **options: Any) -> RelayShell:
        """A relay with an empty log."""
        return RelayShell(self, **options)

    def device(self, role: Role, *, known: bool = True) -> Device:
        """A new device, certified on the organisation's control stream; `known` to every device at once, or by sync."""
        made = self._home()
        keys = DeviceKeys.make(made.entropy, administrator=role is Role.ADMIN)
        administrator = self.admin.identity.keys.administrator
        assert administrator is not None
        certificate = issue(
            Certificate(
                organisation=self.root.value.organisation,
                device=DeviceId(self.entropy(16)),
                user=UserId(self.entropy(16)),
                role=role,
                ed25519=keys.signer.public,
                wrap=bytes(keys.wrap.public),
                issuer=Hash(self.admin.name),
                issued_ms=self.clock(),
                not_after_ms=self.clock() + YEAR_MS,
                ml_dsa=None if keys.administrator is None else keys.administrator.public.ml_dsa,
            ),
            administrator,
        )
        batch = self.admin.recorder.begin()
        batch.organisation_control(Certify(certificate=certificate.wire))
        self.admin.recorder.write(batch, also=lambda writer: writer.put_certificate(certificate))
        self.admin.identity.trust.restore(certificate)
        chain = (self.admin.identity.chain[0], certificate)
        session = new_session(keys, certificate, now_ms=self.clock(), entropy=made.entropy)
        with made.store.writing() as writer:
            for one in chain:
                writer.put_certificate(one)
            keys.save(writer)
            enrol(writer, root=self.root, chain=chain, session=session)
        made.load()
        if known:
            self.introduce(made)
        self.devices.append(made)
        return made

    def introduce(self, made: Device) -> None:
        """Make a device and all others known to each other: certificates, and the records that bring them."""
        others = [device for device in self.devices if device is not made]
        for one in others:
            _learn(one, made.identity.chain[-1])
            _learn(made, one.identity.chain[-1])
        for one in (made, *others):
            carry(self.admin, one)

    def close(self) -> None:
        """Close every store."""
        for device in (self.admin, *self.devices):
            device.store.close()

    def _home(self) -> Device:
        number = next(self._numbers)
        return Device(self, self.folder / f"device{number}.db", Entropy(self.seed * 1000 + number))


class Shared:
    """A physician who shares a chart with a nurse, and a relay that has the organisation's records."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.one, self.two = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
        self.relay = clinic.start_relay()
        clinic.admin.sync(self.relay)
        self.chart, (self.document, self.encounter) = self.one.charts.create(
            [fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER
        )
        self.one.charts.share(self.chart, self.two.id)


def _open(path: Path, entropy: Entropy) -> DeviceStore:
    """Open a store that does not wait for the disk: no test here cuts the power."""
    store = DeviceStore(path, DATA_KEY, entropy)
    store._writer_connection.execute("PRAGMA synchronous=OFF")
    return store


def _learn(device: Device, certificate: Any) -> None:
    device.identity.trust.restore(certificate)
    with device.store.writing() as writer:
        writer.put_certificate(certificate)


def carry(source: Device, target: Device, entries: Iterable[VerifiedEntry] | None = None) -> Taken:
    """Hand entries from one device to another as a relay would, by default all; with every proof that there is."""
    sessions = source.store.sessions()
    proofs = Proofs(
        certificates=tuple(certificate.wire for certificate in source.store.certificates()),
        sessions=tuple(session.wire for session in sessions),
        seals=tuple(seal.wire for one in sessions for seal in walk_seals(source.store, one.value.session)),
    )
    chosen = [a.entry for a in source.store.arrivals(after=0, limit=1 << 20)] if entries is None else list(entries)
    receiver = Receiver(target.store, target.identity, target.keyring)
    return receiver.take(proofs, [entry.wire for entry in chosen])


def settle(relay: RelayShell, *devices: Device, rounds: int = 6) -> None:
    """Sync everybody until nothing moves."""
    for _ in range(rounds):
        moved = 0
        for device in devices:
            report = device.sync(relay)
            moved += report.sent + report.received
        if not moved:
            return
    raise AssertionError("the devices do not come to rest")
