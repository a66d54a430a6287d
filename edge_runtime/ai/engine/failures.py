"""The errors of an engine that failed, in one place: each says what a person does next, none what was asked."""

from __future__ import annotations

from edge_runtime.ai.errors import EngineError


def engine_ended() -> EngineError:
    """The engine's process or its thread is gone."""
    return EngineError(
        "engine_ended",
        expected="an answer of the engine",
        got="an engine that ended",
        do="ask again: it is started anew; nothing but this draft was lost",
    )


def engine_timeout(what: str, ms: int) -> EngineError:
    """Something took longer than it may."""
    return EngineError(
        "engine_timeout",
        expected=f"{what} within {ms / 1000:g} s",
        got="no end of it",
        do="ask for less at once, allow more time, or choose a smaller model",
    )


def engine_garbled() -> EngineError:
    """What came from the engine's process is no answer."""
    return EngineError(
        "engine_garbled",
        expected="an answer of the engine",
        got="bytes that are none",
        do="ask again: it is started anew; if it goes on, verify the model: fieldward model verify",
    )


def engine_failed() -> EngineError:
    """The library gave up. Its own words may quote the answer, so they are not passed on."""
    return EngineError(
        "engine_failed",
        expected="an answer of the engine",
        got="a failure inside it",
        do="ask again; if it goes on, verify the model: fieldward model verify",
    )


def form_lost() -> EngineError:
    """The engine stopped by itself before the answer had its form."""
    return EngineError(
        "form_lost",
        expected="an answer that keeps its form",
        got="one that ended within it",
        do="ask again with another seed, or choose a larger model",
    )


def engine_spared(ms_left: float) -> EngineError:
    """This model ended the engine each time it was loaded."""
    return EngineError(
        "engine_spared",
        expected="a model that loads",
        got="one that ended the engine several times in a row",
        do=f"wait {ms_left / 1000:.0f} s, verify the model, or choose another",
    )


def desk_closed() -> EngineError:
    """The desk takes no more requests."""
    return EngineError(
        "desk_closed",
        expected="an open engine",
        got="one that was closed",
        do="open the device again; nothing but this draft was lost",
    )
