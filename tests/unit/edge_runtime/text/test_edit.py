"""Edits are made for signing: admitted by everybody, and nothing changes before they are applied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.text.draft import TextDraft
from edge_runtime.text.errors import Reason, UpdateRefusedError
from edge_runtime.text.screen import ScreenLimits
from tests.unit.edge_runtime.text.drafts import APPLIED, ME, YOU, entry, write
from tests.unit.edge_runtime.text.histories import DOC, PIECES, session

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(st.lists(st.tuples(st.integers(0, 2), texts), max_size=8))
def test_an_edit_makes_the_new_text_and_is_admitted(steps: list[tuple[int, str]]) -> None:
    """Authors screen before they sign: whatever they type is admitted, reads as typed, and changes nothing before."""
    draft = TextDraft(DOC)
    for author, text in steps:
        before = draft.text(), draft.heads
        data = draft.edit(session(author), text)
        assert (draft.text(), draft.heads) == before
        assert (data is None) == (text == before[0])
        if data is not None:
            write(draft, session(author), text)
        assert draft.text() == text


@given(texts, texts, texts)
def test_concurrent_edits_merge_alike(base: str, mine: str, yours: str) -> None:
    """Two people edit one text offline; both devices read the same afterwards."""
    drafts = [TextDraft(DOC), TextDraft(DOC)]
    start = drafts[0].edit(session(2), base + "·")
    assert start is not None
    first = entry("start", session(2), start)
    made = []
    for draft, author, text in zip(drafts, (ME, YOU), (mine, yours), strict=True):
        draft.apply(first)
        data = draft.edit(author, text)
        if data is not None:
            made.append(entry(author, author, data, first))
    for draft, delivery in zip(drafts, (made, made[::-1]), strict=True):
        assert {draft.apply(each) for each in delivery} <= {APPLIED}
    assert drafts[0].text() == drafts[1].text()


def test_edits_in_two_places_of_a_paragraph_both_stand() -> None:
    """A paragraph edited by two people keeps both edits, with numbers whole."""
    old = "Patient denies chest pain. Ibuprofen 500 mg b.i.d. Follow up in 2 weeks."
    mine = old.replace("500", "250").replace("2 weeks", "3 weeks")
    yours = old.replace("denies", "reports").replace("b.i.d.", "t.i.d.")
    drafts = [TextDraft(DOC), TextDraft(DOC)]
    first = write(drafts[0], session(2), old)
    drafts[1].apply(first)
    left, right = write(drafts[0], ME, mine), write(drafts[1], YOU, yours)
    drafts[0].apply(right)
    drafts[1].apply(left)
    merged = "Patient reports chest pain. Ibuprofen 250 mg t.i.d. Follow up in 3 weeks."
    assert drafts[0].text() == drafts[1].text() == merged


def test_half_a_character_cannot_be_typed() -> None:
    """A lone surrogate is no text."""
    with pytest.raises(UpdateRefusedError) as half:
        TextDraft(DOC).edit(ME, "a\ud83d")
    assert half.value.reason is Reason.SURROGATE


def test_an_edit_over_the_limits_is_refused_before_signing() -> None:
    """An author cannot sign what everybody would refuse."""
    draft = TextDraft(DOC, limits=ScreenLimits(inserted_units_max=4))
    with pytest.raises(UpdateRefusedError) as large:
        draft.edit(ME, "12345")
    assert large.value.reason is Reason.COUNT
    assert draft.text() == ""
    write(draft, ME, "1234")
