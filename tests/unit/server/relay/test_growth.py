"""The relay's proofs that its log only grew: read once for all who ask, and given for its own notes alone."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from server.relay.errors import StorageError
from server.relay.growth import PATHS_MAX, LogGrowth
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.ids import Hash
from sync_protocol.merkle import EMPTY_ROOT, verify_consistency
from sync_protocol.roles import Role
from sync_protocol.tiles import TileName
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_room import Bench, open_bench

SIZES = (3, 4, 9, 20)


class Room:
    """A log of several checkpoints, and who proves it."""

    def __init__(self, bench: Bench, readers: ThreadPoolExecutor) -> None:
        self.store = bench.store
        self.growth = LogGrowth(bench.store, readers)
        self.checkpoints = [Checkpoint(origin=bench.origin, size=0, root=EMPTY_ROOT), *_grow(bench)]
        self.read = 0
        real = bench.store.tiles

        def counting(names: Collection[TileName]) -> Mapping[TileName, bytes]:
            self.read += 1
            return real(names)

        bench.store.tiles = counting

    @property
    def newest(self) -> Checkpoint:
        """The log's newest checkpoint."""
        return self.checkpoints[-1]


def _grow(bench: Bench) -> Iterator[Checkpoint]:
    session = bench.organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    entries = list(chart.written)
    while len(entries) < SIZES[-1]:
        entries.extend(chart.write(count=4))
    done = 0
    for size in SIZES:
        bench.commit(session, entries=entries[done:size])
        done = size
        yield bench.window.tip.checkpoint


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A room of its own."""
    with ThreadPoolExecutor(2) as readers, open_bench(tmp_path, Organisation.make(8)) as bench:
        yield Room(bench, readers)


def test_any_two_states_are_proven_from_either_end(room: Room):
    """From the smaller to the larger, whichever the device knows; nothing where nothing has to be shown."""

    async def check() -> None:
        for base in room.checkpoints:
            for other in room.checkpoints:
                growth = await room.growth.between(base.size, other.size)
                if base.size in {0, other.size}:
                    assert growth is None
                    continue
                assert growth is not None
                assert growth.base == base.size
                first, second = sorted((base, other), key=lambda one: one.size)
                verify_consistency(
                    first=first.size,
                    first_root=first.root,
                    second=second.size,
                    second_root=second.root,
                    path=growth.path,
                )

    asyncio.run(check())


def test_whoever_asks_for_the_same_waits_for_the_same(room: Room):
    """A commit wakes a hundred connections, and the store is read once; one that leaves takes nothing from the rest.

    Nor is it read again for those that know another checkpoint near by.
    """

    async def check() -> None:
        asked = [asyncio.ensure_future(room.growth.between(4, 20)) for _ in range(100)]
        await asyncio.sleep(0)
        asked[0].cancel()
        found = await asyncio.gather(*asked[1:])
        assert len(set(map(str, found))) == 1
        assert await room.growth.between(4, 20) == found[0]
        assert await room.growth.between(9, 20) is not None

    asyncio.run(check())
    assert room.read == 1


def test_what_could_not_be_read_is_read_again(room: Room, monkeypatch: pytest.MonkeyPatch):
    """A disk that fails once is no reason to fail for ever."""

    def broken(names: Collection[TileName]) -> NoReturn:
        del names
        raise StorageError("storage", expected="a disk", got="none", do="wait")

    async def check() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(room.store, "tiles", broken)
            with pytest.raises(StorageError):
                await room.growth.between(4, 9)
        await asyncio.sleep(0)
        assert await room.growth.between(4, 9) is not None

    asyncio.run(check())


def test_paths_are_kept_within_bounds(room: Room):
    """The oldest make room."""

    async def check() -> None:
        room.growth._read = lambda *_: ()
        for base in range(1, PATHS_MAX + 10):
            await room.growth.between(base, 10_000)

    asyncio.run(check())
    assert len(room.growth._paths) == PATHS_MAX


def test_it_answers_for_states_of_this_log(room: Room):
    """Whether a checkpoint was signed at that size or not; not for what is larger, other, or nobody's."""
    seventh = Checkpoint(origin=room.newest.origin, size=7, root=room.store.root_at(7))
    shown = [
        room.checkpoints[2],
        seventh,
        room.newest,
        None,
        Checkpoint(origin=room.newest.origin, size=9, root=Hash(bytes(32))),
        Checkpoint(origin=room.newest.origin, size=21, root=room.newest.root),
        room.checkpoints[0],
    ]
    note, paths = room.growth.answer(shown)
    assert note.startswith(room.newest.text)
    for one, path in zip(shown, paths, strict=True):
        proven = one in {room.checkpoints[2], seventh, room.newest, room.checkpoints[0]}
        assert (path is not None) == proven
        if one is not None and path is not None:
            verify_consistency(first=one.size, first_root=one.root, second=20, second_root=room.newest.root, path=path)
    assert room.growth.holds(7, seventh.root)
    assert not room.growth.holds(7, room.newest.root)
    assert not room.growth.holds(21, room.newest.root)
