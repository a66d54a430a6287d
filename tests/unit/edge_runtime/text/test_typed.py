"""Who typed each character: known for all of them, in characters, whoever else typed beside, around or in between."""

from __future__ import annotations

import random
from itertools import zip_longest
from pathlib import Path

from hypothesis import given, settings

from edge_runtime.text import typed as module
from edge_runtime.text.draft import TextDraft
from edge_runtime.text.history import TextEntry
from edge_runtime.text.lineage import Written
from edge_runtime.text.section import Added
from edge_runtime.text.splices import splices
from edge_runtime.text.typed import Typed, authorship
from sync_protocol.ids import SessionId
from sync_protocol.verdicts import ACCEPTED
from tests.unit.edge_runtime.text.histories import DOC, Author, entry_hash, heads, seeds, session
from tests.unit.edge_runtime.text.sections import Story, section

WORDS = ["250 mg", "rest", "\n", "😀", "👩‍👩‍👧", "e\u0301", "नि ", "🇩🇪", "لا ", "x😀y\U0001d4b3z", ""]


def spread(typed: tuple[Typed, ...], text: str) -> list[SessionId]:
    """The author of each character; the ranges have to cover the text, in order, each as long as it can be."""
    found: list[SessionId] = []
    for one, following in zip_longest(typed, typed[1:]):
        assert one.start == len(found) < one.end
        assert following is None or following.session != one.session
        found += [one.session] * (one.end - one.start)
    assert len(found) == len(text)
    return found


def alphabet(number: int) -> list[str]:
    """What only one author types: a letter, a letter with a mark, characters beyond the first plane, a joined pair."""
    letter, face = chr(ord("a") + number), chr(0x1F600 + number)
    return [letter * 3, letter + chr(0x300 + number), face, f"{letter}{face}{letter}", chr(0x10400 + number) * 2]


@given(seeds)
@settings(max_examples=200)
def test_every_character_is_its_typists(seed: int) -> None:
    """Authors who type at once and anywhere, each with characters of their own: these tell who typed what."""
    rng = random.Random(seed)
    authors = [Author(number) for number in range(4)]
    of = {character: one.session for one in authors for piece in alphabet(one.number) for character in piece}
    entries: list[TextEntry] = []
    for _ in range(14):
        author = rng.choice(authors)
        if rng.random() < 0.5:
            for index in sorted(rng.choice(authors).seen - author.seen):
                author.doc.apply_update(entries[index].update)
                author.seen.add(index)
        update = author.write(rng, 3, alphabet(author.number))
        if update is not None:
            name, parents = entry_hash(len(entries)), heads(entries, author.seen)
            author.seen.add(len(entries))
            entries.append(TextEntry(entry=name, session=author.session, parents=parents, update=update))
    draft = TextDraft(DOC)
    for entry in entries:
        draft.apply(entry)
    text = draft.text()
    assert spread(authorship(draft, draft.history.everything), text) == [of[character] for character in text]
    for index, entry in enumerate(entries):
        past = draft.history.past(index) | 1 << index
        read = draft.text_of(past)
        assert spread(authorship(draft, past), read) == [of[character] for character in read]
        assert entry.session in {one.session for one in authors}


@given(seeds)
@settings(max_examples=200)
def test_a_section_that_authors_edit_in_turn(seed: int) -> None:
    """Each replaces whole words of the others: who keeps books of every replaced piece comes to the same."""
    rng = random.Random(seed)
    story, book, text = Story(rng, authors=3, judged=0.0), list[SessionId](), ""
    for _ in range(10):
        actor = rng.randrange(3)
        story.seen[actor] = set(story.known)
        at, cut = rng.randint(0, len(text)), rng.choice((0, 1, 3, 8))
        new = text[:at] + rng.choice(WORDS) + text[at + cut :]
        made = story.put(actor, section(story.typed, {}), new)
        if made is None:
            continue
        if made.start is None:
            for splice in reversed(splices(text, new)):
                book[splice.start : splice.end] = [session(actor)] * len(splice.text)
        else:
            book = [session(actor)] * len(new)
        text = new
        shown = section(story.typed, {})
        assert shown.text == text
        assert spread(shown.authorship(), text) == book


def test_who_holds_a_section_that_grew_is_told_of_what_it_shows() -> None:
    """The authors of the text as it read then, though the replay went on."""
    story = Story(random.Random(0), authors=2, judged=0.0)
    first = story.put(0, section([], {}), "rest 😀")
    assert first is not None
    held = section(story.typed, {})
    story.seen[1] = set(story.known)
    assert story.put(1, held, "please rest 😀") is not None
    last = story.typed[-1]
    written = Written(text=last.text, lamport=last.lamport, wall_ms=0, epoch=None, verdict=ACCEPTED)
    grown = held.grown([Added(DOC, written)])
    assert grown is not None
    assert (held.text, held.authorship()) == ("rest 😀", (Typed(0, 6, session(0)),))
    assert grown.authorship() == (Typed(0, 7, session(1)), Typed(7, 13, session(0)))


def test_nobody_typed_an_empty_text() -> None:
    """No ranges."""
    assert section([], {}).authorship() == ()


def test_positions_are_converted_at_one_place() -> None:
    """People count code points; only the engine's port makes offsets of UTF-8 of them, and only clocks count UTF-16."""
    folder = Path(module.__file__).parent
    offsets = {file.name for file in folder.glob("*.py") if "len(old[" in file.read_text(encoding="utf-8")}
    clocks = {file.name for file in folder.glob("*.py") if "utf-16" in file.read_text(encoding="utf-8")}
    engine = {file.name for file in folder.glob("*.py") if "from pycrdt import" in file.read_text(encoding="utf-8")}
    assert (offsets, clocks, engine) == ({"replica.py"}, {"order.py", "screen.py"}, {"replica.py"})
