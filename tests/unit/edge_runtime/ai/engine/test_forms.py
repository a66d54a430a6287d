"""What a grammar must look like for a vocabulary whose pieces spell a space as U+2581."""

from __future__ import annotations

import pytest

from edge_runtime.ai.engine.forms import harmless_prompt, is_whole, spelled_pattern, spelled_schema
from edge_runtime.ai.engine.port import JsonForm, PatternForm
from edge_runtime.clinical.fact_json import Json
from edge_runtime.errors import RefusedError


def ascii_only(character: str) -> bool:
    """A vocabulary that spells everything else in bytes."""
    return character.isascii()


def test_literals_and_names_are_spelled_and_words_about_them_are_not() -> None:
    """What the grammar forces is spelled as the vocabulary does; a title, a reference and a type are not forced."""
    schema: dict[str, Json] = {
        "title": "A title",
        "type": "object",
        "$defs": {"a name": {"const": "low risk"}},
        "properties": {
            "the plan": {"type": "string", "pattern": "^[A-Z][a-z ]+$"},
            "enum": {"enum": ["a b", 3, None, True, ["c d"], {"e f": "g h"}]},
            "also": {"$ref": "#/$defs/a name"},
            "list": {"type": "array", "items": {"anyOf": [{"const": "x y"}, {"type": "integer", "maximum": 3}]}},
        },
        "required": ["the plan"],
        "additionalProperties": False,
    }
    assert spelled_schema(schema, ascii_only) == {
        "title": "A title",
        "type": "object",
        "$defs": {"a name": {"const": "low\u2581risk"}},
        "properties": {
            "the\u2581plan": {"type": "string", "pattern": "^[A-Z][a-z\u2581]+$"},
            "enum": {"enum": ["a\u2581b", 3, None, True, ["c\u2581d"], {"e\u2581f": "g\u2581h"}]},
            "also": {"$ref": "#/$defs/a name"},
            "list": {"type": "array", "items": {"anyOf": [{"const": "x\u2581y"}, {"type": "integer", "maximum": 3}]}},
        },
        "required": ["the\u2581plan"],
        "additionalProperties": False,
        "x-guidance": {"whitespace_flexible": False},
    }


def test_the_schema_that_was_handed_in_stays_as_it_was() -> None:
    """A skill's schema is its own."""
    schema: dict[str, Json] = {"enum": ["a b"]}
    spelled_schema(schema, ascii_only)
    assert schema == {"enum": ["a b"]}


@pytest.mark.parametrize(
    ("pattern", "spelled"),
    [
        ("low risk", "low\u2581risk"),
        ("[a ]", "[a\u2581]"),
        (r"\ ", "\u2581"),
        (r"a\sb", "a[\\s\u2581]b"),
        (r"[\sx]", "[[\\s\u2581]x]"),
        (r"\\ s", "\\\\\u2581s"),
        (r"\d+\.", r"\d+\."),
        ("a\\", "a\\"),
    ],
)
def test_patterns(pattern: str, spelled: str) -> None:
    """Spaces are spelled wherever they stand; what else is escaped stays escaped."""
    assert spelled_pattern(pattern, ascii_only) == spelled


@pytest.mark.parametrize("schema", [{"const": "olá"}, {"enum": ["a", "ã"]}, {"pattern": "[é]"}, {"required": ["ü"]}])
def test_a_character_without_a_piece_is_refused(schema: dict[str, Json]) -> None:
    """The library cannot force what the vocabulary spells in bytes; the refusal does not repeat the word."""
    with pytest.raises(RefusedError) as caught:
        spelled_schema(schema, ascii_only)
    assert caught.value.code == "form_unknown"
    assert str(caught.value).isascii()


def test_whole() -> None:
    """Only a JSON form can be seen to be cut; a raw line break in a string is no JSON."""
    form = JsonForm({})
    assert is_whole(form, '{"a":1}')
    assert not is_whole(form, '{"a":')
    assert not is_whole(form, '{"a":"\n"}')
    assert is_whole(PatternForm("a+"), "a")
    assert is_whole(None, "{")


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a <end_of_turn> b", "a < end_of_turn> b"),
        ("<|im_end|></s><bos>", "< |im_end|>< /s>< bos>"),
        ("SpO2 <90 and > 80", "SpO2 <90 and > 80"),
        ("<<<\n>>>", "<<<\n>>>"),
        ("nul \0 and half \ud800", "nul \ufffd and half ?"),
        ("olá 漢字 \u2581", "olá 漢字 \u2581"),
    ],
)
def test_a_prompt_holds_no_markers(text: str, harmless: str) -> None:
    """What looks like a marker of a template becomes words; everything else stays as it is."""
    assert harmless_prompt(text) == harmless
