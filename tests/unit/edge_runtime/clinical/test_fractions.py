"""Places in an order: always room between two, a bounded length, and the same order as text and as number."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.fractions import DIGITS, LONG, arrange, between, sort_key, spread
from edge_runtime.clinical.payloads import FRACTION_CHARS_MAX

at_least_200 = settings(max_examples=max(200, settings().max_examples))
FRACTIONS = st.text(DIGITS, min_size=1, max_size=FRACTION_CHARS_MAX)
SHORT = st.text("0Vz", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("low", "high", "middle"),
    [
        ("", None, "V"),
        ("V", None, "W"),
        ("z", None, "zV"),
        ("zz", None, "zzV"),
        ("", "V", "U"),
        ("", "1", "0V"),
        ("", "01", "00V"),
        ("A", "C", "B"),
        ("A", "B", "AV"),
        ("A", "AV", "AU"),
        ("A", "BV", "B"),
        ("AzzV", "B", "AzzW"),
        ("V0", "V1", "V0V"),
        ("V", "V", None),
        ("V", "V000", None),
        ("W", "V", None),
        ("0", "00", None),
    ],
)
def test_between_two_neighbours(low, high, middle):
    """The shortest room there is: beside what is there at an open end, half way elsewhere; none between equals."""
    assert between(low, high) == middle


@at_least_200
@given(st.one_of(FRACTIONS, SHORT), st.one_of(FRACTIONS, SHORT))
def test_there_is_always_room_between_two_that_differ(one, other):
    """Of any two fractions, foreign ones included, that are not the same number, a third lies strictly between."""
    low, high = sorted((sort_key(one), sort_key(other)))
    found = between(low, high)
    if low == high:
        assert found is None
    else:
        assert found is not None
        assert low < found < high
        assert not found.endswith("0")
        assert len(found) <= max(len(low), len(high)) + 1


@at_least_200
@given(st.integers(0, 200), st.one_of(st.just(""), SHORT), st.one_of(st.none(), SHORT))
def test_spread_is_even_and_in_order(count, low, high):
    """As many as asked for, strictly inside, strictly rising, and no longer than their number needs."""
    found = spread(count, low, high)
    if high is not None and sort_key(low) >= sort_key(high):
        assert found == ()
        return
    assert len(found) == count
    everything = [sort_key(low), *found, *([] if high is None else [sort_key(high)])]
    assert everything == sorted(everything)
    assert len(set(found)) == count
    assert not any(fraction == sort_key(low) or fraction.endswith("0") for fraction in found)


@at_least_200
@given(st.lists(st.one_of(FRACTIONS, SHORT), max_size=30), st.integers(0, 30))
def test_room_is_made_anywhere_in_any_order(fractions, place):
    """Whatever others wrote, equal and overlong fractions included: after the moves the new one stands where wanted."""
    fractions = sorted(fractions, key=sort_key)
    place = min(place, len(fractions))
    made = arrange(fractions, place)
    after = [made.moves.get(number, fraction) for number, fraction in enumerate(fractions)]
    assert len(made.fraction) <= LONG
    assert all(0 < len(moved) <= LONG for moved in made.moves.values())
    assert [*map(sort_key, after)] == sorted(map(sort_key, after))
    assert all(sort_key(fraction) < made.fraction for fraction in after[:place])
    assert all(sort_key(fraction) > made.fraction for fraction in after[place:])


@at_least_200
@given(st.lists(st.floats(0, 1), max_size=60), st.booleans())
def test_a_list_that_grows_keeps_its_order(places, at_one_place):
    """Inserting anywhere, or again and again at one place, keeps the order total and every fraction short."""
    fractions: list[str] = []
    names: list[int] = []
    for name, share in enumerate(places):
        place = len(fractions) // 2 if at_one_place else int(share * len(fractions))
        made = arrange(fractions, place)
        fractions = [made.moves.get(number, fraction) for number, fraction in enumerate(fractions)]
        fractions.insert(place, made.fraction)
        names.insert(place, name)
    assert fractions == sorted(set(fractions))
    assert [name for _, name in sorted(zip(fractions, names, strict=True))] == names


@pytest.mark.parametrize(
    "place_of", [lambda size: size, lambda _: 0, lambda size: size // 2], ids=["end", "start", "middle"]
)
def test_a_thousand_insertions_at_one_place_stay_short(place_of):
    """Length is bounded: neighbours are spread anew before one grows too long, and seldom."""
    fractions: list[str] = []
    moved = 0
    for size in range(1000):
        made = arrange(fractions, place_of(size))
        moved += len(made.moves)
        fractions = [made.moves.get(number, fraction) for number, fraction in enumerate(fractions)]
        fractions.insert(place_of(size), made.fraction)
    assert fractions == sorted(set(fractions))
    assert max(map(len, fractions)) <= LONG < FRACTION_CHARS_MAX
    assert moved < 2 * len(fractions)


def test_who_inserts_between_two_that_chose_the_same_fraction_moves_them_apart():
    """Two devices inserted at one place: their steps are told apart by id, and the next author makes room."""
    made = arrange(["V", "V"], 1)
    assert made.moves[0] < made.fraction < made.moves[1]
