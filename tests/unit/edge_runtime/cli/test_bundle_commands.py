"""`fieldward bundle`: what is shown; in the wrong order, twice, cut, damaged, foreign, of a revoked device."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.edge_runtime.cli.world import World

SAID = json.dumps({"kind": "allergy", "text": "Penicillin", "severity": "severe"})
LATER = json.dumps({"kind": "allergy", "text": "Latex", "severity": "mild"})


class Ward:
    """A physician's phone and a nurse's kit, who share a chart that only the phone has."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.found()
        self.kit = world.enrol("kit", "nurse")
        self.phone = world.enrol("phone", "physician")
        self.chart = str(world.json("chart", "create", "--home", "phone", "--name", "Ana Lima")["chart"])
        world.json("chart", "share", self.chart, "--device", self.kit, "--home", "phone")

    def says(self, fact: str) -> None:
        """State an allergy on the phone."""
        self.world.json("chart", "edit", self.chart, "--document", "chart", "--fact", fact, "--home", "phone")

    def export(self, name: str, *options: str) -> dict[str, Any]:
        """Write a bundle on the phone."""
        told: dict[str, Any] = self.world.json("bundle", "export", name, *options, "--home", "phone")
        return told

    def take(self, *names: str, code: int = 0) -> list[dict[str, Any]]:
        """Take in bundles on the kit; what is said of each."""
        files: list[dict[str, Any]] = self.world.json("bundle", "import", *names, "--home", "kit", code=code)["files"]
        return files

    def reads(self) -> str:
        """What the kit shows of the chart."""
        return json.dumps(self.world.json("chart", "show", self.chart, "--home", "kit"))

    def counts(self, home: str = "kit") -> dict[str, Any]:
        """What a home says of where its entries are."""
        told: dict[str, Any] = self.world.json("sync", "status", "--home", home)
        return told


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> Ward:
    """A ward of its own."""
    return Ward(world)


def test_a_chart_travels_in_a_file(ward: Ward) -> None:
    """What one device wrote is read on another that never met it; importing again changes nothing."""
    ward.says(SAID)
    told = ward.export("one.fwb")
    assert told["entries"] > 5
    assert told["bytes"] == (ward.world.folder / "one.fwb").stat().st_size
    (first,) = ward.take("one.fwb")
    assert (first["ending"], first["received"] > 0, first["refused"], first["held"]) == ("whole", True, {}, 0)
    assert first["maker"]["device"] == ward.phone
    assert "Penicillin" in ward.reads()
    (again,) = ward.take("one.fwb")
    assert (again["received"], again["known"]) == (0, again["entries"])


def test_an_export_sends_nothing(ward: Ward) -> None:
    """What was exported still counts as on this device only: nobody knows what becomes of a stick."""
    ward.says(SAID)
    before = ward.counts("phone")["on_this_device_only"]
    ward.export("one.fwb")
    assert ward.counts("phone")["on_this_device_only"] > before, "the record of the export itself"


def test_who_took_it_in_brings_it_to_the_relay(ward: Ward) -> None:
    """The importing device's next sync brings it all to the relay, whoever wrote it, once."""
    ward.says(SAID)
    ward.export("one.fwb")
    ward.take("one.fwb")
    told = ward.world.json("sync", "once", "--home", "kit")
    assert (told["ok"], told["refused"]) == (True, [])
    back = ward.world.json("sync", "once", "--home", "phone")
    assert (back["ok"], back["pending"]) == (True, 0)


def test_any_order_ends_the_same(ward: Ward) -> None:
    """A later bundle before an earlier one: each stands by itself, nothing waits, and both together say the same."""
    ward.says(SAID)
    ward.export("one.fwb")
    ward.world.json("sync", "once", "--home", "phone")
    ward.says(LATER)
    ward.export("two.fwb")
    (early,) = ward.take("two.fwb")
    assert (early["held"], early["refused"]) == (0, {})
    (late,) = ward.take("one.fwb")
    assert late["refused"] == {}
    assert all(word in ward.reads() for word in ("Penicillin", "Latex"))
    assert ward.counts()["held"] == []
    assert ward.world.json("doctor", "--home", "kit")["ok"]


def test_what_the_relay_has_goes_only_where_it_is_asked_for(ward: Ward) -> None:
    """By default a bundle holds what waits; with --everything also what the relay has, for whoever cannot reach it."""
    ward.says(SAID)
    ward.world.json("sync", "once", "--home", "phone")
    small, large = ward.export("small.fwb"), ward.export("large.fwb", "--everything", "--chart", ward.chart[:8])
    assert large["entries"] > small["entries"]
    ward.take("large.fwb")
    assert "Penicillin" in ward.reads()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_pulled_stick_counts_as_far_as_it_goes(ward: Ward, share: float) -> None:
    """A file that was cut off says so with exit code 3; what is whole was taken, and the whole file brings the rest."""
    for number in range(12):
        ward.says(json.dumps({"kind": "allergy", "text": f"Substance {number}", "severity": "mild"}))
    ward.export("one.fwb")
    data = (ward.world.folder / "one.fwb").read_bytes()
    (ward.world.folder / "cut.fwb").write_bytes(data[: int(len(data) * share)])
    (cut,) = ward.take("cut.fwb", code=3)
    assert cut["ending"] == "cut"
    (whole,) = ward.take("one.fwb")
    assert whole["received"] + whole["known"] == whole["entries"]
    assert "Substance 11" in ward.reads()


def test_damage_costs_no_more_than_it_must(ward: Ward) -> None:
    """A changed byte is found with exit code 3, the store stays sound, and the good file brings everything."""
    ward.says(SAID)
    ward.export("one.fwb")
    data = bytearray((ward.world.folder / "one.fwb").read_bytes())
    data[len(data) * 2 // 3] ^= 0x20
    (ward.world.folder / "bad.fwb").write_bytes(data)
    (bad,) = ward.take("bad.fwb", code=3)
    assert bad["ending"] != "whole"
    ward.take("one.fwb")
    assert "Penicillin" in ward.reads()
    assert ward.world.json("doctor", "--home", "kit")["ok"]


def test_of_another_organisation(ward: Ward) -> None:
    """A bundle of strangers is refused by name, and nothing of it is stored."""
    ward.export("one.fwb")
    ward.world.json("org", "init", "--home", "elsewhere", "--out", "other.org")
    assert ward.world.refused("bundle", "import", "one.fwb", "--home", "elsewhere") == "bundle_foreign"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip archive", b"\0" * 5000, b"\x00\x00\x00\x05\x01hello"])
def test_other_files_are_no_bundles(ward: Ward, content: bytes) -> None:
    """A file that is none is said to be none, by import and inspect alike."""
    (ward.world.folder / "file").write_bytes(content)
    assert ward.world.refused("bundle", "import", "file", "--home", "kit") == "malformed"
    assert ward.world.refused("bundle", "inspect", "file") == "malformed"


def test_an_export_replaces_no_other_file(ward: Ward) -> None:
    """An older bundle, or what is left of one, yes; what somebody else put there, never."""
    file = ward.world.folder / "round.fwb"
    file.write_text("somebody's notes")
    assert ward.world.refused("bundle", "export", "round.fwb", "--home", "phone") == "out_file"
    assert file.read_text() == "somebody's notes"
    file.write_bytes(b"")
    for _ in range(2):
        ward.export("round.fwb")
        assert ward.take("round.fwb")[0]["ending"] == "whole"


def test_a_file_that_is_not_there(ward: Ward) -> None:
    """A wrong name is told with the name."""
    assert ward.world.refused("bundle", "import", "none.fwb", "--home", "kit") == "bundle_file"
    assert ward.world.refused("bundle", "inspect", "none.fwb") == "bundle_file"
    assert ward.world.refused("bundle", "export", "none/one.fwb", "--home", "phone") == "out_file"


def test_one_wrong_file_keeps_nobody_from_the_others(ward: Ward) -> None:
    """Of several files each is taken in by itself, whatever is wrong with another; each is told."""
    ward.says(SAID)
    ward.export("one.fwb")
    (ward.world.folder / "photo.jpg").write_bytes(b"\xff\xd8 no bundle")
    told = ward.take("photo.jpg", "one.fwb", "none.fwb", code=1)
    assert [one.get("error", {}).get("code") for one in told] == [None, "malformed", "bundle_file"]
    assert told[0]["received"] > 0
    assert "Penicillin" in ward.reads()
    said = ward.world.run("bundle", "import", "photo.jpg", "one.fwb", "--home", "kit")
    assert (said.code, said.err) == (1, "")
    assert "photo.jpg: not imported (malformed)" in said.out


def test_a_cut_file_names_nobody(ward: Ward) -> None:
    """Who made a file that is not whole is what the file says, and is said so."""
    ward.says(SAID)
    ward.export("one.fwb")
    data = (ward.world.folder / "one.fwb").read_bytes()
    (ward.world.folder / "cut.fwb").write_bytes(data[:-10])
    said = ward.world.run("bundle", "import", "cut.fwb", "--home", "kit")
    assert (said.code, "says that it was made by physician" in said.out) == (3, True)
    (told,) = ward.take("one.fwb")
    assert told["maker_proven"]


def test_from_a_revoked_device(ward: Ward) -> None:
    """A bundle of a revoked device is taken, because its owner's work may be in it, and its maker is named as such."""
    ward.says(SAID)
    ward.world.json("sync", "once", "--home", "phone")
    ward.export("one.fwb")
    ward.world.json("sync", "once", "--home", "admin")
    ward.world.json("device", "revoke", ward.phone, "--reason", "stolen", "--home", "admin")
    ward.world.json("sync", "once", "--home", "admin")
    ward.world.json("sync", "once", "--home", "kit")
    (told,) = ward.take("one.fwb")
    assert told["maker_revoked"]
    assert "revoked" in ward.world.run("bundle", "import", "one.fwb", "--home", "kit").out


def test_inspecting_takes_no_key(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can see what a bundle claims to hold and whether it is whole; no text and no name is among that."""
    ward.says(SAID)
    told = ward.export("one.fwb")
    monkeypatch.delenv("FIELDWARD_PASSPHRASE")
    found = ward.world.json("bundle", "inspect", "one.fwb")
    assert found["ending"] == "whole"
    assert (found["entries"], found["bytes"], found["streams"]) == (told["entries"], told["bytes"], told["streams"])
    assert found["maker"]["device"] == ward.phone
    shown = ward.world.run("bundle", "inspect", "one.fwb").out
    assert "whole, as its maker signed it" in shown
    data = (ward.world.folder / "one.fwb").read_bytes()
    assert b"Penicillin" not in data
    assert b"Ana Lima" not in data
    (ward.world.folder / "cut.fwb").write_bytes(data[:-10])
    cut = ward.world.run("bundle", "inspect", "cut.fwb")
    assert (cut.code, "cut off before its end" in cut.out) == (3, True)


def test_who_may_not_hold_it_keeps_nothing(ward: Ward) -> None:
    """A device that is in none of the charts takes the organisation's records, and says what it left in the file."""
    ward.says(SAID)
    ward.export("one.fwb")
    ward.world.enrol("desk", "nurse")
    told = ward.world.json("bundle", "import", "one.fwb", "--home", "desk", code=1)["files"][0]
    assert told["refused"]
    assert set(told["refused"]) <= {"not_member", "unknown_stream"}
    said = ward.world.run("bundle", "import", "one.fwb", "--home", "desk").out
    assert "they stay in the file" in said


def test_both_acts_are_on_record(ward: Ward) -> None:
    """Who wrote a bundle and who took one in stands in the audit trail of each."""
    ward.says(SAID)
    ward.export("one.fwb")
    ward.take("one.fwb")
    for home, kind in (("phone", "bundle_exported"), ("kit", "bundle_imported")):
        events = ward.world.json("audit", "timeline", "--home", home, "--kind", kind)["events"]
        assert len(events) == 1, home


def test_attachments_travel(ward: Ward) -> None:
    """A file that is attached to a chart goes along, unless it is left out, and opens on the other device."""
    (ward.world.folder / "scan.txt").write_bytes(b"left ventricle, in plain words " * 5000)
    ward.world.json("chart", "attach", ward.chart, "scan.txt", "--home", "phone")
    assert ward.export("without.fwb", "--no-attachments")["attachments"] == 0
    assert ward.export("with.fwb")["attachments"] == 1
    (told,) = ward.take("without.fwb")
    assert told["attachments"]["received"] == 0
    (told,) = ward.take("with.fwb")
    assert told["attachments"] == {"received": 1, "unknown": 0, "refused": []}
    (one,) = ward.world.json("chart", "attachments", ward.chart, "--home", "kit")["attachments"]
    assert one["here"]
    assert b"left ventricle" not in (ward.world.folder / "with.fwb").read_bytes()


def test_a_part_of_an_attachment_counts(ward: Ward) -> None:
    """A stick that is pulled in the middle of a file leaves the chunks that came; the next import brings the others."""
    (ward.world.folder / "scan.txt").write_bytes(bytes(range(256)) * 1500)
    ward.world.json("chart", "attach", ward.chart, "scan.txt", "--home", "phone")
    ward.export("one.fwb")
    data = (ward.world.folder / "one.fwb").read_bytes()
    (ward.world.folder / "cut.fwb").write_bytes(data[:-200_000])
    (cut,) = ward.take("cut.fwb", code=3)
    assert (cut["ending"], cut["attachments"]["received"]) == ("cut", 0)
    kept = sum(path.stat().st_size for path in (ward.world.folder / "kit" / "blobs").rglob("*") if path.is_file())
    assert kept > 60_000
    assert ward.take("one.fwb")[0]["attachments"]["received"] == 1


def test_what_came_in_a_file_is_elsewhere_too(ward: Ward) -> None:
    """Whoever made the file has what is in it; of its own bundle, taken in again, a device learns nothing of others."""
    ward.says(SAID)
    ward.export("one.fwb")
    ward.take("one.fwb")
    kit = ward.counts()
    assert kit["at_a_peer"] > 5
    assert kit["on_this_device_only"] < 5, "its own ledger: that it took the file in"
    ward.world.json("bundle", "import", "one.fwb", "--home", "phone")
    assert ward.counts("phone")["at_a_peer"] == 0
