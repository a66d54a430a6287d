"""LiteRT-LM in a child process: a crash, a hang or a kill costs the draft, and the next request starts a new child.

Owns the child's life: started when it is first needed, replaced when it died, not started again for a while where it
dies of the same model each time. POSIX only; see `containment`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from edge_runtime.ai.engine.admission import check_request
from edge_runtime.ai.engine.child_line import ChildLine
from edge_runtime.ai.engine.child_wire import Op, packed_request, packed_spec, unpacked_facts
from edge_runtime.ai.engine.failures import engine_ended, engine_garbled, engine_spared, engine_timeout
from edge_runtime.ai.engine.litert import session_spec
from edge_runtime.ai.engine.litert_library import BundleFacts
from edge_runtime.ai.engine.port import EngineFacts, Request
from edge_runtime.ai.engine.stream import Clock, Stream, steady_ms
from edge_runtime.ai.errors import EngineError
from edge_runtime.processes.link import LinkError
from edge_runtime.processes.starting import command
from sync_protocol.encoding import Value

MODULE: Final = "edge_runtime.ai.engine.child_process"
Report = Callable[[str], None]
"""Told each time a child had to be given up: a stable code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What a child may take.

    Attributes:
        start_ms: milliseconds until it speaks.
        load_ms: until a model is loaded, or a conversation prepared.
        call_ms: until it counted tokens, or began an answer.
        begin_ms: beyond a request's own deadline until it began an answer; a hung child is noticed after that.
        settle_ms: until an answer that nobody wants any more ended.
        loads_max: children in a row that may end while they load.
        spare_ms: how long the model is not tried again after that.
    """

    start_ms: int = 30_000
    load_ms: int = 300_000
    call_ms: int = 60_000
    begin_ms: int = 5_000
    settle_ms: int = 10_000
    loads_max: int = 2
    spare_ms: int = 60_000


LIMITS: Final = ChildLimits()


class ChildEngine:
    """An `Engine` over one bundle, in a process of its own."""

    def __init__(
        self,
        path: Path,
        facts: EngineFacts,
        *,
        threads: int | None = None,
        adapters: Mapping[str, Path] | None = None,
        cache: Path | None = None,
        clock: Clock = steady_ms,
        limits: ChildLimits = LIMITS,
        report: Report = lambda _: None,
        module: str = MODULE,
    ) -> None:
        """Start nothing yet.

        Args:
            path: the bundle; never written beside.
            facts: of the model.
            threads: of the processor; None: as many as help.
            adapters: files of LoRA weights by name; under "" the one that changes nothing, which a bundle with inputs
                for adapters needs where no other is asked for.
            cache: a folder for what the library compiles; None: nowhere.
            clock: milliseconds.
            limits: what a child may take.
            report: told of each child that was given up.
            module: what the child runs; another one is for tests.
        """
        self._facts = replace(facts, contained=True)
        self._spec = session_spec(path, facts, threads=threads, adapters=adapters, cache=cache)
        self._clock = clock
        self._limits = limits
        self._report = report
        self._module = module
        self._line: ChildLine | None = None
        self._stream: Stream | None = None
        self._number = 0
        self._ended_loads = 0
        self._spared_until = 0.0

    @property
    def facts(self) -> EngineFacts:
        """What this is."""
        return self._facts

    @property
    def pid(self) -> int | None:
        """The child's number; None while there is none."""
        return None if self._line is None or self._line.is_dead else self._line.pid

    def load(self) -> None:
        """Start a child where there is none, and load the model."""
        self._settled()

    def warm(self) -> None:
        """Have a conversation ready."""
        self._ask([Op.WARM], self._limits.load_ms)

    def count_tokens(self, request: Request) -> int:
        """Tokens of the prompt with its template."""
        check_request(request, self._facts, self._spec.adapters)
        return _tokens(self._ask([Op.COUNT, packed_request(request)], self._limits.call_ms))

    def generate(self, request: Request) -> Stream:
        """Begin an answer; what is left of the one before is stopped."""
        check_request(request, self._facts, self._spec.adapters)
        try:
            return self._begun(request)
        except LinkError as error:
            failure = self._given_up(error, self._limits.call_ms)
            if failure.code != "engine_ended":
                raise failure from None
        try:
            return self._begun(request)  # the old child had ended before, maybe, unnoticed
        except LinkError as error:
            raise self._given_up(error, self._limits.call_ms) from None

    def close(self) -> None:
        """End the child; again is nothing, and the next use starts a new one."""
        line, self._line = self._line, None
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        if line is not None:
            line.end()

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _begun(self, request: Request) -> Stream:
        line = self._settled()
        self._number += 1
        number = self._number
        stream = Stream(
            clock=self._clock,
            deadline_ms=request.deadline_ms,
            stop=lambda: line.cancel(number),
        )
        line.follow(number, stream)
        try:
            allowed_ms = min(self._limits.call_ms, request.deadline_ms + self._limits.begin_ms)
            _tokens(line.ask([Op.GENERATE, number, packed_request(request)], allowed_ms))
        except BaseException:
            line.unfollow()
            raise
        self._stream = stream
        return stream

    def _ask(self, request: list[Value], deadline_ms: int) -> Value:
        try:
            return self._settled().ask(request, deadline_ms)
        except LinkError as error:
            raise self._given_up(error, deadline_ms) from None

    def _settled(self) -> ChildLine:
        """A child with the model loaded that is at nothing; a new one where the old is gone or does not stop."""
        line = self._line
        if line is not None and self._stream is not None:
            self._stream.cancel()
            self._stream = None
            if not line.settle(0):
                line.cancel(self._number)  # again: one that was late ended here without a word to the child
            if not line.settle(self._limits.settle_ms):
                self._given_up(LinkError("hung"), self._limits.settle_ms)
        if self._line is not None and self._line.is_dead:
            self._given_up(LinkError("ended"), 0)
        if self._line is None:
            self._line = self._started()
        return self._line

    def _started(self) -> ChildLine:
        left = self._spared_until - self._clock()
        if left > 0:
            raise engine_spared(left)
        limits = self._limits
        try:
            line = ChildLine(command(self._module), clock=lambda: int(self._clock()), start_ms=limits.start_ms)
        except LinkError as error:
            raise self._loading_ended(error) from None
        try:
            line.ask([Op.OPEN, *packed_spec(self._spec)], limits.call_ms)
            line.ask([Op.LOAD], limits.load_ms)
        except LinkError as error:
            line.end()
            raise self._loading_ended(error) from None
        except Exception:
            line.end()
            raise
        self._ended_loads = 0
        return line

    def _loading_ended(self, error: LinkError) -> EngineError:
        self._ended_loads += 1
        if self._ended_loads >= self._limits.loads_max:
            self._spared_until = self._clock() + self._limits.spare_ms
            self._ended_loads = 0
        return self._given_up(error, self._limits.load_ms)

    def _given_up(self, error: LinkError, ms: int) -> EngineError:
        line, self._line = self._line, None
        if line is not None:
            line.end()
        failure = _failure(str(error), ms)
        self._report(failure.code)
        return failure


def inspect(path: Path, *, limits: ChildLimits = LIMITS) -> BundleFacts:
    """Ask a child what a bundle is: a hostile file may end the process that looks at it.

    Raises:
        ModelError: missing, damaged, no language model, or for a newer engine.
        EngineError: the child ended over it.
    """
    try:
        line = ChildLine(command(MODULE), clock=lambda: int(steady_ms()), start_ms=limits.start_ms)
        try:
            return unpacked_facts(line.ask([Op.INSPECT, str(path)], limits.call_ms))
        finally:
            line.end()
    except LinkError as error:
        raise _failure(str(error), limits.call_ms) from None


def _failure(code: str, ms: int) -> EngineError:
    if code == "hung":
        return engine_timeout("an answer of the engine's process", ms)
    return engine_garbled() if code == "garbage" else engine_ended()


def _tokens(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise engine_garbled()
    return value
