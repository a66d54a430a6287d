"""The structural screen reads text edits and refuses everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from edge_runtime.text.changes import CLIENT_MAX, CLOCK_MAX, DeleteRange, ItemId, Struct
from edge_runtime.text.errors import Reason, UpdateRefusedError
from edge_runtime.text.screen import LIMITS, ScreenLimits, screen
from tests.unit.edge_runtime.text.encoder import (
    DELETED,
    MAP_KEY,
    STRING,
    block,
    deletes,
    edit,
    gone,
    item,
    number,
    string,
    typed,
    update,
)

ME = 9
SMALL = ScreenLimits(
    update_bytes_max=64,
    root_bytes_max=4,
    structs_max=2,
    inserted_units_max=6,
    delete_clients_max=2,
    delete_ranges_max=3,
)
FULL = edit(
    ME,
    5,
    typed("a😀", (7, 2), (7, 3)),
    gone(2, (ME, 7)),
    typed("z", right=(7, 0)),
    ranges={7: [(0, 1), (3, 2)], CLIENT_MAX: [(1, 1)]},
)


def reason_of(data: bytes, limits: ScreenLimits = LIMITS) -> Reason:
    """The reason for which the screen refuses."""
    with pytest.raises(UpdateRefusedError) as refused:
        screen(data, limits)
    return refused.value.reason


def test_reports_items_and_delete_ranges() -> None:
    """Every part of an update is reported, the root's name where given, lengths and clocks in UTF-16 code units."""
    assert screen(edit(ME, 0, typed("a", root="plan"))).structs[0].root == "plan"
    screened = screen(FULL)
    assert screened.structs == (
        Struct(ME, 5, 3, ItemId(7, 2), ItemId(7, 3), None, "a😀"),
        Struct(ME, 8, 2, ItemId(ME, 7), None, None, None),
        Struct(ME, 10, 1, None, ItemId(7, 0), None, "z"),
    )
    assert screened.deletes == (DeleteRange(7, 0, 1), DeleteRange(7, 3, 2), DeleteRange(CLIENT_MAX, 1, 1))


def test_accepts_structs_or_deletes_alone() -> None:
    """An update may only insert or only delete; delete ranges may touch."""
    assert screen(edit(ME, 0, typed("a"))).deletes == ()
    assert screen(update([], {7: [(0, 2), (2, 1)]})).structs == ()


@given(st.text(min_size=1))
def test_lengths_are_utf_16_as_the_engine_counts(text: str) -> None:
    """The engine writes lengths as we count them: its next clock is our struct's end."""
    doc: Doc[Text] = Doc(client_id=ME)
    shared = doc.get("text", type=Text)
    shared.insert(0, text)
    (first,) = screen(doc.get_update()).structs
    shared.insert(0, "!")
    assert first.length == len(text.encode("utf-16-le")) // 2
    last = screen(doc.get_update(number(1) + number(ME) + number(first.length))).structs[-1]
    assert last.clock == first.length


@pytest.mark.parametrize("size", range(len(FULL)))
def test_refuses_every_proper_prefix(size: int) -> None:
    """An update cut short anywhere is malformed."""
    assert reason_of(FULL[:size]) is Reason.MALFORMED


@pytest.mark.parametrize("extra", [b"\0", b"\1", FULL])
def test_refuses_trailing_bytes(extra: bytes) -> None:
    """Nothing may follow the delete set."""
    assert reason_of(FULL + extra) is Reason.MALFORMED


MALFORMED = {
    "a padded one-byte number": b"\x80\0" + deletes({7: [(0, 1)]}),
    "a padded clock": number(1) + number(1) + number(ME) + b"\x81\x80\0" + typed("a") + b"\0",
    "an endless number": b"\xff" * 100_000,
    "an endless padded number": b"\x80" * 100_000,
    "a client id over 53 bits": edit(CLIENT_MAX + 1, 0, typed("a")),
    "a deleted client over 53 bits": update([], {CLIENT_MAX + 1: [(0, 1)]}),
    "an origin's client over 53 bits": edit(ME, 0, typed("a", (CLIENT_MAX + 1, 0))),
    "a string longer than the update": edit(ME, 0, item(number(500) + b"a", ref=STRING)),
    "a string that is not UTF-8": edit(ME, 0, typed(b"a\xff")),
    "an overlong UTF-8 form": edit(ME, 0, typed(b"\xc0\x80")),
    "a lone surrogate in UTF-8": edit(ME, 0, typed(b"\xed\xa0\xbd")),
    "a long root name": edit(ME, 0, typed("a", root="r" * (LIMITS.root_bytes_max + 1))),
    "a root name that is not UTF-8": edit(ME, 0, typed("a", root=b"\xff")),
    "a client twice in the delete set": b"\0" + number(2) + (number(7) + number(1) + number(0) + number(1)) * 2,
    "overlapping delete ranges": update([], {7: [(0, 2), (1, 2)]}),
    "descending delete ranges": update([], {7: [(5, 1), (0, 1)]}),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_refuses_what_is_not_strict(data: bytes) -> None:
    """One edit has one reading: padding, foreign encodings and disorder are malformed."""
    assert reason_of(data) is Reason.MALFORMED


@pytest.mark.parametrize("ref", [ref for ref in range(32) if ref not in (STRING, DELETED)])
def test_refuses_every_other_content(ref: int) -> None:
    """Only String and Deleted items are text; any other content is refused at its first byte."""
    assert reason_of(update([block(ME, 0, [bytes([ref])])])) is Reason.CONTENT
    assert reason_of(update([block(ME, 0, [item(number(1), ref=ref, origin=(7, 0))])])) is Reason.CONTENT


@pytest.mark.parametrize("ref", [STRING, DELETED])
@pytest.mark.parametrize("origin", [None, (7, 0)])
def test_refuses_a_map_key(ref: int, origin: tuple[int, int] | None) -> None:
    """An item under a map key overwrites others' keys; a text has none."""
    keyed = item(string("k") + number(1), ref=ref, origin=origin, bits=MAP_KEY)
    assert reason_of(edit(ME, 0, keyed)) is Reason.CONTENT


def test_refuses_a_parent_that_is_an_item() -> None:
    """An item stands in a root type, never in a nested one."""
    nested = bytes([STRING]) + number(0) + number(7) + number(0) + string("a")
    assert reason_of(edit(ME, 0, nested)) is Reason.PARENT


def test_refuses_several_clients() -> None:
    """One session makes one update: structs of one client only."""
    both = update([block(ME, 0, [typed("a")]), block(7, 0, [typed("b")])])
    assert reason_of(both) is Reason.CLIENT


EMPTY = {
    "nothing": update(),
    "a block without structs": update([block(ME, 0, [])]),
    "an empty string": edit(ME, 0, typed("")),
    "a deleted item of no length": edit(ME, 0, gone(0)),
    "a client without delete ranges": update([], {7: []}),
    "a delete range of no length": update([], {7: [(3, 0)]}),
}


@pytest.mark.parametrize("data", EMPTY.values(), ids=EMPTY)
def test_refuses_what_carries_nothing(data: bytes) -> None:
    """Nobody signs an entry that changes nothing, and no part of one may be empty."""
    assert reason_of(data) is Reason.EMPTY


CLOCKS = {
    "a first clock over the bound": edit(ME, CLOCK_MAX + 1, typed("a")),
    "structs that run over the bound": edit(ME, CLOCK_MAX, typed("a")),
    "an origin's clock over the bound": edit(ME, 0, typed("a", (7, CLOCK_MAX + 1))),
    "a deleted clock over the bound": update([], {7: [(CLOCK_MAX + 1, 1)]}),
    "a deleted length over the bound": update([], {7: [(0, CLOCK_MAX + 1)]}),
    "a delete range that runs over the bound": update([], {7: [(CLOCK_MAX, 1)]}),
}


@pytest.mark.parametrize("data", CLOCKS.values(), ids=CLOCKS)
def test_refuses_clocks_over_the_bound(data: bytes) -> None:
    """Clocks stay below 2^31, so no engine's arithmetic can wrap."""
    assert reason_of(data) is Reason.CLOCK


def test_accepts_the_last_clock() -> None:
    """The bound itself may be reached."""
    assert screen(edit(ME, CLOCK_MAX - 1, typed("a"))).structs[0].clock == CLOCK_MAX - 1
    assert screen(update([], {7: [(CLOCK_MAX - 1, 1)]})).deletes == (DeleteRange(7, CLOCK_MAX - 1, 1),)


AT_THE_LIMIT = {
    "structs": edit(ME, 0, typed("a"), typed("b", (ME, 0))),
    "a root name": edit(ME, 0, typed("a", root="root")),
    "typed units": edit(ME, 0, typed("ab😀cd")),
    "deleted units": edit(ME, 0, gone(6)),
    "units over structs": edit(ME, 0, typed("abc"), gone(3, (ME, 2))),
    "deleted clients": update([], {7: [(0, 1)], 8: [(0, 1)]}),
    "delete ranges": update([], {7: [(0, 1), (2, 1)], 8: [(0, 1)]}),
}
OVER_THE_LIMIT = {
    "structs": edit(ME, 0, typed("a"), typed("b", (ME, 0)), typed("c", (ME, 1))),
    "typed units": edit(ME, 0, typed("ab😀cde")),
    "deleted units": edit(ME, 0, gone(7)),
    "units over structs": edit(ME, 0, typed("abcd"), gone(3, (ME, 3))),
    "deleted clients": update([], {6: [(0, 1)], 7: [(0, 1)], 8: [(0, 1)]}),
    "delete ranges": update([], {7: [(0, 1), (2, 1), (4, 1)], 8: [(0, 1)]}),
    "promised structs": number(1) + number(2**52) + number(ME) + number(0),
    "promised deleted clients": number(0) + number(2**52),
    "promised delete ranges": number(0) + number(1) + number(7) + number(2**52),
}


@pytest.mark.parametrize("data", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_accepts_up_to_each_limit(data: bytes) -> None:
    """A limit is the largest value that passes."""
    screen(data, SMALL)


@pytest.mark.parametrize("data", OVER_THE_LIMIT.values(), ids=OVER_THE_LIMIT)
def test_refuses_over_each_limit(data: bytes) -> None:
    """Counts are bounded before anything is read by them."""
    assert reason_of(data, SMALL) is Reason.COUNT


def test_refuses_too_many_bytes_unread() -> None:
    """The size is judged before the first byte is read."""
    assert reason_of(bytes(SMALL.update_bytes_max + 1), SMALL) is Reason.BYTES
    assert reason_of(bytes(SMALL.update_bytes_max), SMALL) is Reason.MALFORMED


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever comes, the screen returns or raises its one error."""
    try:
        screened = screen(data)
    except UpdateRefusedError:
        return
    assert screened.structs or screened.deletes


def test_a_refusal_never_quotes_text() -> None:
    """Messages hold counts and ids only: neither typed text nor a stranger's root name."""
    secret = "anaphylaxis"
    for data in (
        edit(ME, 0, typed(secret + "\0")) + b"\0",
        edit(ME, 0, typed(secret.encode() + b"\xff")),
        edit(ME, 0, typed("a", root=secret * 9)),
    ):
        with pytest.raises(UpdateRefusedError) as refused:
            screen(data)
        assert secret not in str(refused.value) + refused.value.expected + refused.value.got
        assert refused.value.code == f"text_update_{refused.value.reason}"
