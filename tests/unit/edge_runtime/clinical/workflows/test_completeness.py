"""What a document lacks: by its facts, the same in any order, and never called there where it is in doubt."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.layout import Section, WorkflowType
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from edge_runtime.clinical.workflows.completeness import completeness
from edge_runtime.clinical.workflows.needs import WORDS, Beside, Signed, Why, Written
from edge_runtime.clinical.workflows.requirements import KINDS, STATIONS, asked_for, plain_words
from edge_runtime.clinical.workflows.requirements import WORDS as ITEMS
from edge_runtime.clinical.workflows.template import Template, TemplateStep, facts_of
from tests.unit.edge_runtime.clinical.histories import STEPS, play, random_histories
from tests.unit.edge_runtime.clinical.worlds import CHART, World, fact, two

NOTHING = Beside()
ANSWERS = {
    "allergy": [fact("allergy", text="No known allergies")],
    "medication": [fact("medication", text="Aspirin", action="start")],
    "diagnosis": [fact("diagnosis", text="Sepsis")],
    "observation": [fact("observation", code="8867-4", text="HR", value="70")],
    "procedure": [fact("procedure", text="Splint")],
    "triage": [fact("triage", to="red")],
    "priority": [fact("priority", to="urgent")],
    "assignment": [fact("assignment", to="Night shift")],
    "place": [fact("place", location="Tent 2")],
    "attachment": [
        fact(
            "attachment",
            blob="ab" * 32,
            key="cd" * 32,
            name="x.png",
            media_type="image/png",
            bytes=1,
            sha256="ef" * 32,
        )
    ],
    "link": [fact("link", relation="follows", document="ab" * 16)],
}


def asking(*items, **rest):
    """A header that asks for some items."""
    requires = [{"item": item} for item in items]
    return fact("document", schema=1, workflow_type="encounter", requires=requires, **rest)


def whys(state, beside=NOTHING):
    """Why each need is there, or lacks."""
    return [need.why for need in completeness(state, beside).needs]


def test_every_reason_and_every_item_has_words():
    """Nobody is shown a bare code."""
    assert set(WORDS) == set(Why)
    assert all(plain_words(item) for item in ITEMS)
    assert {item.partition(":")[0] for item in ITEMS} == {"section", "kind", "specimen", "validation", "signed"}
    assert [item for item in ITEMS if item.startswith("specimen")] == [f"specimen:{one}" for one in STATIONS]
    assert plain_words("observation:8867-4") == "The measurement 8867-4 is stated"
    for item in ("observation:", "observation:x y", "kind:hologram", "section:", "validation:x", "signed:", "mood"):
        assert plain_words(item) is None, item


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_there_once_something_of_it_stands(kind):
    """Absent without it; there with it; absent again where the fact does not count."""
    world, left, _ = two()
    left.write(asking(f"kind:{kind}"))
    assert whys(world.state()) == [Why.ABSENT]
    left.write(*ANSWERS[kind])
    assert whys(world.state()) == [Why.THERE]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (None, Why.ABSENT),
        (Written(""), Why.ABSENT),
        (Written(" \n"), Why.ABSENT),
        (Written("rest"), Why.THERE),
        (Written("rest", complete=False), Why.INCOMPLETE_HERE),
        (Written("", complete=False), Why.INCOMPLETE_HERE),
        (Written("rest", disputed=True), Why.DISPUTED),
    ],
)
def test_a_section_is_there_once_it_reads_something_that_is_settled(written, why):
    """Spaces are no text, and what people differ on does not count."""
    world, left, _ = two()
    left.write(asking("section:plan"))
    sections = {} if written is None else {"plan": written}
    assert whys(world.state(), Beside(sections=sections)) == [why]


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (Signed.NO, Why.ABSENT),
        (Signed.PART, Why.SIGNED_IN_PART),
        (Signed.CHANGED, Why.CHANGED_SINCE),
        (Signed.YES, Why.THERE),
    ],
)
def test_a_signature_counts_for_the_whole_as_it_reads_now(signed, why):
    """A signed section, or a text that changed since, is not the document."""
    world, left, _ = two()
    left.write(asking("signed"))
    assert whys(world.state(), Beside(signed=signed)) == [why]


def test_a_refuted_diagnosis_and_a_corrected_value_are_no_answers():
    """Only what stands is there; and what is disputed is not settled."""
    world, left, right = two()
    left.write(asking("kind:diagnosis", "observation:8867-4"))
    world.sync()
    left.record(fact("diagnosis", text="Sepsis"))
    world.sync()
    left.record(fact("diagnosis", text="Sepsis", certainty="refuted"))
    assert whys(left.state()) == [Why.ABSENT, Why.ABSENT]
    right.record(fact("diagnosis", text="Sepsis", certainty="confirmed"))
    world.sync()
    assert whys(world.state())[0] is Why.DISPUTED
    old = left.record(fact("observation", code="8867-4", text="HR", value="700"))
    assert whys(left.state())[1] is Why.THERE
    left.record(fact("observation", old, code="8480-6", text="systolic", value="70", corrects=str(old.id)))
    assert whys(left.state())[1] is Why.ABSENT
    left.record(fact("observation", code="x", text="set", components=[{"code": "8867-4", "value": "70"}]))
    assert whys(left.state())[1] is Why.THERE


def test_specimens_are_there_once_every_one_that_is_not_rejected_came_so_far():
    """A rejected specimen gives no result, and is not waited for; what people differ on is disputed."""
    world, left, right = two()
    left.write(asking("specimen:in_transit"))

    def at(label, to):
        left.record(fact("specimen", specimen=label, to=to))
        return whys(left.state())[0]

    assert at("A", "rejected") is Why.ABSENT
    assert at("B", "collected") is Why.ON_ITS_WAY
    assert at("B", "in_transit") is Why.THERE
    assert at("C", "ordered") is Why.ON_ITS_WAY
    assert at("C", "received") is Why.THERE
    world.sync()
    left.record(fact("specimen", specimen="C", to="rejected"))
    right.record(fact("specimen", specimen="C", to="received"))
    assert whys(world.state())[0] is Why.DISPUTED


def test_every_result_is_validated_by_somebody_else():
    """Not by whoever entered it, not while somebody rejects it; a correction must be validated itself."""
    world, left, right = two()
    left.write(asking("validation"))
    assert whys(left.state()) == [Why.ABSENT]
    first = left.record(fact("observation", code="2823-3", text="K", value="4"))
    assert whys(left.state()) == [Why.NOT_VALIDATED]
    left.record(fact("validation", observation=str(first.id), to="validated"))
    assert whys(left.state()) == [Why.OWN_RESULT]
    world.sync()
    right.record(fact("validation", observation=str(first.id), to="validated"))
    assert whys(right.state()) == [Why.THERE]
    left.record(fact("validation", observation=str(first.id), to="rejected"))
    world.sync()
    assert whys(world.state())[0] is Why.DISPUTED
    right.record(fact("validation", observation=str(first.id), to="rejected"))
    assert whys(right.state())[0] is Why.NOT_VALIDATED
    right.record(fact("observation", first, code="2823-3", text="K", value="5", corrects=str(first.id)))
    assert whys(right.state())[0] is Why.NOT_VALIDATED


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (None, Why.NOT_DONE),
        ("in_progress", Why.NOT_DONE),
        ("completed", Why.THERE),
        ("skipped", Why.SKIPPED),
        ("failed", Why.FAILED),
    ],
)
def test_a_required_step_has_to_be_completed(to, why):
    """One that was skipped lacks as well: who leaves it out says so when the document is completed."""
    world, left, _ = two()
    first = left.write(fact("step", fraction="V", name="Consent", required=True))
    left.write(fact("step", fraction="W", name="If needed"))
    if to is not None:
        left.record(fact("step_event", step=str(first.id), to=to))
    (need,) = completeness(world.state(), NOTHING).needs
    assert (need.item, need.words, need.why) == (f"step:{first.id}", "Consent", why)


def test_a_step_that_people_differ_on_and_every_open_conflict_lacks():
    """Completed beside skipped: the step is in dispute, and its conflict lacks a decision."""
    world, left, right = two()
    first = left.write(fact("step", fraction="V", name="Consent", required=True))
    world.sync()
    for writer, to in ((left, "completed"), (right, "skipped")):
        writer.record(fact("step_event", step=str(first.id), to=to))
    done = completeness(world.state(), NOTHING)
    assert [need.why for need in done.needs] == [Why.DISPUTED, Why.UNDECIDED]
    assert (done.percentage, done.needs[1].item) == (0, f"review:{world.state().reviews[0].id}")


def test_what_a_newer_version_asks_for_is_never_called_there():
    """It is named, and says why."""
    world, left, _ = two()
    left.write(asking("hologram:front", "kind:triage"))
    left.write(fact("triage", to="red"))
    done = completeness(world.state(), NOTHING)
    assert [need.why for need in done.needs] == [Why.NOT_UNDERSTOOD, Why.THERE]
    assert "newer version" in done.needs[0].words
    assert done.percentage == 50


def test_two_headers_at_once_ask_for_what_either_asks_for():
    """Nothing that somebody asked for is lost by a header that did not know of it; a replaced header asks for none."""
    world, left, right = two()
    first = left.write(asking("kind:place"))
    world.sync()
    left.write(asking("kind:triage", "signed"))
    right.write(fact("document", first, schema=1, workflow_type="encounter", requires=[{"item": "signed"}]))
    assert [one.item for one in asked_for(world.state())] in (["kind:triage", "signed"], ["signed", "kind:triage"])


def test_where_nothing_is_asked_for_there_is_no_percentage():
    """Neither 0 nor 100 is invented."""
    world, left, _ = two()
    left.write(fact("document", schema=1, workflow_type="encounter"))
    assert completeness(world.state(), NOTHING).percentage is None


def filled(kind):
    """A document of a type in which nothing lacks, by two people; its world and what stands beside its facts."""
    world, left, right = two()
    placed = left.write(*facts_of(TEMPLATES[kind]))
    for one in (*ANSWERS.values(), [fact("specimen", specimen="A", to="received")]):
        left.record(one[0])
    world.sync()
    for one in placed:
        if one.fact.kind == "step":
            right.record(fact("step_event", step=str(one.id), to="completed"))
    for one in right.state().observations:
        right.record(fact("validation", observation=str(one.fact.id), to="validated"))
    sections = {section.value: Written("written") for section in Section}
    return world, Beside(sections=sections, signed=Signed.YES)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_of_every_template_nothing_lacks_once_all_is_there_and_each_thing_is_missed(kind):
    """A required thing that is taken away makes the document incomplete, whichever it is."""
    world, beside = filled(kind)
    state = world.state()
    assert completeness(state, beside).percentage == 100
    graphs = [world.graph()]
    for need in completeness(state, beside).needs:
        head, _, tail = need.item.partition(":")
        gone = {"step": "step_event"}.get(head, tail if head == "kind" else head)
        facts = [one for one in world.facts() if one.fact.kind != gone]
        sections = {name: text for name, text in beside.sections.items() if head != "section" or name != tail}
        signed = Signed.NO if head == "signed" else Signed.YES
        left = completeness(derive(CHART, facts, graphs), Beside(sections=sections, signed=signed))
        assert need.item in {one.item for one in left.lacking}
        assert left.percentage in range(100)


@random_histories
@given(STEPS, st.lists(st.sampled_from([*ITEMS, "hologram:x"]), unique=True, max_size=12), st.integers(0, 2**16))
def test_what_lacks_is_the_same_in_any_order_of_facts(steps, items, seed):
    """Every device that holds the same of a document derives the same needs in the same order."""
    world = play(steps)
    world.writers[0].write(asking(*items))
    here = completeness(world.state(), NOTHING)
    assert completeness(world.state(seed=seed), NOTHING) == here
    percentage = here.percentage
    assert percentage is None or 0 <= percentage <= 100
    assert (percentage == 100) == (bool(here.needs) and not here.lacking)


@given(st.integers(0, 63), st.integers(0, 2**16))
def test_a_templates_steps_stand_in_its_order_whatever_order_their_facts_come_in(count, seed):
    """Places are evenly spread, and nothing depends on arrival."""
    names = [f"s{number}" for number in range(count)]
    template = Template(
        name="t",
        title="T",
        workflow_type=WorkflowType.ENCOUNTER,
        steps=tuple(TemplateStep(key=name, name=name) for name in names),
    )
    made = list(facts_of(template))
    random.Random(seed).shuffle(made)
    world = World()
    world.writer().write(*made)
    assert [step.key for step in world.state().steps.items] == names
