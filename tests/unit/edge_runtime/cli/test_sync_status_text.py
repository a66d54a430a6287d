"""What `fieldward sync status` says to a person is short, grouped, and has a way out in every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_runtime.cli.sync_entry import refused_do
from edge_runtime.cli.sync_status_text import ALARMS, say_status
from edge_runtime.sync.progress import UNSOUND, WITHHELD
from sync_protocol.steps import ALARMS as RAISED

if TYPE_CHECKING:
    import pytest

QUIET: dict[str, Any] = {
    "entries": 0,
    "on_this_device_only": 0,
    "at_a_peer": 0,
    "at_the_relay": 0,
    "receipted": 0,
    "safe": 0,
    "refused": [],
    "held": [],
    "disputed": [],
    "oldest_unsent_s": None,
    "log_size": 0,
    "backed_up": None,
    "restored": [],
    "withheld": None,
    "alarm": None,
    "attachments": {"not_here": 0, "this_device_only": 0, "at_the_relay": 0, "safe": 0},
}


def said(capsys: pytest.CaptureFixture[str], **facts: Any) -> list[str]:
    """The lines of a status."""
    say_status(QUIET | facts)
    return capsys.readouterr().out.splitlines()


def held(author: str, seq: int, *, entries: int = 1, since_ms: int = 1_700_000_000_000) -> dict[str, Any]:
    """An entry that waits."""
    reason = "an entry that waits for the entry before it in its chain"
    do = "sync, or meet a device that has it; it is asked for each time"
    by = {"role": "nurse", "device": "cc" * 16, "user": "dd" * 16} if author.startswith("aa") else None
    told = {"author": author, "by": by, "seq": seq, "entries": entries, "since_ms": since_ms}
    return told | {"reason": reason, "do": do}


def test_every_alarm_has_words() -> None:
    """No alarm that a sync can raise is shown as its code."""
    assert set(RAISED) | {UNSOUND, WITHHELD} == set(ALARMS)


def test_what_the_relay_withheld_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """How many entries, for as long as this device remembers."""
    assert any(
        line.startswith("Note: the relay has withheld 3 entries at the least;")
        for line in said(capsys, withheld={"entries": 3, "at_ms": 1_700_000_000_000})
    )
    assert not any("withheld" in line for line in said(capsys))


def test_a_flood_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Thousands of entries of one author that wait for one reason do not hide another author's one."""
    flood = [held("aa" * 32, seq, since_ms=1_700_000_000_000 + seq) for seq in range(4096)]
    lines = said(capsys, held=[*flood, held("bb" * 32, 1)])
    assert any(
        "4096 entries of nurse cccccccc, user dddddddd (author aaaaaaaa), since 2023-11-14" in line for line in lines
    )
    assert any("1 entry of author bbbbbbbb" in line for line in lines)
    assert len(lines) < 20


def test_refusals_for_one_reason_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A relay that refuses everything is told once, in its words, made harmless."""
    one = {"entry": "cc" * 32, "code": "quota", "reason": "no\x1b[2J room", "do": "ask an administrator"}
    lines = said(capsys, refused=[one] * 500)
    assert sum("500 entries (quota)" in line for line in lines) == 1
    assert not any("\x1b" in line for line in lines)


def test_a_refusal_for_want_of_a_key_names_its_own_way_out() -> None:
    """No administrator can help where the record of a key is missing: other devices can, and it is said what if not."""
    assert "administrator" in refused_do("quota")
    assert "administrator" not in refused_do("unknown_epoch")
    assert "is lost" in refused_do("unknown_epoch")


def test_lines_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wider than a terminal that shares a screen, however long a stranger's words are."""
    refused = [{"entry": "c" * 64, "code": "quota", "reason": "word " * 200, "do": "x" * 300}]
    disputed = [{"kind": "fork", "chart": None, "entries": 3, "do": "nothing is lost: both branches are kept " * 3}]
    lines = said(capsys, refused=refused, held=[held("aa" * 32, 1)], disputed=disputed)
    assert max(map(len, lines)) <= 100


def test_the_oldest_is_told_where_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """What waits at another device as well is not said to be on this one only."""
    lines = said(capsys, entries=2, at_a_peer=2, oldest_unsent_s=90)
    assert any(
        line.endswith("2  at another device as well, not at the relay yet; the oldest has waited 1 min")
        for line in lines
    )
    assert any(line.endswith("0  on this device only") for line in lines)


def test_a_disk_that_renames_everything_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Where every start finds a copy that nobody made, it is said that it is the disk, and what to do."""
    note = {"session": "d" * 64, "at_ms": 1_700_000_000_000, "why": "other_file"}
    assert not any("If nobody copied it" in line for line in said(capsys, restored=[note] * 2))
    assert any("If nobody copied it" in line for line in said(capsys, restored=[note] * 3))
    assert not any("If nobody copied it" in line for line in said(capsys, restored=[note, note | {"why": "relay"}] * 2))


def test_old_restores_do_not_pile_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Of years of restores the newest is shown, and how many there were."""
    note = {"session": "d" * 64, "at_ms": 1_700_000_000_000, "why": "backup"}
    lines = said(capsys, restored=[note] * 20)
    assert sum("began a new session" in line for line in lines) == 1
    assert any("19 more before" in line for line in lines)
