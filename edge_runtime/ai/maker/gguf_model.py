"""A Gemma 3 in a GGUF file, written again as transformers keeps it: weights, configuration, SentencePiece.

Owns the differences of the two forms: names of tensors, the one that llama.cpp adds to each weight of a norm, spaces in
pieces, types of pieces. Weights are unpacked to 32-bit floats; what four bits lost stays lost.

Source: the GGUF specification (ggml); llama.cpp's converter for Gemma 3; transformers, `Gemma3TextConfig`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

GOES_ON: Final = (
    "{% for m in messages %}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'text' %}{{ p['text'] }}{% endif %}{% endfor %}"
    "{% endif %}{% endfor %}"
)
"""A base model knows no turns: it goes on with the text that it is given."""

_ARCHITECTURE: Final = "gemma3"
_PAD, _EOS, _BOS, _END_OF_TURN = 0, 1, 2, 106
_FULL_EVERY: Final = 6
"""One layer in so many sees everything, the others a window."""
_ATTENTION_SCALE: Final = 256
_LOCAL_ROPE: Final = 10_000.0
_NORM_SHIFT: Final = 1.0
_OUTER: Final[Mapping[str, str]] = MappingProxyType(
    {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
)
_INNER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm",
        "post_attention_norm": "post_attention_layernorm",
        "ffn_norm": "pre_feedforward_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "post_ffw_norm": "post_feedforward_layernorm",
    }
)
_UNKNOWN_TYPE, _USER_TYPE, _UNUSED_TYPE = 2, 4, 5
"""Of pieces; GGUF counts them as SentencePiece does."""
_TURNS: Final = frozenset({"<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>"})


def unpack(source: Path, folder: Path) -> int:
    """Write a GGUF file's model into a folder.

    Args:
        source: a Gemma 3 of text only.
        folder: made where it is missing.

    Returns:
        How many parameters it has.

    Raises:
        ValueError: another architecture, or a tensor that Gemma 3 does not have.
    """
    from gguf import GGUFReader
    from safetensors.torch import save_file

    read = GGUFReader(str(source))
    found = str(read.fields["general.architecture"].contents())
    if found != _ARCHITECTURE:
        raise ValueError(f"expected a {_ARCHITECTURE} model, got {found}: choose another file")
    folder.mkdir(parents=True, exist_ok=True)
    weights = dict(_weights(read))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", _configuration(read))
    ends = {"bos_token_id": _BOS, "eos_token_id": [_EOS, _END_OF_TURN], "pad_token_id": _PAD}
    _write(folder / "generation_config.json", ends)
    (folder / "tokenizer.model").write_bytes(_pieces(read))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "GemmaTokenizerFast",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "add_bos_token": True,
            "chat_template": GOES_ON,
        },
    )
    return sum(one.numel() for one in weights.values())


def tensor_name(name: str) -> str:
    """What transformers calls a tensor of llama.cpp's name.

    Raises:
        ValueError: Gemma 3 has none of that name.
    """
    if name in _OUTER:
        return _OUTER[name]
    parts = name.split(".")
    match parts:
        case ["blk", number, kind, "weight"] if kind in _INNER:
            return f"model.layers.{number}.{_INNER[kind]}.weight"
        case _:
            raise ValueError(f"expected a tensor of {_ARCHITECTURE}, got {name}: the file is of another model")


def _weights(read: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 gguf has no types
    import numpy as np
    import torch
    from gguf import dequantize

    for tensor in read.tensors:
        name = tensor_name(tensor.name)
        values = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type)).astype(np.float32)
        weight = torch.from_numpy(values).reshape([int(size) for size in reversed(tensor.shape)])
        yield name, (weight - _NORM_SHIFT if name.endswith("norm.weight") else weight).contiguous()


def _configuration(read: Any) -> dict[str, object]:  # noqa: ANN401 gguf has no types
    def said(key: str) -> Any:  # noqa: ANN401 whatever the file holds
        return read.fields[f"{_ARCHITECTURE}.{key}"].contents()

    layers = int(said("block_count"))
    kinds = ["full_attention" if (number + 1) % _FULL_EVERY == 0 else "sliding_attention" for number in range(layers)]
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "torch_dtype": "float32",
        "vocab_size": len(read.fields["tokenizer.ggml.tokens"].data),
        "hidden_size": said("embedding_length"),
        "intermediate_size": said("feed_forward_length"),
        "num_hidden_layers": layers,
        "num_attention_heads": said("attention.head_count"),
        "num_key_value_heads": said("attention.head_count_kv"),
        "head_dim": said("attention.key_length"),
        "query_pre_attn_scalar": _ATTENTION_SCALE,
        "sliding_window": said("attention.sliding_window"),
        "max_position_embeddings": said("context_length"),
        "rms_norm_eps": 1e-6,
        "rope_theta": said("rope.freq_base"),
        "rope_local_base_freq": _LOCAL_ROPE,
        "layer_types": kinds,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": _BOS,
        "eos_token_id": [_EOS, _END_OF_TURN],
        "pad_token_id": _PAD,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
    }


def _pieces(read: Any) -> bytes:  # noqa: ANN401 gguf has no types
    from sentencepiece import sentencepiece_model_pb2 as form

    texts, scores, kinds = (
        read.fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "scores", "token_type")
    )
    model = form.ModelProto()
    trained, normal = model.trainer_spec, model.normalizer_spec
    trained.model_type = form.TrainerSpec.BPE
    trained.vocab_size, trained.byte_fallback, trained.split_digits = len(texts), True, True
    trained.allow_whitespace_only_pieces = True
    trained.pad_id, trained.eos_id, trained.bos_id, trained.unk_id = _PAD, _EOS, _BOS, _EOS + _BOS
    trained.pad_piece, trained.eos_piece, trained.bos_piece, trained.unk_piece = "<pad>", "<eos>", "<bos>", "<unk>"
    normal.name, normal.escape_whitespaces = "identity", True
    normal.add_dummy_prefix = normal.remove_extra_whitespaces = False
    seen: set[str] = set()
    for number, (text, score, kind) in enumerate(zip(texts, scores, kinds, strict=True)):
        written, sort = _piece(text, kind)
        if written in seen:  # two that differ only in how llama.cpp wrote their spaces; the later one is never used
            written, sort = f"<unused_{number}>", _UNUSED_TYPE
        seen.add(written)
        piece = model.pieces.add()
        piece.piece, piece.score, piece.type = written, float(score), sort
    serialized: bytes = model.SerializeToString()
    return serialized


def _piece(text: str, kind: int) -> tuple[str, int]:
    if text == "<unk>":
        return text, _UNKNOWN_TYPE
    if text in _TURNS:
        return text, _USER_TYPE
    return (text.replace(" ", "\u2581"), kind) if kind == _USER_TYPE else (text, kind)


def _write(place: Path, value: object) -> None:
    place.write_text(json.dumps(value, indent=1), encoding="utf-8")
