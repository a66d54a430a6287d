"""One engine for many: requests wait their turn, are answered one after the other, and may be cancelled at any time.

Owns the only thread that talks to the engine. Time in the queue is told apart from time at work, and a request's
deadline begins with its turn. An engine that nobody used for a while, or whose memory is wanted, is unloaded; the next
request loads it again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Self

from edge_runtime.ai.engine.admission import check_request
from edge_runtime.ai.engine.failures import desk_closed, engine_ended
from edge_runtime.ai.engine.port import Engine, EngineFacts, Generation, Request
from edge_runtime.ai.engine.stream import Clock, Stream, steady_ms
from edge_runtime.ai.engine.turns import Turns
from edge_runtime.errors import EdgeError

IDLE_MS: Final = 300_000
"""Milliseconds without a request after which a model's memory is given back."""
_JOIN_S: Final = 60


@dataclass(eq=False, slots=True)
class _Ticket:
    """A request in the queue or at work."""

    request: Request
    queued: float
    stream: Stream = field(init=False)
    generation: Generation | None = None


class Desk:
    """A queue before one engine. For any number of threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock = steady_ms,
        idle_ms: float = IDLE_MS,
        turns: Turns[_Ticket] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            engine: nobody else's from now on.
            clock: milliseconds.
            idle_ms: milliseconds without a request after which the engine is unloaded.
            turns: the queue; None: one with the usual bounds.
        """
        self._engine = engine
        self._clock = clock
        self._idle_ms = idle_ms
        self._turns: Turns[_Ticket] = Turns() if turns is None else turns
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._current: _Ticket | None = None
        self._used: float | None = None
        self._wanted_warm = False
        self._unload = False
        self._closed = False
        self._over = False
        self._left_over = False

    @property
    def facts(self) -> EngineFacts:
        """What answers."""
        return self._engine.facts

    def __len__(self) -> int:
        """How many requests wait, the one at work aside."""
        with self._changed:
            return len(self._turns)

    @property
    def loaded(self) -> bool:
        """Whether the engine holds its model, or is about to: somebody waits, is being answered, or was lately."""
        with self._changed:
            return bool(self._current or len(self._turns) or self._used is not None)

    def generate(self, request: Request) -> Stream:
        """Queue a request. What only the model can refuse is raised by the answer's iteration.

        Raises:
            InputError, RefusedError: what can be refused without the model.
            BudgetError: too long for any model, or too many wait (`queue_full`).
            EngineError: the desk is closed (`desk_closed`).
        """
        check_request(request, self.facts, () if request.adapter is None else (request.adapter,))
        ticket = _Ticket(request, self._clock())
        ticket.stream = Stream(clock=self._clock, deadline_ms=None, stop=lambda: self._stopped(ticket))
        with self._changed:
            if self._closed:
                raise desk_closed()
            self._turns.add(request.patient, ticket)
            self._wake()
        return ticket.stream

    def warm(self) -> None:
        """Prepare the engine for the next request, soon; waits for nothing."""
        with self._changed:
            self._wanted_warm = True
            self._wake()

    def low_memory(self) -> None:
        """Unload the engine, now or right after the answer that is being made."""
        with self._changed:
            self._unload = True
            self._wake()

    def close(self) -> None:
        """Refuse what waits, stop what is at work, and let go of the engine; again is nothing."""
        with self._changed:
            self._closed = True
            waiting = self._turns.empty()
            current = self._current
            self._changed.notify_all()
        for ticket in waiting:
            ticket.stream.fail(desk_closed())
        if current is not None:
            current.stream.fail(desk_closed())  # nobody who waits for it stopped it
            self._stopped(current)
        if self._worker is not None:
            self._worker.join(_JOIN_S)
            with self._changed:
                self._left_over = not self._over
                if self._left_over:  # it still loads a model: the engine is for one thread, so that one closes it
                    return
        self._engine.close()

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _wake(self) -> None:
        """Have the worker look; called with the lock held."""
        if self._worker is None and not self._closed:
            self._worker = threading.Thread(target=self._work, name="fieldward-engine-desk", daemon=True)
            self._worker.start()
        self._changed.notify_all()

    def _stopped(self, ticket: _Ticket) -> None:
        """Somebody cancelled: out of the queue, which costs nothing, or out of the engine."""
        with self._changed:
            self._turns.drop(ticket.request.patient, ticket)
            generation = ticket.generation
        if generation is not None:
            generation.cancel()

    def _work(self) -> None:
        self._serve()
        with self._changed:
            self._over = True
            left_over = self._left_over
        if left_over:
            self._engine.close()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not (self._closed or self._unload or self._wanted_warm or len(self._turns)):
                    if not self._rested():
                        self._changed.wait(self._rest_s())
                if self._closed:
                    return
                unload, self._unload = self._unload, False
                warm, self._wanted_warm = self._wanted_warm and not unload, False
                ticket = None if unload else self._turns.take()
                self._current = ticket
            if unload:
                self._unloaded()
            if ticket is not None:
                self._answer(ticket)
            elif warm:
                self._warmed()

    def _answer(self, ticket: _Ticket) -> None:
        queued_ms = self._clock() - ticket.queued
        try:
            generation = self._engine.generate(ticket.request)
            with self._changed:
                ticket.generation = generation
            if ticket.stream.is_over:
                generation.cancel()
            for piece in generation:
                ticket.stream.push(piece)
            answer = generation.answer()
            ticket.stream.finish_as(replace(answer, timings=replace(answer.timings, queued_ms=queued_ms)))
        except EdgeError as error:
            ticket.stream.fail(error)
        except BaseException:  # noqa: BLE001 - the queue must go on; foreign words may quote the prompt
            ticket.stream.fail(engine_ended())
        with self._changed:
            self._current = None
            self._used = self._clock()

    def _warmed(self) -> None:
        with suppress(Exception):  # the next request says why; this thread is the only one, and must go on
            self._engine.warm()
        with self._changed:
            self._used = self._clock()

    def _rest_s(self) -> float | None:
        """Seconds until an idle engine is unloaded; None where none is loaded. Called with the lock held."""
        return None if self._used is None else max(self._used + self._idle_ms - self._clock(), 0) / 1000

    def _rested(self) -> bool:
        """Have an engine unloaded that was idle for long. Called with the lock held."""
        if self._used is None or self._clock() - self._used < self._idle_ms:
            return False
        self._unload = True
        return True

    def _unloaded(self) -> None:
        with self._changed:
            self._used = None
        with suppress(Exception):  # the same
            self._engine.close()
