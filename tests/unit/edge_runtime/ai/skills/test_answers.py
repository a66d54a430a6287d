"""The JSON of an answer, whole or cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.answers import ANSWER_CHARS_MAX, finished, parse

values = st.recursive(
    st.one_of(st.text(max_size=12), st.integers(-999, 999), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=6), values, max_size=5)


@given(objects)
def test_a_whole_answer_is_read_whole(answer):
    """What JSON says is what is read."""
    assert parse(json.dumps(answer)) == answer
    assert parse(json.dumps(answer, ensure_ascii=False, indent=1)) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1} and so on',
        '{"a": 1}{"a": 1}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        '{"a": 1.5}',
        '{"a": 1e3}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": "tab\there"}',
        "[" * 50_000,
        '{"a": ' + "9" * 10_000 + "}",
        '"' + "a" * ANSWER_CHARS_MAX + '"',
    ],
)
def test_what_only_some_readers_take_is_refused(text):
    """Two fields of one name, fractions, NaN, more after the value, too deep, too long: no value."""
    assert parse(text) is None


@given(objects, st.data())
def test_a_cut_answer_keeps_what_was_finished(answer, data):
    """Every field of a cut answer is exactly the whole one's, or the finished items of its list."""
    text = json.dumps(answer)
    kept = finished(text[: data.draw(st.integers(0, len(text) - 1))])
    assert kept is not None
    for name, value in kept.items():
        whole = answer[name]
        assert value == whole or (isinstance(whole, list) and isinstance(value, list) and value == whole[: len(value)])
    assert list(kept) == list(answer)[: len(kept)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", {}),
        (" ", {}),
        ("{", {}),
        ('{"a', {}),
        ('{"a"', {}),
        ('{"a":', {}),
        ('{"a": "half a sen', {}),
        ('{"a": "x"', {"a": "x"}),
        ('{"a": "x", ', {"a": "x"}),
        ('{"a": "x", "b": ["one", "tw', {"a": "x", "b": ["one"]}),
        ('{"a": ["one", "two"', {"a": ["one", "two"]}),
        ('{"a": ["one", ', {"a": ["one"]}),
        ('{"a": [', {}),
        ('{"a": 1', {}),
        ('{"a": 1,', {"a": 1}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": true', {"a": True}),
    ],
)
def test_a_half_value_is_dropped(text, kept):
    """Nothing of an unfinished sentence stays; a last number may have lacked digits."""
    assert finished(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "so",
        '"a"',
        "[1",
        '{1: 2, "a": "b"',
        '{"a" "b"',
        '{"a": "b" "c"',
        '{"a": "b"}',
        '{"a": 1, "a": 2, "b": "',
        "x" * 70_000,
    ],
)
def test_no_beginning_of_an_object(text):
    """What could not have become an object is refused, cut or not."""
    assert finished(text) is None
