"""Forward compatibility: an older device shows and keeps what a newer one wrote, and lowers nothing by it."""

from __future__ import annotations

import json

import pytest

from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind
from edge_runtime.clinical.standing import display
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import as_json, fact, ids, since, two

STEP = "ab" * 32 + ":0"
NEWER = fact("document", schema=LAYOUT_VERSION + 1, workflow_type="encounter", rooms=["A", "B"])
WORDS = [
    fact("status", to="archived"),
    fact("priority", to="cosmic"),
    fact("triage", to="purple"),
    fact("triage", to="immediate", system="a newer chart"),
    fact("allergy", text="Latex", severity="apocalyptic"),
    fact("allergy", text="Latex", verification="suspended"),
    fact("medication", text="Warfarin", action="taper"),
    fact("diagnosis", text="Sepsis", certainty="likely"),
    fact("step_event", step=STEP, to="delegated"),
    fact("specimen", specimen="A1", to="lost"),
    fact("validation", observation=STEP, to="withdrawn"),
    fact("link", relation="twin_of", chart="aa" * 16),
    fact("document", schema=LAYOUT_VERSION + 1, workflow_type="hologram"),
    fact("identity", name="Ana", sex="a newer word"),
]


def test_a_newer_document_is_shown_and_marked():
    """What a newer version wrote is all there: known kinds by their rule, others whole, and the state says so."""
    world, newer, older = two()
    newer.write(NEWER)
    newer.write(fact("allergy", text="Latex", severity="severe", gene="HLA-B"), fact("genome", bases="ACGT"))
    world.sync()
    state = older.state()
    assert state.newer_layout
    assert world.chart().newer_layout
    assert (state.workflow_type, state.allergies.items[0].severity) == ("encounter", "severe")
    shown = as_json(state)
    assert shown["newer_layout"] is True
    assert "HLA-B" in json.dumps(shown)
    assert "ACGT" in json.dumps(shown)


def test_a_document_of_this_layout_is_not_marked():
    """The layout of this version, or none stated, is no newer one."""
    world, left, _ = two()
    assert not left.state().newer_layout
    left.write(fact("document", schema=LAYOUT_VERSION, workflow_type="encounter"))
    assert as_json(world.state())["newer_layout"] is False
    assert not world.chart().newer_layout


def test_a_header_that_cannot_be_read_or_was_replaced_still_says_that_a_newer_version_wrote():
    """An older device that retitles the document does not make the newer parts old."""
    world, newer, older = two()
    newer.write(fact("document", schema=LAYOUT_VERSION + 1, workflow_type="hologram"))
    assert newer.state().newer_layout
    world.sync()
    older.record(fact("document", schema=LAYOUT_VERSION, workflow_type="encounter", title="Ward"))
    assert older.state().newer_layout
    newer.write(NEWER)
    world.sync()
    older.record(fact("document", schema=LAYOUT_VERSION, workflow_type="encounter", title="Ward"))
    assert older.state().newer_layout
    assert older.state().title == "Ward"


def test_an_older_device_writes_what_it_knows_into_a_newer_document():
    """Known kinds may be stated there; an unknown kind or key is refused: nobody signs what they cannot read."""
    world, newer, older = two()
    newer.write(NEWER)
    world.sync()
    older.record(fact("allergy", text="Latex"))
    assert len(older.state().allergies.items) == 1
    with pytest.raises(InputError, match="one that this version writes"):
        older.record(fact("genome", bases="ACGT"))
    with pytest.raises(InputError, match="only the keys"):
        older.record(fact("allergy", text="Latex", gene="HLA-B"))


@pytest.mark.parametrize("item", [*WORDS, *(fact(kind) for kind in Kind)], ids=lambda item: item.kind)
def test_what_cannot_be_read_is_still_said_in_a_few_words(item):
    """A review of quarantined facts shows those too that this version cannot read: no display fails on a payload."""
    _, left, _ = two()
    assert display(left.write(item)).startswith(item.kind)


@pytest.mark.parametrize("newer_fact", WORDS, ids=lambda item: " ".join(map(str, item.payload.values())))
def test_a_word_that_this_version_does_not_know_makes_a_fact_unreadable(newer_fact):
    """It is shown whole as unreadable, replaces nothing that stands, and changes no value; authors cannot write it."""
    known = {
        "status": fact("status", to="completed"),
        "priority": fact("priority", to="critical"),
        "triage": fact("triage", to="immediate"),
        "allergy": fact("allergy", text="Latex", severity="severe"),
        "medication": fact("medication", text="Warfarin", action="start", dose="5"),
        "diagnosis": fact("diagnosis", text="Sepsis", certainty="confirmed"),
        "step_event": fact("step_event", step=STEP, to="completed"),
        "specimen": fact("specimen", specimen="A1", to="received"),
        "validation": fact("validation", observation=STEP, to="validated"),
        "link": fact("link", relation="same_patient", chart="aa" * 16),
        "document": fact("document", schema=1, workflow_type="encounter"),
        "identity": fact("identity", name="Ana"),
    }
    world, newer, older, first = since(known[newer_fact.kind])
    before = as_json(world.state())
    odd = newer.write(fact(newer_fact.kind, first, **newer_fact.payload))
    after = as_json(world.state())
    assert ids(item.fact for item in world.state().unreadable) == {odd.id}
    (shown,) = after.pop("unreadable")
    assert shown["fact"].items() >= newer_fact.payload.items()
    assert "to be" in shown["problem"] or "one of" in shown["problem"]
    assert before.pop("unreadable") == []
    unsure = {"newer_layout", "allergies_incomplete", "medications_incomplete"}
    assert {name: value for name, value in after.items() if name not in unsure} == {
        name: value for name, value in before.items() if name not in unsure
    }
    with pytest.raises(InputError, match="one of"):
        older.record(newer_fact)
