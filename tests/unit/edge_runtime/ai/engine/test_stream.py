"""How an answer is handed from the thread that makes it to the one that reads it."""

from __future__ import annotations

import threading

import pytest

from edge_runtime.ai.engine.failures import engine_ended
from edge_runtime.ai.engine.port import Answer, Ending, Timings
from edge_runtime.ai.engine.stream import Stream
from edge_runtime.ai.errors import EngineError


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Begin at some moment."""
        self.ms = 1_000.0

    def __call__(self) -> float:
        """Now."""
        return self.ms


@pytest.fixture(name="clock")
def fixture_clock() -> Hand:
    """A clock."""
    return Hand()


@pytest.fixture(name="stops")
def fixture_stops() -> list[str]:
    """How often the engine was told to stop."""
    return []


@pytest.fixture(name="stream")
def fixture_stream(clock: Hand, stops: list[str]) -> Stream:
    """A stream with a second to go."""
    return Stream(clock=clock, deadline_ms=1_000, stop=lambda: stops.append("stop"))


def test_an_answer_with_its_times(stream: Stream, clock: Hand, stops: list[str]) -> None:
    """Pieces in order, the times of the first and the last, and the tokens as the engine counted them."""
    clock.ms += 30
    assert stream.push("a")
    clock.ms += 20
    assert stream.push("b")
    clock.ms += 5
    stream.finish(Ending.CUT, prompt_tokens=7, answer_tokens=3)
    assert list(stream) == ["a", "b"]
    timings = Timings(first_ms=30, total_ms=55, prompt_tokens=7, answer_tokens=3)
    assert stream.answer() == Answer("ab", Ending.CUT, timings)
    assert timings.tokens_per_s == pytest.approx(2 * 1_000 / 25)
    assert stops == []


def test_an_answer_of_nothing(stream: Stream) -> None:
    """No piece is an answer, too."""
    stream.finish(Ending.DONE, prompt_tokens=7, answer_tokens=0)
    assert list(stream) == []
    assert stream.answer().text == ""
    assert stream.answer().timings.tokens_per_s == 0


def test_only_the_first_end_counts(stream: Stream) -> None:
    """After an end nothing is added and nothing changes."""
    stream.push("a")
    stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=1)
    assert not stream.push("b")
    stream.fail(engine_ended())
    stream.finish(Ending.CUT, prompt_tokens=9, answer_tokens=9)
    stream.finish_as(Answer("x", Ending.CUT, Timings()))
    stream.cancel()
    assert stream.is_over
    assert stream.answer().ending is Ending.DONE
    assert stream.answer().text == "a"


def test_ending_as_another_answer(stream: Stream) -> None:
    """The timings of the engine's own answer are passed on."""
    stream.push("a")
    timings = Timings(queued_ms=4, first_ms=1, total_ms=2, prompt_tokens=3, answer_tokens=1)
    stream.finish_as(Answer("a", Ending.DONE, timings))
    assert stream.answer() == Answer("a", Ending.DONE, timings)


def test_a_failure_comes_after_the_pieces(stream: Stream) -> None:
    """What came is shown, then it is said that no more comes, each time it is asked for."""
    stream.push("a")
    stream.fail(engine_ended())
    pieces = iter(stream)
    assert next(pieces) == "a"
    for attempt in (lambda: next(pieces), stream.answer):
        with pytest.raises(EngineError) as caught:
            attempt()
        assert caught.value.code == "engine_ended"


def test_cancelling(stream: Stream, stops: list[str]) -> None:
    """The engine is told once; the reader ends without an error, with what came."""
    stream.push("a")
    for _ in range(3):
        stream.cancel()
    assert stops == ["stop"]
    assert not stream.push("b")
    assert list(stream) == ["a"]
    assert stream.answer().ending is Ending.CANCELLED


def test_the_deadline(stream: Stream, clock: Hand, stops: list[str]) -> None:
    """Past it, waiting is an error, the engine is told to stop, and what comes later is left out."""
    stream.push("a")
    clock.ms += 1_000
    with pytest.raises(EngineError, match="within 1 s") as caught:
        list(stream)
    assert caught.value.code == "engine_timeout"
    assert stops == ["stop"]
    assert not stream.push("b")
    with pytest.raises(EngineError):
        stream.answer()


@pytest.mark.parametrize("late", ["push", "finish"])
def test_the_deadline_without_a_reader(stream: Stream, clock: Hand, late: str) -> None:
    """An answer that nobody read is late all the same, and the engine is told so by its next piece."""
    clock.ms += 1_000
    if late == "push":
        assert not stream.push("a")
    else:
        stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=1)
    with pytest.raises(EngineError) as caught:
        stream.answer()
    assert caught.value.code == "engine_timeout"


def test_what_came_in_time_needs_no_wait(stream: Stream, clock: Hand) -> None:
    """An answer that ended before its deadline may be read at any time."""
    stream.push("a")
    stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=1)
    clock.ms += 1_000_000
    assert stream.answer().text == "a"


@pytest.mark.parametrize("deadline_ms", [None, 60_000])
def test_readers_wait_for_pieces(clock: Hand, deadline_ms: float | None) -> None:
    """Readers in other threads see each piece, and the end, as they come."""
    stream = Stream(clock=clock, deadline_ms=deadline_ms, stop=lambda: None)
    seen: list[list[str]] = [[], []]
    readers = [threading.Thread(target=lambda into=into: into.extend(stream)) for into in seen]
    for reader in readers:
        reader.start()
    for number in range(50):
        stream.push(str(number))
    stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=50)
    for reader in readers:
        reader.join(10)
    assert seen == [[str(number) for number in range(50)]] * 2


def test_it_shows_no_words(stream: Stream) -> None:
    """What came is in no repr."""
    stream.push("Ana Lima")
    stream.finish(Ending.DONE, prompt_tokens=1, answer_tokens=1)
    assert "Ana" not in repr(stream) + repr(stream.answer())
