"""A disputed text is shown whole, never mixed; whoever edits it says what it reads."""

from __future__ import annotations

import random

import pytest

from edge_runtime.text.draft import client_id
from edge_runtime.text.errors import DraftUnavailableError, ReplicaFailedError, UpdateRefusedError
from edge_runtime.text.replica import IdleReplica, InProcessReplica
from edge_runtime.text.section import SectionText
from edge_runtime.text.start import REPLACES_MAX, Start, opening, read_start, started_doc_id
from edge_runtime.text.view import Outside
from sync_protocol.encoding import Value
from sync_protocol.ids import EntryHash
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.text.encoder import edit, typed
from tests.unit.edge_runtime.text.histories import DOC, entry_hash, session
from tests.unit.edge_runtime.text.sections import QUARANTINED, VOID, Story, Typed, section

ADOPTED = Verdict(Standing.ACCEPTED, Reason.ADOPTED)
FLAGGED = Verdict(Standing.FLAGGED, Reason.CONCURRENT)


def told() -> Story:
    """Nothing yet; five sessions."""
    return Story(random.Random(0), authors=5)


def says(story: Story, actor: int, text: str, *sees: Typed | None) -> Typed:
    """What one author makes the section read, in sight of some entries and all that these follow."""
    for one in sees:
        assert one is not None
        story.seen[actor] |= one.past | {one.name}
    seen = [one for one in story.typed if one.name in story.seen[actor]]
    made = story.put(actor, section(seen, story.verdicts), text)
    assert made is not None
    return made


def read(story: Story) -> SectionText:
    """The section as somebody reads it who has everything."""
    return section(story.typed, story.verdicts)


def test_a_quarantined_number_under_an_honest_correction_is_not_spliced() -> None:
    """Both are shown whole: the text before, and what the honest author had before them."""
    story = told()
    first = says(story, 0, "dose to follow")
    wrong = says(story, 1, "dose 5000", first)
    right = says(story, 2, "dose 250 mg", wrong)
    story.verdicts[wrong.name] = QUARANTINED
    text = read(story)
    assert text.text == "dose to follow"
    (view,) = text.views
    assert (view.text, view.head, view.session) == ("dose 250 mg", right.name, session(2))
    assert view.sessions == (session(0), session(1), session(2))
    assert view.reasons == (Outside.FOLLOWS, Reason.REVOKED)
    assert text.disputed
    assert {doc: [one.text.entry for one in heads] for doc, heads in text.reviews.items()} == {
        DOC: [first.name, right.name]
    }


@pytest.mark.parametrize("verdict", [ADOPTED, FLAGGED])
def test_adopted_and_flagged_text_is_in_the_base(verdict: Verdict) -> None:
    """Both count; what followed the adopted entry comes with it."""
    story = told()
    wrong = says(story, 1, "dose 5000")
    right = says(story, 2, "dose 250 mg", wrong)
    story.verdicts[wrong.name] = verdict
    text = read(story)
    assert (text.text, text.disputed, text.heads) == ("dose 250 mg", False, (right.name,))
    assert text.reviews == {}


def test_a_number_that_two_authors_made_together_disputes_the_section() -> None:
    """A line with a digit that no newest author had before them is nobody's; one without digits merges."""
    story = told()
    first = says(story, 0, "dose \nrest")
    says(story, 1, "dose 250\nrest", first)
    says(story, 2, "dose 875 mg\nrest", first)
    text = read(story)
    assert text.torn == (text.text.split("\n")[0],)
    assert (text.disputed, text.views) == (True, ())
    assert [len(heads) for heads in text.reviews.values()] == [2]
    decided = says(story, 0, "dose 250 mg\nrest", *story.typed)
    assert decided.start is not None
    assert set(decided.start.replaces) == set(text.heads)
    assert (read(story).text, read(story).disputed) == ("dose 250 mg\nrest", False)


def test_lines_of_different_authors_stand_beside_each_other() -> None:
    """Numbers in different lines merge, and words in one line do."""
    story = told()
    first = says(story, 0, "rest\n")
    says(story, 1, "250 mg\nrest\n", first)
    says(story, 2, "rest\n3 days", first)
    assert (read(story).text, read(story).disputed) == ("250 mg\nrest\n3 days", False)
    words = told()
    first = says(words, 0, "Rest.")
    says(words, 1, "Please rest.", first)
    says(words, 2, "Rest. Drink.", first)
    assert not read(words).disputed


def test_who_was_refused_vouches_for_no_number() -> None:
    """An entry whose update nobody can have typed stands after a merge that nobody saw either."""
    story = told()
    first = says(story, 0, "dose \n")
    says(story, 1, "dose 250\n", first)
    says(story, 2, "dose 875 mg\n", first)
    story.seen[3] = set(story.known)
    story.forge(3)
    text = read(story)
    assert len(text.heads) == 1
    assert text.torn
    assert text.refused == {story.typed[-1].name}
    assert session(3) not in text.sessions


def test_an_edit_of_a_disputed_text_starts_a_new_one_in_place_of_all_that_was_shown() -> None:
    """The new text is the author's own, to the last letter, and others write on in it."""
    story = told()
    first = says(story, 0, "dose 1")
    wrong = says(story, 1, "dose 5000", first)
    story.verdicts[wrong.name] = QUARANTINED
    start = says(story, 2, "dose 250 mg", wrong)
    assert start.start == Start(section="plan", text="dose 250 mg", replaces=tuple(sorted((first.name, wrong.name))))
    says(story, 3, "dose 250 mg\nrest", start)
    text = read(story)
    assert (text.text, text.disputed) == ("dose 250 mg\nrest", False)
    assert text.start == text.starts[0]
    assert text.sessions == (session(2), session(3))
    assert text.doc == started_doc_id(DOC, start.name, 0)
    story.verdicts = {start.name: QUARANTINED}
    (view,) = read(story).views
    assert (read(story).text, view.text, view.reasons) == (
        "dose 5000",
        "dose 250 mg\nrest",
        (Outside.FOLLOWS, Reason.REVOKED),
    )


def test_to_agree_with_a_disputed_text_is_an_edit() -> None:
    """Who makes a disputed section read what its base reads has decided; elsewhere that changes nothing."""
    story = told()
    first = says(story, 0, "dose 1")
    story.verdicts[says(story, 1, "dose 5000", first).name] = QUARANTINED
    assert says(story, 0, "dose 1", *story.typed).start is not None
    assert (read(story).text, read(story).disputed) == ("dose 1", False)
    story.seen[0] = set(story.known)
    assert story.put(0, read(story), "dose 1") is None


def test_a_new_text_may_be_empty() -> None:
    """A section can be cleared of what is disputed, and written anew from nothing."""
    story = told()
    story.verdicts[says(story, 1, "dose 5000").name] = QUARANTINED
    start = says(story, 0, "", *story.typed)
    assert start.text.update == b""
    assert (read(story).text, read(story).disputed, read(story).heads) == ("", False, (start.name,))
    says(story, 2, "rest", start)
    assert read(story).text == "rest"


def test_starts_made_beside_each_other_are_a_review() -> None:
    """Neither author saw the other's text: one is read, the other is a view, until somebody decides."""
    story = told()
    wrong = says(story, 1, "dose 5000")
    story.verdicts[wrong.name] = QUARANTINED
    left, right = says(story, 2, "dose 250 mg", wrong), says(story, 3, "dose 875 mg", wrong)
    text = read(story)
    (view,) = text.views
    assert {text.text, view.text} == {"dose 250 mg", "dose 875 mg"}
    assert text.start is not None
    assert text.start.entry == min(left.name, right.name), "of one Lamport time, so the lower name"
    assert view.reasons == (Outside.BESIDE,)
    decided = says(story, 0, "dose 500 mg", *story.typed)
    assert decided.start is not None
    assert set(decided.start.replaces) == {left.name, right.name}
    assert (read(story).text, read(story).disputed) == ("dose 500 mg", False)


def test_what_is_written_into_a_replaced_text_is_a_view() -> None:
    """Whoever had not seen the start wrote into the old text: kept apart, whole."""
    story = told()
    first = says(story, 0, "dose 1")
    wrong = says(story, 1, "dose 5000", first)
    story.verdicts[wrong.name] = QUARANTINED
    start = says(story, 2, "dose 250 mg", wrong)
    late = says(story, 3, "dose 1 daily", first)
    text = read(story)
    (view,) = text.views
    assert (text.text, view.text, view.head, view.reasons) == (
        "dose 250 mg",
        "dose 1 daily",
        late.name,
        (Outside.REPLACED,),
    )
    assert list(text.reviews) == [DOC]
    decided = says(story, 0, "dose 250 mg daily", *story.typed)
    assert decided.start is not None
    assert set(decided.start.replaces) == {start.name, late.name}


def test_void_text_disputes_nothing_and_nobody_writes_on_in_sight_of_it() -> None:
    """It has no view; an edit that follows it starts a new text, so that no later verdict can tear that one."""
    story = told()
    first = says(story, 0, "dose 1")
    void = says(story, 1, "dose 5000", first)
    story.verdicts[void.name] = VOID
    assert (read(story).text, read(story).disputed) == ("dose 1", False)
    after = says(story, 2, "dose 250 mg", *story.typed)
    assert after.start is not None
    assert after.start.replaces == (first.name,)
    assert (read(story).text, read(story).disputed) == ("dose 250 mg", False)
    story.verdicts.clear()
    (view,) = read(story).views
    assert (read(story).text, view.text) == ("dose 250 mg", "dose 5000")


def test_what_was_typed_in_sight_of_text_that_became_void_is_shown_as_its_author_saw_it() -> None:
    """Verdicts change; what an author had before them does not."""
    story = told()
    void = says(story, 1, "dose 5000")
    after = says(story, 2, "dose 250 mg", void)
    story.verdicts[void.name] = VOID
    (view,) = read(story).views
    assert (read(story).text, view.text, view.head) == ("", "dose 250 mg", after.name)
    assert view.reasons == (Outside.FOLLOWS, Reason.ROLE)


def test_where_all_is_void_a_new_text_is_read_at_once() -> None:
    """A text of which nothing counts stands beside nothing."""
    story = told()
    story.verdicts[says(story, 1, "dose 5000").name] = VOID
    start = says(story, 0, "rest", *story.typed)
    assert start.start is not None
    assert (read(story).text, read(story).disputed) == ("rest", False)


def test_each_branch_of_a_fork_is_shown_as_its_author_saw_it() -> None:
    """Neither wins; what follows a branch is shown with it, what both came from stays, and an edit decides."""
    story = told()
    first = says(story, 0, "dose 1")
    left = says(story, 1, "dose 1 daily", first)
    story.seen[1] = {first.name}
    right = says(story, 1, "dose 1 twice")
    says(story, 2, "Please: dose 1 daily", left)
    text = read(story)
    assert text.text == "dose 1"
    assert [view.text for view in text.views] == ["Please: dose 1 daily", "dose 1 twice"]
    assert [view.reasons for view in text.views] == [(Outside.FOLLOWS, Reason.FORKED), (Reason.FORKED,)]
    story.verdicts[left.name] = QUARANTINED
    assert read(story).text == "dose 1 twice", "one branch alone is no fork of the base"
    story.verdicts.clear()
    story.seen[3] = {left.name, right.name, first.name}
    story.forge(3)
    assert read(story).unreadable == {story.typed[-1].name}
    assert len(read(story).views) == 2
    says(story, 4, "dose 2", *story.typed)
    assert (read(story).text, read(story).disputed) == ("dose 2", False)


def test_a_reader_who_lacks_a_key_is_given_a_new_text() -> None:
    """`fresh` starts a new Doc with what the author typed; of an empty section there is nothing to start anew."""
    story = told()
    first = says(story, 0, "rest")
    text = read(story)
    made = text.edit(session(1), "rest well", follows=frozenset(text.heads), fresh=True)
    assert made == Start(section="plan", text="rest well", replaces=(first.name,))
    assert text.edit(session(1), "rest", follows=frozenset(text.heads), fresh=True) is None
    empty = SectionText("plan", DOC)
    assert isinstance(empty.edit(session(1), "rest", follows=frozenset(), fresh=True), bytes)
    assert (empty.text, empty.heads, empty.disputed, empty.epochs) == ("", (), False, frozenset())


def test_a_text_that_is_incomplete_here_is_not_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody replaces what they were not shown."""
    story = told()
    says(story, 0, "rest")
    with monkeypatch.context() as patched:
        patched.setattr(InProcessReplica, "text", lambda _: "lost")
        text = read(story)
        with pytest.raises(DraftUnavailableError, match="retry"):
            text.edit(session(1), "rest well", follows=frozenset(text.heads))
        assert not text.complete


def test_half_a_character_starts_nothing() -> None:
    """What no entry may hold is refused before anything is signed."""
    story = told()
    story.verdicts[says(story, 1, "dose 5000").name] = QUARANTINED
    with pytest.raises(UpdateRefusedError):
        read(story).edit(session(0), "half \ud800", follows=frozenset())


# ----------------------------------------------------------------------------------------------------------- starts


def test_a_start_reads_back() -> None:
    """What the payload says, in ascending order, each entry once."""
    names = [entry_hash(number) for number in range(3)]
    start = Start(section="plan", text="é\n😀", replaces=tuple(sorted(names)))
    assert read_start(start.payload()) == start
    assert read_start(start.payload() | {"replaces": [str(name) for name in names + names]}) == start
    assert read_start(start.payload() | {"newer": 1}) == start


@pytest.mark.parametrize(
    "change",
    [
        {"section": 1},
        {"text": b"rest"},
        {"replaces": "all"},
        {"replaces": ["ff"]},
        {"replaces": [1]},
        {"replaces": ["00" * 32] * (REPLACES_MAX + 1)},
    ],
)
def test_another_payload_starts_nothing(change: dict[str, Value]) -> None:
    """It is kept as a fact that this version does not understand."""
    good = Start(section="plan", text="", replaces=()).payload()
    assert read_start(good) is not None
    assert read_start(good | change) is None


@pytest.mark.parametrize("text", ["a", "é😀\n", "x" * 70_000])
def test_the_opening_is_the_update_of_one_item(text: str) -> None:
    """Every device makes the same bytes of a start's text: one String item at clock 0, nothing deleted."""
    client = client_id(session(0), DOC)
    assert opening(client, text) == edit(client, 0, typed(text))
    assert opening(client, "") == b""


def test_docs_of_starts_have_names_of_their_own() -> None:
    """By the first Doc, the entry and the place in it."""
    entries = [EntryHash(bytes([number]) * 32) for number in range(2)]
    names = {started_doc_id(doc, entry, index) for doc in (DOC, b"e" * 16) for entry in entries for index in (0, 255)}
    assert len(names) == 8
    assert {len(name) for name in names} == {16}


def test_the_idle_replica_takes_updates_and_makes_none() -> None:
    """It stands where our own order is read, and never where an author edits."""
    replica = IdleReplica()
    replica.apply(b"anything")
    assert replica.text() == ""
    with pytest.raises(ReplicaFailedError):
        replica.edit(1, ())
