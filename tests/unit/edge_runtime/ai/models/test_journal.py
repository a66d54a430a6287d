"""The journal of changes: what is there compared with what was, chained, bounded, and never in anybody's way."""

from __future__ import annotations

from edge_runtime.ai.models import journal
from edge_runtime.ai.models.journal import Action, Present, read_journal, since, write_down


def model(name: str, digest: str = "ab", adapter: str = "") -> Present:
    """A model or adapter that is there."""
    return Present(model=name, adapter=adapter, digest=digest * 32, licence="gemma", accepted=True)


def test_a_change_is_the_difference(tmp_path):
    """Added and gone are told; what stays is not; another digest under a name is both."""
    path = tmp_path / "journal.json"
    write_down(path, [model("a"), model("b")], now_ms=1)
    new = write_down(path, [model("b", "cd"), model("b", "ef", "heart")], now_ms=2)
    told = [(one.action, one.present.model, one.present.adapter, one.at_ms) for one in new]
    assert told == [
        (Action.REMOVED, "a", "", 2),
        (Action.REMOVED, "b", "", 2),
        (Action.IMPORTED, "b", "", 2),
        (Action.ADAPTER_IMPORTED, "b", "heart", 2),
    ]
    assert [one.action for one in write_down(path, [model("b", "cd")], now_ms=3)] == [Action.ADAPTER_REMOVED]
    assert write_down(path, [model("b", "cd")], now_ms=4) == ()
    assert len(read_journal(path).changes) == 7


def test_a_reader_goes_on_where_it_stopped(tmp_path):
    """By the id of the last line; one that is not there any more means from the beginning."""
    path = tmp_path / "journal.json"
    first = write_down(path, [model("a")], now_ms=1)
    second = write_down(path, [], now_ms=2)
    found = read_journal(path)
    assert since(found, None) == (*first, *second)
    assert since(found, first[-1].id) == second
    assert since(found, second[-1].id) == ()
    assert since(found, "00" * 32) == (*first, *second)
    assert first[0].id != second[0].id


def test_an_unreadable_journal_begins_anew(tmp_path):
    """Nothing keeps a model from being used because a journal is damaged; everything is written down again."""
    path = tmp_path / "journal.json"
    write_down(path, [model("a")], now_ms=1)
    good = path.read_bytes()
    for bad in (
        b"",
        b"\xff",
        b"{}",
        good[:-4],
        good.replace(b'"imported"', b'"bought"'),
        good.replace(b"gemma", b"\\u0000"),
    ):
        path.write_bytes(bad)
        assert read_journal(path).changes == ()
    assert [one.action for one in write_down(path, [model("a")], now_ms=5)] == [Action.IMPORTED]


def test_the_journal_is_bounded(tmp_path, monkeypatch):
    """The oldest lines go; what is there stays known, so that it is not told twice."""
    monkeypatch.setattr(journal, "LINES_MAX", 3)
    path = tmp_path / "journal.json"
    write_down(path, [model("a")], now_ms=1)
    for number in range(6):
        write_down(path, [model("a"), model("b", f"{number:02x}")], now_ms=number)
    found = read_journal(path)
    assert len(found.changes) == 3
    assert model("a") in found.present
    assert write_down(path, found.present, now_ms=9) == ()
