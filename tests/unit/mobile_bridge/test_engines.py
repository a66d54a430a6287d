"""The engines of a bridge: one model at a time, and nobody loses an answer because somebody else asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from edge_runtime.ai.engine.port import Ending, EngineFacts, Request, Text
from edge_runtime.ai.engine.stream import Stream, steady_ms
from edge_runtime.ai.models.choosing import Choice
from edge_runtime.ai.models.opening import HeldEngine, Opened
from mobile_bridge.engines import Engines


class Slow:
    """An engine that says one word and then what the test has it say."""

    def __init__(self, name: str) -> None:
        self.facts = EngineFacts(engine="test", model=name, digest="", context_tokens=4096)
        self.streams: list[Stream] = []

    def generate(self, request: Request) -> Stream:
        """Begin an answer."""
        del request
        stream = Stream(clock=steady_ms, deadline_ms=None, stop=lambda: None)
        stream.push("first")
        self.streams.append(stream)
        return stream

    def close(self) -> None:
        """Nothing is held."""


def opening(*models: Slow | None) -> Engines:
    """Engines for which each look at the device chooses the next of these."""
    left: Iterator[Slow | None] = iter(models)

    def chosen(_: str) -> Opened:
        engine = next(left)
        words = "templates and rules only." if engine is None else f"{engine.facts.model} answers."
        return Opened(
            cast("HeldEngine | None", engine), None if engine is None else engine.facts, Choice(None, (), words)
        )

    return Engines(chosen)


@pytest.mark.parametrize("second", [Slow("demonstration"), None])
def test_a_model_at_work_is_asked_again_although_it_takes_the_memory(second: Slow | None):
    """Looked at anew, the device has no room for the very model that is loaded: the running answer must not pay."""
    large = Slow("large")
    engines = opening(large, second)
    desk, words = engines.desk("home", "soap")
    assert desk is not None
    running = desk.generate(Request(parts=(Text("a"),)))
    pieces = iter(running)
    assert next(pieces) == "first"
    assert engines.desk("home", "soap") == (desk, words)
    large.streams[0].push("second")
    large.streams[0].finish(Ending.DONE, prompt_tokens=1, answer_tokens=2)
    assert "".join(pieces) == "second"
    assert engines.desk("home", "soap") == (desk, words)  # still loaded: the next answer comes at once
    engines.close()


def test_what_was_never_loaded_is_chosen_anew():
    """Nothing is held for it: the device may have another model by now."""
    engines = opening(Slow("large"), Slow("larger"), None)
    assert engines.desk("home", "soap")[1] == "large answers."
    assert engines.desk("home", "soap")[1] == "larger answers."
    assert engines.desk("home", "soap") == (None, "templates and rules only.")
    engines.close()
