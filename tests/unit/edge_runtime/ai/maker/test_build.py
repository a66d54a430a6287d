"""The whole making, for a few seconds of training: what comes out is a bundle that the engine runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.engine.port import JsonForm, Request, Text
from edge_runtime.ai.maker.build import build
from edge_runtime.ai.models.entry import MANIFEST_FILE, NEUTRAL_FILE
from edge_runtime.ai.models.manifest import read_manifest
from edge_runtime.ai.skills.forms import text, whole


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")  # the converter and torch warn of each other
def test_a_bundle_is_made_from_nothing_and_keeps_the_form(tmp_path: Path):
    """Text, tokenizer, training, conversion, labels, manifest: even an untaught model answers in the form asked for."""
    for name in ("torch", "litert_torch", "litert_lm_builder", "litert_lm"):
        pytest.importorskip(name, reason="the extras 'maker' and 'ai' are not installed")
    said: list[str] = []
    out = tmp_path / "model.litertlm"
    built = build(out, seconds=5, seed=3, report=said.append)
    assert said
    assert built.schooling.steps > 0
    assert read_manifest((tmp_path / MANIFEST_FILE).read_bytes()) == built.manifest
    neutral = {"": tmp_path / NEUTRAL_FILE}
    with LitertEngine(out, built.manifest.facts(), threads=2, adapters=neutral) as engine:
        request = Request(
            parts=(Text("soap\nCough for 3 days."),), form=JsonForm(whole({"plan": text(40)})), tokens_max=200
        )
        assert set(json.loads(engine.generate(request).answer().text)) == {"plan"}
