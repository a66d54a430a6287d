"""What a host is asked: nothing that nobody waits for any more, however slow it is to take it."""

from __future__ import annotations

import pytest

from edge_runtime.ai.engine.host import HostEnd, HostFailure, HostPiece
from edge_runtime.ai.engine.port import EngineFacts, Request, Text
from edge_runtime.ai.errors import EngineError
from mobile_bridge import inference
from mobile_bridge.inference import HostedInference

ASKED = Request(parts=(Text("what a patient said"),))


def hosted() -> HostedInference:
    """A host that has taken nothing yet."""
    facts = EngineFacts(engine="host", model="phone", digest="", context_tokens=4096)
    return HostedInference(facts, patterns=False, wake=lambda: None, on_close=lambda: None)


def unheard(_: HostPiece | HostEnd | HostFailure) -> None:
    """Nothing is said here."""


def test_a_prompt_that_was_not_taken_is_withdrawn_with_its_call():
    """Neither it nor a cancel of what the host never heard of goes out, and what came before still does."""
    host = hosted()
    first, second = host.generate(ASKED, unheard), host.generate(ASKED, unheard)
    second()
    second()
    assert host.take()["call"] == 1
    assert not host.ready
    first()
    assert host.take() == {"op": "cancel", "call": 1}
    assert not host.ready


def test_a_count_that_nobody_waits_for_is_withdrawn(monkeypatch: pytest.MonkeyPatch):
    """A host that takes nothing is not left a heap of prompts."""
    monkeypatch.setattr(inference, "INFERENCE_COUNT_S", 0.0)
    host = hosted()
    with pytest.raises(EngineError):
        host.count_tokens(ASKED)
    assert not host.ready
