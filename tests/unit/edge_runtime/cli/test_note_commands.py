"""`fieldward note`: signed texts as a file, checked where nothing else is; one changed byte is found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.runtime import open_home
from sync_protocol.ids import ChartId
from sync_protocol.limits import NOTE_FILE_BYTES_MAX
from tests.support.audit_records import opened
from tests.unit.edge_runtime.cli.test_sign_commands import sign
from tests.unit.edge_runtime.cli.test_team_commands import sync
from tests.unit.edge_runtime.cli.test_workflow_commands import do, fixture_ward, shown, write
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World
from tests.unit.edge_runtime.printing.reading import read_html, said_by_pdf

__all__ = ["fixture_ward"]


@pytest.fixture(name="noted")
def fixture_noted(ward: World) -> World:
    """A note of a text that was signed, signed beside, and added to, exported where the receipts are."""
    do(ward, "new", "encounter")
    write(ward, "encounter", "plan", "Paracetamol 500 mg")
    name = sign(ward, "--yes")
    sync(ward, "tablet", "phone")
    sign(ward, "--beside", name[:10], "--yes", home="phone")
    sync(ward, "phone", "tablet")
    do(ward, "addend", "--document", "encounter", "--text", "Potassium 6.8", "--reason", "laboratory called")
    sync(ward, "tablet")
    export(ward)
    return ward


def export(ward: World, *more: str) -> Any:
    """Write the note."""
    words = ("note", "export", ward.chart, "--document", "encounter", "--out", "visit.fwn", "--home", "tablet")
    return ward.json(*words, *more)


def empty_folder(ward: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where nothing is but the note and the organisation's file, and no way to a device or a relay."""
    folder = ward.folder / "elsewhere"
    folder.mkdir()
    for name in ("visit.fwn", "clinic.org"):
        shutil.copy(ward.folder / name, folder / name)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FIELDWARD_PASSPHRASE")
    monkeypatch.setenv("FIELDWARD_HOME", str(folder / "none"))
    ward.relay = None
    return folder


def test_a_note_is_checked_in_an_empty_folder(noted: World, monkeypatch: pytest.MonkeyPatch):
    """The file and the organisation's file are enough; nothing is made there, and no word of the text is printed."""
    folder = empty_folder(noted, monkeypatch)
    told = noted.json("note", "verify", "visit.fwn", "--organisation", "clinic.org")
    assert (told["ok"], told["pinned"]) == (True, True)
    assert len(told["signatures"]) == 3
    assert "Paracetamol" not in str(told)
    said = noted.run("note", "verify", "visit.fwn", "--organisation", "clinic.org")
    assert (said.code, said.err) == (0, "")
    assert "Every signature holds." in said.out
    assert "Paracetamol" not in said.out
    assert sorted(path.name for path in folder.iterdir()) == ["clinic.org", "visit.fwn"]


def test_without_the_organisations_file_a_note_only_agrees_with_itself(noted: World):
    """That is said, every time; a file of another organisation is damage."""
    said = noted.run("note", "verify", "visit.fwn")
    assert said.code == 0
    assert noted.json("note", "verify", "visit.fwn")["pinned"] is False
    assert "anybody could have made this file" in said.out
    noted.json("org", "init", "--home", "stranger", "--out", "other.org")
    answer = noted.run("note", "verify", "visit.fwn", "--organisation", "other.org", "--json")
    assert answer.code == 3
    assert answer.error["code"]


def test_one_changed_byte_is_found_wherever_it_is(noted: World):
    """Exit code 3; no page is made of such a file."""
    data = (noted.folder / "visit.fwn").read_bytes()
    places = [*range(0, len(data), max(1, len(data) // 40)), len(data) - 1, data.index(b"500 mg"), data.index(b"6.8")]
    for place in places:
        (noted.folder / "bad.fwn").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        answer = noted.run("note", "verify", "bad.fwn", "--organisation", "clinic.org", "--json")
        assert answer.code == 3, place
        assert "Paracetamol" not in answer.out
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        (noted.folder / "bad.fwn").write_bytes(data[:cut])
        assert noted.run("note", "show", "bad.fwn", "--html", "x.html", "--json").code == 3
    (noted.folder / "bad.fwn").write_bytes(data + b"\0")
    assert noted.run("note", "verify", "bad.fwn", "--json").code == 3
    (noted.folder / "bad.fwn").write_bytes(bytes(NOTE_FILE_BYTES_MAX + 1))
    assert noted.run("note", "verify", "bad.fwn", "--json").code == 3
    assert not (noted.folder / "x.html").exists()


def test_a_note_is_shown_on_a_terminal_and_as_a_page(noted: World):
    """The text, what was added, who signed; as HTML, and as PDF."""
    told = noted.json("note", "show", "visit.fwn", "--organisation", "clinic.org")
    assert "Paracetamol 500 mg" in told["signatures"][0]["text"]
    said = noted.run("note", "show", "visit.fwn", "--organisation", "clinic.org").out
    for words in ("Paracetamol 500 mg", "Potassium 6.8"):
        assert words in said
    show = ("note", "show", "visit.fwn", "--organisation", "clinic.org")
    page = noted.json(*show, "--html", "visit.html")
    assert (page["form"], page["bytes"]) == ("html", (noted.folder / "visit.html").stat().st_size)
    written = (noted.folder / "visit.html").read_bytes()
    assert "Paracetamol 500 mg" in read_html(written).text
    noted.json(*show, "--pdf", "visit.pdf")
    assert "Potassium 6.8" in said_by_pdf((noted.folder / "visit.pdf").read_bytes())
    assert noted.run(*show, "--html", "again.html").out.endswith("patient data in the clear.\n")
    assert noted.refused(*show, "--html", "a", "--pdf", "b", code=2) == "usage"
    assert noted.refused(*show, "--html", "nowhere/a.html") == "out_file"


def test_a_text_that_was_amended_says_so_above_it(noted: World):
    """Whoever reads only the first text is told that another stands in its place; who signed beside it, too."""
    (first, *_) = noted.json("note", "show", "visit.fwn")["signatures"]
    assert "AMENDED SINCE" not in noted.run("note", "show", "visit.fwn").out
    write(noted, "encounter", "plan", "Paracetamol 250 mg")
    name = shown(noted, "encounter")["signatures"][0]["signature"]
    sign(noted, "--amend", name[:10], "--yes", "--reason", "wrong dose")
    (noted.folder / "visit.fwn").unlink()
    export(noted)
    said = noted.run("note", "show", "visit.fwn").out
    assert first["act"] == "author"
    assert said.count("AMENDED SINCE") == 2
    assert said.index("AMENDED SINCE") < said.index("Paracetamol 500 mg") < said.index("Paracetamol 250 mg")
    assert noted.run("note", "verify", "visit.fwn").out.count("AMENDED SINCE") == 2


def test_a_page_tells_the_makers_word_from_the_certificate(noted: World):
    """The role is the certificate's; what the maker of the file says of the signer is the maker's word."""
    noted.json("note", "show", "visit.fwn", "--organisation", "clinic.org", "--html", "visit.html")
    text = read_html((noted.folder / "visit.html").read_bytes()).text
    assert "physician; who made the file says: physician, accepted" in text


def test_an_export_is_on_record_and_says_what_it_holds(noted: World):
    """Who exported it, and for what; the file is its owner's alone, and the warning is printed."""
    told = export(noted, "--purpose", "operations")
    assert told["bytes"] == (noted.folder / "visit.fwn").stat().st_size
    with open_home(Path("tablet"), PASSPHRASE) as runtime:
        records = list(opened(runtime.store, runtime.keyring, ChartId.parse(noted.chart)))
    exported = [one for _, one in records if one is not None and one.kind.name == "exported"]
    assert len(exported) == 2
    words = ("note", "export", noted.chart, "--document", "encounter", "--out", "again.fwn", "--home", "tablet")
    assert "WARNING: this file holds patient data in the clear." in noted.run(*words).out


def test_what_cannot_be_exported_or_read_is_refused(ward: World):
    """Nothing signed, no place to write to, no such file."""
    do(ward, "new", "encounter")
    words = ("note", "export", ward.chart, "--document", "encounter", "--home", "tablet", "--out")
    assert ward.refused(*words, "visit.fwn") == "nothing_signed"
    assert ward.refused(*words, "nowhere/visit.fwn") == "out_file"
    assert not (ward.folder / "visit.fwn").exists()
    assert ward.refused("note", "verify", "nowhere.fwn") == "note_file"
    assert ward.refused("note", "verify", "nowhere.fwn", "--organisation", "nowhere.org") in {
        "note_file",
        "organisation_file",
    }


def test_a_document_signed_here_and_amended_there_goes_into_one_note(noted: World, monkeypatch: pytest.MonkeyPatch):
    """The nurse's phone was apart meanwhile; both texts stand in the file, each with its signature."""
    (report,) = do(noted, "show", "--document", "encounter")["documents"]
    first = report["signatures"][0]["signature"]
    write(noted, "encounter", "assessment", "Better", home="phone")
    sign(noted, "--amend", first[:10], "--reason", "seen again", "--yes", home="phone")
    sync(noted, "phone", "tablet")
    export(noted)
    empty_folder(noted, monkeypatch)
    told = noted.json("note", "show", "visit.fwn", "--organisation", "clinic.org")
    assert sorted(one["act"] for one in told["signatures"]) == ["addendum", "amendment", "author", "cosignature"]
