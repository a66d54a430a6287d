"""A relay's database as evidence: read only, one moment, and nothing believed for lying there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from server.relay.errors import StorageError
from server.relay.evidence import open_evidence
from server.relay.recall import ORGANISATION_ROOT
from sync_protocol.control import CreateChart, CreateDocument, chart_id, control_stream
from sync_protocol.ids import DocumentId
from sync_protocol.roles import Role
from sync_protocol.verification import Report, verify
from tests.support.people import Organisation
from tests.support.relay_room import open_bench


@pytest.fixture(name="home")
def relay_home(tmp_path: Path) -> Path:
    """A relay's folder, after two sessions wrote in one stream."""
    organisation = Organisation.make(3)
    with open_bench(tmp_path, organisation) as bench:
        bench.store.put_value("relay_record", organisation.relay.wire)
        nurse, doctor = (organisation.device(role).session() for role in (Role.NURSE, Role.PHYSICIAN))
        for session in (nurse, doctor, nurse):
            nonce = organisation.entropy(16)
            stream = control_stream(chart_id(session.device.name, nonce))
            first = CreateChart(nonce=nonce, document=DocumentId(organisation.entropy(16)))
            more = (CreateDocument(document=DocumentId(organisation.entropy(16))) for _ in range(2))
            _, entries = session.write_control(stream, [first, *more])
            bench.commit(session, entries=entries)
    return tmp_path


def check(home: Path) -> Report:
    """Verify a relay's folder."""
    with open_evidence(home, database_url=None, root=None) as source:
        return verify(source)


def change(home: Path, statement: str, *values: object) -> None:
    """What somebody does who may edit the database."""
    with sqlite3.connect(home / "relay.sqlite3") as connection:
        connection.execute(statement, values)


def kinds(report: Report) -> set[str]:
    """The kinds of what was found."""
    return {kind.value for kind in report.counts}


def test_an_honest_relay_holds(home: Path):
    """Every entry, every leaf, every checkpoint; and checking writes nothing."""
    before = (home / "relay.sqlite3").read_bytes()
    report = check(home)
    assert report.ok, report.findings
    assert (report.entries, report.log_size, report.unwitnessed) == (9, 9, 0)
    assert (home / "relay.sqlite3").read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE entry SET body = X'00' WHERE log_index = 4", "forged"),
        ("UPDATE entry SET header = X'00' WHERE log_index = 4", "forged"),
        ("UPDATE entry SET seal_path = X'00' WHERE log_index = 4", "forged"),
        ("DELETE FROM entry WHERE log_index = 4", "missing_leaf"),
        ("DELETE FROM entry WHERE log_index = 8", "missing_leaf"),
        ("DELETE FROM checkpoint WHERE size < 9", None),
        ("UPDATE checkpoint SET note = X'00' WHERE size = 9", "foreign_checkpoint"),
        ("UPDATE log_tile SET hashes = zeroblob(288) WHERE level = 0", "log_differs"),
        ("UPDATE log_tile SET hashes = substr(hashes, 1, 256) WHERE level = 0", "log_differs"),
        ("DELETE FROM seal WHERE number = 1", "gap"),
        ("DELETE FROM session", "untrusted"),
        ("DELETE FROM relay_value WHERE name = 'relay_record'", "foreign_checkpoint"),
    ],
)
def test_whatever_is_edited_in_the_database_is_found(home: Path, statement: str, kind: str | None):
    """Entries, leaves, checkpoints, seals, sessions; an old checkpoint may go."""
    change(home, statement)
    report = check(home)
    assert report.ok == (kind is None), report.findings
    assert kind is None or kind in kinds(report)


def test_two_entries_in_each_others_place_are_found(home: Path):
    """The log fixes the order."""
    change(home, "UPDATE entry SET log_index = 100 WHERE log_index = 4")
    change(home, "UPDATE entry SET log_index = 4 WHERE log_index = 5")
    change(home, "UPDATE entry SET log_index = 5 WHERE log_index = 100")
    assert "missing_leaf" in kinds(check(home))


def test_a_hash_in_a_column_proves_nothing(home: Path):
    """Whether an entry is there is said by its header."""
    with open_evidence(home, database_url=None, root=None) as source:
        names = [piece.header for piece in source.pieces()]
    change(home, "UPDATE entry SET header = ? WHERE log_index = 0", names[3])
    assert not check(home).ok


def test_data_that_does_not_say_whose_it_is_needs_the_organisations_file(home: Path):
    """An older relay did not keep the root."""
    change(home, "DELETE FROM relay_value WHERE name = ?", ORGANISATION_ROOT)
    with pytest.raises(StorageError) as error:
        check(home)
    assert error.value.code == "no_root"
    root = Organisation.make(3).root.wire
    with open_evidence(home, database_url=None, root=root) as source:
        assert verify(source).ok


def test_a_folder_without_a_relay_is_refused(tmp_path):
    """And nothing is made there."""
    with pytest.raises(StorageError) as error:
        check(tmp_path)
    assert error.value.code == "no_relay"
    assert list(tmp_path.iterdir()) == []


def test_the_database_may_be_elsewhere(home: Path, tmp_path):
    """An SQLite file by its URL."""
    url = f"sqlite:///{home / 'relay.sqlite3'}"
    with open_evidence(tmp_path / "empty", database_url=url, root=None) as source:
        assert verify(source).ok


def test_a_file_that_is_no_database_is_explained(tmp_path):
    """In the room's own words."""
    (tmp_path / "relay.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError) as error:
        check(tmp_path)
    assert error.value.code == "storage_damaged"
