"""Kept charts in the device's store: as values, in pieces, the longest kept making room for the newest.

Owns names, sizes and removal. A chart's head says what it rests on and where its parts are; all of it is written in one
transaction, so that what has a head is whole. Whoever finds anything amiss drops the chart and reads it anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from edge_runtime.errors import StoreError
from edge_runtime.store.device import DeviceStore
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, Hash

INDEX: Final = "opened"
"""Which charts are kept: by chart, how many pieces, how many bytes, and its turn."""
PIECE_BYTES: Final = 1024 * 1024
"""A part begins a new piece beyond it, so that who shows a page reads no more than it takes."""
CHART_BYTES_MAX: Final = 24 * 1024 * 1024
"""Packed bytes of one chart; a larger one is read anew at each start."""
KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
"""Packed bytes of all that is kept."""
_COMPRESSED_FROM: Final = 512
_LEVEL: Final = 1
DAMAGE: Final = (
    StoreError, PeerError, cbor2.CBORError, zlib.error, ArithmeticError, AttributeError, LookupError, TypeError,
    ValueError,
)  # fmt: skip
"""What shows that something kept is not what was packed: another program's, or a part of it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a kept chart rests on, and where its parts are.

    Attributes:
        ground: see `ground`.
        through: the arrival index of the first entry that was not read for it.
        parts: for each part its piece, its first byte there and its length.
    """

    ground: Hash
    through: int
    parts: Mapping[str, tuple[int, int, int]]


class Parts:
    """The parts of one kept chart, each read when it is asked for."""

    def __init__(self, store: DeviceStore, chart: ChartId, head: Head) -> None:
        """Read nothing yet."""
        self.head: Final = head
        self._store = store
        self._chart = chart
        self._pieces: dict[int, bytes] = {}
        self._read: dict[str, Any] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a part."""
        return name in self.head.parts

    def read(self, name: str) -> Any:
        """A part, as CBOR holds it.

        Raises:
            One of DAMAGE: it is not what was packed.
        """
        if name not in self._read:
            piece, start, size = self.head.parts[name]
            data = self._pieces.get(piece)
            if data is None:
                found = self._store.get_value(_piece(self._chart, piece))
                if found is None:
                    raise LookupError(name)
                data = self._pieces[piece] = found
            self._read[name] = _opened(data[start : start + size])
        return self._read[name]


class Shelf:
    """What is kept in one store."""

    def __init__(self, store: DeviceStore) -> None:
        """Keep in `store`."""
        self._store = store

    def charts(self) -> list[ChartId]:
        """The charts of which anything is kept."""
        return [ChartId(chart) for chart in self._index()]

    def find(self, chart: ChartId, ground: Hash) -> Parts | None:
        """What is kept of a chart; None where nothing is that rests on the same."""
        try:
            data = self._store.get_value(_head(chart))
            if data is None:
                return None
            named, through, parts = _opened(data)
            head = Head(
                ground=Hash(named), through=int(through), parts={n: (a, b, c) for n, (a, b, c) in parts.items()}
            )
        except DAMAGE:
            return None
        return Parts(self._store, chart, head) if head.ground == ground else None

    def keep(self, chart: ChartId, ground: Hash, through: int, parts: Mapping[str, Any]) -> bool:
        """Keep a chart in place of what was kept of it; False where it cannot be kept.

        Args:
            chart: which.
            ground: what it rests on.
            through: the arrival index of the first entry that was not read for it.
            parts: what CBOR can hold, by name.
        """
        pieces: list[bytearray] = [bytearray()]
        places: dict[str, tuple[int, int, int]] = {}
        for name, part in parts.items():
            data = _closed(part)
            if len(pieces[-1]) + len(data) > PIECE_BYTES and pieces[-1]:
                pieces.append(bytearray())
            places[name] = len(pieces) - 1, len(pieces[-1]), len(data)
            pieces[-1] += data
        head = _closed([bytes(ground), through, places])
        size = len(head) + sum(map(len, pieces))
        index = self._index()
        going = [] if size > CHART_BYTES_MAX else _over(index, chart, size)
        names = [name for one in {chart, *going} for name in self._names(one, index)]
        if size > CHART_BYTES_MAX:
            self._remove(names, {one: place for one, place in index.items() if one != chart})
            return False
        left = {one: place for one, place in index.items() if one != chart and one not in going}
        turn = 1 + max((place[2] for place in index.values()), default=0)
        left[chart] = [len(pieces), size, turn]
        values = {_head(chart): head} | {_piece(chart, n): bytes(piece) for n, piece in enumerate(pieces)}
        try:
            with self._store.writing() as writer:
                for name in [name for name in names if name not in values]:
                    writer.put_value(name, None)
                for name, value in values.items():
                    writer.put_value(name, value)
                writer.put_value(INDEX, cbor2.dumps(left))
        except StoreError:
            return False  # a full disk keeps nobody from reading
        return True

    def drop(self, charts: Iterable[ChartId]) -> None:
        """Remove what is kept of some charts, as thoroughly as a purge does.

        Raises:
            StoreError: the store cannot; what is kept is shown to nobody all the same.
        """
        index = self._index()
        gone = {chart for chart in charts if chart in index}
        if gone:
            names = [name for chart in gone for name in self._names(chart, index)]
            self._remove(names, {chart: place for chart, place in index.items() if chart not in gone})

    def names(self, chart: ChartId) -> list[str]:
        """The names of the values that hold a chart."""
        return self._names(chart, self._index())

    def _names(self, chart: bytes, index: Mapping[bytes, list[int]]) -> list[str]:
        pieces = index[chart][0] if chart in index else 0
        return [_head(chart), *(_piece(chart, number) for number in range(pieces))] if pieces else []

    def _remove(self, names: list[str], left: Mapping[bytes, list[int]]) -> None:
        with self._store.writing() as writer:
            writer.strip((), values=names)
            writer.put_value(INDEX, cbor2.dumps(dict(left)) if left else None)
        if names:
            self._store.scrub()

    def _index(self) -> dict[bytes, list[int]]:
        try:
            data = self._store.get_value(INDEX)
            found = {} if data is None else cbor2.loads(data)
            return {bytes(chart): [int(one) for one in place] for chart, place in found.items()}
        except DAMAGE:
            return {}


def _over(index: Mapping[bytes, list[int]], chart: bytes, size: int) -> list[bytes]:
    """The charts that make room for one, those of the earliest turn first."""
    others = {one: place for one, place in index.items() if one != chart}
    total, going = size + sum(place[1] for place in others.values()), []
    for one in sorted(others, key=lambda name: others[name][2]):
        if total <= KEPT_BYTES_MAX:
            break
        going.append(one)
        total -= others[one][1]
    return going


def _closed(value: object) -> bytes:
    data = cbor2.dumps(value)
    short = len(data) < _COMPRESSED_FROM
    return b"\x00" + data if short else b"\x01" + zlib.compress(data, _LEVEL)


def _opened(data: bytes) -> Any:
    return cbor2.loads(data[1:] if data[:1] == b"\x00" else zlib.decompress(data[1:]))


def _head(chart: bytes) -> str:
    return f"{INDEX}/{chart.hex()}"


def _piece(chart: bytes, number: int) -> str:
    return f"{INDEX}/{chart.hex()}/{number}"
