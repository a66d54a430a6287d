"""Roots and paths agree with RFC 6962, with an independent oracle and with each other, however the tree is stored."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as oracle_verifies

from sync_protocol.errors import ForgedError, MisuseError
from sync_protocol.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    consistency_path_from,
    inclusion_path,
    inclusion_path_from,
    inclusion_paths,
    leaf_hash,
    node_hash,
    root,
    root_from,
    root_from_path,
    verify_consistency,
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


def test_rfc_6962_s_example_proofs():
    """Section 2.1.3: leaves d0 to d6 with the nodes a to l; proofs from 3, 4 and 6 leaves to 7."""
    leaves = [leaf_hash(bytes([i])) for i in range(7)]
    a, b, c, d, e, f, j = leaves
    g, h, i = root([a, b]), root([c, d]), root([e, f])
    k, l = root([a, b, c, d]), root([e, f, j])  # noqa: E741 - the RFC's letter
    assert consistency_path(leaves, 3) == (c, d, g, l)
    assert consistency_path(leaves, 4) == (l,)
    assert consistency_path(leaves, 6) == (i, j, k)
    assert node_hash(k, l) == root(leaves)
    assert h == node_hash(c, d)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (0, 7), (1, 1), (7, 7)])
def test_where_nothing_has_to_be_shown_the_path_is_empty(first: int, second: int):
    """The empty tree is a prefix of every tree, and each tree of itself: a path there is refused, and another root."""
    assert consistency_path(LEAVES[:second], first) == ()
    claim: dict[str, Any] = {"first": first, "second": second, "second_root": root(LEAVES[:second])}
    verify_consistency(**claim, first_root=root(LEAVES[:first]), path=())
    with pytest.raises(ForgedError):
        verify_consistency(**claim, first_root=root(LEAVES[:first]), path=(LEAVES[0],))
    with pytest.raises(ForgedError):
        verify_consistency(**claim, first_root=LEAVES[9], path=())


@pytest.mark.parametrize("second", range(1, 34))
def test_every_pair_of_small_sizes_agrees_with_the_oracle(oracle: InmemoryTree, second: int):
    """The list, the tiles and pymerkle give one proof, pymerkle accepts it, and it verifies."""
    tiles = Tiles(LEAVES)
    for first in range(1, second):
        agree(oracle, LEAVES, first, second, consistency_path(LEAVES[:second], first))
        assert consistency_path_from(tiles.read, first=first, second=second) == consistency_path(LEAVES[:second], first)


@given(st.data())
def test_every_way_to_a_proof_agrees(oracle: InmemoryTree, data: st.DataObject):
    """The same over larger trees; a proof has at most two hashes a level."""
    second = data.draw(st.integers(2, len(LEAVES)))
    first = data.draw(st.integers(1, second - 1))
    path = consistency_path(LEAVES[:second], first)
    assert consistency_path_from(Tiles(LEAVES).read, first=first, second=second) == path
    assert len(path) <= 2 * second.bit_length()
    agree(oracle, LEAVES, first, second, path)


def agree(oracle: InmemoryTree, leaves: Sequence[bytes], first: int, second: int, path: Sequence[bytes]) -> None:
    """A proof is the RFC's, leads between the oracle's roots, and the oracle can prove the same."""
    roots = oracle.get_root(first), oracle.get_root(second)
    assert list(path) == subproof(leaves[:second], first, whole=True)
    verify_consistency(first=first, first_root=roots[0], second=second, second_root=roots[1], path=path)
    oracle_verifies(*roots, oracle.prove_consistency(first, second))


def subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2, word by word; pymerkle cuts its own proofs into other pieces."""
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if first <= k:
        return [*subproof(leaves[:k], first, whole=whole), root(leaves[k:])]
    return [*subproof(leaves[k:], first - k, whole=False), root(leaves[:k])]


@pytest.mark.parametrize("seed", range(4))
def test_random_trees_agree_with_the_oracle(seed: int):
    """Roots, inclusion and consistency at sampled sizes of a random tree of up to 10,000 leaves."""
    compare_random_tree(random.Random(seed), leaves_max=10_000, samples=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_many_random_trees_agree_with_the_oracle(seed: int):
    """The same, more trees and more places."""
    compare_random_tree(random.Random(seed), leaves_max=10_000, samples=100)


def compare_random_tree(chance: random.Random, *, leaves_max: int, samples: int) -> None:
    """Draw a tree; its own proofs at random places are the oracle's."""
    data = [chance.randbytes(chance.randrange(40)) for _ in range(chance.randrange(leaves_max // 2, leaves_max) + 1)]
    leaves = [leaf_hash(item) for item in data]
    oracle = InmemoryTree(algorithm="sha256")
    for item in data:
        oracle.append_entry(item)
    tiles = Tiles(leaves)
    assert root(leaves) == oracle.get_root(len(leaves))
    for _ in range(samples):
        second = chance.randrange(2, len(leaves) + 1)
        first, index = chance.randrange(1, second), chance.randrange(second)
        expected = oracle.get_root(second)
        assert root_from(tiles.read, second) == expected
        path = inclusion_path_from(tiles.read, index=index, size=second)
        assert [bytes(node) for node in oracle.prove_inclusion(index + 1, second).path[1:]] == list(path)
        verify_inclusion(leaves[index], index=index, size=second, path=path, root=expected)
        proof = consistency_path_from(tiles.read, first=first, second=second)
        agree(oracle, leaves, first, second, proof)


@settings(max_examples=300)
@given(st.data())
def test_a_wrong_proof_is_a_forgery(data: st.DataObject):
    """Another size or root, or a proof with one hash changed, cut, doubled or swapped, shows nothing."""
    second = data.draw(st.integers(2, 40))
    first = data.draw(st.integers(1, second - 1))
    path: list[bytes] = list(consistency_path(LEAVES[:second], first))
    claim: dict[str, Any] = {
        "first": first,
        "first_root": root(LEAVES[:first]),
        "second": second,
        "second_root": root(LEAVES[:second]),
    }
    at = data.draw(st.integers(0, len(path) - 1))
    what = data.draw(st.sampled_from(["first", "second", "roots", "cut", "more", "changed", "short"]))
    if what in {"first", "second"}:
        claim[what] = data.draw(st.integers(-1, 42).filter(lambda value: value != claim[what]))
        if same_shape(claim["first"], claim["second"], first, second):
            return  # a path alone fixes neither size: those come from the signed statements
    elif what == "roots":
        claim[data.draw(st.sampled_from(["first_root", "second_root"]))] = LEAVES[599]
    elif what == "cut":
        del path[at]
    elif what == "more":
        path.insert(at, LEAVES[599])
    elif what == "changed":
        path[at] = LEAVES[599]
    else:
        path[at] = path[at][:-1]
    with pytest.raises(ForgedError):
        verify_consistency(**claim, path=path)


def same_shape(first: int, second: int, true_first: int, true_second: int) -> bool:
    """Whether a proof for the true sizes passes for these, with the true roots."""
    try:
        verify_consistency(
            first=first,
            first_root=root(LEAVES[:true_first]),
            second=second,
            second_root=root(LEAVES[:true_second]),
            path=consistency_path(LEAVES[:true_second], true_first),
        )
    except ForgedError:
        return False
    return True


def test_another_history_has_no_proof():
    """One changed leaf below the smaller size, and no path leads from the one tree to the other."""
    changed = [LEAVES[599], *LEAVES[1:40]]
    for first in range(1, 40):
        with pytest.raises(ForgedError):
            verify_consistency(
                first=first,
                first_root=root(LEAVES[:first]),
                second=40,
                second_root=root(changed),
                path=consistency_path(changed, first),
            )


@pytest.mark.parametrize("first", [-1, 5])
def test_a_larger_tree_is_no_prefix(first: int):
    """Asking for such a proof is our misuse, claiming one is a forgery."""
    with pytest.raises(MisuseError):
        consistency_path(LEAVES[:4], first)
    with pytest.raises(ForgedError):
        verify_consistency(first=first, first_root=LEAVES[0], second=4, second_root=root(LEAVES[:4]), path=(LEAVES[1],))


def test_proofs_of_hashes_of_another_length_are_forgeries():
    """A root or node that is not 32 bytes long is refused before anything is hashed."""
    path = consistency_path(LEAVES[:3], 2)
    claim: dict[str, Any] = {"first": 2, "second": 3, "second_root": root(LEAVES[:3])}
    verify_consistency(**claim, first_root=root(LEAVES[:2]), path=path)
    with pytest.raises(ForgedError):
        verify_consistency(**claim, first_root=root(LEAVES[:2])[:-1], path=path)
    with pytest.raises(ForgedError):
        verify_consistency(**claim, first_root=root(LEAVES[:2]), path=())
