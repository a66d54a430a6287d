"""The file of a low-rank adapter as LiteRT-LM reads it: a TFLite flatbuffer that only names tensors, and their numbers.

Owns the layout. The engine maps each tensor's bytes by the offset and size that its buffer states, so the numbers stand
behind the flatbuffer and not inside it; the whole is a multiple of a memory page, because it maps whole pages. The rank
is said as the index of a buffer, in metadata of the name `lora_rank`.

Source: litert-torch 0.10.0, `generative/layers/lora.py`, for the names; LiteRT-LM 0.18.1 for the rest, by trial.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

PROJECTIONS: Final[Mapping[str, str]] = MappingProxyType({"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj"})
"""The letter of each projection of the attention, and what transformers calls it."""
RANK: Final = 16
"""The smaller of the two that the engine takes."""
PAGE_BYTES: Final = 16_384
"""The largest page of the devices that we know (Apple's); others are a quarter of it."""
_SCHEMA_VERSION: Final = 3
_IDENTIFIER: Final = b"TFL3"
_NAME: Final = b"lora_params"
_RANK_NAME: Final = b"lora_rank"
_ALIGNED_BYTES: Final = 64

Tensor = tuple[tuple[int, int], list[float]]
"""Rows and columns, and the numbers row by row."""


def tensor_name(projection: str, side: str, layer: int) -> str:
    """As the engine knows it.

    Args:
        projection: a key of PROJECTIONS.
        side: "a", from the layer to the rank, or "b", from the rank to the layer.
        layer: from 0.
    """
    return f"lora_atten_{projection}_{side}_prime_weight_{layer}"


def write_adapter(tensors: Mapping[str, Tensor], rank: int = RANK) -> bytes:
    """The file's bytes; the same tensors give the same. Equal numbers stand there once."""
    blocks = {name: struct.pack(f"<{len(numbers)}f", *numbers) for name, (_, numbers) in tensors.items()}
    shapes = {name: shape for name, (shape, _) in tensors.items()}
    start = _up(len(_head(shapes, blocks, rank, PAGE_BYTES)), _ALIGNED_BYTES)
    written = bytearray(_head(shapes, blocks, rank, start).ljust(start, b"\0"))
    for data in dict.fromkeys(blocks.values()):
        written += data.ljust(_up(len(data), _ALIGNED_BYTES), b"\0")
    return bytes(written.ljust(_up(len(written), PAGE_BYTES), b"\0"))


def zeros(like: Mapping[str, tuple[int, int]], rank: int = RANK) -> bytes:
    """An adapter that changes nothing: what an engine gives to a request without one, after a request with one.

    Args:
        like: rows and columns of each tensor.
        rank: of its matrices.
    """
    return write_adapter({name: (shape, [0.0] * (shape[0] * shape[1])) for name, shape in like.items()}, rank)


def shapes(*, layers: int, width: int, queries: int, keys: int, rank: int = RANK) -> dict[str, tuple[int, int]]:
    """Rows and columns of every tensor of an adapter.

    Args:
        layers: of the model.
        width: of a layer's input and output.
        queries: all heads together.
        keys: all heads of keys, or of values, together.
        rank: of the matrices.
    """
    ends = {"q": (width, queries), "k": (width, keys), "v": (width, keys), "o": (queries, width)}
    found: dict[str, tuple[int, int]] = {}
    for layer in range(layers):
        for projection in PROJECTIONS:
            given, made = ends[projection]
            found[tensor_name(projection, "a", layer)] = (given, rank)
            found[tensor_name(projection, "b", layer)] = (rank, made)
    return found


def _head(shapes: Mapping[str, tuple[int, int]], blocks: Mapping[str, bytes], rank: int, start: int) -> bytes:
    """The flatbuffer, for numbers that begin at `start`; as long for one start as for another."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    places: dict[bytes, int] = {}
    for data in blocks.values():
        if data not in places:
            places[data] = start
            start += _up(len(data), _ALIGNED_BYTES)
    model = schema.ModelT()
    model.version, model.description, model.operatorCodes = _SCHEMA_VERSION, _NAME, []
    graph = schema.SubGraphT()
    graph.name, graph.tensors = _NAME, []
    model.subgraphs, model.buffers = [graph], [schema.BufferT()]  # the first is empty by convention
    for name, shape in shapes.items():
        graph.tensors.append(_tensor(schema, name, shape, len(model.buffers)))
        model.buffers.append(_buffer(schema, places[blocks[name]], len(blocks[name])))
    said = schema.MetadataT()
    said.name, said.buffer = _RANK_NAME, rank
    model.metadata = [said]
    builder = flatbuffers.Builder(PAGE_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _tensor(schema: Any, name: str, shape: tuple[int, int], buffer: int) -> Any:  # noqa: ANN401 generated code
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = (
        name.encode(),
        list(shape),
        schema.TensorType.FLOAT32,
        buffer,
    )
    return tensor


def _buffer(schema: Any, offset: int, size: int) -> Any:  # noqa: ANN401 generated code
    buffer = schema.BufferT()
    buffer.offset, buffer.size = offset, size
    return buffer


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
