"""Real encodings to begin from: what the project's own vectors and samples hold.

Owns the harvest: every byte string of `tests/vectors/*.json`, and every one within those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import cbor2

VECTORS: Final = Path(__file__).parents[1] / "vectors"
_BYTES_MAX: Final = 64 * 1024
_BYTES_MIN: Final = 3
_LEVELS_MAX: Final = 8


@cache
def harvest() -> tuple[bytes, ...]:
    """Every byte string in the vectors, in a fixed order, each once."""
    found: dict[bytes, None] = {}
    for path in sorted(VECTORS.glob("*.json")):
        for data in _in_json(json.loads(path.read_text("utf-8"))):
            for each in _within(data, _LEVELS_MAX):
                found.setdefault(each)
    return tuple(found)


def vector(name: str, *keys: str) -> list[bytes]:
    """The values under some keys of a vector file, wherever they stand in it; hex, or text as its bytes."""
    found: list[bytes] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                if key in keys and isinstance(each, str):
                    found.append(_bytes_of(each))
                else:
                    look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(json.loads((VECTORS / f"{name}.json").read_text("utf-8")))
    return list(dict.fromkeys(found))


def _bytes_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def _in_json(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        try:
            yield bytes.fromhex(value)
        except ValueError:
            return
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _in_json(each)


def _within(data: bytes, levels: int) -> Iterator[bytes]:
    """A byte string, and those in what it encodes."""
    if not _BYTES_MIN <= len(data) <= _BYTES_MAX or not levels:
        return
    yield data
    if data[0] >> 5 in {4, 5}:
        try:
            value = cbor2.loads(data)
        except Exception:
            return
        yield from _in_value(value, levels - 1)


def _in_value(value: Any, levels: int) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield from _within(value, levels)
    elif isinstance(value, (list, dict)):
        if isinstance(value, dict):
            yield cbor2.dumps(value, canonical=True)
        for each in value.values() if isinstance(value, dict) else value:
            yield from _in_value(each, levels)
