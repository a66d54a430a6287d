"""The hazards for which this layout exists: each merged to harm in a plain shared map or text, and must not here.

One test a row of the first table of the clinical design: what two people did without knowledge of each other, and what
everybody is shown. Beside them, what hashes exclude between entries, and only a rule excludes within one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.clinical.document import derive
from edge_runtime.facts import CausalGraph, Fact, FactId
from tests.unit.edge_runtime.clinical.worlds import CHART, as_json, fact, ids, review_facts, since, two


def test_hazard_one_deletes_an_allergy_while_another_raises_its_severity():
    """Not "the allergy is gone on both devices": it is shown, severe, and a person is asked."""
    world, left, right, first = since(fact("allergy", text="Penicillin", severity="mild"))
    refuted = left.write(fact("allergy", first, text="Penicillin", verification="refuted"))
    severe = right.write(fact("allergy", first, text="Penicillin", severity="severe"))
    state = world.state()
    (item,) = state.allergies.items
    assert (ids(item.live), item.severity) == ({severe.id}, "severe")
    assert [review_facts(review) for review in state.reviews] == [{refuted.id, severe.id}]
    assert state.allergies_incomplete


def test_hazard_both_create_the_same_list():
    """Not "one side's content lost": a list is no object that anybody creates, and both entries are on it."""
    world, left, right = two()
    left.write(fact("medication", text="Warfarin", action="start", dose="5", unit="mg"))
    right.write(fact("medication", text="Aspirin", action="start", dose="100", unit="mg"))
    assert {item.names[0] for item in world.state().medications} == {"Warfarin", "Aspirin"}


def test_hazard_two_doses_of_one_drug():
    """Not "250875 mg": 250 mg and 875 mg are two lines, both shown, disputed, and one review."""
    world, left, right, first = since(fact("medication", text="Amoxicillin", action="start", dose="500", unit="mg"))
    left.write(fact("medication", first, text="Amoxicillin", action="change", dose="250", unit="mg"))
    right.write(fact("medication", first, text="Amoxicillin", action="change", dose="875", unit="mg"))
    state = world.state()
    (item,) = state.medications
    assert {line.regimen.stated["dose"] for line in item.lines} == {"250", "875"}
    assert (item.status, len(state.reviews), state.medications_incomplete) == ("disputed", 1, True)
    assert "250875" not in str(as_json(state))


def test_hazard_one_completes_a_document_while_another_cancels_it():
    """Not "either, by client id": the less final is shown, and a person is asked."""
    world, left, right, first = since(fact("status", to="active"))
    heads = [left.write(fact("status", first, to="completed")), right.write(fact("status", first, to="cancelled"))]
    state = world.state()
    assert (state.status.value, state.status.disputed) == ("cancelled", True)
    assert [review_facts(review) for review in state.reviews] == [ids(heads)]


def test_hazard_two_new_steps_at_one_place():
    """Not "both are step 3": each has a place, the same on every device, and neither is lost."""
    world, left, right, _ = since(fact("step", fraction="K", name="First"))
    left.write(fact("step", fraction="V", name="Second"))
    right.write(fact("step", fraction="V", name="Another"))
    names = [step.name for step in world.state().steps.items]
    assert names[0] == "First"
    assert sorted(names[1:]) == ["Another", "Second"]
    assert [step.name for step in world.state(seed=3).steps.items] == names


def test_hazard_one_says_dead_while_another_treats():
    """Death never beats life: red, and a person looks again."""
    world, left, right, first = since(fact("triage", to="delayed"))
    left.write(fact("triage", first, to="deceased"))
    right.write(fact("triage", first, to="delayed"))
    state = world.state()
    assert (state.triage.value, state.triage.disputed, len(state.reviews)) == ("immediate", True, 1)


def test_hazard_one_stops_a_drug_while_another_changes_its_dose():
    """A list that silently lacks an anticoagulant kills: the stop and the new dose are both shown."""
    world, left, right, first = since(fact("medication", text="Warfarin", action="start", dose="5"))
    left.write(fact("medication", first, text="Warfarin", action="stop"))
    right.write(fact("medication", first, text="Warfarin", action="change", dose="2.5"))
    (item,) = world.state().medications
    assert [line.regimen.stopped for line in item.lines].count(True) == 1
    assert item.status == "disputed"


CYCLES = [
    ("medication", {"text": "Warfarin", "action": "start", "dose": "5"}),
    ("allergy", {"text": "Penicillin"}),
    ("status", {"to": "active"}),
    ("triage", {"to": "immediate"}),
    ("step", {"fraction": "V", "name": "Blood"}),
    ("diagnosis", {"text": "Sepsis"}),
    ("observation", {"code": "1", "text": "a"}),
    ("casualty", {"number": "17", "chart": "aa" * 16}),
]


@pytest.mark.parametrize(("kind", "payload"), CYCLES, ids=[kind for kind, _ in CYCLES])
@pytest.mark.parametrize("circle", [((0,), ()), ((1,), ()), ((1,), (0,)), ((0, 1), (0, 1))], ids=str)
def test_hazard_facts_of_one_entry_that_claim_to_replace_each_other(kind, payload, circle):
    """No name of an entry can stand in itself; were it so, nothing would loop, and not both would be hidden."""
    world, left, _ = two()
    pair = left.write(Fact(kind=kind, payload=payload, supersedes=()), Fact(kind=kind, payload=payload, supersedes=()))
    entry = pair[0].id.entry
    tied = [
        replace(item, fact=replace(item.fact, supersedes=tuple(FactId(entry, n) for n in named)))
        for item, named in zip(pair, circle, strict=True)
    ]
    state = derive(CHART, tied, [world.graph(), CausalGraph()])
    shown = str(as_json(state))
    assert all(str(item.id) in shown for item in tied)
    replaced = {item.id for item in (tied[0],) if 0 in circle[1]}
    for found, heads in [
        *((bool(state.medications), ids(head for item in state.medications for head in item.heads)),),
        *((bool(state.allergies.items), ids(head for item in state.allergies.items for head in item.live)),),
        *((bool(state.status.heads), ids(state.status.heads)),),
        *((bool(state.triage.heads), ids(state.triage.heads)),),
        *((bool(state.steps.items), ids(head for item in state.steps.items for head in item.heads)),),
        *((bool(state.diagnoses), ids(head for item in state.diagnoses for head in item.live)),),
        *((bool(state.register.items), ids(head for item in state.register.items for head in item.heads)),),
    ]:
        assert not found or heads == ids(tied) - replaced
    assert all(not item.corrected_by or item.fact.id in replaced for item in state.observations)
