"""An engine's process that does what a hostile model might make one do; the model's file name says what.

`python -m tests.unit.edge_runtime.ai.engine.rude_child`. Speaks the frames of the real one.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from edge_runtime.ai.engine.child_wire import Op, Said
from edge_runtime.processes.frames import read_frame, write_frame

(
    ENDS_AT_LOAD,
    HANGS_AT_LOAD,
    GARBAGE,
    LIES,
    FLOODS,
    STUFFS,
    CHATTERS,
    WRONG_NUMBER,
    BAD_ERROR,
    WORDY_ERROR,
    ENDS,
    HANGS,
) = (
    "ends-at-load",
    "hangs-at-load",
    "garbage",
    "lies",
    "floods",
    "stuffs",
    "chatters",
    "wrong-number",
    "bad-error",
    "wordy-error",
    "ends",
    "hangs",
)


def say(*words: object) -> None:
    """One frame."""
    write_frame(sys.stdout.buffer, list(words))


def generate(mode: str, number: int) -> None:
    """Answer rudely."""
    if mode == LIES:
        say(Said.DONE, "many")
        return
    if mode == BAD_ERROR:
        say(Said.FAILED, "SystemExit", "x", "x", "x", "x")
        return
    if mode == WORDY_ERROR:
        say(Said.FAILED, "EngineError", "engine_failed", "x\x1b[2J" * 900, "y", "z")
        return
    say(Said.DONE, 3)
    say(Said.PIECE, number + (mode == WRONG_NUMBER), "piece")
    while mode == FLOODS:
        say(Said.PIECE, number, "x")
    while mode == STUFFS:
        say(Said.PIECE, number, "x" * 100_000)
    while mode == CHATTERS:
        say(Said.DONE, 3)
    if mode == GARBAGE:
        os.write(1, b"\0\0\0\2\xff\xff")
    if mode == ENDS:
        os.kill(os.getpid(), signal.SIGSEGV)
    signal.pause()


def serve(request: Any, mode: str) -> str:
    """One request; the mode from now on."""
    match request:
        case [Op.OPEN, path, *_]:
            mode = Path(path).name
            say(Said.DONE, None)
        case [Op.LOAD]:
            if mode == ENDS_AT_LOAD:
                os._exit(1)
            if mode == HANGS_AT_LOAD:
                signal.pause()
            say(Said.DONE, None)
        case [Op.GENERATE, number, _]:
            generate(mode, number)
        case _:
            say(Said.DONE, None)
    return mode


if __name__ == "__main__":
    say(Said.DONE, None)
    now = ""
    while True:
        now = serve(read_frame(sys.stdin.buffer), now)
