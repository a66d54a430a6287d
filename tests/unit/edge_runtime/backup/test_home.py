"""A backup becomes a device that goes on without repeating itself; what is wrong with it leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_runtime.backup.home import Manifest, back_up, check_place, read_backup, restore
from edge_runtime.backup.sealed_file import write_sealed
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import EdgeError, InputError, StoreError, VaultError
from edge_runtime.identity import SESSION
from edge_runtime.restored import MARKER, Marker, Why, notes
from edge_runtime.settings import Home
from edge_runtime.store.database import SCHEMA_VERSION
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.file import open_vault
from edge_runtime.vault.passphrase import Cost, Passphrase
from sync_protocol.ids import EntryHash
from sync_protocol.records import pack
from sync_protocol.roles import Role
from tests.support.people import Entropy
from tests.unit.edge_runtime.clinic import DATA_KEY, Clinic, Device, fact, settle
from tests.unit.edge_runtime.store.schema_1 import write_schema_1

CHEAP = Cost(memory_kib=32, passes=1, lanes=1)
SEALING = Passphrase("of the backup", cost=CHEAP)
NEW = Passphrase("of the new home", cost=CHEAP)


def _write(device: Device, out: Path) -> Manifest:
    home = Home(device.path.parent)
    return back_up(
        home,
        device.store,
        device.identity,
        out,
        data_key=DATA_KEY,
        keystore=SEALING,
        now_ms=device.clinic.clock(),
        entropy=device.entropy,
    )


def _restore(clinic: Clinic, backup: Path, folder: Path, first: Any = lambda *_: None) -> Home:
    home = Home(folder)
    with backup.open("rb") as file:
        sealed, manifest = read_backup(file, SEALING)
        restore(sealed, manifest, home, keystore=NEW, clock=clinic.clock, entropy=Entropy(77), first=first)
    return home


def _device(clinic: Clinic, home: Home) -> Device:
    """A device at work in a restored home."""
    assert open_vault(home.vault, NEW).reveal() == DATA_KEY.reveal()
    made = Device(clinic, home.store, Entropy(78))
    made.load()
    clinic.devices.append(made)
    return made


def _chart(device: Device, name: str = "Ana Lima") -> Any:
    return device.charts.create([fact("identity", name=name)], workflow=WorkflowType.ENCOUNTER)[0]


def _names(device: Device) -> set[EntryHash]:
    return {arrived.entry.hash for arrived in device.store.arrivals(after=0, limit=1 << 20)}


def _refused(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.code)


def test_a_restored_device_forks_nothing_and_both_histories_are_kept(clinic: Clinic, tmp_path: Path):
    """Write, back up, write more and sync; restore elsewhere, write and sync: all of it is everywhere, in one line."""
    nurse, relay = clinic.device(Role.NURSE), clinic.start_relay()
    before = _chart(nurse, "Before")
    settle(relay, clinic.admin, nurse)
    unsent = _chart(nurse, "Unsent")
    _write(nurse, tmp_path / "b")
    after = _chart(nurse, "After")
    settle(relay, nurse)
    restored = _device(clinic, _restore(clinic, tmp_path / "b", tmp_path / "new"))
    assert restored.identity.session.value.session != nurse.identity.session.value.session
    elsewhere = _chart(restored, "Elsewhere")
    settle(relay, restored, nurse)
    charts = {before, unsent, after, elsewhere}
    assert set(restored.keyring.charts()) == set(nurse.keyring.charts()) == charts
    assert _names(restored) == _names(nurse)
    for device in (restored, nurse):
        assert not any(device.store.forked(stream) for stream in device.store.streams())
        assert device.store.check() == []
        assert device.pending() == 0
    assert [restored.shown(chart) == nurse.shown(chart) for chart in charts] == [True] * 4


def test_text_goes_on_under_another_client(clinic: Clinic, tmp_path: Path):
    """The same section, edited in both homes from the same state: both edits are there, on both sides alike."""
    nurse, relay = clinic.device(Role.NURSE), clinic.start_relay()
    chart, (_, encounter) = nurse.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    nurse.charts.edit_text(chart, encounter, "plan", "rest. ")
    settle(relay, clinic.admin, nurse)
    _write(nurse, tmp_path / "b")
    restored = _device(clinic, _restore(clinic, tmp_path / "b", tmp_path / "new"))
    nurse.charts.edit_text(chart, encounter, "plan", "rest. water.")
    restored.charts.edit_text(chart, encounter, "plan", "rest. light.")
    settle(relay, nurse, restored)
    assert nurse.text(chart, encounter) == restored.text(chart, encounter)
    assert "water." in nurse.text(chart, encounter)
    assert "light." in nurse.text(chart, encounter)


def test_a_restored_home_leaves_the_old_one_behind(clinic: Clinic, tmp_path: Path):
    """It says why it writes under another session, and has no marker: that of the other home stays there."""
    nurse = clinic.device(Role.NURSE)
    _chart(nurse)
    marker = Marker(nurse.path.with_name("marker"), nurse.path, nurse.store, nurse.entropy)
    marker.begin(nurse.identity.session.value.session)
    _write(nurse, tmp_path / "b")
    home = _restore(clinic, tmp_path / "b", tmp_path / "new")
    restored = _device(clinic, home)
    assert [one.why for one in notes(restored.store)] == [Why.BACKUP]
    assert restored.store.get_value(MARKER) is None
    assert not home.marker.exists()
    assert Marker(home.marker, home.store, restored.store, restored.entropy).check() is None


def test_a_backup_of_the_first_schema_restores(clinic: Clinic, tmp_path: Path):
    """Its store is brought up to date in the new home, before it appears."""
    nurse = clinic.device(Role.NURSE)
    chart = _chart(nurse)
    nurse.store.copy(tmp_path / "copy.db")
    write_schema_1(tmp_path / "copy.db", tmp_path / "old.db", DATA_KEY)
    content = (tmp_path / "old.db").read_bytes()
    head = _packed(clinic, schema=1, store_bytes=len(content))
    with (tmp_path / "b").open("wb") as file:
        write_sealed(file, [head.removesuffix(b"store"), content], SEALING, Entropy(1))
    restored = _device(clinic, _restore(clinic, tmp_path / "b", tmp_path / "new"))
    assert chart in restored.keyring.charts()
    assert restored.pending() == nurse.pending() > 0
    assert restored.store.check() == []


def test_a_restore_writes_its_session_before_anything_else(clinic: Clinic, tmp_path: Path):
    """What is written first is told, and stands under the new session already."""
    nurse = clinic.device(Role.NURSE)
    old = nurse.store.get_value(SESSION)
    manifest = _write(nurse, tmp_path / "b")
    seen: list[tuple[Path, bytes | None]] = []
    home = _restore(
        clinic,
        tmp_path / "b",
        tmp_path / "new",
        lambda part, store: seen.append((part.folder, store.get_value(SESSION))),
    )
    assert [session != old for _, session in seen] == [True]
    assert seen[0][0] != home.folder
    assert sorted(path.name for path in home.folder.iterdir()) == ["store.db", "vault.cbor"]
    assert {path.stat().st_mode & 0o077 for path in (home.folder, *home.folder.iterdir())} == {0}
    assert DATA_KEY.reveal().hex() not in repr(manifest)


def test_a_backup_shows_nothing_and_leaves_no_copy_behind(clinic: Clinic, tmp_path: Path):
    """The store's copy is gone, the file is for its owner alone, and no name stands in it."""
    nurse = clinic.device(Role.NURSE)
    _chart(nurse, "Planted Name")
    _write(nurse, tmp_path / "b")
    data = (tmp_path / "b").read_bytes()
    assert b"Planted" not in data
    assert DATA_KEY.reveal() not in data
    assert b"SQLite" not in data
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_a_backup_is_a_moment_of_a_store_in_use(clinic: Clinic, tmp_path: Path):
    """What the write-ahead log still holds is in it."""
    nurse = clinic.device(Role.NURSE)
    charts = {_chart(nurse, f"Chart {number}") for number in range(3)}
    _write(nurse, tmp_path / "b")
    restored = _device(clinic, _restore(clinic, tmp_path / "b", tmp_path / "new"))
    assert set(restored.keyring.charts()) == charts


@pytest.mark.parametrize("damage", ["changed", "cut", "passphrase", "other"])
def test_what_does_not_open_leaves_nothing(clinic: Clinic, tmp_path: Path, damage: str):
    """Neither a home nor a part of one."""
    backup = tmp_path / "b"
    _write(clinic.device(Role.NURSE), backup)
    data = backup.read_bytes()
    backup.write_bytes(
        {"changed": data[:5000] + bytes(10) + data[5010:], "cut": data[:-20], "other": b"other" + data}.get(
            damage, data
        )
    )
    keystore = Passphrase("wrong", cost=CHEAP) if damage == "passphrase" else SEALING
    before = sorted(tmp_path.iterdir())
    with backup.open("rb") as file, pytest.raises((InputError, VaultError)) as error:
        read_backup(file, keystore)
    wanted = {"passphrase": "wrong_passphrase", "other": "no_backup"}.get(damage, "backup_damaged")
    assert _refused(error) == wanted
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "plain",
    [b"", b"\0\0", b"\0\0\xff\xff", b"\0\0\0\x09short", b"\0\0\0\x01\xa0"],
    ids=["empty", "no length", "too long", "cut off", "none"],
)
def test_a_backup_without_its_manifest_is_damaged(tmp_path: Path, plain: bytes):
    """Sealed well, and nothing in it that says whose it is."""
    with (tmp_path / "b").open("w+b") as file:
        write_sealed(file, [plain], SEALING, Entropy(1))
        with pytest.raises(InputError) as error:
            read_backup(file, SEALING)
    assert _refused(error) == "backup_damaged"


def _packed(clinic: Clinic, **changes: Any) -> bytes:
    identity = clinic.admin.identity
    fields: dict[str, Any] = {
        "schema": 1,
        "organisation": clinic.root.value.organisation,
        "device": identity.certificate.device,
        "made_ms": 1,
        "store_bytes": 5,
        "data_key": DATA_KEY.reveal(),
    }
    head = pack(Manifest(**(fields | changes)))
    return len(head).to_bytes(4, "big") + head + b"store"


def test_a_store_of_another_length_or_version_is_refused(clinic: Clinic, tmp_path: Path):
    """Before anything is written."""
    for changes, code in (({"store_bytes": 6}, "backup_damaged"), ({"schema": SCHEMA_VERSION + 1}, "backup_newer")):
        with (tmp_path / "b").open("w+b") as file:
            write_sealed(file, [_packed(clinic, **changes)], SEALING, Entropy(1))
            with pytest.raises(InputError) as error:
                read_backup(file, SEALING)
        assert _refused(error) == code


def test_a_backup_of_something_else_than_a_store_makes_no_home(clinic: Clinic, tmp_path: Path):
    """Sealed well, and no store in it, or one that another key closed."""
    (tmp_path / "b").write_bytes(b"")
    with (tmp_path / "b").open("r+b") as file:
        write_sealed(file, [_packed(clinic)], SEALING, Entropy(1))
    with pytest.raises(InputError) as error:
        _restore(clinic, tmp_path / "b", tmp_path / "new")
    assert _refused(error) == "backup_damaged"
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.part").exists()


def test_a_store_that_was_damaged_before_its_backup_makes_no_home(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every record is looked at before the home appears."""
    _write(clinic.device(Role.NURSE), tmp_path / "b")
    monkeypatch.setattr(DeviceStore, "check", lambda *_: ["a problem"])
    with pytest.raises(InputError) as error:
        _restore(clinic, tmp_path / "b", tmp_path / "new")
    assert _refused(error) == "backup_damaged"
    assert not (tmp_path / "new").exists()


def test_a_home_is_never_written_over(clinic: Clinic, tmp_path: Path):
    """A folder with anything in it, or a file; an empty folder will do."""
    _write(clinic.device(Role.NURSE), tmp_path / "b")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    for place in (taken, taken / "file", Path("x" * 300)):
        with pytest.raises(InputError) as error:
            check_place(Home(place))
        assert _refused(error) == "home_in_use_already"
    with pytest.raises(InputError):
        _restore(clinic, tmp_path / "b", taken)
    assert [path.name for path in taken.iterdir()] == ["file"]
    empty = tmp_path / "empty"
    empty.mkdir()
    _device(clinic, _restore(clinic, tmp_path / "b", empty))


def test_what_fails_at_the_end_leaves_nothing_and_the_next_try_begins_anew(clinic: Clinic, tmp_path: Path):
    """The record of it cannot be written, or a crash left a part."""
    _write(clinic.device(Role.NURSE), tmp_path / "b")

    def fail(*_: object) -> None:
        raise StoreError("disk_full", expected="a", got="b", do="c")

    with pytest.raises(StoreError):
        _restore(clinic, tmp_path / "b", tmp_path / "new", fail)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.part").exists()
    (tmp_path / "new.part").mkdir()
    (tmp_path / "new.part" / "store.db").write_bytes(b"left by a crash")
    _device(clinic, _restore(clinic, tmp_path / "b", tmp_path / "new"))


def test_a_disk_that_refuses_is_explained(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writing the backup, or the home."""
    nurse = clinic.device(Role.NURSE)
    with pytest.raises(InputError) as error:
        _write(nurse, tmp_path / "no" / "such" / "folder")
    assert _refused(error) == "out_file"
    _write(nurse, tmp_path / "b")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EdgeError) as refused:
        _restore(clinic, tmp_path / "b", tmp_path / "new")
    assert _refused(refused) == "home_unusable"
    assert not (tmp_path / "new.part").exists()
