"""The child of `benching`: LiteRT-LM's own benchmark on one model, once, in a process that holds nothing else."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.engine.litert_library import library
from edge_runtime.processes.bounds import bound, pipes
from edge_runtime.processes.frames import read_frame, write_frame

_PER_SECOND: Final = 1_000_000
_MILLI: Final = 1000


def main() -> None:
    """Answer the one request that comes."""
    bound(None)  # models are mapped into the address space, so that a limit on it would refuse those that fit
    source, output = pipes()
    try:
        answer = measured(read_frame(source))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 the parent is told the kind of whatever the engine raised
        answer = {"error": type(error).__name__}
    write_frame(output, answer)


def measured(request: dict[str, Any]) -> dict[str, Any]:
    """Run the benchmark; whole numbers only, as the frames carry them."""
    litert_lm = library()
    found = litert_lm.Benchmark(
        request["path"],
        litert_lm.Backend.CPU(thread_count=request["threads"] or None),
        prefill_tokens=request["prefill"],
        decode_tokens=request["decode"],
        cache_dir=":nocache",
    ).run()
    return {
        "load_us": round(found.init_time_in_second * _PER_SECOND),
        "first_token_us": round(found.time_to_first_token_in_second * _PER_SECOND),
        "prefill_milli": round(found.last_prefill_tokens_per_second * _MILLI),
        "decode_milli": round(found.last_decode_tokens_per_second * _MILLI),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def peak_memory_bytes(pid: int | None = None) -> int:
    """The most memory that a process held so far; 0 where the system does not say.

    Args:
        pid: of the process, on Linux; None: this one.

    Source: proc(5), VmHWM; getrusage(2), on macOS: bytes. On Linux the latter also counts what the process that started
    this one held.
    """
    if pid is None and sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        rows = Path(f"/proc/{pid or 'self'}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main()
