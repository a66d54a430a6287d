"""Roots and paths agree with RFC 6962, with an independent oracle and with each other, however the tree is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from sync_protocol.errors import ForgedError, MisuseError
from sync_protocol.merkle import (
    EMPTY_ROOT,
    CompactRange,
    inclusion_path,
    inclusion_path_from,
    inclusion_paths,
    leaf_hash,
    node_hash,
    root,
    root_from,
    root_from_path,
    verify_inclusion,
)

TILE_HEIGHT = 8
LEAVES = [leaf_hash(f"Blatt {i} ü".encode()) for i in range(600)]
SIZES = st.integers(1, len(LEAVES))


@pytest.fixture(name="oracle", scope="module")
def oracle_fixture() -> InmemoryTree:
    """The tree of pymerkle over the same leaves."""
    tree = InmemoryTree(algorithm="sha256")
    for i in range(len(LEAVES)):
        tree.append_entry(f"Blatt {i} ü".encode())
    return tree


class Tiles:
    """A tiled log's storage: hashes of levels 0, 8, 16, in tiles of 256."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.reads = 0
        self.rows: list[list[bytes]] = [list(leaves)]
        while len(self.rows[-1]) >= 2**TILE_HEIGHT:
            below = self.rows[-1]
            self.rows.append([root(below[i : i + 256]) for i in range(0, len(below) - 255, 256)])

    def read(self, level: int, index: int) -> bytes:
        """Compute a node from the part of a tile below it."""
        self.reads += 1
        row, height = divmod(level, TILE_HEIGHT)
        part = self.rows[row][index << height : (index + 1) << height]
        assert len(part) == 1 << height, "a complete subtree"
        return root(part)


def test_no_leaves_have_the_hash_of_nothing():
    """RFC 6962 section 2.1: the empty root is SHA-256 of the empty string."""
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT == root([]) == CompactRange().root()
    assert root_from(Tiles([]).read, 0) == EMPTY_ROOT


def test_leaves_and_nodes_are_told_apart():
    """A leaf is hashed behind 0, a node behind 1: no leaf passes for a node."""
    assert leaf_hash(b"x") == hashlib.sha256(b"\0x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()
    assert leaf_hash(b"l" * 32 + b"r" * 32) != node_hash(b"l" * 32, b"r" * 32)


@given(SIZES)
def test_every_way_to_the_root_agrees(oracle: InmemoryTree, size: int):
    """The list, the tiles, the compact range and pymerkle give one root."""
    expected = oracle.get_root(size)
    assert root(LEAVES[:size]) == expected
    assert root_from(Tiles(LEAVES[:size]).read, size) == expected
    assert root_from(Tiles(LEAVES).read, size) == expected, "an earlier size of a longer log"
    assert CompactRange().extend(LEAVES[:size]).root() == expected


@given(st.data())
def test_every_way_to_a_path_agrees(oracle: InmemoryTree, data: st.DataObject):
    """The list, the tiles and pymerkle give one path, and it leads to the root."""
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(LEAVES[:size], index)
    tiles = Tiles(LEAVES)
    assert inclusion_path_from(tiles.read, index=index, size=size) == path
    assert tiles.reads <= 2 * size.bit_length()
    proof = oracle.prove_inclusion(index + 1, size).serialize()
    assert [bytes(part).hex() for part in path] == proof["path"][1:]
    assert root_from_path(LEAVES[index], index=index, size=size, path=path) == oracle.get_root(size)
    verify_inclusion(LEAVES[index], index=index, size=size, path=path, root=oracle.get_root(size))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 33])
def test_all_paths_at_once_are_the_single_ones(size: int):
    """`inclusion_paths` is `inclusion_path` of each leaf."""
    assert inclusion_paths(LEAVES[:size]) == [inclusion_path(LEAVES[:size], i) for i in range(size)]


@settings(max_examples=300)
@given(st.data())
def test_a_wrong_claim_is_a_forgery(data: st.DataObject):
    """Another leaf, index or size, or a path with one hash changed, cut, doubled or swapped, leads nowhere."""
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion_path(LEAVES[:size], index))
    leaf, expected = LEAVES[index], root(LEAVES[:size])
    what = data.draw(st.sampled_from(["leaf", "index", "cut", "more", "changed", "swapped"]))
    at = data.draw(st.integers(0, max(0, len(path) - 1)))
    other = data.draw(st.integers(-1, size + 1).filter(lambda value: value != index))
    if what == "leaf":
        leaf = LEAVES[599]
    elif what == "index":
        index = other
    elif what == "more":
        path.insert(at, LEAVES[599])
    elif not path:
        return
    elif what == "cut":
        del path[at]
    elif what == "changed":
        path[at] = LEAVES[599]
    else:
        path[at], leaf = leaf, path[at]
        if at == 0 and len(path) == 1 and leaf == LEAVES[index]:
            return
    with pytest.raises(ForgedError):
        verify_inclusion(leaf, index=index, size=size, path=path, root=expected)


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (5, 4)])
def test_a_leaf_outside_the_tree_has_no_path(index: int, size: int):
    """Asking for one is our misuse, claiming one is a forgery."""
    with pytest.raises(MisuseError):
        inclusion_path(LEAVES[:size], index)
    with pytest.raises(ForgedError):
        root_from_path(LEAVES[0], index=index, size=size, path=())


def test_hashes_of_another_length_are_a_forgery():
    """A byte moved from the right child to the left would keep the node's hash: lengths are checked."""
    left, right = LEAVES[0], LEAVES[1]
    assert node_hash(left + right[:1], right[1:]) == node_hash(left, right)
    with pytest.raises(ForgedError):
        root_from_path(left + right[:1], index=0, size=2, path=[right[1:]])
    with pytest.raises(ForgedError):
        root_from_path(left, index=0, size=2, path=[right[1:]])


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_path_of_another_height_is_a_forgery(size: int, change: int):
    """Too short or too long for the size is refused, before any root is compared."""
    for index, path in enumerate(inclusion_paths(LEAVES[:size])):
        wrong = path[:-1] if change < 0 else (*path, LEAVES[9])
        if wrong != path:
            with pytest.raises(ForgedError):
                root_from_path(LEAVES[index], index=index, size=size, path=wrong)


def test_a_range_grows_by_one_or_many():
    """`append` and `extend` agree at every size, and leave the range before as it was."""
    one = CompactRange()
    for size, leaf in enumerate(LEAVES[:70], start=1):
        before, one = one, one.append(leaf)
        assert one == before.extend([leaf]) == CompactRange().extend(LEAVES[:size])
        assert (before.size, one.size, len(one.nodes)) == (size - 1, size, size.bit_count())
    assert one.extend(()) == one


@pytest.mark.parametrize(
    ("size", "nodes"), [(1, ()), (0, (b"n" * 32,)), (2, (b"n" * 32, b"n" * 32)), (1, (b"n" * 31,)), (-1, (b"n" * 32,))]
)
def test_a_range_that_cannot_be_is_refused(size: int, nodes: tuple[bytes, ...]):
    """A range read from a store is checked for its shape."""
    with pytest.raises(MisuseError):
        CompactRange(size, nodes)
