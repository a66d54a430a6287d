"""The search for leaks: every planted phrase and every key, in every form in which bytes usually hide.

Forms: raw UTF-8, UTF-16 in both orders, hexadecimal, base64 in three alignments and two alphabets, and each of these
again inside whatever inflates (zlib, gzip). A search that finds nothing proves nothing unless it would have found
something: `plant` puts a leak in every form into copies, and each must be caught. Raw deflate has no mark to find it
by; the demo checks instead that nobody negotiated compression.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NEEDLE_MIN: Final = 12
_INFLATED_MAX: Final = 64 * 1024 * 1024
_ZLIB_HEADS: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_GZIP_HEAD: Final = b"\x1f\x8b\x08"
_DEPTH_MAX: Final = 2


def _wide(data: bytes, order: str) -> bytes:
    """Text as UTF-16; bytes that are no text as characters of the same numbers, as JavaScript keeps binary strings."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.encode(order)


FORMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "raw": lambda data: data,
    "utf-16-le": lambda data: _wide(data, "utf-16-le"),
    "utf-16-be": lambda data: _wide(data, "utf-16-be"),
    "hex": lambda data: data.hex().encode(),
    "hex-upper": lambda data: data.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64-url": base64.urlsafe_b64encode,
    "zlib": zlib.compress,
    "gzip": gzip.compress,
}
"""How a leak is planted."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was found: whose, where, in which form. Never the secret."""

    needle: str
    place: str
    form: str


class Search:
    """Knows every form of every needle."""

    def __init__(self, needles: Mapping[str, bytes]) -> None:
        """Prepare a search for `needles`, by a name that may be shown."""
        assert all(len(needle) >= _NEEDLE_MIN for needle in needles.values()), "short needles are found by chance"
        self._patterns = [(name, form, pattern) for name, data in needles.items() for form, pattern in _patterns(data)]

    def look(self, haystacks: Iterable[tuple[str, bytes]]) -> list[Leak]:
        """Find every needle in every haystack and in all that inflates inside it."""
        found: dict[Leak, None] = {}
        for place, data in haystacks:
            for form, plain in _layers(data):
                for name, written, pattern in self._patterns:
                    if pattern in plain:
                        found[Leak(name, place, f"{form}{written}")] = None
        return list(found)


@dataclass(frozen=True, slots=True)
class Plant:
    """A leak that was put into a copy: which needle, in which form, into which file."""

    needle: str
    form: str
    place: str


def plant(copies: Mapping[str, bytearray], needles: Mapping[str, bytes]) -> list[Plant]:
    """Put one leak of each form and alignment into each copy, the needles taking turns."""
    names = sorted(needles)
    planted: list[Plant] = []
    for place, data in copies.items():
        leaks: list[bytes] = []
        for number, (form, wrap) in enumerate(FORMS.items()):
            for shift in range(1 if form.startswith("utf-16") else 3):  # where a text stands decides its base64
                name = names[(number * 3 + shift) % len(names)]
                leaks.append(wrap(b"\x01" * shift + needles[name] + b"\x02" * shift))
                planted.append(Plant(name, form, place))
        step = len(data) // (len(leaks) + 1)
        for number, leak in reversed(list(enumerate(leaks, start=1))):
            data[number * step : number * step] = leak
    return planted


def missed(planted: Iterable[Plant], found: Iterable[Leak]) -> list[Plant]:
    """Those of the planted leaks that a search did not find; empty when the search is worth something."""
    seen = {(leak.needle, leak.place) for leak in found}
    return [one for one in planted if (one.needle, one.place) not in seen]


def files(folder: Path, label: str) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{label}/{path.relative_to(folder)}", path.read_bytes()


def _patterns(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", data
    yield "hex", data.hex().encode()
    yield "hex-upper", data.hex().upper().encode()
    yield "utf-16-le", _wide(data, "utf-16-le")
    yield "utf-16-be", _wide(data, "utf-16-be")
    for shift in range(3):
        padded = b"\0" * shift + data
        whole = base64.b64encode(padded)
        # The first characters mix with what stands before, the last with what follows: both are left out.
        core = whole[-(-shift * 8 // 6) : len(padded) * 8 // 6]
        yield "base64", core
        yield "base64-url", core.replace(b"+", b"-").replace(b"/", b"_")


def _layers(data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The bytes themselves, and everything that inflates somewhere in them."""
    yield "", data
    if depth == _DEPTH_MAX:
        return
    for form, plain in _inflated(data):
        for inner, deeper in _layers(plain, depth + 1):
            yield f"{form}:{inner}", deeper


def _inflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    for head in _ZLIB_HEADS:
        yield from _from_heads(data, head, "zlib", zlib.MAX_WBITS)
    yield from _from_heads(data, _GZIP_HEAD, "gzip", 16 + zlib.MAX_WBITS)


def _from_heads(data: bytes, head: bytes, form: str, bits: int) -> Iterator[tuple[str, bytes]]:
    at = data.find(head)
    while at >= 0:
        plain = _inflate(memoryview(data)[at:], bits)
        if len(plain) >= _NEEDLE_MIN:
            yield form, plain
        at = data.find(head, at + 1)


def _inflate(data: memoryview, bits: int) -> bytes:
    inflater = zlib.decompressobj(bits)
    try:
        return inflater.decompress(data, _INFLATED_MAX)
    except zlib.error:
        return b""
