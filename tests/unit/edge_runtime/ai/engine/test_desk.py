"""One engine for many: turns, cancelling, unloading and closing, over an engine that does what the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

import pytest

from edge_runtime.ai.engine import desk as desk_module
from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.engine.failures import engine_failed
from edge_runtime.ai.engine.port import Ending, EngineFacts, Media, Modality, Request, Text
from edge_runtime.ai.engine.stream import Stream
from edge_runtime.ai.engine.turns import Turns
from edge_runtime.ai.errors import BudgetError, EngineError
from edge_runtime.errors import RefusedError

WAIT_S = 20
"""A test that hangs fails after so long."""


class Scripted:
    """An engine that answers each prompt with itself, letter by letter, when it is let."""

    facts = EngineFacts(engine="scripted", model="m", digest="", context_tokens=100)

    def __init__(self) -> None:
        """Let everything through."""
        self.gate = threading.Event()
        self.gate.set()
        self.began: list[str] = []
        self.log: list[str] = []
        self.logged = threading.Condition()

    def note(self, what: str) -> None:
        """Write down what was done."""
        with self.logged:
            self.log.append(what)
            self.logged.notify_all()

    def wait_for(self, test: Callable[[list[str]], bool]) -> None:
        """Wait until the log is as a test wants it."""
        with self.logged:
            assert self.logged.wait_for(lambda: test(self.log), WAIT_S), self.log

    def load(self) -> None:
        """Nothing to load."""

    def warm(self) -> None:
        """Be asked to warm."""
        self.note("warm")
        if self.log.count("warm") > 1:
            raise engine_failed()

    def count_tokens(self, request: Request) -> int:
        """One a part."""
        return len(request.parts)

    def generate(self, request: Request) -> Stream:
        """Answer with the prompt once the gate is open."""
        (part,) = request.parts
        assert isinstance(part, Text)
        if part.text == "bad":
            raise engine_failed()
        if part.text == "worse":
            raise ZeroDivisionError
        stream = Stream(clock=lambda: 0.0, deadline_ms=None, stop=lambda: self.note(f"stop {part.text}"))
        self.note(f"begin {part.text}")

        def answer() -> None:
            self.gate.wait(WAIT_S)
            for letter in part.text:
                stream.push(letter)
            stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=len(part.text))

        threading.Thread(target=answer, daemon=True).start()
        return stream

    def close(self) -> None:
        """Be closed."""
        self.note("close")

    def __enter__(self) -> Self:
        """Nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def ask(text: str, patient: bytes = b"") -> Request:
    """A request of somebody's."""
    return Request(parts=(Text(text),), patient=patient)


@pytest.fixture(name="engine")
def fixture_engine() -> Scripted:
    """The engine behind the desk."""
    return Scripted()


def test_answers_take_their_turns(engine: Scripted) -> None:
    """While one is at work the others wait; then patients take turns, and each is told how long it waited."""
    now = [0.0]
    with Desk(engine, clock=lambda: now[0]) as desk:
        assert desk.facts is engine.facts
        engine.gate.clear()
        first = desk.generate(ask("first", b"a"))
        engine.wait_for(lambda log: log == ["begin first"])
        waiting = [desk.generate(ask(text, text[:1].encode())) for text in ("a2", "a3", "b1", "c1", "b2")]
        assert len(desk) == 5
        now[0] = 250.0
        engine.gate.set()
        assert first.answer().timings.queued_ms == 0
        assert [one.answer().text for one in waiting] == ["a2", "a3", "b1", "c1", "b2"]
        assert [one.answer().timings.queued_ms for one in waiting] == [250.0] * 5
        assert "".join(waiting[0]) == "a2"
    begun = [line.removeprefix("begin ") for line in engine.log if line.startswith("begin")]
    assert begun == ["first", "a2", "b1", "c1", "a3", "b2"]


def test_a_full_queue(engine: Scripted) -> None:
    """What finds the queue full is refused at once."""
    with Desk(engine, turns=Turns(waiting_max=1)) as desk:
        engine.gate.clear()
        desk.generate(ask("first"))
        engine.wait_for(lambda log: log == ["begin first"])
        desk.generate(ask("second"))
        with pytest.raises(BudgetError) as caught:
            desk.generate(ask("third"))
        assert caught.value.code == "queue_full"
        engine.gate.set()


def test_an_engine_that_fails_to_rest_or_to_warm_does_not_end_the_queue(engine: Scripted) -> None:
    """Whatever comes of unloading and warming, the next request is answered: nobody waits for a thread that is gone."""

    def fail() -> None:
        engine.note("failed")
        raise ZeroDivisionError

    with Desk(engine) as desk:
        engine.close = engine.warm = fail
        desk.low_memory()
        engine.wait_for(lambda log: log == ["failed"])
        desk.warm()
        engine.wait_for(lambda log: log == ["failed"] * 2)
        del engine.close, engine.warm
        assert next(iter(desk.generate(ask("x")))) == "x"


def test_an_engine_that_loads_for_long_is_closed_by_its_own_thread(
    engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing does not wait for ever, closes nothing under the thread that is in it, and leaves no engine behind."""
    monkeypatch.setattr(desk_module, "_JOIN_S", 0.01)
    loaded = threading.Event()
    generate = engine.generate

    def slowly(request: Request) -> Stream:
        engine.note("load")
        assert loaded.wait(WAIT_S)
        return generate(request)

    engine.generate = slowly
    desk = Desk(engine)
    stream = desk.generate(ask("x"))
    engine.wait_for(lambda log: log == ["load"])
    desk.close()
    with pytest.raises(EngineError, match="closed"):
        stream.answer()
    assert "close" not in engine.log
    loaded.set()
    engine.wait_for(lambda log: log[-1] == "close")
    desk.close()


def test_cancelling_what_waits_costs_nothing(engine: Scripted) -> None:
    """A request that is cancelled before its turn never reaches the engine."""
    with Desk(engine) as desk:
        engine.gate.clear()
        first = desk.generate(ask("first"))
        engine.wait_for(lambda log: log == ["begin first"])
        second = desk.generate(ask("second"))
        third = desk.generate(ask("third"))
        second.cancel()
        assert second.answer().ending is Ending.CANCELLED
        assert len(desk) == 1
        engine.gate.set()
        assert first.answer().text == "first"
        assert third.answer().text == "third"
    assert "begin second" not in engine.log


def test_cancelling_what_is_at_work(engine: Scripted) -> None:
    """The engine is told, the reader is let go at once, and the next one has its turn."""
    with Desk(engine) as desk:
        engine.gate.clear()
        first = desk.generate(ask("first"))
        engine.wait_for(lambda log: log == ["begin first"])
        first.cancel()
        assert first.answer().ending is Ending.CANCELLED
        engine.wait_for(lambda log: "stop first" in log)
        engine.gate.set()
        assert desk.generate(ask("second")).answer().text == "second"


def test_refusals(engine: Scripted) -> None:
    """What needs no model is refused at once; what the engine finds is raised where the answer is read."""
    with Desk(engine) as desk:
        with pytest.raises(RefusedError, match="takes"):
            desk.generate(Request(parts=(Media(Modality.IMAGE, b""),)))
        for text, code in (("bad", "engine_failed"), ("worse", "engine_ended")):
            with pytest.raises(EngineError) as caught:
                desk.generate(ask(text)).answer()
            assert caught.value.code == code
        assert desk.generate(ask("good")).answer().text == "good"


def test_warming(engine: Scripted) -> None:
    """Warming waits for nothing, and an engine that cannot be warmed says so to the next request only."""
    with Desk(engine) as desk:
        for count in (1, 2):
            desk.warm()
            engine.wait_for(lambda log, count=count: log.count("warm") == count)  # type: ignore[misc] # bound at once
        assert desk.generate(ask("good")).answer().text == "good"


def test_an_idle_engine_is_unloaded(engine: Scripted) -> None:
    """After a while without requests its memory is given back; the next request is answered all the same."""
    with Desk(engine, idle_ms=1) as desk:
        assert desk.generate(ask("first")).answer().text == "first"
        engine.wait_for(lambda log: log[-1] == "close")
        assert desk.generate(ask("second")).answer().text == "second"


def test_low_memory(engine: Scripted) -> None:
    """Memory that is wanted is given back right after the answer that is being made, and before the next."""
    with Desk(engine) as desk:
        engine.gate.clear()
        first = desk.generate(ask("first"))
        engine.wait_for(lambda log: log == ["begin first"])
        second = desk.generate(ask("second"))
        desk.low_memory()
        engine.gate.set()
        assert (first.answer().text, second.answer().text) == ("first", "second")
        assert engine.log == ["begin first", "close", "begin second"]
        desk.low_memory()
        engine.wait_for(lambda log: log.count("close") == 2)


def test_closing(engine: Scripted) -> None:
    """What waits and what is at work ends with the reason, the engine is stopped and closed, and no more is taken."""
    desk = Desk(engine)
    engine.gate.clear()
    first = desk.generate(ask("first"))
    engine.wait_for(lambda log: log == ["begin first"])
    second = desk.generate(ask("second"))

    def open_gate() -> None:
        engine.wait_for(lambda log: "stop first" in log)
        engine.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    desk.close()
    opener.join()
    desk.close()
    for refused in (first.answer, second.answer, lambda: desk.generate(ask("third"))):
        with pytest.raises(EngineError) as caught:
            refused()
        assert caught.value.code == "desk_closed"
    assert engine.log[-1] == "close"


def test_a_desk_that_was_never_used(engine: Scripted) -> None:
    """Closing starts nothing."""
    Desk(engine).close()
    assert engine.log == ["close"]
