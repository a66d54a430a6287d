"""Lists that several people change: what counts does not depend on the order in which additions and removals came."""

from __future__ import annotations

import itertools

import pytest

from server.relay.rolls import Roll
from sync_protocol.ids import CertificateHash, EntryHash

NAME = CertificateHash(bytes(32))
ADDED, LEFT, AGAIN = (EntryHash(bytes([number]) * 32) for number in (1, 2, 3))


def after(order: tuple[EntryHash, ...], past: dict[EntryHash, set[EntryHash]]) -> bool:
    """Whether the name is on the list after these entries, where each saw what `past` says."""
    roll = Roll()
    for entry in order:
        change = roll.remove if entry == LEFT else roll.add
        change(NAME, entry, lambda later, earlier: earlier in past[later])
    return NAME in roll.live


@pytest.mark.parametrize("order", list(itertools.permutations((ADDED, LEFT))))
def test_a_removal_wins_over_an_addition_that_did_not_see_it(order: tuple[EntryHash, ...]):
    """Whether the removal saw the addition or not."""
    assert not after(order, {ADDED: set(), LEFT: {ADDED}})
    assert not after(order, {ADDED: set(), LEFT: set()})


@pytest.mark.parametrize("order", list(itertools.permutations((ADDED, LEFT, AGAIN))))
def test_an_addition_that_saw_the_removal_restores(order: tuple[EntryHash, ...]):
    """In whatever order the three came here."""
    assert after(order, {ADDED: set(), LEFT: {ADDED}, AGAIN: {ADDED, LEFT}})
    assert not after(order, {ADDED: set(), LEFT: {ADDED}, AGAIN: {ADDED}})


@pytest.mark.parametrize(
    ("knew", "was_on"),
    [
        ({ADDED}, True),
        ({ADDED, LEFT}, False),
        ({ADDED, LEFT, AGAIN}, True),
        ({LEFT}, False),
        (set(), True),
    ],
    ids=["the addition", "its end too", "the return too", "the end alone", "no end of it"],
)
def test_who_was_on_it_as_somebody_knew(knew: set[EntryHash], *, was_on: bool):
    """An end that an author had not seen does not count, nor a return."""
    past = {ADDED: set[EntryHash](), LEFT: {ADDED}, AGAIN: {ADDED, LEFT}}

    def saw(later: EntryHash, earlier: EntryHash) -> bool:
        return earlier in past[later]

    roll = Roll()
    roll.add(NAME, ADDED, saw)
    roll.remove(NAME, LEFT, saw)
    roll.add(NAME, AGAIN, saw)
    assert roll.was_on(NAME, knew.__contains__, saw) is was_on
    assert not Roll().was_on(NAME, knew.__contains__, saw)
    assert roll.copy().was_on(NAME, knew.__contains__, saw) is was_on
