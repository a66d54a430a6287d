"""A draft judges each entry by its causal past, waits for parents, and leaves forks out."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.text import draft as module
from edge_runtime.text import held
from edge_runtime.text.draft import TextDraft, client_id
from edge_runtime.text.errors import DraftUnavailableError, HeldLimitError, Reason, UpdateRefusedError
from edge_runtime.text.history import TextEntry
from edge_runtime.text.screen import ScreenLimits
from tests.unit.edge_runtime.text.drafts import (
    AB,
    ABC,
    APPLIED,
    FORKED,
    HELD,
    MARKED,
    ME,
    MINE,
    UNREADABLE,
    YOU,
    YOURS,
    entry,
    refused,
)
from tests.unit.edge_runtime.text.encoder import edit, typed, update
from tests.unit.edge_runtime.text.histories import DOC, session


def test_the_client_id_is_53_bits_of_a_labelled_hash() -> None:
    """Normative: a session has one client id a Doc, and nobody chooses it."""
    digest = hashlib.sha256(b"fieldward/1/client\0" + ME + DOC).digest()
    assert int(digest.hex(), 16) >> (256 - 53) == MINE
    assert MINE < 2**53
    assert len({MINE, YOURS, client_id(ME, b"e" * 16)}) == 3


def test_an_entry_waits_for_its_parents() -> None:
    """Nothing is applied before its dependencies; a parent brings those that waited with it."""
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    second = entry("b", YOU, edit(YOURS, 0, typed("x", (MINE, 0), (MINE, 1))), first)
    third = entry("c", ME, edit(MINE, 2, typed("y", (MINE, 1))), first, second)
    draft = TextDraft(DOC)
    assert draft.uptake(third.entry) is None
    assert draft.apply(third) == draft.apply(second) == draft.apply(third) == HELD
    assert draft.text() == ""
    assert not draft.heads
    assert draft.apply(first) == APPLIED
    assert draft.uptake(third.entry) == APPLIED
    assert draft.text() == "axby"
    assert draft.heads == (third.entry,)


def test_applying_again_changes_nothing() -> None:
    """Deliveries repeat."""
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    draft = TextDraft(DOC)
    assert draft.apply(first) == draft.apply(first) == APPLIED
    assert draft.text() == "ab"


def test_too_many_waiting_entries_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full room is an error that names the limit, and no refusal; the entry may come again."""
    monkeypatch.setattr(held, "HELD_ENTRIES_MAX", 1)
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    second = entry("b", ME, edit(MINE, 2, typed("c", (MINE, 1))), first)
    third = entry("c", ME, edit(MINE, 3, typed("d", (MINE, 2))), second)
    draft = TextDraft(DOC)
    draft.apply(third)
    with pytest.raises(HeldLimitError):
        draft.apply(second)
    assert draft.uptake(second.entry) is None
    assert draft.apply(first) == draft.apply(second) == APPLIED
    assert draft.text() == "abcd"


def test_a_refused_entry_contributes_nothing_and_consumes_no_clocks() -> None:
    """What follows a refused entry is judged as if it had changed nothing: for its author and for everybody else."""
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    bad = entry("b", ME, edit(MINE, 3, typed("gap", (MINE, 1))), first)
    mine = entry("c", ME, edit(MINE, 2, typed("c", (MINE, 1))), bad)
    yours = entry("d", YOU, edit(YOURS, 0, typed("!", (MINE, 2))), mine)
    bold = entry("e", ME, edit(MINE, 6, typed("d", (MINE, 2))), mine)
    draft = TextDraft(DOC)
    uptakes = [draft.apply(each) for each in (first, bad, mine, yours, bold)]
    assert uptakes == [APPLIED, refused(Reason.CLOCK), APPLIED, APPLIED, refused(Reason.CLOCK)]
    assert draft.text() == "abc!"
    assert set(draft.heads) == {yours.entry, bold.entry}


def test_what_hangs_on_refused_text_is_refused() -> None:
    """There is nothing where a refused entry would have put it."""
    bad = entry("a", ME, edit(MINE, 0, typed("ab")) + b"\0")
    after = entry("b", YOU, edit(YOURS, 0, typed("x", (MINE, 1))), bad)
    draft = TextDraft(DOC)
    assert draft.apply(after) == HELD
    assert draft.apply(bad) == refused(Reason.MALFORMED)
    assert draft.uptake(after.entry) == refused(Reason.REFERENCE)


def test_limits_are_the_drafts() -> None:
    """The screen's limits come with the draft."""
    draft = TextDraft(DOC, limits=ScreenLimits(update_bytes_max=8))
    assert draft.apply(entry("a", ME, edit(MINE, 0, typed("ab")))) == refused(Reason.BYTES)


def test_a_victims_later_writes_stay() -> None:
    """A delete of clocks to come is refused, so what the victim writes then is read."""
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    attack = entry("b", YOU, update([], {MINE: [(2, 100)]}), first)
    later = entry("c", ME, edit(MINE, 2, typed("c", (MINE, 1))), attack)
    draft = TextDraft(DOC)
    assert [draft.apply(each) for each in (first, attack, later)] == [APPLIED, refused(Reason.REFERENCE), APPLIED]
    assert draft.text() == "abc"


OTHER_BRANCH = entry("x", ME, edit(MINE, 2, typed("XYZ", (MINE, 1))), AB)
BESIDE = entry("side", session(2), edit(client_id(session(2), DOC), 0, typed("?", None, (MINE, 0))), AB)
FORK = (AB, ABC, OTHER_BRANCH, MARKED, UNREADABLE, BESIDE)


@given(st.permutations(FORK))
def test_a_fork_is_left_out_in_any_order_of_arrival(arrival: list[TextEntry]) -> None:
    """Neither branch wins; what follows a branch goes with it, what was before or beside stays."""
    draft = TextDraft(DOC)
    for each in arrival:
        draft.apply(each)
    assert draft.text() == "?ab"
    assert draft.forked
    assert draft.complete
    assert {draft.uptake(each.entry) for each in (ABC, OTHER_BRANCH, MARKED, UNREADABLE)} == {FORKED}
    assert {draft.uptake(each.entry) for each in (AB, BESIDE)} == {APPLIED}
    with pytest.raises(DraftUnavailableError, match="start a new text"):
        draft.edit(YOU, "other")


def test_a_branch_is_judged_in_a_draft_of_its_own_past() -> None:
    """A view of one branch is the replay of its own causal past."""
    view = TextDraft(DOC)
    assert [view.apply(each) for each in (AB, ABC, MARKED, UNREADABLE)] == [
        APPLIED,
        APPLIED,
        APPLIED,
        refused(Reason.MALFORMED),
    ]
    assert view.text() == "abc!"


def test_a_client_id_of_another_session_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sessions with one client id: the one that comes after the other is refused, beside it they fork."""
    monkeypatch.setattr(module, "client_id", lambda *_: MINE)
    first = entry("a", ME, edit(MINE, 0, typed("ab")))
    after = entry("b", YOU, edit(MINE, 2, typed("c", (MINE, 1))), first)
    draft = TextDraft(DOC)
    assert draft.apply(first) == APPLIED
    with pytest.raises(UpdateRefusedError) as taken:
        draft.edit(YOU, "abc")
    assert taken.value.reason is Reason.CLIENT_TAKEN
    assert draft.apply(after) == refused(Reason.CLIENT_TAKEN)
    assert draft.text() == "ab"
    assert draft.apply(entry("c", session(2), edit(MINE, 0, typed("z")))) == FORKED
    assert draft.text() == ""
