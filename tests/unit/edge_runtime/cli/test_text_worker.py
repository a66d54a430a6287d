"""Text that others wrote is put together in another process; what goes wrong there is said, and costs nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import runtime
from edge_runtime.text.replica import Replica
from edge_runtime.text.worker import TextWorker
from tests.unit.edge_runtime.cli.world import World

BAD = "tests.unit.edge_runtime.text.bad_worker"


@dataclass(frozen=True)
class Ward:
    """Two homes, and the chart that they share."""

    world: World
    chart: str

    def sync(self) -> None:
        """Bring what the phone wrote to the tablet."""
        for home in ("phone", "tablet"):
            self.world.json("sync", "once", "--home", home)


@pytest.fixture(name="started")
def fixture_started(monkeypatch: pytest.MonkeyPatch) -> list[TextWorker]:
    """Every worker that was made; their children crash where a text asks for it."""
    made: list[TextWorker] = []

    def make(**options: Any) -> TextWorker:
        made.append(partial(TextWorker, module=BAD)(**options))
        return made[-1]

    monkeypatch.setattr(runtime, "TextWorker", make)
    return made


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> Ward:
    """A tablet and a phone that share a chart."""
    world.found()
    phone = world.enrol("phone", "physician")
    world.enrol("tablet", "physician")
    for home in ("tablet", "phone"):
        world.json("sync", "once", "--home", home)
    chart = world.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"]
    world.json("chart", "share", chart, "--device", phone, "--home", "tablet")
    for home in ("tablet", "phone"):
        world.json("sync", "once", "--home", home)
    return Ward(world, chart)


def says(ward: Ward, home: str, section: str, text: str) -> None:
    """Write a section on one device."""
    Path("text.txt").write_text(text, "utf-8")
    where = ("--document", "encounter", "--section", section, "--text-file", "text.txt", "--home", home)
    ward.world.json("chart", "edit", ward.chart, *where)


def sections(ward: Ward, home: str) -> dict[str, Any]:
    """The sections that a device shows."""
    documents = ward.world.json("chart", "show", ward.chart, "--home", home)["documents"]
    return {name: text for each in documents for name, text in (each.get("sections") or {}).items()}


def test_a_section_that_ends_the_child_is_incomplete_and_the_others_are_whole(ward: Ward, started: list[TextWorker]):
    """The chart is shown, the section says that it is incomplete here, and nothing is refused for it."""
    says(ward, "phone", "plan", "it crashes")
    says(ward, "phone", "history", "No fever.")
    ward.sync()
    started.clear()
    shown = sections(ward, "tablet")
    assert (shown["plan"]["text"], shown["plan"]["complete"]) == ("", False)
    assert (shown["history"]["text"], shown["history"]["complete"]) == ("No fever.", True)
    assert [worker.failures for worker in started if worker.failures] == [{"ended": 1}]
    printed = ward.world.run("chart", "show", ward.chart, "--home", "tablet").out
    assert "incomplete here" in printed
    assert "No fever." in printed
    assert all(worker.pid is None for worker in started), "no child outlives its command"
    own = sections(ward, "phone")
    assert (own["plan"]["text"], own["plan"]["complete"]) == ("it crashes", True)


def test_own_text_starts_no_process(ward: Ward, started: list[TextWorker], monkeypatch: pytest.MonkeyPatch):
    """What this device alone wrote cannot be a stranger's trap; others' text can."""
    asked: list[TextWorker] = []
    real = TextWorker.replica

    def replica(worker: TextWorker) -> Replica:
        asked.append(worker)
        return real(worker)

    monkeypatch.setattr(TextWorker, "replica", replica)
    says(ward, "phone", "plan", "Rest.")
    assert sections(ward, "phone")["plan"]["text"] == "Rest."
    assert not asked
    ward.sync()
    assert sections(ward, "tablet")["plan"]["text"] == "Rest."
    assert asked
    assert started


def test_the_setting_forbids_the_process(ward: Ward, started: list[TextWorker], monkeypatch: pytest.MonkeyPatch):
    """FIELDWARD_TEXT_WORKER=0: the engine in this process shows all text."""
    says(ward, "phone", "plan", "Rest.")
    ward.sync()
    started.clear()
    monkeypatch.setenv(runtime.TEXT_WORKER, "0")
    assert sections(ward, "tablet")["plan"]["text"] == "Rest."
    assert not started


@pytest.mark.usefixtures("ward")
def test_locking_ends_the_process(started: list[TextWorker]):
    """It holds text: whoever locks the device leaves none of it behind in another process."""
    started.clear()

    def has_child(worker: TextWorker) -> bool:
        return worker.pid is not None

    with runtime.open_home(Path("tablet"), os.environ["FIELDWARD_PASSPHRASE"]) as opened:
        (worker,) = started
        assert worker.replica().text() == ""
        assert has_child(worker)
        opened.forget()
        assert not has_child(worker)
        opened.resume()
        assert worker.replica().text() == ""
    assert not has_child(worker)
    assert not worker.failures
