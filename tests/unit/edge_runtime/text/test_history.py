"""The causal graph knows pasts, heads, state vectors and forks from structure alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.text.history import History, TextEntry, members
from tests.unit.edge_runtime.text.histories import entry_hash, session

A, B, C = 2, 3, 4


def entry(name: str, author: int, *parents: str) -> TextEntry:
    """An entry by name."""
    return TextEntry(
        entry=entry_hash(name), session=session(author), parents=tuple(map(entry_hash, parents)), update=name.encode()
    )


def place(history: History, *steps: tuple[str, int] | tuple[str, int, tuple[str, ...]]) -> None:
    """Place (name, author, parents) in turn; the author is the client."""
    for name, author, *parents in steps:
        history.place(entry(name, author, *(parents[0] if parents else ())), author)


def names(history: History, entries: int) -> str:
    """A set of entries by name."""
    return "".join(history[index].update.decode() for index in members(entries))


@given(st.sets(st.integers(0, 300)))
def test_members_of_a_set(indices: set[int]) -> None:
    """A set is one integer; its members come out in the order of placing."""
    assert list(members(sum(1 << index for index in indices))) == sorted(indices)


def test_past_and_heads() -> None:
    """A past holds everything that leads to an entry; heads are what nothing follows."""
    history = History()
    place(history, ("a", A), ("b", B, ("a",)), ("c", C, ("a",)), ("d", B, ("b", "c")))
    assert names(history, history.past(3)) == "abc"
    assert names(history, history.past(2)) == "a"
    assert history.heads == (entry_hash("d"),)
    assert entry_hash("d") in history
    assert entry_hash("e") not in history
    assert names(history, history.everything) == "abcd"
    assert history.forked == 0


def test_a_parent_that_is_not_placed_is_misuse() -> None:
    """Waiting is the draft's business."""
    with pytest.raises(KeyError):
        place(History(), ("b", B, ("a",)))


def test_state_vector_of_a_past() -> None:
    """A client's clock is that after its last admitted entry in the past; refused ones consume none."""
    history = History()
    place(history, ("a", A), ("b", B, ("a",)), ("c", A, ("a",)), ("d", A, ("c",)), ("e", C, ("b", "d")))
    for index, client, end in ((0, A, 5), (1, B, 3), (3, A, 9)):
        history.admit(index, client, end)
    assert history.state_vector(history.past(0)) == {}
    assert history.state_vector(history.past(1)) == {A: 5}
    assert history.state_vector(history.past(3)) == {A: 5}
    assert history.state_vector(history.past(4)) == {A: 9, B: 3}


FORK = (("a", A), ("b", A, ("a",)), ("x", A, ("a",)), ("c", B, ("b",)), ("d", C, ("a",)), ("e", C, ("d", "c")))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (0, 2, 4, 1, 3, 5), (0, 1, 3, 4, 5, 2)])
def test_a_fork_and_all_that_follows_it(order: tuple[int, ...]) -> None:
    """Two entries of one client, neither after the other, fork; what precedes them and what is beside them does not."""
    history = History()
    place(history, *(FORK[step] for step in order))
    assert sorted(names(history, history.forked)) == ["b", "c", "e", "x"]


def test_two_sessions_with_one_client_id_fork() -> None:
    """Concurrent sessions that share a client id count as a fork; in sequence the later one finds the id taken."""
    history = History()
    history.place(entry("a", 1), A)
    history.place(entry("b", 2, "a"), A)
    assert history.forked == 0
    assert history.is_taken(A, session(2), history.past(1))
    assert not history.is_taken(A, session(1), history.past(1))
    assert not history.is_taken(A, session(2), 0)
    history.place(entry("c", 3), A)
    assert names(history, history.forked) == "abc"
