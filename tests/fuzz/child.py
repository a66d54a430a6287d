"""One child of the fuzzer: puts inputs through one target, and leaves word of the one it is at.

Owns the bounds: the system ends it where one input takes too much processor time, and denies it memory. What it is at
stands in a file that it shares with its parent, so that an input that ends it is not lost with it.
"""

from __future__ import annotations

import mmap
import random
import resource
import signal
import struct
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.fuzz.mutation import INPUT_BYTES_MAX, mutant
from tests.fuzz.table import target_of
from tests.fuzz.target import Target

CPU_S: Final = 2.0
"""Processor time of one input."""
MEMORY_BYTES: Final = 3 * 1024 * 1024 * 1024
GROWTH_KIB: Final = 192 * 1024
"""More memory than that at its height, for one input, is a finding."""
FINDINGS_MAX: Final = 20
OWN_SHARE: Final = 0.7
"""Share of the inputs that a target makes itself, where it has rules of its own."""
_AT: Final = struct.Struct(">QI")
STATUS_BYTES: Final = _AT.size + INPUT_BYTES_MAX
ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An input that was neither accepted nor refused as documented."""

    target: str
    seed: int
    number: int
    kind: str
    what: str
    input: str

    @property
    def replay(self) -> str:
        """The command that puts the same input through again."""
        return f"python -m tests.fuzz replay --target {self.target} --input {self.input}"


@dataclass(slots=True)
class Tally:
    """What became of the inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    slowest_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the parent."""
        return {
            "outcomes": dict(self.outcomes),
            "findings": [asdict(one) for one in self.findings],
            "slowest_s": self.slowest_s,
        }


def input_of(target: Target, name: str, seed: int, number: int) -> bytes:
    """One input; the same arguments make the same one, as far as a target's seeds are the same."""
    rng = random.Random(f"{seed} {name} {number}")
    if target.make is not None and rng.random() < OWN_SHARE:
        return target.make(rng)
    return target.mend(mutant(rng, target.seeds, target.prefix))


def tried(target: Target, data: bytes) -> tuple[str, str | None]:
    """Put one input through: what became of it, and where it went wrong, if it did."""
    try:
        return target.decode(data) or "accepted", None
    except target.refusals:
        return "refused", None
    except MemoryError as error:
        return "memory", _where(error)
    except Exception as error:
        return "exception", _where(error)
    except BaseException as error:
        return "panic", _where(error)


def run(name: str, seed: int, first: int, count: int, status: Path) -> Tally:
    """Put inputs through a target, one after the other."""
    target, tally = target_of(name), Tally()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with status.open("r+b") as file, mmap.mmap(file.fileno(), STATUS_BYTES) as at:
        for number in range(first, first + count):
            data = input_of(target, name, seed, number)
            at[: _AT.size + len(data)] = _AT.pack(number, len(data)) + data
            before = _peak_kib()
            signal.setitimer(signal.ITIMER_PROF, CPU_S)
            began = time.process_time()
            word, where = tried(target, data)
            tally.slowest_s = max(tally.slowest_s, time.process_time() - began)
            signal.setitimer(signal.ITIMER_PROF, 0)
            grown = _peak_kib() - before
            if where is None and grown > GROWTH_KIB:
                word, where = "memory", f"{grown // 1024} MiB more"
            tally.outcomes[word] += 1
            if where is not None and len(tally.findings) < FINDINGS_MAX:
                tally.findings.append(
                    Finding(target=name, seed=seed, number=number, kind=word, what=where, input=data.hex())
                )
    return tally


def read_status(status: Path) -> tuple[int, bytes]:
    """The number of the last input that a child began, and the input."""
    raw = status.read_bytes()
    number, size = _AT.unpack_from(raw)
    return number, raw[_AT.size : _AT.size + size]


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if ROOT.as_posix() in frame.filename and ".venv" not in frame.filename]
    last = ours[-1] if ours else None
    place = "" if last is None else f" at {Path(last.filename).relative_to(ROOT)}:{last.lineno}"
    return f"{type(error).__name__}{place}: {str(error)[:200]}"
