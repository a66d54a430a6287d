"""The demo's claims about theft and emergency: one that does not hold is enough; a search that is blind is caught."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.demo import verdict
from edge_runtime.cli.demo.cast import PHRASES, WHY, desk_secrets
from edge_runtime.cli.demo.dictation import Dictated
from edge_runtime.cli.demo.glass import Glass
from edge_runtime.cli.demo.locks import Tried
from edge_runtime.cli.demo.processes import DemoError, Service, together
from edge_runtime.cli.demo.stage import Stage
from edge_runtime.cli.demo.stolen import Stolen
from edge_runtime.cli.demo.summary import print_summary
from edge_runtime.cli.demo.verdict import Verdict, judge
from edge_runtime.cli.demo.wire import Wire

LOCKS = Tried(new=2, by_outsider=0, by_member=2, before=5)
ALERT = {"kind": "glass_broken", "risk": "critical", "detail": {}}
TOKEN = {"token": b"t" * 32}


def stolen() -> Stolen:
    """A chapter in which all went well."""
    return Stolen(
        believed=True, refused=True, quarantined=3, honest_stays=True, allergy_stands=True, dose_stands=True,
        text_stands=True, agreed=True, locks=LOCKS, adopted=True, lines=["allergy: Penicillin refuted"],
    )  # fmt: skip


def glass() -> Glass:
    """The same of the other."""
    return Glass(
        closed_before=True, refused=["relay_unreachable", "desk_unreachable"], epochs=4, allergies=["Penicillin"],
        warned=True, reviewed=True, locks=LOCKS, critical=True, why=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, False) for name in ("believed", "refused", "honest_stays", "agreed", "adopted")]
    + [(f"{name}_stands", False) for name in ("allergy", "dose", "text")]
    + [("quarantined", 0), ("locks", Tried())],
)
def test_a_theft_that_leaves_something_behind_fails_the_demo(name: str, value: Any):
    """Every claim of the chapter counts for `ok`."""
    assert stolen().to_json()["ok"]
    assert not replace(stolen(), **{name: value}).to_json()["ok"]


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, False) for name in ("closed_before", "warned", "reviewed", "critical", "why")]
    + [("refused", ["relay_unreachable"]), ("epochs", 0), ("allergies", []), ("locks", Tried())],
)
def test_an_emergency_that_nobody_saw_fails_the_demo(name: str, value: Any):
    """Every claim of the chapter counts for `ok`."""
    assert glass().to_json()["ok"]
    assert not replace(glass(), **{name: value}).to_json()["ok"]


@pytest.mark.parametrize(
    "tried",
    [
        Tried(),
        *(replace(LOCKS, **{name: value}) for name, value in (("by_outsider", 1), ("by_member", 1), ("before", 0))),
    ],
)
def test_locks_prove_something_only_if_a_member_opens_all_and_the_outsider_none(tried: Tried):
    """No new lock, one that nobody opens, or keys that never opened any, prove nothing."""
    assert LOCKS.out
    assert not tried.out


def test_the_officer_must_see_the_act_as_critical_and_read_why():
    """Another act, or another reason, is not it."""
    chapter = glass()
    chapter.critical = chapter.why = False
    chapter.witness([ALERT | {"kind": "data_accessed"}, ALERT | {"risk": "low"}, ALERT | {"detail": {"why": "other"}}])
    assert (chapter.critical, chapter.why) == (True, False)
    chapter.witness([{"kind": "break_glass", "risk": "high", "detail": {"why": WHY}}])
    assert (chapter.critical, chapter.why) == (True, True)


def dictated(**changed: Any) -> Dictated:
    """A dictation of which one statement is not borne out, and the other was taken over."""
    held: dict[str, Any] = {
        "labelled": True, "statements": {"plan.1": "Rest.", "plan.2": "Changeesartan."}, "marked": {"plan.2": ["drug"]},
        "accepted": ["plan.1"], "rejected": ["plan.2"], "written": {"plan": "Rest."},
        "drafted": True, "discarded": True, "decided": True,
    }  # fmt: skip
    return Dictated(**{**held, **changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labelled", False), ("accepted", []), ("rejected", []), ("marked", {}), ("written", {}),
        ("written", {"plan": "Rest. Changeesartan."}), ("drafted", False), ("discarded", False), ("decided", False),
    ],
)  # fmt: skip
def test_a_dictation_that_went_wrong_fails_the_demo(name: str, value: Any):
    """A toy without its label, nothing taken or marked, words that slipped through, a trail that lacks any of it."""
    assert dictated().held
    assert not dictated(**{name: value}).held


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage that nobody played on: a relay, a desk and recordings of a few bytes; every chapter went well."""
    made = Stage(tmp_path, database_url=None, tell=lambda _: None)
    for place in (made.relay.home / "data", made.desk.home / "journal.records", *(t / "0001.up" for t in made.tapes)):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(bytes(1000))
    (made.desk.home / "desk.key").write_bytes(bytes(range(64)))
    monkeypatch.setattr(verdict, "secrets_of", lambda *_: {"team key 0 of tablet": b"k" * 32})
    monkeypatch.setattr(verdict, "emergency_secrets", lambda *_: TOKEN)
    made.facts.stolen, made.facts.glass, made.facts.dictated = stolen(), glass(), dictated()
    return made


def leaks_of(stage: Stage) -> set[tuple[str, str]]:
    """What the search finds, and where."""
    return {(leak.needle, leak.place) for leak in judge(stage).leaks}


def test_the_desk_is_searched_for_all_but_its_own_keys(stage: Stage):
    """It may hold what it opens layers with; a phrase, the token or another's key it may not."""
    found = judge(stage)
    assert found.leaks == []
    assert found.answer["leak"]["control_caught"]
    assert found.answer["leak"]["keys"] == 4
    with (stage.desk.home / "journal.records").open("ab") as journal:
        journal.write(PHRASES[-1].encode() + TOKEN["token"] + b"k" * 32)
    place = "desk/journal.records"
    needles = (f"phrase {len(PHRASES)}", "token", "team key 0 of tablet")
    assert leaks_of(stage) == {(needle, place) for needle in needles}


@pytest.mark.parametrize("place", ["relay/data", "traffic/0001.up", "traffic-desk/0001.up", "desk.log"])
def test_every_place_is_searched_for_the_keys_of_the_desk_or_phrases(stage: Stage, place: str):
    """The relay and whoever listens may have no key of the desk; the desk's log no phrase."""
    leak = PHRASES[0].encode() if place == "desk.log" else desk_secrets(stage.desk.home)["signing key of the desk"]
    path = stage.folder / place
    path.write_bytes(bytes(100) + leak)
    assert leaks_of(stage) == {
        ("phrase 1", "desk/desk.log") if place == "desk.log" else ("signing key of the desk", place)
    }


def test_a_place_that_was_not_searched_is_no_control(stage: Stage):
    """Where the desk left nothing, nothing proves that a leak there would be found."""
    for tape in stage.desk_traffic.iterdir():
        tape.unlink()
    assert not judge(stage).answer["leak"]["control_caught"]


@pytest.mark.parametrize("name", ["stolen", "glass", "dictated"])
def test_each_chapter_is_told_and_decides(stage: Stage, name: str, capsys: pytest.CaptureFixture[str]):
    """The screen says what came of each; one that did not hold is marked, and the title says so."""
    answer = judge(stage).answer
    assert answer[name]["ok"]
    setattr(stage.facts, name, {"stolen": Stolen, "glass": Glass, "dictated": Dictated}[name]())
    answer = judge(stage).answer
    assert not answer["ok"]
    assert not answer[name]["ok"]
    print_summary(Verdict(answer, []), stage, None)
    said = capsys.readouterr().out
    assert "NOT every claim held" in said
    assert said.count("NOT SO") == {"stolen": 2, "glass": 3, "dictated": 1}[name]
    assert "The stolen tablet" in said
    assert "The broken glass" in said
    words = {"stolen": "✗ stolen tablet", "glass": "✗ broken glass", "dictated": "✗ dictation"}
    assert words[name] in " ".join(said.split())


def test_things_are_done_at_the_same_time_and_failures_are_told():
    """Each waits for the other, so that neither could have ended first; an error is not lost."""
    both = threading.Barrier(2, timeout=20)
    assert len(together(both.wait, both.wait)) == 2
    with pytest.raises(ZeroDivisionError):
        together(partial(divmod, 1, 0), partial(divmod, 1, 1))


def test_a_service_that_does_not_come_up_says_its_last_words(tmp_path: Path):
    """The demo's reader sees what the program said."""
    service = Service(tmp_path / "relay", ["server", "run"])
    with pytest.raises(DemoError) as caught:
        service.start()
    assert caught.value.code == "demo_step"
    assert "Missing option" in caught.value.got
    service.stop()


def test_a_wire_is_cut_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing answers at a cut one; whoever waits there ends well."""
    crashes: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(free := socket_port(), tmp_path)
        wire.target = server.getsockname()[1]
        for _ in range(20):
            wire.mend()
            with socket.create_connection(("127.0.0.1", free), timeout=5):
                near, _ = server.accept()
                near.close()
            wire.cut()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", free), timeout=5)
    assert crashes == []


def socket_port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
