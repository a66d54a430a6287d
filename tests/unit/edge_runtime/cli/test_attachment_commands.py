"""`fieldward chart attach`, `attachments`, `save-attachment` and `sync policy`, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.edge_runtime.cli.world import World

DATA = b"the content of a scan" * 5000


@pytest.fixture
def chart(world: World) -> str:
    """A nurse's chart, and a file to attach."""
    world.found()
    world.enrol("nurse", "nurse")
    (world.folder / "left hand.png").write_bytes(DATA)
    return str(world.json("chart", "create", "--name", "Ana Lima", "--home", "nurse")["chart"])


def attached(world: World, chart: str, *options: str) -> dict[str, Any]:
    """Attach the file."""
    return dict(world.json("chart", "attach", chart, "left hand.png", *options, "--home", "nurse"))


def test_a_file_is_attached_listed_shown_and_saved(world: World, chart: str):
    """All without a network: what it is called, how long it is, where it is, and the same bytes again."""
    made = attached(world, chart, "--document", "encounter", "--title", "Day 2")
    (listed,) = world.json("chart", "attachments", chart, "--home", "nurse")["attachments"]
    assert listed["attachment"] == made["attachment"]
    assert (listed["name"], listed["title"], listed["media_type"]) == ("left hand.png", "Day 2", "image/png")
    assert (listed["bytes"], listed["state"], listed["here"]) == (len(DATA), "this_device_only", True)
    shown = world.json("chart", "show", chart, "--home", "nurse")
    assert shown["attachments"] == [listed]
    world.json("chart", "save-attachment", chart, made["attachment"][:6], "--out", "out.png", "--home", "nurse")
    assert (world.folder / "out.png").read_bytes() == DATA
    for words in (
        world.run("chart", "show", chart, "--home", "nurse"),
        world.run("chart", "attachments", chart, "--home", "nurse"),
    ):
        assert "left hand.png (Day 2)  102.5 KiB  on this device only" in " ".join(words.out.split("\n")).replace(
            "│", ""
        )
    assert world.json("sync", "status", "--home", "nurse")["attachments"]["this_device_only"] == 1
    assert "1 on this device only" in world.run("sync", "status", "--home", "nurse").out


def test_the_key_is_printed_nowhere(world: World, chart: str):
    """Neither by the chart nor by its attachments: it stands in the sealed fact alone."""
    attached(world, chart)
    for command in (("chart", "show"), ("chart", "attachments")):
        told = json.dumps(world.json(*command, chart, "--home", "nurse"))
        assert '"key"' not in told


def test_what_leaves_the_device_is_on_record(world: World, chart: str):
    """Saving is an export, recorded before the file is written; listing is a reading."""
    made = attached(world, chart)
    world.json("chart", "save-attachment", chart, made["attachment"], "--out", "out.png", "--home", "nurse")
    told = json.dumps(world.json("audit", "timeline", "--chart", chart, "--home", "nurse"))
    assert "export" in told
    assert "attachment" in told


def test_nothing_is_overwritten_and_nothing_else_is_written(world: World, chart: str):
    """A file that is there is left as it is; an attachment that nobody knows is refused by name."""
    made = attached(world, chart)
    (world.folder / "mine.txt").write_bytes(b"mine")
    save = ("chart", "save-attachment", chart)
    assert world.refused(*save, made["attachment"], "--out", "mine.txt", "--home", "nurse") == "out_file"
    assert (world.folder / "mine.txt").read_bytes() == b"mine"
    assert world.refused(*save, "ffffffff", "--out", "new.png", "--home", "nurse") == "no_such_attachment"
    assert not (world.folder / "new.png").exists()


def test_files_that_cannot_be_attached_are_refused_by_name(world: World, chart: str):
    """No such file; 500 MB, where the limit is named; a document that is not there."""
    assert world.refused("chart", "attach", chart, "gone.png", "--home", "nurse") == "attachment_file"
    with (world.folder / "long.mp4").open("wb") as file:
        file.truncate(500_000_000)
    answer = world.run("chart", "attach", chart, "long.mp4", "--home", "nurse", "--json")
    assert (answer.code, answer.error["code"]) == (1, "limit")
    assert "268435455" in answer.error["expected"]
    wrong = ("chart", "attach", chart, "left hand.png", "--document", "ffffffff", "--home", "nurse")
    assert world.refused(*wrong) == "no_such_document"


def test_a_replaced_attachment_stays_and_says_so(world: World, chart: str):
    """`--replaces` names the one that is replaced; both are listed."""
    first = attached(world, chart)
    second = attached(world, chart, "--replaces", first["attachment"][:8])
    listed = world.json("chart", "attachments", chart, "--home", "nurse")["attachments"]
    assert {one["attachment"]: one["replaced_by"] for one in listed} == {
        first["attachment"]: [second["fact"]],
        second["attachment"]: [],
    }
    assert "REPLACED" in world.run("chart", "attachments", chart, "--home", "nurse").out


def test_damage_is_exit_code_3(world: World, chart: str):
    """The doctor and the command that opens it both say that what was written is not what is there."""
    made = attached(world, chart)
    assert world.json("doctor", "--home", "nurse")["ok"]
    (chunk,) = [path for path in (world.folder / "nurse" / "blobs").rglob("1") if path.is_file()]
    chunk.write_bytes(b"x")
    problems = world.json("doctor", "--home", "nurse", code=3)["problems"]
    found = "chunk 1 is missing or another; the relay does not have it"
    assert [(one["check"], one["found"]) for one in problems] == [("attachments", found)]
    said = world.run("doctor", "--home", "nurse").out
    assert "a device that you meet may have" in said
    assert "Copy the home aside" not in said
    save = ("chart", "save-attachment", chart, made["attachment"], "--out", "out.png", "--home", "nurse")
    assert world.refused(*save, code=3) == "attachment_damaged"
    assert not (world.folder / "out.png").exists()


def test_the_policy_is_shown_and_changed(world: World, chart: str):
    """Defaults first; what is given changes, the rest stays; and how much room is in use."""
    attached(world, chart)
    shown = world.json("sync", "policy", "--home", "nurse")
    assert shown == {
        "attachments": "small",
        "small_bytes": 2 * 1024 * 1024,
        "room_bytes": 1024 * 1024 * 1024,
        "held_bytes": len(DATA),
    }
    world.json("sync", "policy", "--attachments", "none", "--home", "nurse")
    world.json("sync", "policy", "--small-bytes", "5", "--room-mib", "2", "--home", "nurse")
    shown = world.json("sync", "policy", "--home", "nurse")
    assert (shown["attachments"], shown["small_bytes"], shown["room_bytes"]) == ("none", 5, 2 * 1024 * 1024)
    said = world.run("sync", "policy", "--attachments", "small", "--home", "nurse").out
    assert "attachments of up to 5 bytes" in said
    assert "102.5 KiB of 2.0 MiB" in said


def test_a_chart_without_attachments_says_so(world: World, chart: str):
    """And what to do."""
    assert "chart attach" in world.run("chart", "attachments", chart, "--home", "nurse").out
    said = world.run("chart", "attach", chart, "left hand.png", "--home", "nurse").out
    assert "the next sync sends it" in said
    made = world.json("chart", "attachments", chart, "--home", "nurse")["attachments"][0]["attachment"]
    saved = world.run("chart", "save-attachment", chart, made, "--out", "out.png", "--home", "nurse").out
    assert "in the clear" in saved


def test_a_backup_says_what_it_leaves_out(world: World, chart: str):
    """A backup of the device holds no files: what is on this device only is counted, before somebody relies on it."""
    (world.folder / "secret").write_text("a passphrase of its own")
    backup = ("device", "backup", "--out", "nurse.backup", "--backup-passphrase-file", "secret", "--home", "nurse")
    assert world.json(*backup)["attachments_left_out"] == 0
    attached(world, chart)
    assert world.json(*backup)["attachments_left_out"] == 1
    assert "Sync, so that the relay has them too" in world.run(*backup).out
