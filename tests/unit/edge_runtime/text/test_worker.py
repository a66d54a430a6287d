"""What a child process that holds Docs may do, and what it costs: a section's text here, for now, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_runtime.processes.link import ChildLink, LinkError
from edge_runtime.processes.starting import can_start
from edge_runtime.text.draft import Effect, TextDraft, Uptake
from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replica import InProcessReplica, Replica
from edge_runtime.text.worker import TextWorker, is_wanted
from edge_runtime.text.worker_child import LIMITS as DEFAULT_LIMITS
from edge_runtime.text.worker_child import SUSPECTS_MAX, WorkerLimits
from edge_runtime.text.worker_replica import BATCH_UPDATES_MAX, WorkerReplica
from edge_runtime.text.worker_wire import Op
from tests.conftest import require
from tests.unit.edge_runtime.text import bad_worker
from tests.unit.edge_runtime.text.drafts import AB, ABC, APPLIED, ME, MINE, entry
from tests.unit.edge_runtime.text.encoder import edit, typed
from tests.unit.edge_runtime.text.histories import DOC
from tests.unit.edge_runtime.text.test_hostile import nested_arrays
from tests.unit.edge_runtime.text.test_replica import PANIC, awake_ms

ROOT = Path(__file__).parents[4]
LIMITS = WorkerLimits(call_ms=400, memory_bytes=1 << 30)
BAD = "tests.unit.edge_runtime.text.bad_worker"


class Workshop:
    """A worker, a clock that can be put forward, and what was reported."""

    def __init__(self, module: str) -> None:
        """Start nothing."""
        self.reported: list[str] = []
        self.ahead_ms = 0
        self.worker = TextWorker(
            clock=lambda: awake_ms() + self.ahead_ms, limits=LIMITS, report=self.reported.append, module=module
        )

    def shown(self, *texts: bytes) -> Replica:
        """A replica that was given these texts, one after the other."""
        replica = self.worker.replica()
        for update in updates(*texts):
            replica.apply(update)
        return replica


@pytest.fixture
def make() -> Iterator[Callable[[str], Workshop]]:
    """Makes workers, and ends them."""
    made: list[Workshop] = []

    def one(module: str = BAD) -> Workshop:
        made.append(Workshop(module))
        return made[-1]

    yield one
    for each in made:
        each.worker.close()


@pytest.fixture
def bad(make) -> Workshop:
    """A worker that fails as it is told."""
    made: Workshop = make()
    return made


def updates(*texts: bytes) -> Iterator[bytes]:
    """My updates, each after the one before."""
    clock = 0
    for text in texts:
        yield edit(MINE, clock, typed(text, (MINE, clock - 1) if clock else None))
        clock += len(text)


def child_of(workshop: Workshop) -> int:
    """The number of the child that runs."""
    pid = workshop.worker.pid
    assert pid is not None, "a child was started"
    return pid


def is_alive(pid: int) -> bool:
    """Whether a process is there, be it as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is nobody's child here; bounded."""
    until = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < until, f"process {pid} is still there"
        threading.Event().wait(0.01)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (bad_worker.HANG, "hung"),
        (bad_worker.CRASH, "ended"),
        (bad_worker.GLUTTON, "ended"),
        (bad_worker.GARBAGE, "garbage"),
        (bad_worker.LIE, "garbage"),
        (bad_worker.CHATTER, "garbage"),
    ],
)
def test_whatever_a_child_does_is_one_local_error(bad: Workshop, fault: bytes, code: str) -> None:
    """A hang, a crash, a glutton, garbage: the child is ended and waited for, it is told, and it is no verdict."""
    replica = bad.shown(b"sound ", fault)
    with pytest.raises(ReplicaFailedError, match="child process"):
        replica.text()
    assert bad.worker.pid is None
    assert bad.worker.failures == {code: 1}
    assert bad.reported == [f"text_worker_{code}"]
    with pytest.raises(ReplicaFailedError, match="failed before"):
        replica.text()
    assert bad.shown(b"another").text() == "another"


def test_a_panic_leaves_the_child_and_its_other_docs(bad: Workshop) -> None:
    """The engine's own failures are answers: only the Doc is lost."""
    other, replica = bad.shown(b"other"), bad.shown(b"mine")
    assert other.text() == "other"
    replica.apply(PANIC)
    with pytest.raises(ReplicaFailedError, match="PanicException"):
        replica.text()
    assert other.text() == "other"
    assert not bad.worker.failures


def test_a_real_crash_of_the_engine_is_survived(make) -> None:
    """Deep nesting, which the screen refuses, ends the process that decodes it; here that is the child."""
    honest = make("edge_runtime.text.worker_process")
    replica = honest.worker.replica()
    replica.apply(nested_arrays(26_500))
    with pytest.raises(ReplicaFailedError):
        replica.text()
    assert honest.worker.failures == {"ended": 1}


@pytest.mark.parametrize("fault", [bad_worker.HANG, bad_worker.CRASH])
def test_a_section_shows_its_start_and_others_are_whole(bad: Workshop, fault: bytes) -> None:
    """What the engine cannot bear is left out here and now; entries keep their uptake, other Docs their text."""
    drafts = [TextDraft(DOC, make_replica=bad.worker.replica) for _ in range(2)]
    sick, sound = drafts
    for draft in drafts:
        assert [draft.apply(each) for each in (AB, ABC)] == [APPLIED, APPLIED]
        assert draft.text() == "abc"
    bomb = entry("bomb", ME, edit(MINE, 3, typed(fault, (MINE, 2))), ABC)
    assert sick.apply(bomb) == APPLIED
    assert (sick.text(), sick.complete) == ("abc", False)
    assert sick.uptake(bomb.entry) == Uptake(Effect.INCOMPLETE)
    assert (sound.text(), sound.complete) == ("abc", True)
    assert sum(bad.worker.failures.values()) == 1, "the same update is not tried again at once"


def test_what_ended_a_child_is_tried_again_later(bad: Workshop) -> None:
    """It is spared for a while, so that a chart opens without waiting for it each time; then it has another chance."""
    fault = [b"sound ", bad_worker.CRASH]
    for _ in range(3):
        with pytest.raises(ReplicaFailedError):
            bad.shown(*fault).text()
    assert bad.worker.failures == {"ended": 1}
    bad.ahead_ms = LIMITS.spare_ms
    with pytest.raises(ReplicaFailedError):
        bad.shown(*fault).text()
    assert bad.worker.failures == {"ended": 2}


def test_suspects_are_bounded(bad: Workshop) -> None:
    """Only the newest are kept in mind."""
    for number in range(SUSPECTS_MAX + 1):
        bad.worker._give_up("hung", bytes([number]))
    assert not bad.worker.is_spared(bytes([0]))
    assert bad.worker.is_spared(bytes([1]))


@pytest.mark.parametrize("act", ["text", "edit"])
def test_a_reading_that_ends_the_child_is_spared_too(bad: Workshop, act: str) -> None:
    """A Doc whose text or edit hangs is not read again at once."""

    def tried(replica: Replica) -> object:
        return replica.text() if act == "text" else replica.edit(MINE, [])

    replica = bad.shown(b"sound")
    assert replica.text() == "sound"
    os.kill(child_of(bad), signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(ReplicaFailedError):
            tried(replica)
        replica = bad.shown(b"sound")
    assert bad.worker.failures == {"ended": 1}
    bad.ahead_ms = LIMITS.spare_ms
    assert bad.shown(b"sound").text() == "sound"


def test_long_histories_go_over_in_batches(bad: Workshop) -> None:
    """Many updates make few requests, and the order stays."""
    replica = bad.shown(*[b"x"] * (2 * BATCH_UPDATES_MAX + 3))
    assert isinstance(replica, WorkerReplica)
    assert replica.taken == 2 * BATCH_UPDATES_MAX
    assert replica.text() == "x" * (2 * BATCH_UPDATES_MAX + 3)


def test_docs_that_nobody_holds_are_let_go(bad: Workshop) -> None:
    """The child keeps no more Docs than there are replicas."""
    kept = bad.shown(b"kept")
    for _ in range(3):
        assert bad.shown(b"gone").text() == "gone"
    assert len(bad.worker._freed) == 1, "those before went along with the next request"
    assert kept.text() == "kept"
    assert not bad.worker._freed


def test_closing_ends_the_child_and_reading_starts_another(bad: Workshop) -> None:
    """Whoever locks the device closes the worker: what it holds is gone, and nothing is broken by it."""
    draft = TextDraft(DOC, make_replica=bad.worker.replica)
    draft.apply(AB)
    assert draft.text() == "ab"
    before = child_of(bad)
    bad.worker.close()
    bad.worker.close()
    assert not is_alive(before), "a child that ended was waited for"
    assert (draft.text(), draft.complete) == ("ab", True)
    assert bad.worker.pid not in {None, before}
    assert not bad.worker.failures


def test_where_no_child_answers_text_is_put_together_here(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that forbids processes, or a module that is not there: the engine in this process does it."""
    absent = make("edge_runtime.text.no_such_module")
    draft = TextDraft(DOC, make_replica=absent.worker.replica)
    draft.apply(AB)
    assert (draft.text(), draft.complete) == ("ab", True)
    assert isinstance(absent.worker.replica(), InProcessReplica)
    assert absent.reported == ["text_worker_not_started"]
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    forbidden = make()
    with pytest.raises(ReplicaFailedError, match="does not start"):
        forbidden.shown(b"x").text()
    assert isinstance(forbidden.worker.replica(), InProcessReplica)


def test_a_child_that_greets_wrongly_is_not_used(make) -> None:
    """The first answer says that requests may come, and nothing else."""
    wrong = make("tests.unit.edge_runtime.text.rude_worker")
    with pytest.raises(ReplicaFailedError, match="nobody asked"):
        wrong.shown(b"x").text()


def test_a_request_that_nobody_reads_ends_in_time() -> None:
    """A pipe that is full does not hold up who writes into it."""
    link = ChildLink((sys.executable, "-c", "import signal; signal.pause()"), clock=awake_ms)
    with pytest.raises(LinkError, match="hung"):
        link.send([Op.APPLY, 1, [bytes(200_000)]], 200)
    link.end()
    with pytest.raises(LinkError, match=r"ended|hung"):
        ChildLink((sys.executable, "-c", ""), clock=awake_ms).receive(5_000)


def test_too_long_an_answer_is_refused_before_it_is_read() -> None:
    """Four bytes may claim four gigabytes."""
    link = ChildLink((sys.executable, "-c", "import os; os.write(1, b'\\xff' * 4)"), clock=awake_ms)
    with pytest.raises(LinkError, match="garbage"):
        link.receive(5_000)
    link.end()


def test_the_child_knows_no_secret_and_no_text(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments are numbers and a module's name, its environment is where modules lie."""
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", "correct horse")
    honest = make("edge_runtime.text.worker_process")
    assert honest.shown(b"500 mg").text() == "500 mg"
    proc = Path("/proc") / str(honest.worker.pid)
    require(proc.exists(), "/proc", "to look at a process from outside; Linux has it")
    assert b"500 mg" not in (proc / "cmdline").read_bytes()
    names = {line.split(b"=")[0] for line in (proc / "environ").read_bytes().split(b"\0") if line}
    assert names <= {b"PYTHONPATH", b"LD_LIBRARY_PATH", b"PYTHONHOME", b"VIRTUAL_ENV", b"TMPDIR"}
    limits = (proc / "limits").read_text("ascii")
    assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core")] == ["0"]
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max address")] == [str(1 << 30)]


_PARENT = """
import os, sys
import time
from edge_runtime.text.worker import TextWorker
from edge_runtime.text.worker_child import WorkerLimits
from tests.unit.edge_runtime.text.encoder import edit, typed
from tests.unit.edge_runtime.text.histories import DOC
limits = WorkerLimits(call_ms=600_000)
worker = TextWorker(clock=lambda: time.monotonic_ns() // 1_000_000, limits=limits, module={module!r})
replica = worker.replica()
replica.apply(edit(9, 0, typed("sound")))
replica.text()
print(worker.pid, flush=True)
if {hang}:
    replica.apply(edit(9, 5, typed({fault!r}, (9, 4))))
    replica.text()
sys.stdin.read()
"""


def test_a_child_ends_with_its_parent() -> None:
    """A parent that is killed leaves no orphan: the child reads the end of its input."""
    source = _PARENT.format(module=BAD, hang=False, fault=b"")
    with subprocess.Popen(
        [sys.executable, "-c", source], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until_gone(child)


def test_a_child_that_hangs_ends_by_itself() -> None:
    """Also where nobody is left to kill it: the system ends it, whatever its engine is at."""
    link = ChildLink((sys.executable, "-P", "-m", BAD, str(1 << 30), "1"), clock=awake_ms)
    link.receive(10_000)
    link.send([Op.APPLY, 1, [*updates(bad_worker.HANG)]], 5_000)
    with pytest.raises(LinkError, match="ended"):
        link.receive(10_000)
    link.end()


def test_several_threads_share_one_child(bad: Workshop) -> None:
    """Each has its own replicas; requests take turns."""
    wrong: list[str] = []

    def work(number: int) -> None:
        text = b"thread %d " % number
        for _ in range(20):
            shown = bad.shown(text, text).text()
            if shown != (2 * text).decode():
                wrong.append(shown)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not bad.worker.failures


@pytest.mark.parametrize(("platform", "packed", "there"), [("linux", 0, True), ("ios", 0, False), ("linux", 1, False)])
def test_phones_and_applications_in_one_file_start_none(
    monkeypatch: pytest.MonkeyPatch, platform: str, packed: int, there: object
) -> None:
    """The setting can forbid a worker, and cannot make one where none can be."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "frozen", packed, raising=False)
    assert can_start() is there
    assert [is_wanted(setting) for setting in (None, "1", "0")] == [there, there, False]
    assert DEFAULT_LIMITS.memory_bytes > 1 << 30
