"""Mutants of real encodings: of their bytes, of their lengths, and of what they say.

Owns chance, all of which comes from the generator given. Half of the mutants are made of bytes; the others are decoded
as CBOR, changed in one place of the tree, which may be CBOR within a byte string, and encoded again, so that they get
past the strict decoder to what lies behind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import cbor2

INPUT_BYTES_MAX: Final = 512 * 1024
"""Longest mutant: twice what any frame may be."""
_NUMBERS: Final = (0, 1, 23, 24, 255, 256, 2**16 - 1, 2**31, 2**32 - 1, 2**40, 2**53, 2**63, 2**64 - 1, -1, -(2**64))
_TEXTS: Final = ("", "\0", "\ufeff", "\u202e", "é", "😀" * 40, "a" * 70_000, "null", "../../x", "{}", "%s%n", "\x1b[2J")
_BYTES: Final = (b"", b"\0", b"\xff" * 16, bytes(16), bytes(32), b"\xff" * 32, bytes(65), b"\x81" * 40, bytes(70_000))
_HEADS: Final = (
    0x00,
    0x18,
    0x1B,
    0x3B,
    0x40,
    0x5A,
    0x5F,
    0x60,
    0x7B,
    0x80,
    0x9A,
    0x9F,
    0xA0,
    0xBB,
    0xBF,
    0xC2,
    0xF4,
    0xF9,
)
_LENGTHS: Final = (0, 1, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def mutant(rng: random.Random, seeds: Sequence[bytes], prefix: int) -> bytes:
    """Make one input: a seed, changed once to four times.

    Args:
        rng: where chance comes from.
        seeds: one is changed, others lend parts.
        prefix: bytes before the CBOR.
    """
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _reworded(rng, data, seeds, prefix) if rng.random() < 0.5 else rng.choice(_OF_BYTES)(rng, data, seeds)
    return data[:INPUT_BYTES_MAX]


def _flip(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    out = bytearray(data)
    for _flipped in range(rng.choice((1, 1, 2, 8))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _set(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.choice((*_HEADS, rng.randrange(256)))]) + data[at + 1 :]


def _length(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    at = rng.randrange(len(data) + 1)
    value = rng.choice((*_LENGTHS, len(data), len(data) - at)) & (1 << 8 * size) - 1
    return data[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :]


def _cut(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 1, 2, 4, 16, 64)) :]


def _splice(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    at, start = rng.randrange(len(data) + 1), rng.randrange(len(other) + 1)
    piece = other[start : start + rng.choice((4, 32, 256, 4096))]
    return data[:at] + piece + data[at + (len(piece) if rng.random() < 0.5 else 0) :]


def _repeat(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    piece = data[at : at + rng.choice((1, 4, 16, 64))]
    return data[:at] + piece * rng.choice((2, 3, 40, 1000)) + data[at:]


def _nest(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return (
        data[:at]
        + rng.choice((b"\x81", b"\xa1\x01", b"\x9f", b"\xc1", b"\xd8\x40")) * rng.choice((3, 13, 60, 30_000))
        + data[at:]
    )


_REPEATED_BYTES_MAX: Final = 1024
"""What is repeated thousands of times is small: the mutants have to fit the memory that their targets get."""
_OF_BYTES: Final[tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...]] = (
    _flip,
    _flip,
    _set,
    _length,
    _cut,
    _drop,
    _splice,
    _repeat,
    _nest,
)


def _reworded(rng: random.Random, data: bytes, seeds: Sequence[bytes], prefix: int) -> bytes:
    """The same with one place of its tree changed; bytes that are no CBOR are flipped instead."""
    head, rest = data[:prefix], data[prefix:]
    try:
        value = cbor2.loads(rest)
        return head + cbor2.dumps(_changed(rng, value, seeds, prefix), canonical=True)
    except Exception:
        return _flip(rng, data, seeds)


def _changed(rng: random.Random, value: Any, seeds: Sequence[bytes], prefix: int) -> Any:
    """A tree with one place changed: go down by chance, or change what is here."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        return _changed_map(rng, value, seeds, prefix)
    if isinstance(value, list) and value and rng.random() < 0.8:
        out = list(value)
        at = rng.randrange(len(out))
        kind = rng.randrange(8)
        if kind == 0:
            del out[at]
        elif kind == 1:
            small = len(cbor2.dumps(out[at])) <= _REPEATED_BYTES_MAX
            out[at:at] = [out[at]] * rng.choice((1, 2, 5000 if small else 3))
        elif kind == 2:
            rng.shuffle(out)
        else:
            out[at] = _changed(rng, out[at], seeds, prefix)
        return out
    if isinstance(value, bytes) and rng.random() < 0.7:
        return _changed_bytes(rng, value, seeds)
    return _other(rng, value)


def _changed_map(rng: random.Random, value: dict[Any, Any], seeds: Sequence[bytes], prefix: int) -> dict[Any, Any]:
    out = dict(value)
    at = rng.choice(list(out))
    kind = rng.randrange(10)
    if kind == 0:
        del out[at]
    elif kind == 1:
        out[rng.choice((0, 1, 9, 99, 128, 200, 2**32, -1, "x"))] = rng.choice((0, b"", "", [], out[at]))
    elif kind == 2:
        other = rng.choice(list(out))
        out[at], out[other] = out[other], out[at]
    else:
        out[at] = _changed(rng, out[at], seeds, prefix)
    return out


def _changed_bytes(rng: random.Random, value: bytes, seeds: Sequence[bytes]) -> bytes:
    """Bytes that are CBOR themselves are changed as such; others by a flip, or for other bytes."""
    if len(value) > 2 and rng.random() < 0.7:
        try:
            inner = cbor2.loads(value)
            if isinstance(inner, (dict, list)):
                return cbor2.dumps(_changed(rng, inner, seeds, 0), canonical=True)
        except Exception:  # noqa: S110 - no CBOR
            pass
    return rng.choice(_OF_BYTES)(rng, value, seeds) if rng.random() < 0.6 else rng.choice(_BYTES)


def _other(rng: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int) and rng.random() < 0.8:
        near = value + rng.choice((-1, 1))
        return rng.choice((*_NUMBERS, near, near))
    if isinstance(value, str) and rng.random() < 0.8:
        return rng.choice((*_TEXTS, value * 3, value[:-1], value + "\u0301"))
    deep: Any = 0
    for _ in range(rng.choice((2, 14))):
        deep = [deep]
    return rng.choice((*_NUMBERS[:4], *_TEXTS[:4], *_BYTES[:4], None, True, [], {}, [value], {1: value}, deep, 1.5))
