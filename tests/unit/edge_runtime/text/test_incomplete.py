"""A failing engine is a local state: no refusal changes, and it ends when the engine works again."""

from __future__ import annotations

import pytest

from edge_runtime.text.draft import Effect, TextDraft, Uptake
from edge_runtime.text.errors import DraftUnavailableError, Reason
from edge_runtime.text.replica import InProcessReplica
from tests.unit.edge_runtime.text.drafts import AB, ABC, APPLIED, MARKED, UNREADABLE, YOU, refused, write
from tests.unit.edge_runtime.text.histories import DOC
from tests.unit.edge_runtime.text.test_replica import PANIC


class Fragile(InProcessReplica):
    """Panics for real, at the given applications over all replicas of a test."""

    panics: tuple[int, ...] = ()
    applied = 0

    def apply(self, update: bytes) -> None:
        """Apply, or poison the Doc first."""
        Fragile.applied += 1
        super().apply(PANIC if Fragile.applied in self.panics else update)


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Counts from zero."""
    monkeypatch.setattr(Fragile, "applied", 0)
    return monkeypatch


def test_a_panic_costs_a_rebuild(fragile: pytest.MonkeyPatch) -> None:
    """A poisoned Doc is thrown away and rebuilt from the admitted entries."""
    fragile.setattr(Fragile, "panics", (2,))
    draft = TextDraft(DOC, make_replica=Fragile)
    assert [draft.apply(each) for each in (AB, ABC)] == [APPLIED, APPLIED]
    assert (draft.complete, draft.text()) == (True, "abc")


def test_an_engine_that_keeps_failing_is_incomplete_and_no_refusal(fragile: pytest.MonkeyPatch) -> None:
    """The section shows what it can and says so; the entries are judged all the same, and retry ends it."""
    fragile.setattr(Fragile, "panics", (2, 4))
    draft = TextDraft(DOC, make_replica=Fragile)
    incomplete = Uptake(Effect.INCOMPLETE)
    assert [draft.apply(each) for each in (AB, ABC)] == [APPLIED, incomplete]
    assert (draft.complete, draft.text()) == (False, "ab")
    assert draft.apply(MARKED) == draft.uptake(AB.entry) == incomplete
    assert draft.apply(UNREADABLE) == refused(Reason.MALFORMED)
    with pytest.raises(DraftUnavailableError, match="retry"):
        draft.edit(YOU, "other")
    assert draft.retry()
    assert draft.apply(MARKED) == APPLIED
    assert (draft.complete, draft.text()) == (True, "abc!")


def test_an_engine_that_fails_while_editing_leaves_the_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed edit is an error; text and heads stay, and the next edit may succeed."""
    draft = TextDraft(DOC)
    draft.apply(AB)
    with monkeypatch.context() as patched:
        patched.setattr("edge_runtime.text.replica.spliced", lambda *_: "something else")
        with pytest.raises(DraftUnavailableError, match="try again"):
            draft.edit(YOU, "abc")
    assert (draft.text(), draft.heads, draft.complete) == ("ab", (AB.entry,), True)
    write(draft, YOU, "abc")


def test_text_that_differs_from_the_model_is_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two implementations must agree on the text; where they do not, nobody edits on."""
    draft = TextDraft(DOC)
    draft.apply(AB)
    with monkeypatch.context() as patched:
        patched.setattr(InProcessReplica, "text", lambda _: "lost")
        assert draft.text() == "lost"
        assert not draft.complete
    assert draft.retry()
    assert draft.text() == "ab"
