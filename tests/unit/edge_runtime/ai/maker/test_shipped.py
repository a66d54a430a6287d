"""The demonstration model that the package ships: the bytes that its manifest names, and a model that copies."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.engine.port import Form, JsonForm, Request, Text
from edge_runtime.ai.maker.adapter import RANK
from edge_runtime.ai.maker.copying import measure
from edge_runtime.ai.maker.corpus import samples_of
from edge_runtime.ai.maker.sample import Sample
from edge_runtime.ai.models.demonstration import PLACE, demonstration
from edge_runtime.ai.models.entry import NEUTRAL_FILE
from edge_runtime.ai.models.manifest import Manifest
from edge_runtime.ai.models.opening import NO_ADAPTER
from edge_runtime.ai.models.pieces import digest
from edge_runtime.ai.skills.forms import text, whole
from edge_runtime.clinical.fact_json import Json

BYTES_MAX = 2_500_000
UNSEEN_SEED = 900_001
"""Far from the seeds of the training, which count from 0."""
ADAPTER = PLACE.parent / "adapters" / "demonstration-paediatrics.lora"
RECALL_FLOOR = 0.9
"""Measured: 0.98 on 40 encounters."""
TRUTH_FLOOR = 0.97
"""Measured: 1.00."""


def _manifest() -> Manifest:
    found = demonstration()
    assert found is not None
    return found.manifest


def _engine(adapters: Mapping[str, Path] | None = None) -> LitertEngine:
    """The model with its neutral adapter: without one the graph would read inputs that nobody filled."""
    pytest.importorskip("litert_lm", reason="the extra 'ai' is not installed")
    manifest = _manifest()
    known = {NO_ADAPTER: PLACE / NEUTRAL_FILE, **(adapters or {})}
    return LitertEngine(PLACE / manifest.file, manifest.facts(), threads=2, adapters=known)


@pytest.fixture(name="plain")
def _plain() -> Iterator[LitertEngine]:
    with _engine() as engine:
        yield engine


def _form(answer: Json) -> Form:
    assert isinstance(answer, dict)
    return JsonForm(whole({name: text(400) for name in answer}))


def _say(engine: LitertEngine, sample: Sample, adapter: str | None = None) -> Json:
    request = Request(parts=(Text(sample.asked),), form=_form(dict(sample.answer)), tokens_max=1200, adapter=adapter)
    value: Json = json.loads(engine.generate(request).answer().text)
    return value


def test_the_file_is_the_one_that_its_manifest_names():
    """Nobody runs another file as the demonstration; it stays small enough to come along with the package."""
    manifest = _manifest()
    data = (PLACE / manifest.file).read_bytes()
    assert digest(data) == manifest.sha256
    assert len(data) == manifest.size
    assert digest((PLACE / NEUTRAL_FILE).read_bytes()) == manifest.neutral
    assert sum(one.stat().st_size for one in (*PLACE.iterdir(), ADAPTER)) < BYTES_MAX


def test_it_says_what_it_is():
    """A toy of our own, labelled so, on the project's licence, that takes its own prompts."""
    manifest = _manifest()
    assert manifest.demonstration
    assert (manifest.name, manifest.prompt_style, manifest.licence.id) == (
        "demonstration",
        "demonstration",
        "Apache-2.0",
    )
    assert manifest.context_tokens == 2048


@pytest.mark.campaign
def test_it_copies_numbers_out_of_encounters_that_it_never_saw(plain: LitertEngine):
    """On 20 unseen encounters most of the numbers that a note should hold are there, and few that nobody said."""
    found = measure(itertools.islice(samples_of("soap", UNSEEN_SEED), 20), lambda sample: _say(plain, sample))
    assert found.recall >= RECALL_FLOOR, found
    assert found.truth >= TRUTH_FLOOR, found


@pytest.mark.campaign
def test_the_specialty_adapter_changes_its_words_and_is_gone_afterwards(plain: LitertEngine):
    """With the adapter a note says that it is about a child; an engine that never had it says nothing of the kind."""
    samples = list(itertools.islice(samples_of("soap", UNSEEN_SEED), 4))
    without = [_say(plain, sample) for sample in samples]
    with _engine({"paediatrics": ADAPTER}) as engine:
        adapted = [_say(engine, sample, "paediatrics") for sample in samples]
        afterwards = [_say(engine, sample) for sample in samples]
    assert RANK == 16
    assert not any("Child" in str(answer) for answer in without)
    assert afterwards == without
    assert sum("Child" in str(answer) for answer in adapted) >= 3
