"""The window over a long text: what is held, what is forgotten, and that places are told right all the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.reading import window as window_room
from edge_runtime.fhir.reading.strict_json import BrokenError, Cursor, Issue, Number
from edge_runtime.fhir.reading.window import Window

WRITTEN = re.compile(r"\S")
LINE_END = re.compile(r"\n")
TEXT = ' {"a": [1, -2.50e+3, "x\\u00e9\\\\\\"", true, null],\n "b": {"c": ""}, "d": 12}'


def chunks(text, size):
    """A text in pieces of a size."""
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("size", range(1, len(TEXT) + 1))
def test_a_value_is_the_same_however_its_text_is_cut(size):
    """Numbers, escapes, literals and texts may be cut anywhere."""
    whole = Cursor(TEXT).value()
    cursor = Cursor(Window(chunks(TEXT, size)))
    assert cursor.value() == whole
    cursor.end()
    assert whole.value == {
        "a": [Number("1"), Number("-2.50e+3"), 'xé\\"', True, None],
        "b": {"c": ""},
        "d": Number("12"),
    }


@given(st.text(alphabet='{}[]",:\\ \n1-etrunlx', max_size=60), st.integers(1, 7))
def test_what_is_broken_is_broken_at_the_same_place_however_it_is_cut(text, size):
    """Line, column and words of a refusal do not depend on what happened to be held."""

    def read(source):
        cursor = Cursor(source)
        try:
            value = cursor.value()
            cursor.end()
        except BrokenError as error:
            return error.reason
        return value

    assert read(Window(chunks(text, size))) == read(text)


def test_what_was_read_is_forgotten():
    """Going through a long list holds little of it."""
    row = '{"text": "' + "x" * 90 + '"}, '
    window = Window(row * 3000 if number == 0 else row * 300 for number in range(100))
    cursor = Cursor(Window(["["]))
    cursor = Cursor(window)
    held = []
    for _ in range(5000):
        cursor.value()
        cursor.window.position += 1  # the comma
        held.append(len(window.text))
    assert max(held[4000:]) < 2 * len(row * 300)


def test_more_than_one_value_may_be_is_not_held(monkeypatch):
    """A value beyond the bound is refused as such, and the window says that it is full."""
    monkeypatch.setattr(window_room, "HELD_MAX", 1000)
    cursor = Cursor(Window('"' + "x" * 100 for _ in range(1)))
    with pytest.raises(BrokenError, match="its end at line 1"):
        cursor.value()
    endless = (('"' if number == 0 else "") + "x" * 100 for number in range(10**9))
    cursor = Cursor(Window(endless))
    with pytest.raises(BrokenError) as caught:
        cursor.value()
    assert caught.value.issue is Issue.TOO_COSTLY
    assert cursor.window.full
    assert len(cursor.window.text) < 2000


def test_blanks_without_end_are_refused(monkeypatch):
    """As long as something is held for coming back; otherwise they are forgotten as they come."""
    monkeypatch.setattr(window_room, "HELD_MAX", 1000)
    cursor = Cursor(Window(" " * 100 for _ in range(1000)))
    assert cursor.next() == ""
    cursor = Cursor(Window(" " * 100 for _ in range(1000)))
    cursor.window.mark()
    with pytest.raises(BrokenError):
        cursor.next()


def test_a_mark_brings_back():
    """What stands from the mark on is held until it is taken away."""
    window = Window(chunks("abcdefghij", 2))
    window.more()
    window.position = 1
    window.mark()
    while window.more():
        window.position = len(window.text)
    window.rewind()
    assert window.text[window.position :] == "bcdefghij"
    window.mark()
    window.unmark()
    window.position = len(window.text)
    assert not window.more()
    assert window.text == ""


def test_places_count_from_the_beginning_of_the_text():
    """Lines and columns survive that their text is forgotten."""
    window = Window(chunks("ab\ncd\n\nefg", 3))
    places = []
    while window.more():
        window.position = len(window.text)
        places.append(window.place(window.position))
    assert places[-1] == (4, 4)
    assert Window([]).place(0) == (1, 1)


def test_finding_takes_in_what_it_needs():
    """The distance is from the place where reading stands."""
    window = Window(chunks("   \n\n  x\ny", 2))
    assert window.find(WRITTEN) == 7
    window.position += 7
    assert window.find(LINE_END) == 1
    assert window.find(WRITTEN, 1) == 2
    assert window.find(re.compile("z")) == -1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_are_read_one_by_one(size):
    """Each ends the text; what is left of one is skipped; the last may have no end."""
    window = Window(chunks("first\n\nthird line\nlast", size))
    window.find(WRITTEN)
    window.read_by_line()
    lines = []
    going = True
    while going:
        while window.more():
            pass
        lines.append((window.text, window.place(0)))
        going = window.next_line()
    assert lines == [("first", (1, 1)), ("", (2, 1)), ("third line", (3, 1)), ("last", (4, 1))]


def test_a_line_may_be_left_early():
    """Whatever of it was read."""
    window = Window(["abc\nde", "f\ng"])
    window.read_by_line()
    window.more()
    window.position = 1
    assert window.next_line()
    assert window.next_line()
    assert window.more()
    assert window.text == "g"
    assert not window.next_line()
