"""A store that is an older state of itself, or a copy, is noticed before its first write, where it can be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import restored
from edge_runtime.audit.device_source import DeviceSource, Holder
from edge_runtime.birth import born_ns
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.events import Alarmed
from edge_runtime.restored import MARKER, NOTES_MAX, RESTORED, Marker, Why, leave_session, note, notes, watch
from edge_runtime.store.device import DeviceStore
from sync_protocol.findings import FindingKind
from sync_protocol.ids import SessionId
from sync_protocol.roles import Role
from sync_protocol.verification import verify
from tests.conftest import require
from tests.unit.edge_runtime.clinic import ADDRESS, DATA_KEY, Clinic, Device, fact, settle
from tests.unit.edge_runtime.sync.meeting_pair import meet


class Watched:
    """A device whose store lies in a home of its own, with a marker beside it."""

    def __init__(self, clinic: Clinic, role: Role = Role.NURSE) -> None:
        self.device = clinic.device(role)
        self.clinic = clinic
        self.home = clinic.folder / "home"
        self.home.mkdir()
        self.device.store.close()
        for suffix in ("", "-wal", "-shm"):
            left = Path(f"{self.device.path}{suffix}")
            if left.exists():
                shutil.move(left, self.home / f"store.db{suffix}")
        self.device.path = self.home / "store.db"
        self.start()

    @property
    def marker_path(self) -> Path:
        """Where the marker lies."""
        return self.home / "marker"

    @property
    def session(self) -> SessionId:
        """The session that writes."""
        return self.device.identity.session.value.session

    def start(self) -> Watched:
        """Start the program: the store is compared with its marker before anything else."""
        device = self.device
        device.store = DeviceStore(device.path, DATA_KEY, device.entropy)
        self.marker = Marker(self.marker_path, device.path, device.store, device.entropy)
        device.sealed = self.marker.sealed
        device.load()
        watch(
            self.marker,
            device.identity,
            device.store,
            clock=self.clinic.clock,
            entropy=device.entropy,
            events=device.events,
        )
        return self

    def stop(self) -> None:
        """End the program."""
        self.device.store.close()

    def write(self, name: str = "Ana") -> Any:
        """Write a chart."""
        return self.device.charts.create([fact("identity", name=name)], workflow=WorkflowType.ENCOUNTER)[0]

    def snapshot(self, name: str) -> Path:
        """Copy the home aside, the program stopped."""
        self.stop()
        copy = self.clinic.folder / name
        shutil.copytree(self.home, copy)
        self.start()
        return copy

    def put_back(self, copy: Path, *files: str) -> None:
        """Overwrite files where they lie with older ones, as a restore in place does."""
        self.stop()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.device.path}{suffix}").unlink(missing_ok=True)
        for file in files:
            (self.home / file).write_bytes((copy / file).read_bytes())
        self.start()

    def why(self) -> list[str]:
        """Why sessions were left."""
        return [one.why for one in notes(self.device.store)]


@pytest.fixture
def watched(clinic: Clinic) -> Watched:
    """A nurse's device."""
    return Watched(clinic)


def test_an_honest_start_changes_nothing(watched: Watched) -> None:
    """Write, stop, start, write: one session, and the marker goes along."""
    before = watched.session
    for _ in range(3):
        watched.write()
        watched.stop()
        assert watched.start().session == before
    assert watched.why() == []
    assert Alarmed(RESTORED) not in watched.device.heard


def test_a_marker_that_is_behind_says_nothing(watched: Watched) -> None:
    """The power may fail after a commit and before the marker: no session is left for that."""
    watched.write()
    old = watched.marker_path.read_bytes()
    watched.write()
    watched.stop()
    watched.marker_path.write_bytes(old)
    watched.start()
    assert watched.why() == []


def test_a_store_that_was_put_back_is_noticed(watched: Watched) -> None:
    """Overwritten by an older one where it lies: its marker has seen more; no number is used twice."""
    watched.write("Before")
    copy = watched.snapshot("old")
    left = watched.session
    lost = watched.write("Lost")
    used = {entry.hash for entry in _own(watched, left)}
    watched.put_back(copy, "store.db")
    assert watched.why() == [Why.STORE_OLDER]
    assert watched.session != left
    assert Alarmed(RESTORED) in watched.device.heard
    assert lost not in watched.device.keyring.charts()
    watched.write("After")
    assert {entry.hash for entry in _own(watched, left)} < used
    watched.stop()
    assert watched.start().why() == [Why.STORE_OLDER]
    assert watched.device.store.check() == []


def test_a_home_that_was_deleted_and_copied_back_is_noticed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many disks give the copy the very number that the deleted file had; when it was made tells them apart."""
    require(born_ns(watched.device.path), "a birth time", "to tell a copy; statx on ext4, btrfs, xfs or tmpfs gives it")
    told = restored._file
    monkeypatch.setattr(restored, "_file", lambda path: (7, told(path)[1]))
    watched.write()
    copy = watched.snapshot("copy")
    assert watched.why() == []
    watched.write("Lost")
    watched.stop()
    shutil.rmtree(watched.home)
    shutil.copytree(copy, watched.home)
    assert watched.start().why() == [Why.OTHER_FILE]


def test_a_disk_that_does_not_say_when_is_believed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was not told when a store was made, or is told no more, its number alone counts."""
    watched.write()
    left = watched.session
    monkeypatch.setattr("edge_runtime.restored.born_ns", lambda _: 0)
    watched.stop()
    assert watched.start().session == left
    watched.marker.begin(left)
    monkeypatch.undo()
    watched.stop()
    assert watched.start().session == left


def test_a_copied_home_is_noticed(watched: Watched) -> None:
    """A copy of everything lies in other files: it goes on in a session of its own, and the first one as before."""
    watched.write()
    left = watched.session
    copy = watched.snapshot("copy")
    assert watched.session == left
    watched.stop()
    watched.home, watched.device.path = copy, copy / "store.db"
    watched.start()
    assert watched.why() == [Why.OTHER_FILE]
    assert watched.session != left


def test_a_home_that_was_moved_is_the_same(watched: Watched) -> None:
    """Renaming the folder makes no other file of the store."""
    watched.write()
    left = watched.session
    watched.stop()
    moved = watched.clinic.folder / "moved"
    watched.home.rename(moved)
    watched.home, watched.device.path = moved, moved / "store.db"
    assert watched.start().session == left


@pytest.mark.parametrize("content", [None, b"", b"half", bytes(28)])
def test_a_marker_that_is_gone_or_torn(watched: Watched, content: bytes | None) -> None:
    """Without a marker that can be read nothing shows that the store is the newest: one session more."""
    watched.write()
    watched.stop()
    if content is None:
        watched.marker_path.unlink()
    else:
        watched.marker_path.write_bytes(content)
    watched.start()
    assert watched.why() == [Why.OTHER_MARKER]
    watched.write()
    watched.stop()
    assert watched.start().why() == [Why.OTHER_MARKER]


def test_the_marker_of_another_session(watched: Watched) -> None:
    """The older store was of an earlier session: the marker has another name since."""
    watched.write()
    copy = watched.snapshot("old")
    device = watched.device
    leave_session(device.store, device.identity, Why.PEER, now_ms=1, entropy=device.entropy, events=device.events)
    watched.write()
    watched.put_back(copy, "store.db")
    assert watched.why() == [Why.OTHER_MARKER]


def test_the_marker_shows_no_id(watched: Watched) -> None:
    """It lies there unencrypted: a random name, a count and a sum, nothing else."""
    watched.write()
    content = watched.marker_path.read_bytes()
    assert len(content) == 28
    assert bytes(watched.session) not in content
    assert bytes(watched.device.identity.certificate.device) not in content


def test_a_home_that_takes_no_marker_is_written_in_all_the_same(watched: Watched) -> None:
    """Where the marker cannot be written, writing goes on, and nothing is concluded from its absence."""
    watched.marker_path.unlink(missing_ok=True)
    watched.marker_path.mkdir()
    watched.write()
    watched.stop()
    watched.start()
    watched.write()
    assert watched.why() == []
    assert watched.device.store.get_value(MARKER) is None


def test_a_snapshot_of_everything_hears_of_it_from_the_relay(clinic: Clinic) -> None:
    """Store and marker are both old: the relay has more seals of the session, and it is left before a word is said."""
    watched, relay = Watched(clinic), clinic.start_relay()
    chart, (_, document) = watched.device.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    settle(relay, clinic.admin, watched.device)
    copy = watched.snapshot("old")
    left = watched.session
    watched.device.charts.edit_text(chart, document, "plan", "rest. ")
    watched.device.sync(relay)
    watched.put_back(copy, "store.db", "marker")
    assert (watched.session, watched.why()) == (left, [])
    seen: list[SessionId] = []
    client = watched.device.client
    client._compared = lambda: seen.append(watched.session)
    client.run(relay.link(), ADDRESS)
    assert seen == [watched.session], "what the sync itself writes comes after the comparison"
    assert watched.session != left
    assert watched.why() == [Why.RELAY]
    watched.device.charts.edit_text(chart, document, "plan", "rest. water.")  # under another client id
    settle(relay, watched.device)
    assert watched.device.text(chart, document) == "rest. water."
    assert not _forks(watched.device)
    assert watched.device.store.check() == []


def test_a_snapshot_of_everything_hears_of_it_from_a_peer(clinic: Clinic) -> None:
    """The other's chains of this session reach further than here: the meeting is recorded under another session."""
    watched, peer = Watched(clinic, Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart = watched.write()
    watched.device.charts.share(chart, peer.id)
    meet(watched.device, peer)
    copy = watched.snapshot("old")
    left = watched.session
    watched.device.charts.add_facts(chart, _document(watched.device, chart), [fact("status", to="active")])
    meet(watched.device, peer)
    watched.put_back(copy, "store.db", "marker")
    meet(watched.device, peer)
    assert watched.session != left
    assert watched.why() == [Why.PEER]
    assert not _forks(watched.device)
    assert watched.device.shown(chart) == peer.shown(chart)


def test_where_nobody_is_reachable_both_branches_are_kept(clinic: Clinic) -> None:
    """Everything was put back and nobody can be asked: the fork happens, and is left as soon as it is heard of."""
    watched, relay = Watched(clinic, Role.PHYSICIAN), clinic.start_relay()
    chart = watched.write()
    document = _document(watched.device, chart)
    settle(relay, clinic.admin, watched.device)
    copy = watched.snapshot("old")
    left = watched.session
    watched.device.charts.add_facts(chart, document, [fact("status", to="active", reason="sixty-one")])
    watched.device.charts.edit_text(chart, document, "plan", "rest")
    watched.device.sync(relay)
    watched.put_back(copy, "store.db", "marker")
    watched.device.charts.add_facts(chart, document, [fact("status", to="completed", reason="ninety-five")])
    watched.device.charts.edit_text(chart, document, "plan", "water")
    assert watched.session == left
    watched.device.sync(relay)
    settle(relay, watched.device)
    assert watched.session != left
    assert _forks(watched.device)
    shown = repr(watched.device.shown(chart))
    assert "61" in shown
    assert "95" in shown
    assert watched.device.store.check() == []
    assert watched.device.pending() == 0
    text = watched.device.charts.open(chart).documents[document].text("plan")
    assert text.disputed
    assert {view.text for view in text.views} | {text.text} >= {"rest", "water"}
    device = watched.device
    report = verify(DeviceSource(Holder(device.store, device.identity, device.keyring)))
    assert FindingKind.FORK in {finding.kind for finding in report.findings}


def test_the_newest_notes_are_kept(watched: Watched) -> None:
    """Changes of session are remembered up to a number."""
    store = watched.device.store
    for number in range(NOTES_MAX + 3):
        with store.writing() as writer:
            note(store, writer, watched.session, Why.PEER, number)
    assert [one.at_ms for one in notes(store)] == list(range(3, NOTES_MAX + 3))


def _own(watched: Watched, session: SessionId) -> list[Any]:
    arrivals = watched.device.store.arrivals(after=0, limit=1 << 20)
    return [arrived.entry for arrived in arrivals if arrived.entry.header.session == session]


def _forks(device: Device) -> bool:
    return any(device.store.forked(stream) for stream in device.store.streams())


def _document(device: Device, chart: Any) -> Any:
    return list(device.charts.open(chart).documents)[-1]
