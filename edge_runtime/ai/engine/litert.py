"""LiteRT-LM in this process: where the platform allows no child, and inside of the child where it does.

Owns the thread on which an answer is made, and the order of loading, answering, preparing and closing. A crash of the
library ends this process; `child` keeps it away.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from edge_runtime.ai.engine.admission import check_request
from edge_runtime.ai.engine.failures import engine_ended, engine_timeout
from edge_runtime.ai.engine.litert_model import NO_CACHE, LitertModel
from edge_runtime.ai.engine.litert_session import LitertSession, SessionSpec
from edge_runtime.ai.engine.port import EngineFacts, Request
from edge_runtime.ai.engine.stream import Clock, Stream, steady_ms
from edge_runtime.errors import EdgeError

THREADS_MAX: Final = 4
"""More do not help a phone, whose other cores are slow ones."""
SETTLE_MS: Final = 30_000
"""Milliseconds that an answer which nobody wants any more may take to end."""


def usual_threads() -> int:
    """As many as help, where nobody said how many."""
    return min(THREADS_MAX, os.cpu_count() or 1)


def session_spec(
    path: Path,
    facts: EngineFacts,
    *,
    threads: int | None,
    adapters: Mapping[str, Path] | None,
    cache: Path | None,
) -> SessionSpec:
    """What is opened, with as many threads as help where nobody said how many."""
    return SessionSpec(
        path=path,
        context_tokens=facts.context_tokens,
        modalities=facts.modalities,
        threads=threads or usual_threads(),
        cache=NO_CACHE if cache is None else str(cache),
        adapters=dict(adapters or {}),
    )


class LitertEngine:
    """An `Engine` over one bundle."""

    def __init__(
        self,
        path: Path,
        facts: EngineFacts,
        *,
        threads: int | None = None,
        adapters: Mapping[str, Path] | None = None,
        cache: Path | None = None,
        clock: Clock = steady_ms,
    ) -> None:
        """Load nothing yet.

        Args:
            path: the bundle; never written beside.
            facts: of the model.
            threads: of the processor; None: as many as help.
            adapters: files of LoRA weights by name; under "" the one that changes nothing, which a bundle with inputs
                for adapters needs where no other is asked for.
            cache: a folder for what the library compiles; None: nowhere.
            clock: milliseconds.
        """
        self._facts = facts
        self._spec = session_spec(path, facts, threads=threads, adapters=adapters, cache=cache)
        self._session = LitertSession(self._spec)
        self._clock = clock
        self._stream: Stream | None = None
        self._worker: threading.Thread | None = None
        self._registered = False

    @property
    def facts(self) -> EngineFacts:
        """What this is."""
        return self._facts

    def load(self) -> None:
        """Load the model, with the adapter that was used last."""
        self._ready().model()

    def warm(self) -> None:
        """Have a conversation ready."""
        self._ready().model().prepare()

    def count_tokens(self, request: Request) -> int:
        """Tokens of the prompt with its template."""
        check_request(request, self._facts, self._spec.adapters)
        return self._ready().count(request)

    def generate(self, request: Request) -> Stream:
        """Begin an answer; what is left of the one before is stopped."""
        check_request(request, self._facts, self._spec.adapters)
        model, tokens = self._ready().admitted(request)
        stream = Stream(clock=self._clock, deadline_ms=request.deadline_ms, stop=model.stop)
        worker = threading.Thread(
            target=_answer, args=(model, request, tokens, stream), name="fieldward-engine", daemon=True
        )
        self._stream, self._worker = stream, worker
        worker.start()
        return stream

    def close(self) -> None:
        """Let go of the model. One that does not stop is left to the end of the process: it cannot be freed in use."""
        try:
            self._settle()
        except EdgeError:
            self._session.forget()
        self._session.close()
        atexit.unregister(self.close)
        self._registered = False

    def __enter__(self) -> Self:
        """Load nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _settle(self) -> None:
        """Wait until the thread of the last answer is done, stopping it where it is not.

        Raises:
            EngineError: it does not stop (`engine_timeout`).
        """
        if self._worker is None:
            return
        if self._stream is not None:
            self._stream.cancel()
        self._worker.join(SETTLE_MS / 1000)
        if self._worker.is_alive():
            raise engine_timeout("the end of a stopped answer", SETTLE_MS)
        self._worker = self._stream = None

    def _ready(self) -> LitertSession:
        """The session, once nothing runs. From now on the engine is closed with the program, if nobody does before.

        An answer that is being made while the interpreter takes its modules apart ends the process with a crash.
        """
        self._settle()
        if not self._registered:
            atexit.register(self.close)
            self._registered = True
        return self._session


def _answer(model: LitertModel, request: Request, tokens: int, stream: Stream) -> None:
    """Make one answer, then prepare for the next while nobody waits."""
    try:
        outcome = model.run(request, tokens, stream.push)
        stream.finish(outcome.ending, prompt_tokens=tokens, answer_tokens=outcome.tokens)
        model.prepare()
    except EdgeError as error:
        stream.fail(error)
    except BaseException:  # noqa: BLE001 - a thread's last words; what the library said may quote the answer
        stream.fail(engine_ended())
