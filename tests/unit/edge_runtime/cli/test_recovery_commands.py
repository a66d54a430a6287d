"""`fieldward recovery` and `fieldward device backup` and `restore`: what they print, and how they refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from edge_runtime.recovery.records import ROTATE_MS
from edge_runtime.runtime import clock, open_home
from sync_protocol.audit import AuditRecord, Result
from sync_protocol.control import ledger_id
from tests.support.audit_records import opened
from tests.unit.edge_runtime.cli.world import CHEAP, PASSPHRASE, World


@pytest.fixture(name="ward")
def fixture_ward(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """An organisation with a physician's tablet, a recovery key and its sheets."""
    monkeypatch.setattr("edge_runtime.vault.passphrase.DEFAULT_COST", CHEAP)
    monkeypatch.setenv("FIELDWARD_BACKUP_PASSPHRASE", "of the backup")
    world.found()
    world.enrol("tablet", "physician")
    world.json("recovery", "create", "--home", "admin", "--out", "sheets")
    return world


def _sheets(*numbers: int, folder: str = "sheets") -> list[str]:
    return [f"{folder}/sheet-{number}.txt" for number in numbers]


def _words(number: int) -> set[str]:
    """The secret words of a sheet."""
    sheet = Path(f"sheets/sheet-{number}.txt").read_text()
    return set(re.findall(r"\d ([a-z]+)(?: |$)", sheet, re.MULTILINE)) - {"of"}


def _acts(home: str, kind: str) -> list[AuditRecord]:
    with open_home(Path(home), PASSPHRASE) as runtime:
        found = opened(runtime.store, runtime.keyring, ledger_id(runtime.identity.name))
        return [record for _, record in found if record is not None and record.kind.name == kind]


# ------------------------------------------------------------------------------------------------------- create


def test_create_writes_a_sheet_for_each_holder(world: World):
    """In a new folder that is closed to others; nothing secret is printed."""
    world.found()
    made = world.json("recovery", "create", "--home", "admin", "--out", "sheets", "--threshold", "2", "--shares", "4")
    assert (made["threshold"], made["shares"], made["root_removed"]) == (2, 4, False)
    assert made["sheets"] == [str(path) for path in sorted(Path("sheets").iterdir())]
    assert {path.stat().st_mode & 0o077 for path in (Path("sheets"), *Path("sheets").iterdir())} == {0}
    said = world.run("recovery", "create", "--home", "admin", "--out", "more", "--remove-root")
    assert said.code == 0
    assert "any 3 of its 5 sheets" in said.out
    assert "key before" in said.out
    word = Path("more/sheet-1.txt").read_text().split("4 ")[2].split()[0]
    assert word not in said.out


def test_create_needs_a_new_folder_and_the_root_s_keys(ward: World):
    """And numbers that can be; otherwise no key is made."""
    before = ward.json("recovery", "status", "--home", "admin")
    create = ("recovery", "create", "--home", "admin", "--out")
    assert ward.refused(*create, "sheets") == "out_folder"
    assert ward.refused(*create, "none/such") == "out_folder"
    assert ward.refused(*create, "new", "--threshold", "1", code=2) == "usage"
    assert ward.refused(*create, "new", "--threshold", "4", "--shares", "3") == "share_numbers"
    assert ward.refused("recovery", "create", "--home", "tablet", "--out", "new") == "no_root_keys"
    assert not Path("new").exists()
    assert ward.json("recovery", "status", "--home", "admin") == before


# -------------------------------------------------------------------------------------------------------- drill


def test_a_drill_is_told_recorded_and_seen(ward: World):
    """By whole sheets; in the ledger, and by everybody in the organisation's records."""
    said = ward.json("recovery", "drill", "--home", "admin", *_sheets(5, 1, 3))
    assert (said["shares"], said["canary"]) == ([5, 1, 3], True)
    assert [dict(act.detail)["drill"] for act in _acts("admin", "recovery_used")] == ["yes"]
    ward.json("sync", "once", "--home", "admin")
    ward.json("sync", "once", "--home", "tablet")
    uses = ward.json("recovery", "status", "--home", "tablet")["uses"]
    assert [use["drill"] for use in uses] == [True]
    told = ward.run("recovery", "drill", "--home", "admin", *_sheets(1, 2, 4))
    assert "Sheets 1, 2, 4 are whole" in told.out


def test_shares_that_are_refused_are_recorded_and_change_nothing(ward: World):
    """Too few, one twice, of another key, unreadable, damaged: the reason, in the ledger too."""
    ward.json("recovery", "create", "--home", "admin", "--out", "later")
    drill = ("recovery", "drill", "--home", "admin")
    Path("odd.txt").write_text(Path("later/sheet-1.txt").read_text().replace("DRILL", "DULL"))
    later = _sheets(1, 2, 3, folder="later")
    for given, code in (
        (later[:2], "too_few_shares"),
        ([later[0], later[0], later[1]], "share_twice"),
        (_sheets(1, 2, 3), "share_set"),
        ([*later[:2], "no-such-file"], "sheet"),
        (["odd.txt", *later[1:]], "sheet_part"),
        ((), "no_shares"),
    ):
        assert ward.refused(*drill, *given) == code
    acts = _acts("admin", "recovery_used")
    assert {act.result for act in acts} == {Result.REFUSED}
    assert dict(acts[0].detail)["reason"] == "too_few_shares"
    assert len(acts) == 6
    assert ward.json("recovery", "status", "--home", "admin")["uses"] == []


def test_typed_words_are_asked_for_until_they_are_whole(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Nothing that was typed is shown, and one wrong word costs one holder's patience."""
    texts = [
        Path(name).read_text().partition("DRILL WORDS (for drills; they open no chart)")[2] for name in _sheets(2, 3, 5)
    ]
    typed = [re.sub(r"Check.*", "", text).strip() for text in texts]
    answers = iter([typed[0], "academic", typed[1].upper(), typed[2]])
    asked: list[Any] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append((text, options))
        return next(answers)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    said = ward.run("recovery", "drill", "--home", "admin")
    assert said.code == 0, said.err
    assert "Sheets 2, 3, 5 are whole" in said.out
    assert [text.partition(",")[0] for text, _ in asked] == ["Holder 1", "Holder 2", "Holder 2", "Holder 3"]
    assert all(options["hide_input"] for _, options in asked)
    assert "expected 33 words; got 1" in said.err
    assert len(_words(2)) > 50
    assert not _words(2) & set(said.out.split() + said.err.split())


# ---------------------------------------------------------------------------------------------------------- run


def test_without_the_relay_no_key_is_put_together(ward: World):
    """Whoever cannot reach it is refused, before shares are read and after."""
    assert ward.relay is not None
    ward.relay.down = True
    assert ward.refused("recovery", "run", "--home", "tablet", *_sheets(1, 2, 3)) == "relay_unreachable"
    assert _acts("tablet", "recovery_used") == []


def test_a_relay_that_refuses_the_record_keeps_the_key_closed(ward: World, monkeypatch: pytest.MonkeyPatch):
    """The record is on the device, the relay's log has it not, and the shares stay shares."""
    ward.json("sync", "once", "--home", "admin")
    ward.json("sync", "once", "--home", "tablet")
    monkeypatch.setattr("edge_runtime.recovery.shares._combine", lambda *_: pytest.fail("put together"))
    from sync_protocol.control import unpack_control
    from sync_protocol.emergency_records import RunRecovery
    from sync_protocol.errors import LimitError

    def refuse(entry: Any) -> LimitError | None:
        announces = entry.header.epoch is None and isinstance(unpack_control(entry.body), RunRecovery)
        return LimitError("full", expected="room", got="none", do="wait") if announces else None

    assert ward.relay is not None
    ward.relay.shell.refuse = refuse
    assert ward.refused("recovery", "run", "--home", "tablet", *_sheets(1, 2, 3)) == "not_receipted"
    results = [act.result for act in _acts("tablet", "recovery_used")]
    assert results == [Result.DONE, Result.REFUSED]


def test_live_sheets_let_a_device_in_and_bring_the_root_back(ward: World):
    """After the record is in the relay's log; everybody sees who was let in, and that another key is due."""
    ward.json("recovery", "create", "--home", "admin", "--out", "later", "--remove-root")
    assert ward.refused("recovery", "create", "--home", "admin", "--out", "more") == "no_root_keys"
    given = _sheets(2, 3, 5, folder="later")
    said = ward.json("recovery", "run", "--home", "admin", "--root", *given)
    assert said["root"] is True
    status = ward.json("recovery", "status", "--home", "admin")
    assert status["root_keys_here"] is True
    assert status["due"] == "it was used"
    assert [use["let_in"] for use in status["uses"]] == [None, said["let_in"]]
    ward.json("sync", "once", "--home", "tablet")
    assert ward.json("recovery", "status", "--home", "tablet")["uses"] == status["uses"]
    told = ward.run("recovery", "status", "--home", "tablet")
    assert "let in" in told.out
    assert "it was used" in told.out
    assert "not on this device" in told.out


def test_run_tells_a_person_what_is_open_and_what_stays_closed(ward: World):
    """Keys that no member has wrapped to this recovery key stay closed, until one syncs; another key is to be made."""
    ward.enrol("phone", "nurse")
    ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    ward.json("sync", "once", "--home", "tablet")
    ward.json("recovery", "create", "--home", "admin", "--out", "later")
    ward.json("sync", "once", "--home", "admin")
    run = ("recovery", "run", "--home", "phone", *_sheets(1, 2, 3, folder="later"))
    early = ward.run(*run)
    assert early.code == 1
    assert ward.json("recovery", "status", "--home", "phone")["not_wrapped"] == 1
    assert "Not wrapped   1 keys" in ward.run("recovery", "status", "--home", "phone").out
    assert "stay closed" in early.out
    ward.json("sync", "once", "--home", "tablet")
    assert ward.json("recovery", "status", "--home", "tablet")["not_wrapped"] == 0
    late = ward.run(*run)
    assert late.code == 0, late.out + late.err
    assert "1 charts are open" in late.out
    assert "stay closed" not in late.out
    assert "fieldward recovery create" in late.out
    chart = ward.json("chart", "list", "--home", "phone")["charts"][0]["chart"]
    assert ward.json("chart", "show", chart, "--home", "phone")["chart"] == chart


def test_an_administrator_lets_somebody_in_by_name(ward: World):
    """And hears that the root is back, where that was asked for."""
    phone = ward.enrol("phone", "nurse")
    said = ward.run("recovery", "run", "--home", "admin", "--root", "--for", phone, *_sheets(1, 2, 3))
    assert said.code == 0, said.out + said.err
    assert "The root's keys are on this device again." in said.out
    uses = ward.json("recovery", "status", "--home", "admin")["uses"]
    with open_home(Path("phone"), PASSPHRASE) as runtime:
        assert uses[-1]["let_in"] == str(runtime.identity.principal)


def test_run_refuses_what_does_not_fit(ward: World):
    """The root on a clinician's device, a device that is none, drill words, no key at all."""
    ward.json("sync", "once", "--home", "admin")
    run = ("recovery", "run", "--home", "tablet")
    assert ward.refused(*run, "--root", *_sheets(1, 2, 3)) == "not_an_administrator"
    assert ward.refused(*run, "--for", "ffff", *_sheets(1, 2, 3)) == "no_such_device"
    drill = Path("sheets/sheet-1.txt").read_text().partition("DRILL WORDS (for drills; they open no chart)")[2]
    Path("drill.txt").write_text(drill)
    assert ward.refused(*run, "drill.txt", *_sheets(2, 3)) == "share_kind"


def test_without_a_key_there_is_nothing_to_drill_or_run(world: World):
    """And the status says what to do."""
    world.found()
    world.enrol("tablet", "physician")
    assert world.refused("recovery", "drill", "--home", "admin", "x") == "no_recovery_key"
    assert world.refused("recovery", "run", "--home", "tablet", "x") == "no_recovery_key"
    status = world.json("recovery", "status", "--home", "admin")
    assert (status["recovery"], status["due"]) == (None, "there is none")
    assert "no recovery key" in world.run("recovery", "status", "--home", "admin").out
    first = world.run("recovery", "create", "--home", "admin", "--out", "first").out
    assert "A recovery key is made" in first
    assert "key before" not in first
    assert "no longer on this device" not in first


def test_the_status_says_when_another_key_is_due(ward: World, monkeypatch: pytest.MonkeyPatch):
    """A year later; before, it says none is."""
    assert ward.json("recovery", "status", "--home", "admin")["due"] is None
    ward.json("recovery", "drill", "--home", "admin", *_sheets(1, 2, 3))
    assert "never" not in ward.run("recovery", "status", "--home", "admin").out
    later = clock() + ROTATE_MS + 60_000
    monkeypatch.setattr("edge_runtime.runtime.clock", lambda: later)
    assert "older than a year" in ward.run("recovery", "status", "--home", "admin").out


# ------------------------------------------------------------------------------------------------------- backup


def test_a_device_is_backed_up_and_restored(ward: World):
    """The restored home opens by its own passphrase, tells of it in its ledger, and syncs."""
    made = ward.json("device", "backup", "--home", "tablet", "--out", "b")
    assert made["bytes"] == Path("b").stat().st_size
    assert len(_acts("tablet", "backed_up")) == 1
    said = ward.json("device", "restore", "--from", "b", "--home", "new")
    assert said["device"] == made["device"]
    acts = _acts("new", "restored")
    assert [dict(act.detail) for act in acts] == [{"backup_ms": str(made["made_ms"])}]
    assert ward.json("sync", "once", "--home", "new")["ok"]
    assert ward.json("sync", "once", "--home", "tablet")["ok"]
    assert ward.run("device", "backup", "--home", "tablet", "--out", "b").out.startswith("Device ")
    assert "use one of the two only" in ward.run("device", "restore", "--from", "b", "--home", "third").out


def test_a_backup_that_cannot_be_made_or_opened_is_refused(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Each with its reason, and damage by its own exit code; nothing is written."""
    ward.json("device", "backup", "--home", "tablet", "--out", "b")
    restore = ("device", "restore", "--home", "new", "--from")
    assert ward.refused("device", "backup", "--home", "tablet", "--out", "none/such") == "out_file"
    assert ward.refused(*restore, "none") == "no_backup"
    data = Path("b").read_bytes()
    Path("cut").write_bytes(data[:-1])
    assert ward.refused(*restore, "cut", code=3) == "backup_damaged"
    assert ward.refused("device", "restore", "--from", "b", "--home", "tablet") == "home_in_use_already"
    Path("secret").write_text("another\n")
    assert ward.refused(*restore, "b", "--backup-passphrase-file", "secret") == "wrong_passphrase"
    monkeypatch.delenv("FIELDWARD_BACKUP_PASSPHRASE")
    assert ward.refused(*restore, "b") == "no_passphrase"
    assert not Path("new").exists()


def test_the_backup_s_passphrase_is_asked_for_where_somebody_is(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Twice when it is made, once when it is opened; never shown."""
    asked: list[Any] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append((text, options["hide_input"], options["confirmation_prompt"]))
        return "typed"

    monkeypatch.delenv("FIELDWARD_BACKUP_PASSPHRASE")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    ward.json("device", "backup", "--home", "tablet", "--out", "b")
    ward.json("device", "restore", "--from", "b", "--home", "new")
    assert asked == [("Passphrase of the backup", True, True), ("Passphrase of the backup", True, False)]


def test_a_device_of_no_organisation_is_not_backed_up(world: World):
    """There is nothing to go on with."""
    world.found()
    world.json(
        "device", "invite", "--home", "admin", "--relay", "https://relay.example:443", "--role", "nurse", "--out", "inv"
    )
    world.json("device", "enrol", "--home", "phone", "--invitation", "inv")
    world.run("device", "backup", "--home", "phone", "--out", "b")
    assert not Path("b").exists()
