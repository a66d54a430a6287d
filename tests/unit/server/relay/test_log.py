"""The transparency log in tiles: the same tree as RFC 6962's, at every size, through every growth and restart."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.relay.store import SqlStore
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, open_checkpoint, sign_checkpoint
from sync_protocol.errors import MisuseError
from sync_protocol.ids import Hash
from sync_protocol.tile_tree import TileReader, edge, grow
from sync_protocol.tiles import TILE_HASHES, TileName
from tests.support.databases import BOTH, fresh, sql_store
from tests.support.people import ORIGIN, Organisation

EDGES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 65535, 65536, 65537, 65792, 66049, 70000]
LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(70000)]


class Tiles:
    """Stored tiles in memory, that count how often they are asked."""

    def __init__(self) -> None:
        self.held: dict[TileName, bytes] = {}
        self.asked = 0

    def load(self, names: Collection[TileName]) -> Mapping[TileName, bytes]:
        """See `tile_tree.Load`."""
        self.asked += 1
        return {name: self.held[name] for name in names if name in self.held}

    def grow(self, size: int, to: int) -> None:
        """Add the leaves from `size` on."""
        self.held.update(grow(self.held, size, LEAVES[size:to]))


@pytest.fixture(scope="module")
def grown() -> Tiles:
    """The tiles of 70,000 leaves, grown from edge to edge."""
    tiles = Tiles()
    for size, to in itertools.pairwise(EDGES):
        tiles.grow(size, to)
    return tiles


class TestTiles:
    @pytest.mark.parametrize("size", EDGES)
    def test_the_edge_at_every_size_is_the_tree_s(self, grown: Tiles, size: int) -> None:
        """Tiles that grew further still give the right edge and root of every smaller tree."""
        found = edge(TileReader(grown.load), size)
        assert found == merkle.CompactRange().extend(LEAVES[:size])
        assert merkle.root_from(TileReader(grown.load).read, size) == found.root() == merkle.root(LEAVES[:size])

    @pytest.mark.parametrize("size", EDGES[1:])
    def test_paths_verify_and_take_one_look_up(self, grown: Tiles, size: int) -> None:
        """Paths of any leaves at any size are RFC 6962's, and all tiles for them are loaded at once."""
        indices = sorted({0, size // 2, size - 1, *random.Random(size).choices(range(size), k=20)})
        before = grown.asked
        paths = TileReader(grown.load).paths(indices, size)
        assert grown.asked == before + 1
        root = merkle.root(LEAVES[:size])
        for index, path in zip(indices, paths, strict=True):
            merkle.verify_inclusion(LEAVES[index], index=index, size=size, path=path, root=root)

    def test_geometry_is_c2sp_s(self, grown: Tiles) -> None:
        """256 hashes a tile, and an upper tile has a hash for each full tile below. Source: C2SP tlog-tiles."""
        widths = {name: len(hashes) // 32 for name, hashes in grown.held.items()}
        assert widths.pop((0, 70000 // 256)) == 70000 % 256
        assert widths.pop((1, 1)) == 70000 // 256 - 256
        assert widths.pop((2, 0)) == 1
        assert set(widths.values()) == {TILE_HASHES}
        assert grown.held[1, 0][:32] == merkle.root(LEAVES[:256])
        assert grown.held[2, 0][:32] == merkle.root(LEAVES[:65536])

    def test_only_the_edge_is_rewritten(self) -> None:
        """A commit changes the tiles at the edge, a level each, and the new ones; full tiles never."""
        tiles = Tiles()
        tiles.grow(0, 600)
        assert set(grow(tiles.held, 600, LEAVES[600:601])) == {(0, 2)}
        assert set(grow(tiles.held, 600, LEAVES[600:768])) == {(0, 2), (1, 0)}
        assert set(grow(tiles.held, 600, LEAVES[600:770])) == {(0, 2), (0, 3), (1, 0)}

    @given(steps=st.lists(st.integers(0, 700), max_size=6))
    def test_any_growth_gives_the_same_tiles(self, steps: list[int]) -> None:
        """Tiles depend on the leaves alone, not on how they were committed."""
        stepwise, at_once, size = Tiles(), Tiles(), 0
        for step in steps:
            stepwise.grow(size, size + step)
            size += step
        at_once.grow(0, size)
        assert stepwise.held == at_once.held

    def test_a_leaf_beyond_the_tree_is_refused(self, grown: Tiles) -> None:
        """No path leads to a leaf that the asked size does not have, even if the log has it by now."""
        with pytest.raises(MisuseError):
            TileReader(grown.load).paths([300], 300)


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with empty tables."""
    return fresh(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store on it."""
    with sql_store(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """An organisation whose relay's key signs the log."""
    return Organisation.make(3)


def write(store: SqlStore, organisation: Organisation, count: int) -> tuple[Checkpoint, bytes]:
    """Append new entries and commit the log."""
    entries = (
        organisation.admin.session().write(organisation.stream(), organisation.bodies(count, 10))[1] if count else ()
    )
    with store.writing() as writer:
        writer.append(entries)
        return writer.commit_log(lambda found: sign_checkpoint(found, organisation.note_key), ORIGIN)


def leaves(store: SqlStore) -> list[Hash]:
    """The log's leaves, from its entries."""
    return [merkle.leaf_hash(found.entry.hash) for found in store.arrivals(after=0, limit=1_000_000)]


class TestCommits:
    def test_an_empty_log_has_a_checkpoint(self, store: SqlStore, organisation: Organisation) -> None:
        """Before the first commit there is none; then one of size 0, signed once."""
        assert (store.latest_checkpoint(), store.checkpoint_at(0), store.checkpoint_floor(9)) == (None, None, None)
        checkpoint, note = write(store, organisation, 0)
        assert (checkpoint.size, checkpoint.root) == (0, merkle.EMPTY_ROOT)
        assert write(store, organisation, 0) == (checkpoint, note) == store.latest_checkpoint()

    def test_the_log_is_the_tree_over_all_entries(self, store: SqlStore, organisation: Organisation) -> None:
        """After every commit the signed root is that of all entries' leaves, and every receipt's path leads to it."""
        for count in (1, 2, 252, 1, 1, 300, 3):
            checkpoint, note = write(store, organisation, count)
            assert open_checkpoint(note, organisation.note_key.public) == checkpoint
            known = leaves(store)
            assert (checkpoint.size, checkpoint.root) == (len(known), merkle.CompactRange().extend(known).root())
            new = range(checkpoint.size - count, checkpoint.size)
            for index, path in zip(new, store.inclusion_paths(new, checkpoint.size), strict=True):
                merkle.verify_inclusion(
                    known[index], index=index, size=checkpoint.size, path=path, root=checkpoint.root
                )

    def test_nothing_new_signs_nothing(self, store: SqlStore, organisation: Organisation) -> None:
        """A block that appends nothing returns the newest checkpoint and does not sign again."""
        newest = write(store, organisation, 5)

        def refuse(_: Checkpoint) -> bytes:
            raise AssertionError

        with store.writing() as writer:
            assert writer.commit_log(refuse, ORIGIN) == newest

    def test_earlier_checkpoints_stay(self, store: SqlStore, organisation: Organisation) -> None:
        """Checkpoints are found by their size, and by the largest size at or below a number."""
        first, second = write(store, organisation, 3), write(store, organisation, 4)
        assert store.latest_checkpoint() == second
        assert [store.checkpoint_at(size) for size in (0, 3, 4, 7)] == [None, first, None, second]
        assert [store.checkpoint_floor(size) for size in (2, 3, 6, 7, 99)] == [None, first, first, second, second]
        assert merkle.root(leaves(store)[:3]) == first[0].root

    def test_a_block_that_fails_leaves_the_log_alone(self, store: SqlStore, organisation: Organisation) -> None:
        """Tiles and checkpoints are undone with the entries, and the next commit is right."""
        before = write(store, organisation, 250)

        def fail() -> None:
            entries = organisation.admin.session().write(organisation.stream(), organisation.bodies(10, 10))[1]
            with store.writing() as writer:
                writer.append(entries)
                writer.commit_log(lambda found: sign_checkpoint(found, organisation.note_key), ORIGIN)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert store.latest_checkpoint() == before
        checkpoint, _ = write(store, organisation, 20)
        assert (checkpoint.size, checkpoint.root) == (270, merkle.root(leaves(store)))

    def test_entries_of_blocks_without_a_commit_follow(self, store: SqlStore, organisation: Organisation) -> None:
        """What was appended without committing the log comes into it with the next commit, in order."""
        with store.writing() as writer:
            writer.append(organisation.admin.session().write(organisation.stream(), organisation.bodies(300, 1))[1])
        assert store.latest_checkpoint() is None
        checkpoint, _ = write(store, organisation, 1)
        assert (checkpoint.size, checkpoint.root) == (301, merkle.root(leaves(store)))

    def test_the_log_survives_restarts_and_other_processes(self, url: str, organisation: Organisation) -> None:
        """Stores that take turns on one database, each with its own memory of the edge, grow one log."""
        with sql_store(url) as one, sql_store(url) as other:
            for count in (100, 160, 5, 300):
                for store in (one, other):
                    checkpoint, _ = write(store, organisation, count)
        with sql_store(url) as again:
            assert again.latest_checkpoint() is not None
            assert checkpoint.root == merkle.CompactRange().extend(leaves(again)).root()
            checkpoint, _ = write(again, organisation, 3)
            assert checkpoint.root == merkle.CompactRange().extend(leaves(again)).root()
