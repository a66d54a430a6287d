"""What an engine's process may do, and what is done to it: it costs a draft, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge_runtime.ai.engine.child import ChildEngine, ChildLimits, inspect
from edge_runtime.ai.engine.child_line import CHARS_MAX, PIECES_MAX
from edge_runtime.ai.engine.child_wire import WORDS_MAX, Op
from edge_runtime.ai.engine.containment import can_contain
from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.engine.stream import steady_ms
from edge_runtime.ai.errors import EngineError, ModelError
from edge_runtime.processes.link import LinkError
from tests.conftest import require
from tests.contracts.engines import ADAPTERS, BUNDLE, FACTS, THREADS, visit
from tests.unit.edge_runtime.ai.engine import rude_child

require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
require(can_contain(), "a POSIX system", "the engine's process is one")

ROOT = Path(__file__).parents[5]
RUDE = "tests.unit.edge_runtime.ai.engine.rude_child"
SHORT = ChildLimits(start_ms=20_000, load_ms=700, call_ms=2_000, begin_ms=500, settle_ms=500)


@pytest.fixture(name="codes")
def fixture_codes() -> list[str]:
    """Why children were given up."""
    return []


@pytest.fixture(name="engine")
def fixture_engine(codes: list[str]) -> Iterator[ChildEngine]:
    """The real engine in its process."""
    with ChildEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS, report=codes.append) as engine:
        yield engine


@pytest.fixture(name="rude")
def fixture_rude(codes: list[str]) -> Iterator[Callable[..., ChildEngine]]:
    """Makes engines whose process is rude in some way."""
    made: list[ChildEngine] = []

    def make(mode: str, clock: Callable[[], float] | None = None) -> ChildEngine:
        now = clock or steady_ms
        engine = ChildEngine(Path(mode), FACTS, limits=SHORT, module=RUDE, report=codes.append, clock=now)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()


def failed(attempt: Callable[[], object]) -> str:
    """The code with which something fails."""
    with pytest.raises(EngineError) as caught:
        attempt()
    assert len(str(caught.value)) < 3 * WORDS_MAX
    assert str(caught.value).isprintable()
    return caught.value.code


@pytest.mark.campaign
def test_killed_at_random_while_it_answers(engine: ChildEngine, codes: list[str]) -> None:
    """Wherever it is killed, the answer is whole or an error of ours, and the next request is answered."""
    chance = random.Random(88)
    note = engine.generate(visit()).answer().text
    for _ in range(10):
        generation = engine.generate(visit())
        pieces = iter(generation)
        for _ in range(chance.randrange(30)):
            next(pieces)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        try:
            assert "".join(generation) == note
        except EngineError as error:
            assert error.code == "engine_ended"  # noqa: PT017 - either is right
        assert engine.generate(visit()).answer().text == note
    assert set(codes) == {"engine_ended"}


def test_killed_while_it_is_idle(engine: ChildEngine) -> None:
    """A request that finds the process gone starts another, and does not notice."""
    note = engine.generate(visit()).answer().text
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert engine.generate(visit()).answer().text == note
    assert engine.pid not in {first, None}


def test_stopped_for_good(engine: ChildEngine, codes: list[str]) -> None:
    """A process that does nothing any more is ended after the deadline, and the next request has a new one."""
    engine.load()
    limits = ChildLimits(begin_ms=200, settle_ms=200)
    with ChildEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS, limits=limits, report=codes.append) as hung:
        hung.load()
        assert hung.pid is not None
        os.kill(hung.pid, signal.SIGSTOP)
        assert failed(lambda: hung.generate(visit(deadline_ms=100)).answer()) == "engine_timeout"
        assert hung.generate(visit()).answer().text == engine.generate(visit()).answer().text
    assert codes == ["engine_timeout"]


def test_stopped_in_the_middle(codes: list[str]) -> None:
    """The same where it stops in the middle of an answer."""
    limits = ChildLimits(begin_ms=200, settle_ms=200)
    with ChildEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS, limits=limits, report=codes.append) as engine:
        generation = engine.generate(visit(deadline_ms=300, tokens_max=300))
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        try:
            generation.answer()
        except EngineError as error:
            assert error.code == "engine_timeout"  # noqa: PT017 - a fast one was whole before it was stopped
            assert engine.generate(visit()).answer().text
            assert codes == ["engine_timeout"]


def test_what_the_process_is(engine: ChildEngine) -> None:
    """No word of a prompt in its arguments, little in its environment, no image of it on a disk, first to go."""
    generation = engine.generate(visit("A secret of Ana Lima."))
    assert engine.pid is not None
    proc = Path("/proc") / str(engine.pid)
    require(proc.exists(), "/proc", "it tells what a process is")
    generation.answer()
    assert b"secret" not in (proc / "cmdline").read_bytes()
    limits = (proc / "limits").read_text().splitlines()
    assert next(line for line in limits if line.startswith("Max core file size")).split()[4:6] == ["0", "0"]
    assert (proc / "oom_score_adj").read_text().strip() == "1000"
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):  # it is marked as not to be dumped: its owner may not look into it either
            (proc / "environ").read_bytes()
        return
    names = {line.partition(b"=")[0] for line in (proc / "environ").read_bytes().split(b"\0") if line}
    assert names <= {b"PYTHONPATH", b"LD_LIBRARY_PATH", b"PYTHONHOME", b"VIRTUAL_ENV", b"TMPDIR"}
    assert {str((proc / "fd" / name).readlink()) for name in "12"} == {os.devnull}


def test_it_ends_with_whoever_started_it() -> None:
    """Where the program is killed, its engine's process ends too, also in the middle of an answer."""
    program = (
        "from tests.unit.edge_runtime.ai.engine.test_child import *\n"
        "engine = ChildEngine(BUNDLE, FACTS, threads=1, adapters=ADAPTERS)\n"
        "engine.load(); print(engine.pid, flush=True)\n"
        "while True: engine.generate(visit()).answer()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        assert parent.stdout.read() == b""
    for _ in range(2_000):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
        subprocess.run(["true"], check=True)  # some milliseconds
    pytest.fail("the engine's process is still there")


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (rude_child.GARBAGE, "engine_garbled"),
        (rude_child.WRONG_NUMBER, "engine_garbled"),
        (rude_child.FLOODS, "engine_garbled"),
        (rude_child.STUFFS, "engine_garbled"),
        (rude_child.CHATTERS, "engine_garbled"),
        (rude_child.LIES, "engine_garbled"),
        (rude_child.BAD_ERROR, "engine_garbled"),
        (rude_child.WORDY_ERROR, "engine_failed"),
        (rude_child.ENDS, "engine_ended"),
        (rude_child.HANGS, "engine_timeout"),
    ],
)
def test_a_rude_process(rude: Callable[..., ChildEngine], mode: str, code: str) -> None:
    """Whatever it says or does not say is an error of ours, twice in a row, bounded in time and words."""
    engine = rude(mode)
    deadline_ms = 300 if mode == rude_child.HANGS else 20_000
    for _ in range(2):
        assert failed(lambda: engine.generate(visit(deadline_ms=deadline_ms)).answer()) == code


def test_a_flood_is_bounded(rude: Callable[..., ChildEngine]) -> None:
    """Pieces without an end are cut off."""
    generation = rude(rude_child.FLOODS).generate(visit(deadline_ms=60_000))
    seen: list[str] = []
    assert failed(lambda: seen.extend(generation)) == "engine_garbled"
    assert len(seen) <= PIECES_MAX


def test_large_pieces_are_bounded(rude: Callable[..., ChildEngine]) -> None:
    """A few pieces that are longer than any answer are cut off as well: their number is not all that counts."""
    generation = rude(rude_child.STUFFS).generate(visit(deadline_ms=60_000))
    seen: list[str] = []
    assert failed(lambda: seen.extend(generation)) == "engine_garbled"
    assert sum(map(len, seen)) <= CHARS_MAX


def test_an_ended_line_writes_nowhere(rude: Callable[..., ChildEngine]) -> None:
    """A cancel that comes too late does not reach whatever has the number of the closed pipe by then."""
    engine = rude(rude_child.HANGS)
    engine.generate(visit(deadline_ms=60_000))
    line = engine._line
    assert line is not None
    engine.close()
    pipes = [os.pipe() for _ in range(8)]
    try:
        line.cancel(1)
        for source, _ in pipes:
            os.set_blocking(source, False)
            with pytest.raises(BlockingIOError):
                os.read(source, 1)
        with pytest.raises(LinkError, match="ended"):
            line.ask([Op.WARM], 1_000)
    finally:
        for each in (end for pair in pipes for end in pair):
            os.close(each)


@pytest.mark.parametrize(
    ("mode", "code"), [(rude_child.ENDS_AT_LOAD, "engine_ended"), (rude_child.HANGS_AT_LOAD, "engine_timeout")]
)
def test_a_model_that_ends_the_engine_is_spared(
    rude: Callable[..., ChildEngine], codes: list[str], mode: str, code: str
) -> None:
    """After a second end at loading, a model is not tried for a while, and then again."""
    now = [1_000.0]
    real = rude(mode, clock=lambda: now[0]) if mode == rude_child.ENDS_AT_LOAD else rude(mode)
    assert [failed(real.load) for _ in range(2)] == [code, code]
    assert failed(real.load) == "engine_spared"
    assert failed(lambda: real.generate(visit())) == "engine_spared"
    assert codes == [code, code]
    if mode == rude_child.ENDS_AT_LOAD:
        now[0] += SHORT.spare_ms
        assert failed(real.load) == code


def test_a_program_that_is_no_engine(codes: list[str]) -> None:
    """A process that ends at once, or whose first words are others', does not become an engine."""
    engine = ChildEngine(BUNDLE, FACTS, module="this", limits=SHORT, report=codes.append)
    assert failed(engine.load) == "engine_garbled"
    engine = ChildEngine(BUNDLE, FACTS, module="edge_runtime.no_such_module", limits=SHORT, report=codes.append)
    assert failed(engine.load) == "engine_ended"


def test_a_damaged_bundle_is_an_answer(tmp_path: Path) -> None:
    """A file that is no bundle is refused by the process, which says why."""
    cut = tmp_path / "cut.litertlm"
    cut.write_bytes(BUNDLE.read_bytes()[:-1])
    for attempt in (ChildEngine(cut, FACTS).load, lambda: inspect(cut)):
        with pytest.raises(ModelError) as caught:
            attempt()
        assert caught.value.code == "bundle_damaged"


@pytest.mark.campaign
def test_a_bundle_with_noise_in_it(tmp_path: Path) -> None:
    """Noise inside of the sections ends in facts, a refusal or an ended process, never in this one's end."""
    whole = BUNDLE.read_bytes()
    chance = random.Random(5)
    noisy = tmp_path / "noisy.litertlm"
    for _ in range(6):
        data = bytearray(whole)
        for _ in range(40):
            data[chance.randrange(16_384, 66_000)] = chance.randrange(256)
        noisy.write_bytes(data)
        with ChildEngine(noisy, FACTS, threads=1, adapters=ADAPTERS) as engine:
            try:
                engine.generate(visit(tokens_max=10)).answer()
            except (EngineError, ModelError):
                pass
            except Exception as error:
                assert type(error).__name__ in {"RefusedError", "BudgetError"}  # noqa: PT017 - by what the noise hit


def test_inspecting() -> None:
    """What a bundle says about itself."""
    facts = inspect(BUNDLE)
    assert facts.context_tokens >= FACTS.context_tokens
    assert facts.modalities == {Modality.TEXT}
