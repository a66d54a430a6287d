"""Admission judges an update against its declared causal past, never against what else is here."""

from __future__ import annotations

import pytest

from edge_runtime.text.admit import AdmitContext, admit
from edge_runtime.text.errors import Reason, UpdateRefusedError
from edge_runtime.text.order import ItemOrder
from edge_runtime.text.screen import screen
from tests.unit.edge_runtime.text.encoder import edit, gone, typed, update
from tests.unit.edge_runtime.text.worlds import World

ME, OTHER, THIRD = 9, 7, 11


def world() -> World:
    """`OTHER` typed "ab😀cd": clocks 0 to 5, the character's halves at 2 and 3."""
    return World((OTHER, edit(OTHER, 0, typed("ab😀cd"))))


def reason_of(place: World, data: bytes, past: dict[int, int] | None = None) -> Reason:
    """The reason for which `ME` may not make this update."""
    with pytest.raises(UpdateRefusedError) as refused:
        place.judge(ME, data, past)
    return refused.value.reason


def test_reports_client_and_end() -> None:
    """What is admitted says whose it is and where their next clock is."""
    admitted = world().judge(ME, edit(ME, 0, typed("x😀", (OTHER, 5)), gone(2, (ME, 2)), ranges={OTHER: [(0, 2)]}))
    assert (admitted.client, admitted.end) == (ME, 5)
    assert admitted.structs[0].text == "x😀"
    assert admitted.deletes[0].length == 2


def test_deletes_alone_consume_no_clock() -> None:
    """A session that only deletes stays at its clock."""
    assert world().judge(ME, update([], {OTHER: [(0, 6)]})).end == 0


def test_the_client_is_the_sessions() -> None:
    """Structs of another client are refused, whosever they are."""
    assert reason_of(world(), edit(THIRD, 0, typed("x", (OTHER, 5)))) is Reason.CLIENT
    assert reason_of(world(), edit(OTHER, 6, typed("x", (OTHER, 5)))) is Reason.CLIENT


@pytest.mark.parametrize("clock", [0, 1, 3, 4])
def test_the_first_clock_is_exact(clock: int) -> None:
    """A replayed clock and a gap are refused alike."""
    place = world()
    place.take(ME, edit(ME, 0, typed("xy", (OTHER, 5))))
    assert reason_of(place, edit(ME, clock, typed("z", (ME, 1)))) is Reason.CLOCK
    assert place.judge(ME, edit(ME, 2, typed("z", (ME, 1)))).end == 3


def test_the_clock_follows_the_past_and_not_local_state() -> None:
    """Where the entry's past lacks an update that is here, the clock starts where the past ends."""
    place = world()
    place.take(ME, edit(ME, 0, typed("xy", (OTHER, 5))))
    assert place.judge(ME, edit(ME, 0, typed("z", (OTHER, 5))), {OTHER: 6}).end == 1


OUTSIDE = {
    "an origin of nobody": typed("x", (THIRD, 0)),
    "an origin after the other's end": typed("x", (OTHER, 6)),
    "a right origin of nobody": typed("x", None, (THIRD, 0)),
    "a right origin after the other's end": typed("x", (OTHER, 5), (OTHER, 6)),
    "itself as origin": typed("x", (ME, 0)),
    "itself as right origin": typed("x", (OTHER, 5), (ME, 0)),
}


@pytest.mark.parametrize("struct", OUTSIDE.values(), ids=OUTSIDE)
def test_origins_lie_in_the_past(struct: bytes) -> None:
    """An item hangs on what its author saw; anything else would wait for ever or hide behind what comes."""
    assert reason_of(world(), edit(ME, 0, struct)) is Reason.REFERENCE


def test_an_origin_that_is_here_but_not_in_the_past_is_refused() -> None:
    """A verdict does not depend on what else has arrived."""
    place = world()
    data = edit(ME, 0, typed("x", (THIRD, 0)))
    before = reason_of(place, data)
    place.take(THIRD, edit(THIRD, 0, typed("t", (OTHER, 5))))
    assert before is reason_of(place, data, {OTHER: 6}) is Reason.REFERENCE


def test_an_item_may_hang_on_earlier_items_of_its_update_only() -> None:
    """Own items count once they were placed, the later ones of the update do not."""
    data = edit(ME, 0, typed("xy", (OTHER, 5)), typed("z", (ME, 0), (ME, 1)))
    assert world().judge(ME, data).end == 3
    later = edit(ME, 0, typed("x", (ME, 1)), typed("y", (OTHER, 5)))
    assert reason_of(world(), later) is Reason.REFERENCE


STRANGERS = {
    "crossed": typed("x", (OTHER, 4), (OTHER, 1)),
    "origin and right origin are one": typed("x", (OTHER, 1), (OTHER, 1)),
    "one unit skipped": typed("x", (OTHER, 0), (OTHER, 4)),
    "no right origin in the middle": typed("x", (OTHER, 0)),
    "no origin in the middle": typed("x", None, (OTHER, 1)),
    "neither in a text that is not empty": typed("x"),
}


@pytest.mark.parametrize("struct", STRANGERS.values(), ids=STRANGERS)
def test_origins_are_neighbours_in_the_past(struct: bytes) -> None:
    """An author inserts between two units that stood side by side, deleted ones included."""
    assert reason_of(world(), edit(ME, 0, struct)) is Reason.NEIGHBOURS


def test_neighbours_are_those_of_the_past() -> None:
    """What stands between two units by a concurrent edit does not part them for an author who had not seen it."""
    place = world()
    place.take(THIRD, edit(THIRD, 0, typed("t", (OTHER, 0), (OTHER, 1))))
    between = edit(ME, 0, typed("x", (OTHER, 0), (OTHER, 1)))
    assert place.judge(ME, between, {OTHER: 6}).end == 1
    assert reason_of(place, between) is Reason.NEIGHBOURS


def test_own_items_part_neighbours() -> None:
    """Within one update each item sees the earlier ones."""
    first = typed("x", (OTHER, 0), (OTHER, 1))
    assert world().judge(ME, edit(ME, 0, first, typed("y", (OTHER, 0), (ME, 0)))).end == 2
    assert world().judge(ME, edit(ME, 0, first, typed("y", (ME, 0), (OTHER, 1)))).end == 2
    assert reason_of(world(), edit(ME, 0, first, first)) is Reason.NEIGHBOURS
    wide = edit(ME, 0, typed("wide", (OTHER, 5)), typed("x", (ME, 0), (ME, 2)))
    assert reason_of(world(), wide) is Reason.NEIGHBOURS


@pytest.mark.parametrize("length", [1, 2])
def test_no_item_splits_a_character(length: int) -> None:
    """The halves of one character stay together, whether they are deleted or not."""
    split = edit(ME, 0, typed("x" * length, (OTHER, 2), (OTHER, 3)))
    assert reason_of(world(), split) is Reason.SURROGATE
    place = world()
    place.take(THIRD, update([], {OTHER: [(2, 2)]}))
    assert reason_of(place, split) is Reason.SURROGATE


def test_no_right_origin_splits_a_character() -> None:
    """A right origin is no second half either, wherever the origin stands."""
    assert reason_of(world(), edit(ME, 0, typed("x", (OTHER, 0), (OTHER, 3)))) is Reason.SURROGATE


def test_no_item_splits_an_own_character() -> None:
    """That holds for characters that the update itself inserts."""
    own = edit(ME, 0, typed("é😀x", (OTHER, 5)), typed("y", (ME, 1), (ME, 2)))
    assert reason_of(world(), own) is Reason.SURROGATE
    assert world().judge(ME, edit(ME, 0, typed("é😀x", (OTHER, 5)), typed("y", (ME, 2), (ME, 3)))).end == 5


HALVES = {
    "begins": update([], {OTHER: [(3, 1)]}),
    "ends": update([], {OTHER: [(0, 3)]}),
    "begins in an own one": edit(ME, 0, typed("😀", (OTHER, 5)), ranges={ME: [(1, 1)]}),
    "ends in an own one": edit(ME, 0, typed("😀", (OTHER, 5)), ranges={ME: [(0, 1)]}),
}


@pytest.mark.parametrize("data", HALVES.values(), ids=HALVES)
def test_no_delete_range_splits_a_character(data: bytes) -> None:
    """Half a character cannot be deleted."""
    assert reason_of(world(), data) is Reason.SURROGATE


FUTURE = {
    "of nobody": update([], {THIRD: [(0, 1)]}),
    "of another": update([], {OTHER: [(6, 10)]}),
    "over another's end": update([], {OTHER: [(4, 3)]}),
    "of its own": update([], {ME: [(0, 1)]}),
    "over its own end": edit(ME, 0, typed("x", (OTHER, 5)), ranges={ME: [(0, 2)]}),
}


@pytest.mark.parametrize("data", FUTURE.values(), ids=FUTURE)
def test_only_what_was_seen_can_be_deleted(data: bytes) -> None:
    """A delete of clocks to come would make what comes vanish."""
    assert reason_of(world(), data) is Reason.REFERENCE


def test_what_is_deleted_may_be_deleted_again() -> None:
    """Two people may delete one word, and one may delete own text in the update that inserts it."""
    place = world()
    place.take(THIRD, update([], {OTHER: [(0, 2)]}))
    assert place.judge(ME, update([], {OTHER: [(0, 2), (4, 1)]})).deletes
    assert place.judge(ME, edit(ME, 0, typed("xy", (OTHER, 5)), ranges={ME: [(0, 2)]})).end == 2


def test_the_root_is_the_declared_one() -> None:
    """The first item of a text names the declared root; the message does not repeat what it named."""
    with pytest.raises(UpdateRefusedError) as refused:
        World().judge(ME, edit(ME, 0, typed("x", root="secret")))
    assert refused.value.reason is Reason.PARENT
    assert "secret" not in str(refused.value)
    context = AdmitContext(client=ME, past={}, order=ItemOrder(), root="secret")
    assert admit(screen(edit(ME, 0, typed("x", root="secret"))), context).end == 1
