"""A log as files: names after C2SP tlog-tiles, trees read from tiles, and nothing fetched believed before its root."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import merkle
from sync_protocol.errors import ForgedError, LimitError, MalformedError, MisuseError, PeerError
from sync_protocol.ids import Hash
from sync_protocol.limits import LOG_SIZE_MAX
from sync_protocol.tile_tree import CheckedTiles, TileReader, edge, grow
from sync_protocol.tiles import (
    LEVELS,
    TILE_HASHES,
    Bundle,
    Tile,
    TileName,
    decode_bundle,
    edge_names,
    encode_bundle,
    tile_of,
    tiles_of,
)

EDGES = [1, 2, 3, 255, 256, 257, 511, 512, 65535, 65536, 65537, 65792, 66049, 70000]
LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(70000)]
STORED = grow({}, 0, LEAVES)


@functools.cache
def root_of(size: int) -> Hash:
    """The root of the first `size` leaves."""
    return merkle.root(LEAVES[:size])


class Host:
    """Somebody who publishes the log of all LEAVES, and may lie about single tiles; counts requests."""

    def __init__(self, lies: Mapping[TileName, bytes | None] | None = None) -> None:
        self.lies = dict(lies or {})
        self.requests: list[Sequence[Tile]] = []

    def fetch(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See `tile_tree.Fetch`."""
        self.requests.append(tiles)
        found = {tile: self.lies.get(tile.name, STORED[tile.name][: tile.width * 32]) for tile in tiles}
        return {tile: data for tile, data in found.items() if data is not None}


def checked(size: int, host: Host | None = None) -> CheckedTiles:
    """The tree of the first `size` leaves, from a host."""
    return CheckedTiles((host or Host()).fetch, size=size, root=root_of(size))


class TestNames:
    @pytest.mark.parametrize(
        ("number", "path"),
        [
            (0, "tile/0/000"),
            (7, "tile/0/007"),
            (999, "tile/0/999"),
            (1000, "tile/0/x001/000"),
            (1234067, "tile/0/x001/x234/067"),
            (LOG_SIZE_MAX // 256, "tile/0/x001/x099/x511/x627/775"),
        ],
    )
    def test_a_number_is_in_groups_of_three(self, number: int, path: str) -> None:
        """All but the last begin with x. Source: C2SP tlog-tiles, section Merkle Tree."""
        assert Tile(level=0, number=number).path == path
        assert Tile.parse(path) == Tile(level=0, number=number)
        assert Bundle.parse(path.replace("/0/", "/entries/", 1)) == Bundle(number=number)
        assert Bundle(number=number).path == path.replace("/0/", "/entries/", 1)

    def test_a_partial_tile_has_its_width(self) -> None:
        """The suffix `.p/<width>` is there for partial tiles only."""
        assert Tile(level=1, number=1, width=17).path == "tile/1/001.p/17"
        assert Tile.parse("tile/1/001.p/17") == Tile(level=1, number=1, width=17)
        assert Bundle.parse("tile/entries/273.p/112") == Bundle(number=273, width=112)

    @given(
        st.integers(0, LEVELS - 1).flatmap(
            lambda level: st.builds(
                Tile,
                level=st.just(level),
                number=st.integers(0, LOG_SIZE_MAX // 256 ** (level + 1)),
                width=st.integers(1, 256),
            )
        )
    )
    def test_a_path_reads_back(self, tile: Tile) -> None:
        """`parse` reverses `path` for every tile that a log can have."""
        assert Tile.parse(tile.path) == tile
        if tile.level == 0:
            bundle = Bundle(number=tile.number, width=tile.width)
            assert Bundle.parse(bundle.path) == bundle

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/1000",
            "tile/00/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/ 0/000",
            "tile/100/000",
            "tile/x/000",
            "tile/\u0660/000",
            "tile/0/\u0660\u0660\u0660",
            "tile/0/x000/000",
            "tile/0/x000/067",
            "tile/0/000/067",
            "tile/0/001/x067",
            "tile/0/X001/067",
            "tile/0/x01/067",
            "tile/0/x001/x067",
            "tile/0/x001",
            "tile/0/x001/x001/x001/x001/x001/001",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1000",
            "tile/0/000.p/-1",
            "tile/0/000.p/1/",
            "tile/0/000.q/1",
            "tile/0/000/",
            "tile/0/000\n",
            "/tile/0/000",
            "tile/0//000",
            "tile/0/../000",
        ],
    )
    def test_only_the_one_form_is_read(self, path: str) -> None:
        """Further zeros, other digits, missing or further parts: malformed, as a tile and as a bundle."""
        with pytest.raises(MalformedError):
            Tile.parse(path)
        with pytest.raises(MalformedError):
            Bundle.parse(path.replace("/0/", "/entries/", 1))

    @given(st.text("tile/entries0123x.p", max_size=24))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        """Nothing but PeerError, and what is read is written so."""
        for kind in (Tile, Bundle):
            try:
                found = kind.parse(text)
            except PeerError:
                continue
            assert found.path == text

    def test_a_tile_that_no_log_has_is_refused(self) -> None:
        """Beyond the largest log: a higher level, a higher number."""
        for path in ("tile/6/000", "tile/63/000", "tile/5/001", "tile/0/x009/x999/x999/x999/999"):
            with pytest.raises(LimitError):
                Tile.parse(path)
        with pytest.raises(LimitError):
            Bundle(number=-1)
        with pytest.raises(LimitError):
            Tile(level=-1, number=0)
        for width in (0, 257):
            with pytest.raises(MalformedError):
                Tile(level=0, number=0, width=width)
        Tile(level=LEVELS - 1, number=0)


class TestGeometry:
    def test_the_published_layout_of_70_000_leaves(self) -> None:
        """273 full tiles and one of 112 on level 0, one full and one of 17 on level 1, one of 1 on level 2."""
        tiles = tiles_of(70000)
        widths = {level: [tile.width for tile in tiles if tile.level == level] for level in range(3)}
        assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
        assert len(tiles) == 274 + 2 + 1

    def test_the_published_layout_of_256_leaves(self) -> None:
        """One full tile on level 0, and a partial one of 1 on level 1."""
        assert tiles_of(256) == [Tile(level=0, number=0), Tile(level=1, number=0, width=1)]
        assert tiles_of(0) == []

    @pytest.mark.parametrize("size", EDGES)
    def test_the_tiles_of_a_size_are_those_that_grow(self, size: int) -> None:
        """What storing a tree makes is what its size says, with these widths."""
        stored = grow({}, 0, LEAVES[:size])
        assert {tile.name: tile.width for tile in tiles_of(size)} == {n: len(h) // 32 for n, h in stored.items()}
        assert edge_names(size) == [tile.name for tile in tiles_of(size) if tile.width < TILE_HASHES]

    @pytest.mark.parametrize("name", [(0, 1), (1, 0), (5, 0), (0, 0)])
    def test_a_tree_has_no_tiles_beyond_its_size(self, name: TileName) -> None:
        """Asking for one is our misuse."""
        with pytest.raises(MisuseError):
            tile_of(name, 0 if name == (0, 0) else 200)


class TestBundles:
    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
    def test_a_bundle_reads_back(self, entries: list[bytes]) -> None:
        """`decode_bundle` reverses `encode_bundle`."""
        assert decode_bundle(encode_bundle(entries), len(entries)) == entries

    def test_the_form(self) -> None:
        """Two bytes of length before each entry. Source: C2SP tlog-tiles, section Log entries."""
        assert encode_bundle([b"abc", b"", b"d" * 258]) == b"\0\3abc\0\0\1\2" + b"d" * 258

    @pytest.mark.parametrize(
        ("data", "width"),
        [
            (b"", 1),
            (b"\0", 1),
            (b"\0\1", 1),
            (b"\0\2a", 1),
            (b"\0\1a", 2),
            (b"\0\1a\0\1b", 1),
            (b"\0\1a\0", 1),
            (b"\0\1a\0", 2),
        ],
    )
    def test_parts_and_surplus_are_refused(self, data: bytes, width: int) -> None:
        """Exactly as many whole entries as the name says."""
        with pytest.raises(MalformedError):
            decode_bundle(data, width)

    @pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(2**16)]])
    def test_what_does_not_fit_is_our_misuse(self, entries: list[bytes]) -> None:
        """No entries, too many, one too long."""
        with pytest.raises(MisuseError):
            encode_bundle(entries)


class TestReader:
    @pytest.mark.parametrize("size", EDGES)
    def test_stored_tiles_give_every_earlier_tree(self, size: int) -> None:
        """The edge, root and proofs of a smaller tree come from tiles that grew further."""

        def load(names: object) -> dict[TileName, bytes]:
            return {name: STORED[name] for name in names if name in STORED}  # type: ignore[attr-defined]

        reader = TileReader(load)
        assert edge(reader, size) == merkle.CompactRange().extend(LEAVES[:size])
        assert merkle.root_from(TileReader(load).read, size) == root_of(size)
        assert reader.paths([size - 1], size) == [merkle.inclusion_path(LEAVES[:size], size - 1)]
        first = size // 2
        assert reader.consistency_paths([first, 0, size], size) == [
            merkle.consistency_path(LEAVES[:size], first),
            (),
            (),
        ]


class TestChecked:
    @pytest.mark.parametrize("size", EDGES)
    def test_a_host_s_tiles_give_the_signed_tree(self, size: int) -> None:
        """Root, smaller roots, proofs and leaves, all from tiles that were checked."""
        tiles = checked(size)
        assert tiles.root_at(size) == root_of(size)
        for first in {1, size // 2, size - 1} - {0}:
            assert tiles.root_at(first) == root_of(first)
            path = tiles.consistency_path(first)
            assert path == merkle.consistency_path(LEAVES[:size], first)
        number = (size - 1) // 256
        assert tiles.leaf_hashes(number) == LEAVES[number * 256 : size]
        index = size // 3
        assert tiles.inclusion_path(index) == merkle.inclusion_path(LEAVES[:size], index)
        with pytest.raises(MisuseError):
            tiles.inclusion_path(size)

    def test_the_empty_tree_needs_no_tiles(self) -> None:
        """And no other root passes for its root."""
        host = Host()
        tiles = CheckedTiles(host.fetch, size=0, root=merkle.EMPTY_ROOT)
        assert tiles.root_at(0) == merkle.EMPTY_ROOT
        assert tiles.consistency_path(0) == ()
        assert host.requests == []
        with pytest.raises(ForgedError):
            CheckedTiles(host.fetch, size=0, root=Hash(bytes(32)))
        with pytest.raises(MisuseError):
            tiles.leaf_hashes(0)

    def test_what_is_needed_is_fetched_at_once(self) -> None:
        """One request for the edge, one for a smaller tree, whatever the size; then none."""
        host = Host()
        tiles = checked(70000, host)
        tiles.root_at(12345)
        assert [len(request) for request in host.requests] == [3, 2]
        tiles.root_at(12345)
        tiles.consistency_path(12345)
        assert len(host.requests) == 2

    @pytest.mark.parametrize("name", edge_names(70000))
    def test_a_wrong_edge_is_refused_before_anything_is_read(self, name: TileName) -> None:
        """Another hash, a missing tile, too few or too many hashes: nothing of it is believed."""
        good = STORED[name]
        for lie in (None, b"", good[:-32], good + good[:32], good[:-1], good[:-1] + bytes([good[-1] ^ 1])):
            with pytest.raises(ForgedError):
                checked(70000, Host({name: lie}))

    @pytest.mark.parametrize("name", [(0, 0), (0, 48), (1, 0)])
    @pytest.mark.parametrize("at", [0, 100, 255])
    def test_a_wrong_full_tile_is_refused(self, name: TileName, at: int) -> None:
        """One hash that differs leads to another hash than the checked tile above has."""
        good = bytearray(STORED[name])
        good[at * 32] ^= 1
        for lie in (bytes(good), None, bytes(good[:-32])):
            tiles = checked(70000, Host({name: lie}))
            assert tiles.root_at(70000) == root_of(70000)
            with pytest.raises(ForgedError):
                tiles.leaf_hashes(48 if name != (0, 0) else 0)

    def test_a_host_cannot_pass_another_history(self) -> None:
        """All tiles of another log are refused by the signed root, not taken for the log's."""
        other = grow({}, 0, [LEAVES[1], *LEAVES[1:]])
        with pytest.raises(ForgedError):
            checked(70000, Host(dict(other)))

    def test_a_tile_beyond_the_tree_is_our_misuse(self) -> None:
        """It is not asked for."""
        host = Host()
        tiles = checked(300, host)
        asked = len(host.requests)
        with pytest.raises(MisuseError):
            tiles.leaf_hashes(2)
        with pytest.raises(MisuseError):
            tiles.consistency_path(301)
        assert len(host.requests) == asked

    @given(st.integers(1, 3000), st.data())
    def test_any_two_sizes(self, size: int, data: st.DataObject) -> None:
        """A smaller tree's root and proof come out of the larger one's tiles."""
        first = data.draw(st.integers(0, size))
        tiles = checked(size)
        root = tiles.root_at(first)
        merkle.verify_consistency(
            first=first,
            first_root=root,
            second=size,
            second_root=root_of(size),
            path=tiles.consistency_path(first),
        )
