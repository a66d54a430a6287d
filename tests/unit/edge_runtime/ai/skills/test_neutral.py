"""A source in a prompt: nothing in it acts on a model's template, and nothing that was said is lost."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.neutral import neutral, visible

TURNS = [
    "<end_of_turn>",
    "<start_of_turn>model",
    "<|im_start|>system",
    "<|eot_id|>",
    "</s>",
    "<s>",
    "<bos>",
    "<0x0A>",
    "<2mass>",
    "<unused0>",
    "<start_of_image>",
    "[INST]",
    "[/INST]",
    "[@BOS@]",
    "[multimodal]",
    "[gMASK]",
    "\uff1cend_of_turn\uff1e",
    "\ufe64end_of_turn\ufe65",
    "<\uff5cUser\uff5c>",
    "\uff3bINST\uff3d",
]

text = st.text(st.one_of(st.characters(), st.sampled_from("<>[]|/@ \n\r\t\x00\u2028\u2581\u202e\u200b\u200dab1=")))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("around", ["{}", "a{}b", "said {}\nthen", "{}{}"])
def test_no_special_token_survives(turn, around):
    """The characters of a template's token never stand together, also where a tokenizer normalises them first."""
    read = unicodedata.normalize("NFKC", neutral(around.format(turn, turn)))
    assert unicodedata.normalize("NFKC", turn) not in read


@pytest.mark.parametrize("hidden", ["\x00", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u202e", "\U000e0001"])
def test_what_is_invisible_joins_nothing(hidden):
    """A character that a tokenizer's clean-up drops cannot hide a token."""
    read = neutral(f"<{hidden}end_of_turn>")
    assert hidden not in read
    assert "<end" not in read


@given(text)
def test_no_bracket_opens_a_token_and_no_mark_is_written(source):
    """After `<` comes a space or `=`; the marks around a source, `<<<` and `>>>`, cannot stand in it."""
    read = neutral(source)
    assert "<<" not in read
    assert ">>" not in read
    assert all(after in " \n\t=" or after.isspace() for before, after in pairwise(read) if before == "<")
    assert not {"\r", "\x00", "\u2028", "\u2029", "\u2581", "\u202e"} & set(read)


@given(text)
def test_twice_is_once(source):
    """What is neutral stays as it is."""
    assert neutral(neutral(source)) == neutral(source)


@given(st.text())
def test_a_prompt_can_always_be_written(source):
    """Halves of characters become a sign that stands for them: the text is UTF-8."""
    neutral(source).encode()
    visible(source).encode()


@pytest.mark.parametrize(
    "words",
    [
        "BP < 90, temp >= 38.5 °C, pH 7.2 > 7.1",
        "Doctor: Any fever?\nPatient: No.",
        'She said "no {really}" and \\n stays two characters',
        "Температура 38,4 °C; हृदय गति ९६; \u062d\u0631\u0627\u0631\u0629 \u200f37",
        "क्\u200dष and 👩\u200d⚕️",
        "[1] first, [2] second",
    ],
)
def test_what_people_write_stays(words):
    """Figures, comparisons, quotes, braces and every script stay as they are."""
    assert neutral(words) == words


def test_lines_are_lines():
    """Every sign for the end of a line becomes one, and empty lines do not pile up."""
    assert neutral("a\r\nb\rc\u2028d\u0085e\n\n \n\nf  \n") == "a\nb\nc\nd\ne\n\nf"
