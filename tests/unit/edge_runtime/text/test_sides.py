"""A person is asked where two authors changed one line and a number, unit or negation in it; and nowhere else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from edge_runtime.text import sides as module
from edge_runtime.text.section import SectionText
from tests.unit.edge_runtime.text.histories import DOC, seeds, session
from tests.unit.edge_runtime.text.sections import Story, Typed, section


def told(authors: int = 5) -> Story:
    """Nothing yet."""
    return Story(random.Random(0), authors=authors, judged=0.0)


def says(story: Story, actor: int, text: str, *sees: Typed) -> Typed:
    """What one author makes the section read, in sight of some entries and all that these follow."""
    for one in sees:
        story.seen[actor] |= one.past | {one.name}
    made = story.put(actor, section([one for one in story.typed if one.name in story.seen[actor]], {}), text)
    assert made is not None
    return made


def merged(before: str, *after: str) -> SectionText:
    """A text that several authors changed without knowledge of each other."""
    story = told(len(after) + 1)
    first = says(story, 0, before)
    for actor, text in enumerate(after, start=1):
        says(story, actor, text, first)
    return section(story.typed, {})


@pytest.mark.parametrize(
    ("before", "left", "right"),
    [
        ("no fever", "fever", "no high fever"),
        ("No fever today", "Fever today", "No fever now"),
        ("dose 250 mg", "dose 500 mg", "dose mg"),
        ("dose 250 mg", "dose 250 g", "daily dose 250 mg"),
        ("allergic to latex", "not allergic to latex", "allergic to rubber"),
        ("no allergies\nrest", "rest", "known allergies\nrest"),
        ("niega dolor", "dolor", "niega dolor leve"),
        ("não tem dor", "tem dor", "não tem dor forte"),
        ("n'a pas de douleur", "a de douleur", "n'a pas de forte douleur"),
        ("لا حمى", "حمى", "لا حمى اليوم"),
        ("बुखार नहीं है", "बुखार है", "तेज बुखार नहीं है"),
        ("😀 take 5 ml", "😀 take 5 mg", "😀😀 take 5 ml"),
    ],
)
def test_a_change_of_what_is_telling_beside_another_change_of_the_line(before: str, left: str, right: str) -> None:
    """Whatever the merge reads, it is disputed, the same in either order, and both readings are kept."""
    for first, second in ((left, right), (right, left)):
        text = merged(before, first, second)
        assert text.disputed
        assert text.contested
        (doc,) = text.reviews
        assert (doc, {one.text.session for one in text.reviews[doc]}) == (DOC, {session(1), session(2)})
        readings = {reading.text for one in text.contested for reading in one.readings}
        assert readings <= set(first.split("\n")) | set(second.split("\n")) | {""}


@pytest.mark.parametrize(
    ("before", "left", "right"),
    [
        ("Rest.", "Please rest.", "Rest. Drink."),
        ("no fever\nrest", "fever\nrest", "no fever\nrest well"),
        ("no fever\nrest", "rest", "no fever\nrest 3 days"),
        ("rest", "rest\n250 mg", "rest\n3 days"),
        ("no fever", "fever", "fever"),
        ("rest\n", "250 mg\nrest\n", "rest\n3 days"),
    ],
)
def test_other_changes_merge(before: str, left: str, right: str) -> None:
    """Of other lines; of words that turn nothing; and the same by both."""
    text = merged(before, left, right)
    assert (text.disputed, text.contested, text.torn) == (False, (), ())


def test_a_line_that_nobody_wrote_with_a_negation_is_disputed() -> None:
    """What a negation denies depends on what stands beside it, so nobody's line with one needs a person."""
    text = merged("denies pain", "denies chest pain", "denies pain, breathless")
    assert text.torn == (text.text,)
    assert text.contested == ()
    assert text.disputed


def test_what_is_shown_of_it() -> None:
    """The line before, what each author made of it, and what the merge did."""
    text = merged("rest\nno fever", "rest\nfever", "rest\nno high fever")
    (line,) = text.contested
    assert (line.before, line.line) == ("no fever", text.text.split("\n")[1])
    assert {(reading.text, reading.head) for reading in line.readings} == {
        (words, head) for words, head in zip(("fever", "no high fever"), sorted_heads(text), strict=True)
    }


def sorted_heads(text: SectionText) -> list[object]:
    """The heads by session, as the authors were named."""
    (written,) = text.reviews.values()
    by_session = {one.text.session: one.text.entry for one in written}
    return [by_session[session(1)], by_session[session(2)]]


def test_who_saw_a_change_does_not_contest_it() -> None:
    """Of three authors two saw the dose that the third did not: he changed another line, and all of it merges."""
    story = told()
    first = says(story, 0, "dose 250 mg\nrest")
    dose = says(story, 1, "dose 500 mg\nrest", first)
    says(story, 2, "dose 750 mg\nrest", dose)
    says(story, 1, "dose 500 mg\nrest well", dose)
    says(story, 3, "dose 250 mg\nrest\ndrink", first)
    text = section(story.typed, {})
    assert len(text.heads) == 3
    assert (text.text, text.disputed) == ("dose 750 mg\nrest well\ndrink", False)


def test_an_edit_of_it_settles_it() -> None:
    """Whoever edits the section says what it reads, and nothing is contested any more."""
    story = told()
    first = says(story, 0, "no fever")
    says(story, 1, "fever", first)
    says(story, 2, "no high fever", first)
    start = says(story, 0, "high fever", *story.typed)
    assert start.start is not None
    assert (section(story.typed, {}).text, section(story.typed, {}).disputed) == ("high fever", False)


def test_many_authors_are_compared_with_what_all_had_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than are compared two by two dispute a line as well."""
    monkeypatch.setattr(module, "PAIRED_MAX", 2)
    assert merged("no fever", "fever", "no high fever", "no fever now").contested
    assert not merged("rest", "rest.", "rest!", "rest?").contested


@given(seeds)
@settings(max_examples=200)
def test_the_same_on_every_device(seed: int) -> None:
    """Whatever the order of arrival."""
    rng = random.Random(seed)
    story = Story(rng, authors=3, judged=0.0).run(10)
    text = section(story.typed, {})
    other = section(story.causal(), {})
    assert (other.contested, other.torn, other.disputed) == (text.contested, text.torn, text.disputed)


@given(seeds)
@settings(max_examples=200)
def test_two_sides_against_the_rule_itself(seed: int) -> None:
    """Two authors who change random lines once: disputed where the rule, applied to whole lines, says so."""
    rng = random.Random(seed)
    before = [rng.choice(["no fever", "dose 250 mg", "rest", "sin dolor", "نوم"]) + f" {name}" for name in "abcd"]
    left, right = ([_changed(rng, line) for line in before] for _ in range(2))
    if before in (left, right):
        return
    text = merged("\n".join(before), "\n".join(left), "\n".join(right))
    both = [trio for trio in zip(before, left, right, strict=True) if trio[0] not in trio[1:]]
    touched = [trio for trio in both if len({_core(line) for line in trio}) > 1]  # the same insertion is there twice
    assert {line.before for line in text.contested} == {trio[0] for trio in touched}
    assert text.disputed >= bool(touched)


def _changed(rng: random.Random, line: str) -> str:
    """A line as it is, with a word more, or with other telling words."""
    words = line.split(" ")
    kind = rng.randrange(4)
    if kind == 1:
        return f"{line} {rng.choice(['now', 'again'])}"
    if kind == 2:
        return " ".join([rng.choice(["not", "sin", "7 mg"]), *words])
    return line


def _core(line: str) -> tuple[str, ...]:
    """The telling words of these lines, by sight."""
    return tuple(word for word in line.split(" ") if word in {"no", "not", "sin", "250", "7", "mg"})
