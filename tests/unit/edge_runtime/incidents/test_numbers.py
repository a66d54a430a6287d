"""Numbers that a device makes: the next that it sees free, with a mark that no device it knows of has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.incidents.numbers import MARK_CHARACTERS, MARK_CHARS_MIN, mark_of, next_numbers
from sync_protocol.ids import DeviceId

DEVICES = st.binary(min_size=16, max_size=16).map(DeviceId)
BASE = len(MARK_CHARACTERS)


def device(*digits: int) -> DeviceId:
    """A device whose mark begins with these digits."""
    return DeviceId(sum(digit * BASE**at for at, digit in enumerate(digits)).to_bytes(16, "big"))


def test_a_mark_is_two_characters_long_unless_somebody_begins_alike():
    """As long as it takes to differ from each other device; its own id among the others changes nothing."""
    one, alike, other = device(3, 4, 5, 6), device(3, 4, 5, 7), device(8, 4, 5, 6)
    expected = "".join(MARK_CHARACTERS[digit] for digit in (3, 4, 5, 6))
    assert mark_of(one, []) == mark_of(one, [one, other]) == expected[:MARK_CHARS_MIN]
    assert mark_of(one, [alike, other]) == expected
    assert mark_of(device(), [])


@given(st.lists(DEVICES, min_size=2, max_size=12, unique=True))
def test_devices_that_know_of_each_other_have_different_marks(devices: list[DeviceId]):
    """Whatever their ids; and nobody's mark has a character that is mistaken for another."""
    marks = [mark_of(one, devices) for one in devices]
    assert len(set(marks)) == len(devices)
    assert set("".join(marks)) <= set(MARK_CHARACTERS)
    assert not set(MARK_CHARACTERS) & set("0OI1LSZB582G")


def test_the_next_number_follows_the_greatest_that_is_seen():
    """Made or printed, whatever is written around it; a printer's long numbers are not counted on from."""
    assert next_numbers([], "K4", 3) == ("1-K4", "2-K4", "3-K4")
    assert next_numbers(["7-AC", "12", "A-0042", "4711234567890"], "K4", 2) == ("13-K4", "14-K4")
    assert next_numbers(["99999", "99998-AC"], "K4", 1) == ("100000-K4",)
    assert next_numbers(["3-K4"], "K4", 0) == ()
