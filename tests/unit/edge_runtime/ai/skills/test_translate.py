"""Machine translation: labelled, turned back, and marked where something did not come through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.checking.findings import FindingKind
from edge_runtime.ai.skills.catalogue import skill
from edge_runtime.ai.skills.chunking import CHUNK_CHARS_MAX, chunks
from edge_runtime.ai.skills.languages import LANGUAGES
from edge_runtime.ai.skills.prompts import STYLES
from edge_runtime.ai.skills.skill import PARTS_MAX, Reply, Sketch, Source
from edge_runtime.ai.skills.translate import SOURCE_CHARS_MAX
from edge_runtime.ai.skills.wording import MACHINE_TRANSLATION, NO_TRANSLATION, NOT_ALL_CHECKED, NOT_TURNED_BACK
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.skills.asked import engine, reply

TEXT = "Take amoxicillin 500 mg twice daily for 7 days. You have no fever."
THERE = "Tome amoxicilina 500 mg dos veces al día durante 7 días. Usted no tiene fiebre."
TRANSLATE = skill("translate")


def source_of(text: str = TEXT, **options: str) -> Source:
    """A source to be translated into Spanish, unless the options say otherwise."""
    return Source(text=text, options={"language": "es", **options})


def turned(there: str, back: str, text: str = TEXT) -> Sketch:
    """The draft of one chunk that went both ways."""
    return TRANSLATE.sketch(source_of(text), (reply({"translation": there}), reply({"translation": back}, "back")))


def test_there_and_back():
    """Sentence by sentence, each with its place in the source; nothing is marked where all came through."""
    sketch = turned(THERE, TEXT)
    assert sketch.warnings == (MACHINE_TRANSLATION,)
    assert sketch.fields == {"translation": THERE, "back": TEXT}
    assert " ".join(part.text for part in sketch.parts) == THERE
    assert not any(part.unsupported or part.notes for part in sketch.parts)
    assert [TEXT[one.source_start : one.source_end] for part in sketch.parts for one in part.citations] == [
        "Take amoxicillin 500 mg twice daily for 7 days.",
        "You have no fever.",
    ]


@pytest.mark.parametrize(
    ("there", "back", "kinds"),
    [
        ("Tome amoxicilina 50 mg", "Take amoxicillin 50 mg", {FindingKind.DOSE, FindingKind.NUMBER}),
        ("Tome ibuprofeno 500 mg", "Take ibuprofen 500 mg", {FindingKind.DRUG}),
        ("Tome amoxicilina 5000 mg", "Take amoxicillin 500 mg", {FindingKind.NUMBER}),
    ],
)
def test_what_did_not_come_through_is_marked(there, back, kinds):
    """A wrong dose, another drug; and a wrong figure that the way back put right again."""
    first, second = turned(
        f"{there} dos veces al día durante 7 días. Usted no tiene fiebre.",
        f"{back} twice daily for 7 days. You have no fever.",
    ).parts
    assert kinds & {one.kind for one in first.unsupported}
    assert first.notes
    assert not second.unsupported
    for one in first.unsupported:
        assert first.text[one.start : one.end] == one.text


def test_a_lost_no_is_marked():
    """In the sentence that lost it."""
    first, second = turned(
        "Tome amoxicilina 500 mg dos veces al día durante 7 días. Usted tiene fiebre.",
        "Take amoxicillin 500 mg twice daily for 7 days. You have fever.",
    ).parts
    assert not first.unsupported
    assert {one.kind for one in second.unsupported} == {FindingKind.NEGATION}


def test_a_missing_sentence_is_marked():
    """Where the sentences do not pair, the chunk is one part, and the lost figures are named."""
    (part,) = turned("Usted no tiene fiebre.", "You have no fever.").parts
    assert part.unsupported
    assert any("500" in note for note in part.notes)


def test_other_digits_are_the_same_figures():
    """Arabic and Devanagari digits, and a decimal comma, are read."""
    text = "Temperature 38.5 at 9."
    assert not turned("तापमान ३८.५, ९ बजे.", text, text).parts[0].unsupported
    assert not turned("\u0663\u0668\u066b\u0665 \u2014 \u0669.", text, text).parts[0].unsupported
    assert turned("तापमान ३७.५, ९ बजे.", text, text).parts[0].unsupported


def test_without_a_model_there_is_none():
    """It says so, and offers no phrase in a translation's place."""
    sketch = TRANSLATE.sketch(source_of(), ())
    assert sketch == Sketch(fields={}, parts=(), warnings=(NO_TRANSLATION,))


def test_a_way_back_that_was_cut_is_said():
    """The translation stays, with the note that nothing compared it."""
    sketch = TRANSLATE.sketch(
        source_of(), (reply({"translation": THERE}), reply('{"translation": "Take amox', "back", cut=True))
    )
    assert sketch.cut
    assert NOT_TURNED_BACK in sketch.parts[0].notes


def test_a_way_there_that_was_cut_is_nothing():
    """No half sentence is a translation; and nothing more is asked."""
    cut = (reply('{"translation": "Tome amox', cut=True),)
    assert TRANSLATE.ask(source_of(), engine(), cut) is None
    sketch = TRANSLATE.sketch(source_of(), cut)
    assert sketch.cut
    assert sketch.parts == ()
    assert TRANSLATE.sketch(source_of(), (reply({"translation": " "}),)).cut


@pytest.mark.parametrize("style", STYLES)
def test_the_questions(style):
    """Each chunk into the language, then what came of it back into the source's."""
    facts = engine(style)
    first = TRANSLATE.ask(source_of(), facts, ())
    assert first is not None
    assert first.purpose == "main"
    assert TEXT in first.prompt
    assert ("translate es\n" if style == "demonstration" else "Spanish") in first.prompt
    replies = (reply({"translation": THERE}),)
    second = TRANSLATE.ask(source_of(), facts, replies)
    assert second is not None
    assert second.purpose == "back"
    assert THERE in second.prompt
    assert TEXT not in second.prompt
    assert ("translate en\n" if style == "demonstration" else "English") in second.prompt
    assert TRANSLATE.ask(source_of(), facts, (*replies, reply({"translation": TEXT}, "back"))) is None


def test_a_long_text_goes_chunk_by_chunk():
    """Every sentence is asked for once; a draft has no more parts than a person can go through."""
    text = "Take 5 ml now. " * 500
    source = source_of(text[:SOURCE_CHARS_MAX])
    TRANSLATE.check(source)
    replies: tuple[Reply, ...] = ()
    asked = []
    while (ask := TRANSLATE.ask(source, engine("demonstration"), replies)) is not None:
        asked.append(ask)
        replies += (reply({"translation": ask.prompt.partition("\n")[2]}, ask.purpose),)
    there = [ask.prompt.partition("\n")[2] for ask in asked if ask.purpose.startswith("main")]
    assert " ".join(there) == source.text.strip()
    assert len({ask.purpose for ask in asked}) == len(asked)
    sketch = TRANSLATE.sketch(source, replies)
    assert 1 < len(sketch.parts) <= PARTS_MAX
    assert not any(part.unsupported for part in sketch.parts)


@given(st.text(max_size=1_000) | st.text("ab .\n", min_size=CHUNK_CHARS_MAX, max_size=1_500))
def test_chunks_cover_every_sentence(text):
    """In order, without overlap, none longer than its limit; what is between them holds no word."""
    found = chunks(text)
    end = 0
    for start, after in found:
        assert end <= start < after <= start + CHUNK_CHARS_MAX
        assert not any(sign.isalnum() for sign in text[end:start])
        end = after
    assert not any(sign.isalnum() for sign in text[end:])


@pytest.mark.parametrize("sentence", ["word " * 300, "w" * 1_300, "w" * 390 + " " + "w" * 390])
def test_a_sentence_without_an_end_is_parted(sentence):
    """At a space where there is one in the second half, otherwise where the chunk is full."""
    found = chunks(sentence)
    assert len(found) > 1
    assert "".join(sentence[slice(*span)] for span in found).strip() == sentence.strip()
    assert all(sentence[start - 1] == " " for start, _ in found[1:] if " " in sentence)


@pytest.mark.parametrize(
    "options",
    [{"language": "xx"}, {"language": "en"}, {"from": "es"}, {"from": "klingon"}, {"tone": "kind"}],
)
def test_what_is_refused(options):
    """A language that is not listed, the same one twice, an option that there is not."""
    with pytest.raises(InputError):
        TRANSLATE.check(source_of(**options))


def test_a_language_must_be_named():
    """There is no default for what a patient speaks; the list is in the refusal."""
    with pytest.raises(InputError) as error:
        TRANSLATE.check(Source(text=TEXT))
    assert "uk" in error.value.do
    with pytest.raises(InputError):
        TRANSLATE.check(source_of("a" * (SOURCE_CHARS_MAX + 1)))


def test_from_another_language():
    """It can be done; what is not compared then is said."""
    source = source_of(THERE, language="en", **{"from": "es"})
    TRANSLATE.check(source)
    asked = TRANSLATE.ask(source, engine(), ())
    assert asked is not None
    assert "English" in asked.prompt
    assert NOT_ALL_CHECKED in TRANSLATE.sketch(source, (reply({"translation": TEXT}),)).warnings
    assert {"es", "fr", "pt", "ar", "hi", "zh", "uk"} <= set(LANGUAGES)
