"""The engine is killed at random moments while a document is being written: it costs drafts, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge_runtime.ai.engine.child import ChildEngine
from edge_runtime.ai.engine.containment import can_contain
from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.errors import EngineError
from edge_runtime.runtime import Runtime, open_home
from sync_protocol.ids import ChartId
from tests.conftest import require
from tests.contracts.engines import ADAPTERS, BUNDLE, FACTS, visit
from tests.e2e.test_device_admin import Fieldward, FoundedRelay, enrol, fixture_fieldward, fixture_relay
from tests.support.kill_writer import PASSPHRASE

__all__ = ["fixture_fieldward", "fixture_relay"]
require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
require(can_contain(), "a POSIX system", "the engine's process is one")
pytestmark = pytest.mark.xdist_group("ai_kill")


@dataclass
class Drafter:
    """Asks for one draft after the other until it is told to stop.

    Attributes:
        whole: how many drafts came.
        lost: the codes of those that did not.
        bugs: what else was raised: nothing ever is.
    """

    desk: Desk
    whole: int = 0
    lost: list[str] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Draft."""
        while not self.stop.is_set():
            try:
                self.whole += bool(self.desk.generate(visit()).answer().text)
            except EngineError as error:
                self.lost.append(error.code)
            except BaseException as error:
                self.bugs.append(error)
                return


@contextmanager
def drafting(desk: Desk) -> Iterator[Drafter]:
    """Drafts are made beside whatever happens here."""
    drafter = Drafter(desk)
    thread = threading.Thread(target=drafter.work)
    thread.start()
    try:
        yield drafter
    finally:
        drafter.stop.set()
        thread.join(60)
        assert not thread.is_alive()


def write_and_kill(runtime: Runtime, chart: ChartId, *, kills: int, seed: int) -> tuple[str, Drafter]:
    """Write a note word by word while drafts are made; the engine is killed in between. The text as it should be."""
    chance = random.Random(seed)
    membership = runtime.keyring.membership(chart)
    assert membership is not None
    document = next(one for one in membership.documents if one != membership.chart_document)
    written = ""
    engine = ChildEngine(BUNDLE, FACTS, threads=1, adapters=ADAPTERS)
    with Desk(engine) as desk, drafting(desk) as drafter:
        killed: set[int] = set()
        while len(killed) < kills:
            written = written[-2_000:] + f"Dose {chance.randrange(10**6)} mg.\n"
            assert runtime.charts.edit_text(chart, document, "plan", written), f"seed {seed}: nothing was recorded"
            for _ in range(chance.randrange(200_000)):
                pass  # a moment that differs each time
            pid = engine.pid
            if pid is not None and pid not in killed and drafter.whole:
                with suppress(ProcessLookupError):  # it was replaced at this moment
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
        before = drafter.whole
        while drafter.whole == before and not drafter.bugs:
            runtime.charts.edit_text(chart, document, "plan", written := written[-2_000:] + "Still here.\n")
    assert runtime.charts.open(chart).found(document).text("plan").text == written, f"seed {seed}"
    return written, drafter


def kill_and_judge(folder: Path, fieldward: Fieldward, relay: FoundedRelay, *, kills: int, seed: int) -> None:
    """A real device writes while its engine is killed; then the doctor looks at it."""
    enrol(fieldward, relay, "tablet", "--role", "physician")
    fieldward("sync", "once", "--home", "tablet")
    chart = fieldward("chart", "create", "--name", "Ana Lima", "--workflow", "encounter", "--home", "tablet")["chart"]
    with open_home(folder / "tablet", PASSPHRASE) as runtime:
        written, drafter = write_and_kill(runtime, ChartId.parse(chart), kills=kills, seed=seed)
    assert drafter.bugs == [], f"seed {seed}"
    assert set(drafter.lost) <= {"engine_ended"}, f"seed {seed}: {drafter.lost}"
    assert drafter.whole, f"seed {seed}: no draft ever came"
    assert fieldward("doctor", "--home", "tablet")["problems"] == [], f"seed {seed}"
    shown = fieldward("chart", "show", chart, "--home", "tablet")
    assert written.splitlines()[-1] in str(shown), f"seed {seed}: what was written is not shown"


@pytest.mark.campaign
def test_five_kills(tmp_path: Path, fieldward: Fieldward, relay: FoundedRelay) -> None:
    """The app goes on, every acknowledged word is there, drafts come again after each kill."""
    kill_and_judge(tmp_path, fieldward, relay, kills=5, seed=1)


@pytest.mark.soak
def test_fifty_kills(tmp_path: Path, fieldward: Fieldward, relay: FoundedRelay) -> None:
    """The same, fifty times, from a seed of its own."""
    kill_and_judge(tmp_path, fieldward, relay, kills=50, seed=random.SystemRandom().randrange(1 << 30))
