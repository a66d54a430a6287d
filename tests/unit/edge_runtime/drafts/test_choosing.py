"""What becomes of each part of a draft: taken, left out or only read; nothing unsupported slips through."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.checking.findings import FindingKind, Unsupported
from edge_runtime.clinical.draft_reading import DraftText, read_draft
from edge_runtime.clinical.layout import Section
from edge_runtime.drafts.choosing import Wish, choose
from edge_runtime.drafts.making import draft_fact
from edge_runtime.errors import InputError, RefusedError
from tests.unit.edge_runtime.drafts.ward import ADVICE, HISTORY, HOMELESS, MARKED, REST, SPRAIN, drafted, refused


def draft(*parts) -> DraftText:
    """A draft of these parts, or of all that the ward has."""
    return read_draft(draft_fact(drafted(*parts)))


def test_by_default_no_fact_is_stated():
    """A diagnosis is a person's because they named it, or asked for facts; never because they did not leave it out."""
    taken = choose(draft(), Wish())
    assert taken.accepted == ("subjective.1", "plan.2")
    assert (taken.facts, taken.rejected) == ((), ("plan.1", "codes.1"))


def test_all_that_is_supported_is_taken():
    """Text to its sections, facts as facts; what is marked is left out, and advice is only read."""
    taken = choose(draft(), Wish(facts=True))
    assert taken.texts == {Section.SUBJECTIVE: ("Hurt the ankle yesterday.",), Section.PLAN: ("Rest for two days.",)}
    assert [fact.payload["code"] for fact in taken.facts] == ["S93.401A"]
    assert taken.accepted == ("subjective.1", "plan.2", "codes.1")
    assert (taken.rejected, taken.included, taken.edited) == (("plan.1",), (), ())


def test_parts_and_fields_are_named():
    """A full name is a part; the name before the dot is all parts of a field."""
    assert choose(draft(), Wish(only=["codes", "plan.2"])).accepted == ("plan.2", "codes.1")
    assert choose(draft(), Wish(only=["codes"])).rejected == ("subjective.1", "plan.1", "plan.2")


def test_a_marked_part_is_taken_only_by_its_name_and_with_a_reason():
    """Neither its field, nor --only, nor a blank reason takes it over."""
    for only in (["plan"], ["plan.1"]):
        with refused("part_unsupported") as error:
            choose(draft(), Wish(only=only))
        assert "--include plan.1" in error.value.do
    for reason in (None, "  "):
        with refused("reason", InputError):
            choose(draft(), Wish(include=["plan.1"], reason=reason))
    taken = choose(draft(), Wish(include=["plan.1"], reason="read from the packet"))
    assert taken.included == ("plan.1",)
    assert taken.texts[Section.PLAN] == ("Give ibuprofen 400 mg.", "Rest for two days.")
    assert taken.rejected == ("codes.1",)
    with refused("no_such_part", InputError):
        choose(draft(), Wish(include=["plan"], reason="all of it"))
    with refused("part_supported", InputError):
        choose(draft(), Wish(include=["plan.2"], reason="why not"))


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("Give paracetamol.", True),
        ("Give IBUPROFEN  400 mg, with food.", False),
        ("Give ibuprofen 200 mg.", True),
    ],
)
def test_an_edit_takes_a_mark_away_only_with_the_words_that_are_marked(written, taken):
    """Corrected, it is the person's own; with the marked words still in it, it is still not supported."""
    if not taken:
        for only in (None, ["plan.1"]):  # what somebody wrote is never left out without a word
            with refused("part_unsupported"):
                choose(draft(), Wish(only=only, edited={"plan.1": written}))
        return
    found = choose(draft(), Wish(edited={"plan.1": written}))
    assert found.texts[Section.PLAN] == (written, "Rest for two days.")
    assert found.edited == ("plan.1",)


def test_an_edit_of_what_is_not_taken_over_is_refused():
    """What a person wrote is written or refused, never dropped: neither beside --only nor for what is only read."""
    for wish in (Wish(only=["subjective"], edited={"plan.2": "Rest."}), Wish(edited={"ask.1": "Can she walk?"})):
        with refused("part_edit", InputError):
            choose(draft(), wish)


def test_a_mark_of_no_words_cannot_be_edited_away():
    """What is marked at a place without words stays marked, whatever is written: nobody can tell that it is gone."""
    part = replace(MARKED, unsupported=(Unsupported(FindingKind.NEGATION, "", 3, 3),))
    with refused("part_unsupported"):
        choose(draft(part), Wish(only=["plan.1"], edited={"plan.1": "Rest."}))


def test_text_without_a_section_goes_where_the_person_says():
    """Nobody guesses: by part or by field; what names the part in full comes first."""
    two = draft(HOMELESS, ADVICE)
    with refused("part_without_section") as error:
        choose(two, Wish())
    assert "--into what_to_do=SECTION" in error.value.do
    assert choose(two, Wish(into={"what_to_do": Section.PLAN})).texts == {Section.PLAN: ("Keep the foot up.",)}
    into = {"what_to_do": Section.PLAN, "what_to_do.1": Section.ASSESSMENT}
    assert choose(two, Wish(into=into)).texts == {Section.ASSESSMENT: ("Keep the foot up.",)}
    moved = choose(draft(REST), Wish(into={"plan": Section.OBJECTIVE}))
    assert moved.texts == {Section.OBJECTIVE: ("Rest for two days.",)}


def test_advice_goes_nowhere_by_itself():
    """It is neither taken nor rejected, unless the person copies it into a section."""
    taken = choose(draft(REST, ADVICE), Wish())
    assert "ask.1" not in taken.accepted + taken.rejected
    with refused("part_is_advice"):
        choose(draft(REST, ADVICE), Wish(only=["ask.1"]))
    copied = choose(draft(REST, ADVICE), Wish(only=["ask.1"], into={"ask.1": Section.ASSESSMENT}))
    assert copied.texts == {Section.ASSESSMENT: ("Can she bear weight on it?",)}
    assert (copied.accepted, copied.rejected) == (("ask.1",), ("plan.2",))


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish(only=["plan.9"]), "no_such_part"),
        (Wish(edited={"plan": "x"}), "no_such_part"),
        (Wish(into={"nowhere": Section.PLAN}), "no_such_part"),
        (Wish(edited={"plan.2": "  "}), "part_edit"),
        (Wish(edited={"codes.1": "Fracture"}), "part_edit"),
        (Wish(into={"codes.1": Section.PLAN}), "part_into"),
    ],
)
def test_what_names_nothing_or_does_not_fit_is_refused(wish, code):
    """A typing error takes nothing over; a proposed fact is neither reworded nor written as text."""
    with refused(code, InputError):
        choose(draft(), wish)


@pytest.mark.parametrize(("parts", "wish"), [((MARKED,), Wish()), ((ADVICE,), Wish()), ((MARKED,), Wish(only=[]))])
def test_nothing_left_to_take_over_is_no_acceptance(parts, wish):
    """Who takes nothing over dismisses the draft, with a reason."""
    with refused("nothing_to_accept"):
        choose(draft(*parts), wish)


_KNOWN = (HISTORY, MARKED, REST, SPRAIN, ADVICE, HOMELESS)
_NAMES = [*(part.name for part in _KNOWN), *{part.name.partition(".")[0] for part in _KNOWN}, "nobody"]
_some = st.lists(st.sampled_from(_NAMES), max_size=4)


@given(
    st.lists(st.sampled_from(_KNOWN), min_size=1, unique_by=lambda part: part.name),
    st.builds(
        Wish,
        only=st.none() | _some,
        include=_some,
        into=st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(Section), max_size=3),
        edited=st.dictionaries(
            st.sampled_from(_NAMES), st.sampled_from(["Rest.", "ibuprofen 400 mg", " "]), max_size=2
        ),
        reason=st.none() | st.just("seen"),
    ),
)
def test_whatever_is_wished_nothing_slips_through(parts, wish):
    """Each part is taken, rejected or advice; what is written are the parts' words or the person's; marks are named."""
    found = draft(*parts)
    try:
        taken = choose(found, wish)
    except (InputError, RefusedError):
        return
    advice = {part.name for part in parts if part.kind == "advice"}
    assert not set(taken.accepted) & set(taken.rejected)
    assert {part.name for part in parts} - advice <= {*taken.accepted, *taken.rejected}
    lines = sorted(itertools.chain.from_iterable(taken.texts.values()))
    known = {part.name: part for part in found.parts}
    texts = [known[name] for name in taken.accepted if known[name].proposes is None]
    assert lines == sorted(wish.edited.get(part.name, part.text) for part in texts)
    assert [*taken.facts] == [one for name in taken.accepted if (one := known[name].proposes) is not None]
    for name in taken.accepted:
        written = wish.edited.get(name, known[name].text)
        if any(words in written for _, words in known[name].doubted()):
            assert name in wish.include
            assert (wish.reason or "").strip()


def test_text_without_a_place_in_the_source_is_left_out_unless_it_is_named():
    """Nobody said it, as far as rules can see: a person takes it over by its name, never by taking over the rest."""
    one, two = REST, replace(REST, name="plan.9", citations=())
    made = read_draft(draft_fact(drafted(one, two), frozenset()))
    assert choose(made, Wish()).rejected == ("plan.9",)
    for wish in (Wish(only=["plan.9"]), Wish(into={"plan.9": Section.PLAN}), Wish(edited={"plan.9": "Rest."})):
        assert "plan.9" in choose(made, wish).accepted
