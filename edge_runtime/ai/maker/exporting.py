"""From a model as transformers writes it to a bundle that LiteRT-LM runs: converted, in eight bits, with its tokenizer.

Owns what the converter is told, and two things that it does not do by itself: it is spared TensorFlow, of which it
wants one generated module that ai-edge-litert ships too; and each attention projection takes a low-rank adapter as an
input of the graph, so that the engine can load one.

Source: litert-torch 0.10.0, `generative/export_hf`; LiteRT-LM 0.18.1 gives an adapter's tensors to inputs of the names
`lora_atten_{q,k,v,o}_{a,b}_prime_weight_N`, and takes the ranks 16 and 32.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.maker.adapter import PROJECTIONS, tensor_name

PREFILL_TOKENS: Final = 256
"""Of one step through a prompt; each further length would cost a third of a small bundle's bytes."""
_BUNDLE: Final = "model.litertlm"
_SCHEMA: Final = "tensorflow.lite.python"


def export(model: Path, out: Path, *, context_tokens: int, prefill: list[int], adapter_rank: int = 0) -> None:
    """Convert a model.

    Args:
        model: folder of weights, configuration, tokenizer and chat template.
        out: the bundle to write.
        context_tokens: prompt and answer together.
        prefill: the lengths in which a prompt is read.
        adapter_rank: of the adapters that it takes; 0: none.
    """
    _spare_tensorflow()
    from litert_torch.generative.export_hf import export as converter
    from litert_torch.generative.export_hf.core import export_lib

    chosen = export_lib.get_prefill_decode_exportable_cls
    try:
        if adapter_rank:
            classes = tuple(_adaptable(adapter_rank))
            export_lib.get_prefill_decode_exportable_cls = lambda *_args, **_more: classes
        with tempfile.TemporaryDirectory(dir=out.parent) as work:
            converter.export(
                model=str(model),
                output_dir=work,
                prefill_lengths=prefill,
                cache_length=context_tokens,
                externalize_embedder=False,
            )
            shutil.move(Path(work) / _BUNDLE, out)
    finally:
        export_lib.get_prefill_decode_exportable_cls = chosen


def _spare_tensorflow() -> None:
    """Let ai-edge-litert's schema stand where the converter looks for TensorFlow's.

    Only the innermost name is there, so that a search for `tensorflow` itself still finds nothing.
    """
    from ai_edge_litert import schema_py_generated

    place = types.ModuleType(_SCHEMA)
    place.schema_py_generated = schema_py_generated  # type: ignore[attr-defined] # a module made of nothing
    sys.modules.setdefault(_SCHEMA, place)


def _adaptable(rank: int) -> Iterator[Any]:
    """The converter's two classes of modules, with an adapter's tensors among their inputs."""
    from litert_torch.generative.export_hf.core import exportable_module

    held: dict[str, Any] = {}
    yield _with_inputs(exportable_module.LiteRTExportableModuleForDecoderOnlyLMPrefill, rank, held)
    yield _with_inputs(exportable_module.LiteRTExportableModuleForDecoderOnlyLMGenerate, rank, held)


def _with_inputs(base: Any, rank: int, held: dict[str, Any]) -> Any:  # noqa: ANN401 torch is an extra
    class Adaptable(base):  # type: ignore[misc] # the converter's class, known when it is asked for
        def __init__(self, model: Any, *rest: Any, **more: Any) -> None:  # noqa: ANN401 torch is an extra
            super().__init__(model, *rest, **more)
            adapt(model, lambda name: held[name])

        def forward(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 torch is an extra
            for name in [name for name in named if name.startswith("lora_")]:
                held[name] = named.pop(name)
            return super().forward(*given, **named)

        def get_sample_inputs(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 torch is an extra
            signatures = super().get_sample_inputs(*given, **named)
            for inputs, _ in signatures.values():
                inputs.update(blank(self.model, rank))
            return signatures

    return Adaptable


def blank(model: Any, rank: int) -> dict[str, Any]:  # noqa: ANN401 torch is an extra
    """An adapter that changes nothing: every tensor of it, filled with zero."""
    import torch

    found: dict[str, Any] = {}
    for number, layer in enumerate(model.model.layers):
        for letter, attribute in PROJECTIONS.items():
            linear = getattr(layer.self_attn, attribute)
            found[tensor_name(letter, "a", number)] = torch.zeros(linear.in_features, rank)
            found[tensor_name(letter, "b", number)] = torch.zeros(rank, linear.out_features)
    return found


def adapt(model: Any, tensor: Callable[[str], Any]) -> None:  # noqa: ANN401 torch is an extra
    """Let every projection of the attention add what an adapter's tensors say.

    Args:
        model: changed in place; again is nothing.
        tensor: gives a tensor by its name, when it is wanted.
    """
    for number, layer in enumerate(model.model.layers):
        for letter, attribute in PROJECTIONS.items():
            linear = getattr(layer.self_attn, attribute)
            if not hasattr(linear, "adapted"):
                names = (tensor_name(letter, "a", number), tensor_name(letter, "b", number))
                _adapt_one(linear, names, tensor)


def _adapt_one(linear: Any, names: tuple[str, str], tensor: Callable[[str], Any]) -> None:  # noqa: ANN401 torch
    plain = linear.forward

    def forward(values: Any) -> Any:  # noqa: ANN401 torch is an extra
        down, up = map(tensor, names)
        return plain(values) + (values @ down) @ up

    linear.forward = forward
    linear.adapted = True
