"""Whatever is quarantined, and in whatever order it comes: nothing is lost, nothing is spliced, nothing is made up."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings

from edge_runtime.text import section as module
from edge_runtime.text.history import TextEntry
from edge_runtime.text.section import SectionText
from sync_protocol.ids import EntryHash
from sync_protocol.verdicts import ACCEPTED, Standing
from tests.unit.edge_runtime.text.histories import seeds
from tests.unit.edge_runtime.text.sections import QUARANTINED, VOID, Story, Typed, past_in_doc, replay, section

pytestmark = pytest.mark.campaign

STEPS = 16


def shown(text: SectionText) -> object:
    """Everything that a reader can tell of a section."""
    return (
        text.text,
        text.complete,
        frozenset(text.heads),
        text.sessions,
        text.views,
        text.more,
        text.torn,
        text.contested,
        text.disputed,
        text.doc,
        text.starts,
        {doc: {one.text.entry for one in heads} for doc, heads in text.reviews.items()},
        text.refused,
        text.unreadable,
    )


def check(story: Story) -> None:
    """The rules, on one history."""
    text = section(story.typed, story.verdicts)
    _same_in_any_order(story, text)
    _same_after_a_change_of_mind(story, text)
    counts = _base(story, text)
    _nothing_is_lost(story, text, counts)
    _views_are_what_their_authors_read(story, text)
    _no_number_is_made_up(story, text)


def _same_in_any_order(story: Story, text: SectionText) -> None:
    for _ in range(2):
        assert shown(section(story.causal(), story.verdicts)) == shown(text)


def _same_after_a_change_of_mind(story: Story, text: SectionText) -> None:
    """The verdicts are a function's argument: another one, and the first again, read as the first did."""
    name = story.rng.choice(story.typed).name
    section(story.typed, story.verdicts | {name: story.rng.choice((ACCEPTED, QUARANTINED, VOID))}).text  # noqa: B018
    assert shown(section(story.typed, dict(story.verdicts))) == shown(text)


def _base(story: Story, text: SectionText) -> set[EntryHash]:
    """The base is the replay of what counts with all its past in the Doc, forks apart; it is returned."""
    own = {one.name: one for one in story.typed if one.doc == text.doc}
    counts = {name for name, one in own.items() if _counts(story, name) and _counts_all(story, own, one)}
    apart = {name for name in counts if any(_rivals(own[name], own[other]) for other in counts)}
    counts -= {name for name in counts if name in apart or own[name].past & apart}
    assert text.text == replay(text.doc, (one.text for one in own.values() if one.name in counts))
    return counts


def _counts(story: Story, name: EntryHash) -> bool:
    return story.verdicts.get(name, ACCEPTED).counts


def _counts_all(story: Story, own: dict[EntryHash, Typed], one: Typed) -> bool:
    return all(_counts(story, name) for name in one.past if name in own)


def _rivals(one: Typed, other: Typed) -> bool:
    """Two entries of one session in one Doc of which neither follows the other."""
    related = one.name == other.name or one.name in other.past or other.name in one.past
    return one.text.session == other.text.session and one.doc == other.doc and not related


def _nothing_is_lost(story: Story, text: SectionText, base: set[EntryHash]) -> None:
    """Every honest edit is in the base, in a view, or was before somebody's eyes who replaced it."""
    found = set(base)
    for view in text.views:
        found |= {one.entry for one in past_in_doc(story.known, story.known[view.head])}
    for one in story.typed:
        if one.start is not None and _counts(story, one.name):
            for name in one.start.replaces:
                found |= {entry.entry for entry in past_in_doc(story.known, story.known[name])}
    void = {name for name, verdict in story.verdicts.items() if verdict.standing is Standing.VOID}
    torn = {one.name for one in story.typed if _nobody_read(story, one)}
    assert {one.name for one in story.typed} - found - void - torn == set()
    assert torn - found == torn & text.unreadable - found
    reviews = text.reviews
    assert all(view.head in {one.text.entry for one in reviews[view.doc]} for view in text.views)


def _nobody_read(story: Story, one: Typed) -> bool:
    """Whether two branches of one session meet in an entry's past."""
    past = [story.known[name] for name in one.past if story.known[name].doc == one.doc]
    return any(_rivals(left, right) for left in past for right in past)


def _views_are_what_their_authors_read(story: Story, text: SectionText) -> None:
    """A view is the replay of its own past by the engine, and to the letter what its author had on the screen."""
    for view in text.views:
        head = story.known[view.head]
        past: list[TextEntry] = past_in_doc(story.known, head)
        assert view.text == replay(view.doc, past)
        assert head.read in {None, view.text}
        assert set(view.sessions) == {entry.session for entry in past}
        assert view.session == head.text.session
        assert view.reasons


def _no_number_is_made_up(story: Story, text: SectionText) -> None:
    """A line with a number was on the screen of somebody who wrote, or the section says that it was not."""
    read = {line for one in story.typed for line in (one.read or "").split("\n")}
    strange = [line for line in text.text.split("\n") if re.search(r"[\d½]", line) and line not in read]
    assert set(strange) <= set(text.torn)
    assert text.disputed or not strange


def story(seed: int, *, forks: float = 0.0, forged: float = 0.0) -> Story:
    """A random history; in every other one the verdicts change only once everything was written."""
    rng = random.Random(seed)
    late = rng.random() < 0.5
    made = Story(rng, authors=rng.randint(2, 4), forks=forks, forged=forged, judged=0.0 if late else 0.1)
    while not made.typed:
        made.run(STEPS)
    for _ in range(rng.randrange(3) if late else 0):
        made.judge_somebody()
    return made


@given(seeds)
@settings(max_examples=100)
def test_quarantined_text_neither_splices_nor_is_lost(seed: int) -> None:
    """Random histories without forks."""
    check(story(seed))


@given(seeds)
@settings(max_examples=60)
def test_forked_text_neither_splices_nor_is_lost(seed: int) -> None:
    """Random histories of sessions that are put back to an earlier state and write on, and of some that forge."""
    check(story(seed, forks=0.1, forged=0.1))


@pytest.mark.soak
@given(seeds)
@settings(max_examples=1000)
def test_a_thousand_longer_histories(seed: int) -> None:
    """The same rules on 1,000 histories, with forks and without."""
    often = random.Random(seed).choice((0.0, 0.05, 0.2))
    check(story(seed, forks=often, forged=often))


def test_few_views_are_shown_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest views are shown; a start replaces those alone, and the others come next: nothing is ever dropped."""
    monkeypatch.setattr(module, "VIEWS_MAX", 2)
    made = Story(random.Random(1), authors=6)
    first = made.put(0, section([], {}), "Dose 250 mg")
    assert first is not None
    for actor in range(1, 6):
        made.seen[actor] = {first.name}
        typed = made.put(actor, section([first], {}), f"Dose {actor} mg")
        assert typed is not None
        made.verdicts[typed.name] = QUARANTINED
    texts = []
    for _ in range(3):
        text = section(made.typed, made.verdicts)
        texts.append(([view.text for view in text.views], text.more))
        made.seen[0] = set(made.known)
        assert made.put(0, text, "Dose 250 mg") is not None
    newest = section(made.typed, made.verdicts)
    assert [(len(views), more) for views, more in texts] == [(2, 3), (2, 1), (1, 0)]
    assert sorted(line for views, _ in texts for line in views) == [f"Dose {actor} mg" for actor in range(1, 6)]
    assert (newest.text, newest.disputed) == ("Dose 250 mg", False)
