"""Figures of a measurement that hold on a busy machine too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.ai.engine.litert import session_spec
from edge_runtime.ai.engine.port import Timings
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.models import benching
from edge_runtime.ai.models.benching import _decode_rate, _reference_run, machine
from tests.unit.edge_runtime.ai.models.made import manifest_of

FACTS = manifest_of().facts()


@pytest.mark.parametrize(
    ("tokens", "total_ms", "first_ms", "rate"),
    [(101, 1100.0, 100.0, 100.0), (101, 1010.0, 1010.0, 100.0), (1, 500.0, 100.0, 2.0), (0, 0.0, 0.0, 0.0)],
)
def test_the_decode_rate_is_of_whole_answers(tokens, total_ms, first_ms, rate):
    """Tokens after the first over the time beyond it; where noise leaves none, all of the time counts."""
    assert _decode_rate(Timings(total_ms=total_ms, answer_tokens=tokens), first_ms) == pytest.approx(rate)


def test_a_reference_that_fails_is_said(tmp_path, monkeypatch):
    """A file that is no model, or a child that answers nothing: one error, no figures."""
    (tmp_path / "none").write_bytes(b"none")
    with pytest.raises(EngineError) as error:
        _reference_run(tmp_path / "none", prefill=8, decode=8)
    assert error.value.code == "benchmark_failed"
    monkeypatch.setattr(benching, "_CHILD", "no.such.module")
    with pytest.raises(EngineError):
        _reference_run(tmp_path / "none", prefill=8, decode=8)


def test_both_sides_do_the_same(monkeypatch):
    """The reference is asked for as many tokens as our answer had, with as many threads as our engine takes."""
    asked = []

    class Line:
        """In the place of the link to the child."""

        def __init__(self, *_, **__):
            """Start nothing."""

        def send(self, request, _):
            """Be asked."""
            asked.append(request)

        def receive(self, _):
            """Answer."""
            return dict.fromkeys(
                ("load_us", "first_token_us", "prefill_milli", "decode_milli", "peak_memory_bytes"), 1000
            )

        def end(self):
            """Nothing was started."""

    monkeypatch.setattr(benching, "ChildLink", Line)
    _reference_run(Path("x"), prefill=7, decode=9)
    spec = session_spec(Path("x"), FACTS, threads=None, adapters=None, cache=None)
    assert {key: asked[0][key] for key in ("prefill", "decode", "threads")} == {
        "prefill": 7,
        "decode": 9,
        "threads": spec.threads,
    }


def test_the_reference_s_memory_is_its_own():
    """What this process holds is not counted for the child that it starts."""
    held = bytearray(300 * 1024 * 1024)
    code = "from edge_runtime.ai.models.reference_child import peak_memory_bytes; print(peak_memory_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert 0 < int(done.stdout) < len(held)


def test_the_machine_is_stated():
    """A figure without its machine says nothing."""
    assert set(machine()) == {"system", "processor", "cores", "python"}
