"""A real relay whose operator does what he likes with its key and its database: each act is caught, with proof.

And an honest one that is stopped, killed, asked by requests and by many at once is never accused of anything.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync_protocol.accusations import UnprovenError, judge, judge_denial, judge_split
from sync_protocol.certificates import RelayRecord
from sync_protocol.errors import ForgedError
from sync_protocol.evidence import Transcript
from sync_protocol.findings import FindingKind
from sync_protocol.frames import pack_frame
from sync_protocol.greeting_messages import Hello
from sync_protocol.roles import Role
from sync_protocol.steps import RELAY_LOG_DENIED, RELAY_LOG_DIFFERS
from tests.e2e.conftest import LIFE_MS
from tests.e2e.test_relay_sync import a_chart, hashes
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess, keep
from tests.support.shells import SyncingDevice

pytestmark = pytest.mark.xdist_group("malicious_relay")


class Case:
    """An organisation, a relay's home, a chart of two, and what the relay has of it."""

    record: RelayRecord

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.organisation = Organisation.make(seed)
        self.relay = RelayProcess(folder / "home", self.organisation)
        self.owner, self.nurse = (self.device(role) for role in (Role.PHYSICIAN, Role.NURSE))
        self.chart = a_chart(self.owner, self.nurse)

    def device(self, role: Role) -> SyncingDevice:
        """A device with an empty store."""
        return SyncingDevice(self.organisation.device(role, life_ms=LIFE_MS, by_root=True))

    def claim(self) -> None:
        """Hand the relay its record, and what the devices have."""
        self.relay.claim()
        self.record = self.relay.record().value
        self.sync(self.owner)
        self.sync(self.nurse)

    def write(self, relay: RelayProcess | None = None, *, count: int = 1) -> None:
        """The owner writes and syncs."""
        keep(self.owner, self.owner.session, self.chart.write(count=count))
        self.sync(self.owner, relay)

    def sync(self, home: SyncingDevice, relay: RelayProcess | None = None) -> None:
        """One whole sync."""
        with (relay or self.relay).dial(home) as line:
            line.run()

    def copy(self, name: str, *, database: bool = True) -> RelayProcess:
        """The relay's home as it is now, elsewhere: its key, and its database or an empty one; it runs."""
        was_up, other = self.relay.process is not None, self.folder / name
        self.relay.stop()
        shutil.copytree(self.relay.home, other)
        for file in other.glob("*.sqlite3*") if not database else ():
            file.unlink()
        if was_up:
            self.relay.start()
        twin = RelayProcess(other, self.organisation)
        twin.start()
        if not database:
            twin.claim()
        return twin

    def convict(self, home: SyncingDevice) -> list[FindingKind]:
        """Of what a device can convict the relay before somebody who has the organisation's root alone."""
        root, record = self.organisation.root, self.record
        return [judge(accusation, root, record).finding.kind for accusation in home.accusations]

    def alarms(self, home: SyncingDevice) -> list[str]:
        """What a person heard."""
        return [alarm.code for alarm in home.alarms]


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    """A relay that runs, is claimed, and has what the owner wrote."""
    made = Case(tmp_path, 50 + len(request.node.name))
    with made.relay:
        made.claim()
        yield made


@contextmanager
def running(relay: RelayProcess) -> Iterator[RelayProcess]:
    """A relay that was started; it stops well."""
    try:
        yield relay
    finally:
        assert relay.stop() == 0


def test_a_rollback_is_caught_at_the_next_contact(case: Case):
    """The database is replaced by an older copy and grows on, past the size that it had."""
    case.relay.stop()
    backup = case.folder / "backup"
    shutil.copytree(case.relay.home, backup)
    case.relay.start()
    case.write(count=3)
    lost = case.owner.receipted
    case.relay.stop()
    shutil.rmtree(case.relay.home)
    shutil.copytree(backup, case.relay.home)
    case.relay.start()
    ward = ChartWriter.begin(case.nurse.session)
    ward.write(count=6)
    keep(case.nurse, case.nurse.session, ward.written)
    case.sync(case.nurse)
    assert case.alarms(case.nurse) == []
    case.sync(case.owner)
    assert case.alarms(case.owner) == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert case.convict(case.owner) == [FindingKind.RELAY_DENIED]
    assert lost <= case.owner.receipted
    case.sync(case.nurse)
    assert hashes(case.chart.written) <= case.nurse.entries()
    assert case.convict(case.nurse) == []


def test_a_split_view_is_caught_when_two_devices_meet(case: Case):
    """Two relays with one key: at equal sizes the two notes convict at once, otherwise the next contact does."""
    with running(case.copy("twin")) as twin:
        case.write()
        ward = ChartWriter.begin(case.nurse.session)
        keep(case.nurse, case.nurse.session, ward.written[:1])
        case.sync(case.nurse, twin)
        assert case.owner.newest.size == case.nurse.newest.size
        assert case.owner.held is not None
        assert case.nurse.held is not None
        verdict = judge_split(case.owner.held, case.nurse.held, case.record)
        assert verdict.finding.kind is FindingKind.RELAY_SPLIT
        keep(case.nurse, case.nurse.session, ward.write(count=3))
        case.sync(case.nurse, twin)
        assert case.convict(case.nurse) == []
        case.owner.shown.append(case.nurse.held)
        case.nurse.shown.append(case.owner.held)
        for home, relay in ((case.owner, case.relay), (case.nurse, twin)):
            case.sync(home, relay)
            assert FindingKind.RELAY_DENIED in case.convict(home)
            assert case.alarms(home)[-1] == RELAY_LOG_DENIED
            known = len(home.accusations)
            case.sync(home, relay)
            assert len(home.accusations) == known


def test_a_dropped_leaf_is_caught_by_whoever_held_a_later_checkpoint(case: Case):
    """The log is made anew from what another device holds, without the owner's last entry, and signed by the key."""
    case.write()
    with running(case.copy("again", database=False)) as again:
        case.sync(case.nurse, again)
        assert case.convict(case.nurse) == [FindingKind.RELAY_DENIED]
        case.sync(case.owner, again)
        assert FindingKind.RELAY_DENIED in case.convict(case.owner)
        assert hashes(case.chart.written) <= case.owner.receipted
        case.sync(case.nurse, again)
        assert hashes(case.chart.written) <= case.nurse.entries()


def test_the_word_of_another_key_convicts_nobody(case: Case, tmp_path: Path):
    """Checkpoints and handshakes of another organisation's relay are no evidence, and its relay takes no offence."""
    other = Case(tmp_path / "other", 99)
    other.relay.start()
    with running(other.relay):
        other.claim()
        assert other.owner.held is not None
        assert case.owner.held is not None
        with pytest.raises(ForgedError):
            judge_split(other.owner.held, case.owner.held, case.record)
        case.owner.shown.append(other.owner.held)
        case.sync(case.owner)
        assert (case.owner.accusations, case.owner.alarms, case.owner.shown) == ([], [], [])


def test_an_honest_relay_is_never_convicted_by_what_is_made_up(case: Case):
    """Whatever is shown to it: strangers' notes, changed ones, its own of every age, over either transport."""
    held = [case.owner.held or b""]
    for _ in range(4):
        case.write()
        held.append(case.owner.held or b"")
    made_up = [bytes([held[0][0] ^ 1]) + held[0][1:], b"no note"]
    case.nurse.shown = [*held, *made_up]
    case.sync(case.nurse)
    case.nurse.shown = [*made_up, *held]
    http = case.relay.dial_http(case.nurse)
    http.handshake()
    http.run()
    assert (case.nurse.alarms, case.nurse.accusations, case.nurse.shown) == ([], [], [])
    hello = Hello(
        versions=(1,),
        organisation=case.organisation.root.value.organisation,
        certificate=case.nurse.device.name,
        nonce=bytes(32),
        notes=(*made_up, *held),
    )
    status, _, answer = case.relay.request("POST", "/v1/sync/hello", pack_frame(hello))
    assert status == 200
    with pytest.raises(UnprovenError):
        judge_denial(Transcript(hello=pack_frame(hello), welcome=answer), case.organisation.root)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_honest_relay_that_is_restarted_is_not_accused(case: Case, how: str):
    """What it signed is in its database before anybody hears of it, a power cut notwithstanding."""
    for _ in range(3):
        case.write(count=2)
        if how == "kill":
            case.relay.kill()
        else:
            assert case.relay.stop() == 0
        case.relay.start()
        case.nurse.shown.append(case.owner.held or b"")
        case.sync(case.nurse)
        case.sync(case.owner)
    for home in (case.owner, case.nurse):
        assert (home.alarms, home.accusations, home.shown) == ([], [], [])


def test_many_devices_at_once_find_nothing_to_accuse(case: Case):
    """Live pushes cross cursors and receipts, responses and pages, while notes go round between all of them."""
    devices = [case.device(Role.NURSE) for _ in range(6)]
    failures: list[BaseException] = []
    notes: list[bytes] = []

    def work(number: int, home: SyncingDevice) -> None:
        chance = random.Random(number)
        chart = ChartWriter.begin(home.session)
        keep(home, home.session, chart.written)
        try:
            for _ in range(3):
                home.shown.extend(chance.sample(notes, k=min(3, len(notes))))
                if number % 2:
                    http = case.relay.dial_http(home)
                    http.handshake()
                    for _ in range(3):
                        keep(home, home.session, chart.write(count=chance.randint(1, 3)))
                        http.ahead.extend(http.connection.announce())
                        http.run()
                else:
                    with case.relay.dial(home) as line:
                        line.run()
                        for _ in range(6):
                            keep(home, home.session, chart.write(count=chance.randint(1, 3)))
                            line.push()
                notes.append(home.held or b"")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number, home)) for number, home in enumerate(devices)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for home in devices:
        home.shown.extend(notes[-4:])
        case.sync(home)
        assert (home.alarms, home.accusations, home.shown) == ([], [], [])
