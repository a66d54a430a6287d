"""A field as parts: nothing of it is lost, and every position is right in its part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.checking.findings import Citation, FindingKind, Unsupported
from edge_runtime.ai.skills.parting import FIELD_PARTS_MAX, moved, parted, silent, statements
from edge_runtime.ai.skills.skill import DraftPart, PartKind
from edge_runtime.ai.skills.wording import UNCITED

SOURCE = "Cough for 5 days. No fever. Pulse 88. He takes ramipril 5 mg once daily."


def test_each_sentence_is_a_part():
    """Named by field and number, in its section, citing the sentence that it rests on."""
    parts = parted(SOURCE, "subjective", "Cough for 5 days.  No fever.", section="subjective")
    assert [(part.name, part.text, part.section) for part in parts] == [
        ("subjective.1", "Cough for 5 days.", "subjective"),
        ("subjective.2", "No fever.", "subjective"),
    ]
    for part in parts:
        assert not part.unsupported
        assert not part.notes
        places = [SOURCE[one.source_start : one.source_end] for one in part.citations]
        assert any(part.text.rstrip(".") in place for place in places)


def test_what_the_source_does_not_say_is_marked_where_it_stands():
    """In the part's own positions, and nowhere else."""
    parts = parted(SOURCE, "plan", "Pulse 88. Start ibuprofen 400 mg.", kind=PartKind.ADVICE)
    assert not parts[0].unsupported
    found = parts[1].unsupported
    assert found
    assert {one.kind for one in found} <= {FindingKind.DRUG, FindingKind.DOSE, FindingKind.NUMBER}
    for one in found:
        assert parts[1].text[one.start : one.end] == one.text
    assert "ibuprofen" in " ".join(one.text for one in found)
    assert parts[1].kind is PartKind.ADVICE


def test_a_statement_that_nothing_bears_out_says_so():
    """A diagnosis out of nowhere holds no number and no drug: that nothing was found for it is still said."""
    (part,) = parted(SOURCE, "assessment", "Sprained ankle.")
    assert part.notes == (UNCITED,)
    assert not part.citations


@pytest.mark.parametrize(
    "text", ["", " \n", "Not documented.", "not documented", "NOT DOCUMENTED. ", "No usable answer."]
)
def test_silence_is_no_part(text):
    """A field that says that there is nothing to say is nothing to accept."""
    assert silent(text)
    assert parted(SOURCE, "plan", text) == ()


@given(st.text(), st.integers(1, 5))
def test_nothing_is_lost_and_there_is_a_limit(text, most):
    """The statements are in order and without overlap; the last of too many holds all the rest."""
    spans = statements(text, most)
    assert len(spans) <= most
    assert all(start < end for start, end in spans)
    whole = statements(text, len(text) + 1)
    if whole:
        assert spans[0][0] == whole[0][0]
        assert spans[-1][1] == whole[-1][1]


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_becomes_parts(source, text):
    """Every part is a slice of the field, and what is found in it lies in it."""
    for part in parted(source, "plan", text):
        assert part.text in text
        for cited in part.citations:
            assert 0 <= cited.start < cited.end <= len(part.text)
            assert 0 <= cited.source_start < cited.source_end <= len(source)
        for one in part.unsupported:
            assert part.text[one.start : one.end] == one.text != ""


def test_a_finding_over_two_sentences_is_in_both():
    """What touches a part is shown in it, cut at its ends; what only touches its edge is not."""
    part = DraftPart(name="a.1", kind=PartKind.TEXT, text="bcd")
    crossing = Unsupported(FindingKind.NEGATION, "cdef", 3, 7)
    found = moved(part, 1, [Citation(0, 9, 5, 8)], [crossing, Unsupported(FindingKind.DRUG, "a", 0, 1)])
    assert found.unsupported == (Unsupported(FindingKind.NEGATION, "d", 2, 3),)
    assert found.citations == (Citation(0, 3, 5, 8),)
    assert not found.notes


def test_a_field_has_so_many_parts():
    """No draft has more parts than a person can go through."""
    parts = parted(SOURCE, "plan", "Pulse 88. " * 40)
    assert len(parts) == FIELD_PARTS_MAX
    assert parts[-1].text.count("Pulse 88.") == 40 - FIELD_PARTS_MAX + 1


def test_a_part_that_is_logged_says_nothing_of_a_patient():
    """Its notes quote what did not come through a translation: they are as hidden as its text."""
    part = DraftPart(name="plan.1", kind=PartKind.TEXT, text="warfarin", notes=("not found: warfarin (drug)",))
    assert "warfarin" not in repr(part)
