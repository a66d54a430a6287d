"""Schemas, and answers read by them."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.forms import fits, many, one_of, read, text, whole
from tests.unit.edge_runtime.ai.skills.asked import reply

NOTE = whole({"subjective": text(40), "plan": text(40)})
REMARKS = whole(
    {"remarks": many(whole({"kind": one_of(["a", "b"]), "text": text(9)}), most=3, least=1), "end": text(9)}
)

schemas = st.recursive(
    st.one_of(
        st.integers(1, 6).map(text),
        st.lists(st.text(max_size=3), min_size=1, max_size=3).map(one_of),
    ),
    lambda inner: st.one_of(
        inner.map(lambda item: many(item, most=2)),
        inner.map(lambda item: many(item, most=3, least=1)),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(whole),
    ),
    max_leaves=4,
)
values = st.recursive(
    st.one_of(st.text(max_size=7), st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)),
    max_leaves=6,
)


@given(schemas, values)
def test_a_value_fits_as_json_schema_says(schema, value):
    """The judgement is that of a full implementation of JSON Schema."""
    assert fits(value, schema) == jsonschema.Draft202012Validator(schema).is_valid(value)


@given(schemas)
def test_every_schema_is_one(schema):
    """What the pieces make is JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_whole_answer():
    """The fields come in the order of the schema, whichever way the answer had them."""
    found = read(reply({"plan": "Rest.", "subjective": "Cough."}), NOTE)
    assert list(found.values.items()) == [("subjective", "Cough."), ("plan", "Rest.")]
    assert not found.cut
    assert not found.missing


def test_an_answer_that_is_whole_is_not_cut():
    """The limit of tokens may fall just behind the last brace."""
    assert not read(reply({"plan": "Rest.", "subjective": "Cough."}, cut=True), NOTE).cut


def test_a_cut_answer_says_what_it_lacks():
    """The finished fields, the names of the others, and nothing of the half one."""
    found = read(reply('{"subjective": "Cough.", "plan": "Amoxicillin 5', cut=True), NOTE)
    assert found.values == {"subjective": "Cough."}
    assert found.missing == ("plan",)
    assert found.cut
    assert found.words("plan") == ""


def test_a_cut_list_keeps_its_finished_items():
    """A list with fewer items than it must have is missing."""
    one = '{"remarks": [{"kind": "a", "text": "x"}, {"kind": "b", "te'
    assert read(reply(one, cut=True), REMARKS).values == {"remarks": [{"kind": "a", "text": "x"}]}
    assert read(reply('{"remarks": [{"kind": "a", "te', cut=True), REMARKS).missing == ("remarks", "end")
    assert read(reply('{"remarks": []', cut=True), REMARKS).missing == ("remarks", "end")


@pytest.mark.parametrize(
    "text_of",
    [
        "",
        "I cannot do that.",
        '"only words"',
        "null",
        "[]",
        "{}",
        '{"subjective": "Cough."}',
        '{"subjective": "Cough.", "plan": ""}',
        '{"subjective": "Cough.", "plan": 5}',
        '{"subjective": "Cough.", "plan": ["Rest."]}',
        '{"subjective": "Cough.", "plan": "Rest.", "more": "x"}',
        json.dumps({"subjective": "Cough.", "plan": "x" * 41}),
    ],
)
def test_another_form_is_an_error(text_of):
    """The engine did not keep the form: it is said, with sizes and no word of the answer."""
    with pytest.raises(EngineError) as error:
        read(reply(text_of), NOTE)
    assert error.value.code == "answer_malformed"
    assert "Cough" not in str(error.value)
    assert "Rest" not in str(error.value)


@pytest.mark.parametrize(
    "text_of", ["Sure! Here is", '{"subjective": 5, "plan": "Re', '{"other": "x", "plan": "Re', '{"subjective": "", "p']
)
def test_being_cut_excuses_nothing_else(text_of):
    """A finished field of another form is an error in a cut answer too."""
    with pytest.raises(EngineError):
        read(reply(text_of, cut=True), NOTE)


def test_what_nobody_could_see_is_taken_out():
    """Control characters, direction overrides and halves of characters in an answer never reach a draft."""
    raw = '{"subjective": "a\\u0000b\\u202ec\\ud800d", "plan": "x"}'
    assert read(reply(raw), NOTE).words("subjective") == "abc\ufffdd"


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_read_or_refused(raw, cut):
    """No text crashes the reading; what is read fits."""
    try:
        found = read(reply(raw, cut=cut), NOTE)
    except EngineError:
        return
    assert found.cut
