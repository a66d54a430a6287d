"""The trees of packs: some leaves, what is said of the rest, and every node on and beside their paths."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.ids import Hash
from sync_protocol.limits import SEAL_ENTRIES_MAX, SEAL_PATH_MAX
from sync_protocol.merkle import inclusion_path, inclusion_paths, leaf_hash, root
from sync_protocol.pack_trees import SealTree, Span, implied_size, siblings

SIZES = st.one_of(st.integers(1, 70), st.sampled_from([127, 128, 129, 1000]))


@settings(max_examples=100, deadline=None)
@given(SIZES, st.data())
def test_root_and_paths_follow_from_some_leaves_and_the_rest_said(size: int, data: st.DataObject):
    """As the whole tree has them; nothing is asked for that could be worked out, and nothing twice."""
    leaves = [leaf_hash(bytes([number % 256, number // 256])) for number in range(size)]
    known = data.draw(st.sets(st.integers(0, size - 1)))
    asked: list[Span] = []

    def outside(span: Span) -> Hash:
        asked.append(span)
        return Hash(root(leaves[slice(*span)]))

    tree = SealTree(size, {index: leaves[index] for index in known}, outside)
    assert tree.root == root(leaves)
    assert all(tree.path(index) == inclusion_path(leaves, index) for index in known)
    assert asked == sorted(set(asked))
    assert not any(index in range(*span) for span in asked for index in known)


@settings(max_examples=200, deadline=None)
@given(st.one_of(SIZES, st.integers(1, SEAL_ENTRIES_MAX)), st.data())
def test_a_size_that_fits_some_paths_gives_the_same_nodes(size: int, data: st.DataObject):
    """The size that paths imply is not above the true one, and the paths are as long as in the true tree."""
    indices = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=5))
    lengths = {index: len(siblings(index, size)) for index in indices}
    found = implied_size(lengths.items())
    assert found is not None
    assert max(indices) < found <= size
    assert {index: len(siblings(index, found)) for index in indices} == lengths


def test_siblings_are_those_of_an_inclusion_path():
    """For every leaf of every small tree, in order."""
    for size in range(1, 20):
        leaves = [leaf_hash(bytes([number])) for number in range(size)]
        for index, path in enumerate(inclusion_paths(leaves)):
            assert [root(leaves[slice(*span)]) for span in siblings(index, size)] == [*path]


def test_paths_that_fit_no_tree_imply_no_size():
    """Too long for any, of a leaf beyond the limit, or of two trees."""
    assert implied_size([(0, SEAL_PATH_MAX + 1)]) is None
    assert implied_size([(SEAL_ENTRIES_MAX, 1)]) is None
    assert implied_size([(7, 2)]) is None
    assert implied_size([(0, 0), (1, 1)]) is None
    assert implied_size([(0, SEAL_PATH_MAX)]) == SEAL_ENTRIES_MAX // 2 + 1
