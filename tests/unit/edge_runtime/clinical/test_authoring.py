"""What an author's device fills in before it signs, and what it refuses to guess."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.authoring import check_section, prepare
from edge_runtime.clinical.layout import ALLERGIES_MAX, LAYOUT_VERSION, MEDICATIONS_MAX, Section
from edge_runtime.errors import InputError
from edge_runtime.facts import SUPERSEDES_MAX
from tests.unit.edge_runtime.clinical.worlds import World, fact, ids, since, two


def filled(writer, item):
    """What a fact would supersede if this writer signed it now."""
    return set(prepare(writer.state(), item).supersedes)


@pytest.mark.parametrize(
    ("first", "item"),
    [
        (fact("status", to="active"), fact("status", to="completed")),
        (fact("priority", to="urgent"), fact("priority", to="routine")),
        (fact("document", schema=1, workflow_type="chart"), fact("document", schema=1, workflow_type="encounter")),
        (fact("identity", name="Ana"), fact("identity", name="Anna")),
        (fact("medication", text="Warfarin", action="start"), fact("medication", text="warfarin", action="change")),
        (fact("medication", text="Warfarin", action="start"), fact("medication", text="warfarin", action="stop")),
        (fact("medication", text="Warfarin", action="stop"), fact("medication", text="warfarin", action="start")),
        (fact("allergy", text="Latex"), fact("allergy", text="latex", verification="refuted")),
        (fact("allergy", text="NKA"), fact("allergy", text="Latex")),
        (fact("allergy", text="NKA"), fact("allergy", text="nka")),
    ],
    ids=lambda item: item.kind,
)
def test_a_change_replaces_what_its_author_sees(first, item):
    """Every head of the thing that changes is superseded, on the device that wrote it and on others."""
    _, left, right, placed = since(first)
    assert filled(left, item) == filled(right, item) == {placed.id}


@pytest.mark.parametrize(
    ("first", "item"),
    [
        (fact("allergy", text="Latex"), fact("allergy", text="Latex", severity="mild")),
        (fact("allergy", text="Latex"), fact("allergy", text="Peanut", verification="refuted")),
        (fact("allergy", text="Latex"), fact("allergy", text="NKA")),
        (fact("allergy", text="No known food allergies"), fact("allergy", text="Latex", category="environment")),
        (fact("medication", text="Warfarin", action="start"), fact("medication", text="Warfarin", action="start")),
        (fact("medication", text="Warfarin", action="start"), fact("medication", text="Aspirin", action="stop")),
        (fact("diagnosis", text="Fracture"), fact("diagnosis", text="Fracture")),
        (
            fact("observation", code="8867-4", text="HR", value="70"),
            fact("observation", code="8867-4", text="HR", value="71"),
        ),
    ],
    ids=lambda item: item.kind,
)
def test_what_is_no_change_replaces_nothing(first, item):
    """Mentioning an allergy again, another substance, a second line, a second measurement: nothing is superseded."""
    _, left, _, _ = since(first)
    assert filled(left, item) == set()


def test_what_the_author_names_is_kept():
    """An explicit `supersedes` is the author's own statement."""
    world, left, right, first = since(fact("status", to="active"))
    right.write(fact("status", first, to="paused"))
    world.sync()
    assert filled(left, fact("status", first, to="completed")) == {first.id}


def test_a_refutation_replaces_assertions_and_refutations_of_every_record():
    """A refutation settles the whole allergy as its author sees it, however often it was recorded."""
    world, left, right, first = since(fact("allergy", text="Penicillin", code="1", system="snomed"))
    second = left.write(fact("allergy", text="penicillin"))
    gone = right.write(fact("allergy", first, text="Penicillin", verification="refuted"))
    world.sync()
    assert filled(left, fact("allergy", text="Penicillin", verification="refuted")) == {second.id, gone.id}


@pytest.mark.parametrize(
    ("kind", "extra", "ending"),
    [
        ("allergy", {}, {"verification": "refuted"}),
        ("medication", {"action": "start"}, {"action": "stop"}),
        ("medication", {"action": "stop"}, {"action": "continue"}),
    ],
)
def test_a_code_of_one_thing_and_the_text_of_another_end_neither(kind, extra, ending):
    """A mistaken code must not silently end what it happens to name: the author is asked what is meant."""
    world, left, _, _ = since(fact(kind, text="Aspirin", code="1191", system="rxnorm", **extra))
    second = left.write(fact(kind, text="Warfarin", **extra))
    mixed = {"text": "Warfarin", "code": "1191", "system": "rxnorm", **ending}
    with pytest.raises(InputError, match="names several"):
        prepare(world.state(), fact(kind, **mixed))
    assert prepare(world.state(), fact(kind, second, **mixed)).supersedes == (second.id,)


def test_a_dispute_is_settled_as_a_whole():
    """Sides of an open review count as one: a change replaces all of them."""
    world, left, right, first = since(fact("medication", text="Warfarin", action="start", dose="5"))
    sides = [
        left.write(fact("medication", first, text="Warfarin", action="stop")),
        right.write(fact("medication", first, text="Warfarin", action="change", dose="7")),
    ]
    world.sync()
    left.record(fact("medication", text="Warfarin", action="change", dose="2.5"))
    (item,) = world.state().medications
    assert (item.status, ids(item.history)) == ("active", {first.id} | ids(sides))
    assert world.state().reviews == ()


@pytest.mark.parametrize("action", ["change", "continue", "stop"])
def test_several_lines_must_be_named(action):
    """A change to one of two lines would silently end the other: it is refused until the line is named."""
    world, left, _, first = since(fact("medication", text="Metformin", action="start", dose="500"))
    second = left.write(fact("medication", text="Metformin", action="start", dose="1000"))
    with pytest.raises(InputError, match="name the fact ids"):
        prepare(world.state(), fact("medication", text="Metformin", action=action, dose="750"))
    prepare(world.state(), fact("medication", second, text="Metformin", action=action, dose="750"))
    prepare(world.state(), fact("medication", first, second, text="Metformin", action=action, dose="750"))


def test_a_dispute_beside_another_line_must_be_named():
    """Settling a dispute must not end a line that is no part of it."""
    world, left, right, first = since(fact("medication", text="Metformin", action="start", dose="500"))
    left.write(fact("medication", text="Metformin", action="start", dose="1000"))
    world.sync()
    for writer, dose in ((left, "600"), (right, "700")):
        writer.write(fact("medication", first, text="Metformin", action="change", dose=dose))
    world.sync()
    with pytest.raises(InputError, match="name the fact ids"):
        prepare(left.state(), fact("medication", text="Metformin", action="stop"))


def test_a_correction_names_what_it_corrects():
    """`corrects` becomes the supersession; an id that is none is refused by path."""
    _, left, _, first = since(fact("observation", code="8867-4", text="HR", value="700", unit="/min"))
    item = fact("observation", code="8867-4", text="HR", value="70", unit="/min", corrects=str(first.id))
    assert filled(left, item) == {first.id}
    for wrong in ("first", 5):
        with pytest.raises(InputError, match=r"observation\.corrects"):
            filled(left, fact("observation", code="8867-4", text="HR", corrects=wrong))


def test_an_invalid_fact_is_refused_before_it_is_signed():
    """Preparing ends with validation, also where defaults were filled from a payload that is wrong."""
    _, left, _, _ = since(fact("allergy", text="Latex"))
    for wrong in (fact("allergy", text=5, verification="refuted"), fact("medication", action=[]), fact("genome")):
        with pytest.raises(InputError):
            prepare(left.state(), wrong)


def test_more_heads_than_one_fact_may_name():
    """A fact names at most so many; the others stand, in doubt with a review, until the next one."""
    world = World()
    writers = [world.writer() for _ in range(SUPERSEDES_MAX + 2)]
    for writer in writers:
        writer.write(fact("status", to="active"))
    world.sync()
    writers[0].record(fact("status", to="completed"))
    assert len(world.state().status.heads) == 3
    writers[0].record(fact("status", to="completed"))
    assert len(world.state().status.heads) == 1


@pytest.mark.parametrize(
    ("kind", "most", "extra"), [("allergy", ALLERGIES_MAX, {}), ("medication", MEDICATIONS_MAX, {"action": "start"})]
)
def test_a_full_list_takes_no_more_but_still_changes(kind, most, extra):
    """One more of a full list is refused; restating, ending and replacing what is listed is not."""
    _, left, _ = two()
    placed = left.write(*(fact(kind, text=f"item {number}", **extra) for number in range(most)))
    state = left.state()
    with pytest.raises(InputError, match=f"at most {most}"):
        prepare(state, fact(kind, text="one more", **extra))
    prepare(state, fact(kind, text="item 3", **extra))
    prepare(state, fact(kind, placed[3], text="another name", **extra))
    ending = {"verification": "refuted"} if kind == "allergy" else {"action": "stop"}
    left.record(fact(kind, text="item 3", **ending))
    prepare(left.state(), fact(kind, text="one more", **extra))


@pytest.mark.parametrize(
    ("section", "length", "fits"),
    [
        (Section.COMPLAINT, 0, False),
        (Section.COMPLAINT, 1, True),
        (Section.COMPLAINT, 1000, True),
        (Section.COMPLAINT, 1001, False),
        (Section.HISTORY, 0, True),
        (Section.HISTORY, 5000, True),
        (Section.HISTORY, 5001, False),
    ],
)
def test_sections_have_limits(section, length, fits):
    """Characters are counted, not bytes; an error names section and lengths, never the text."""
    if fits:
        check_section(section, "é" * length)
    else:
        with pytest.raises(InputError, match=f"{section}: .* characters; got {length} characters"):
            check_section(section, "é" * length)


def test_a_newer_layout_is_nothing_that_this_version_can_write():
    """Read and kept, but not claimed: it would tell every device that there is something here that it cannot know."""
    _, left, _, _ = since(fact("document", schema=LAYOUT_VERSION, workflow_type="encounter"))
    for schema in (LAYOUT_VERSION + 1, 2**32):
        with pytest.raises(InputError) as refusal:
            prepare(left.state(), fact("document", schema=schema, workflow_type="encounter"))
        assert "document.schema" in refusal.value.expected
