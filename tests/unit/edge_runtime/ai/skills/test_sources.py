"""What every skill refuses, before anything is begun."""

from __future__ import annotations

import pytest

from edge_runtime.ai.engine.port import Media, Modality
from edge_runtime.ai.skills.skill import SOURCE_CHARS_MAX, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.errors import InputError

SECRET = "Zebrafever"


def refused(source: Source, **limits) -> InputError:
    """The refusal of a source; it never says the source's words."""
    with pytest.raises(InputError) as error:
        check_source(source, **limits)
    assert SECRET not in str(error.value)
    return error.value


@pytest.mark.parametrize("nothing", ["", " \n\t", "\x00\u200b\u202e", "\u2581"])
def test_nothing_is_refused(nothing):
    """There must be a character that somebody can read."""
    assert refused(Source(text=nothing)).code == "source_empty"


def test_too_much_is_refused():
    """It says how much came and how much goes."""
    error = refused(Source(text=SECRET + "a" * SOURCE_CHARS_MAX))
    assert error.code == "source_too_long"
    assert str(SOURCE_CHARS_MAX) in error.expected
    assert refused(Source(text=SECRET), longest=5).code == "source_too_long"


def test_photos_are_refused():
    """A skill of this version reads words; an engine would drop the rest in silence."""
    assert refused(Source(text=SECRET, media=(Media(Modality.IMAGE, b"x"),))).code == "source_media"


def test_options_are_of_a_list():
    """A name or a value that a skill does not have is refused; so is one that it needs and did not get."""
    languages = {"options": {"language": ("es", "fr")}}
    assert refused(Source(text=SECRET, options={"tone": SECRET}), **languages).code == "option_unknown"
    assert refused(Source(text=SECRET, options={"language": SECRET}), **languages).code == "option_value"
    missing = refused(Source(text=SECRET), required=("language",), **languages)
    assert missing.code == "option_missing"
    assert "es | fr" in missing.do
    assert refused(Source(text=SECRET, options={"a": "b"})).expected.endswith("none")


def test_the_rest_is_taken():
    """Any script, any length up to the limit."""
    check_source(Source(text="ठंड" * 10_000, options={"language": "es"}), options={"language": ("es",)})
