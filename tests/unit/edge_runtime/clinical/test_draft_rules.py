"""Drafts in a document: all of them with what was decided about them, and nothing of them anywhere else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.canonical import canonical_text
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.document import derive
from edge_runtime.clinical.drafts import DraftStatus
from edge_runtime.clinical.drug_allergies import check_chart
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.standing import visible
from edge_runtime.errors import InputError
from edge_runtime.facts import PlacedFact
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.histories import PAYLOADS, STEPS, histories, play
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, a_draft, as_json, fact, ids, since, two

at_least_200 = settings(max_examples=max(200, settings().max_examples))
DRAFTING = {"draft", "draft_decision"}
SPOKEN = ("draft", "draft_decision", "allergy", "medication", "diagnosis", "observation", "status", "triage")


def decided(draft, decision, **more):
    """A decision about a draft."""
    return fact("draft_decision", draft=str(draft.id), decision=decision, **more)


@at_least_200
@given(histories(["draft", "draft_decision"]), st.integers(0, 2**16))
def test_every_draft_is_listed_with_every_decision_about_it(steps, seed):
    """In one order on every device, whatever order they came in; what names a draft that is not here is apart."""
    world = play(steps)
    found = world.state().drafts
    assert world.state(seed=seed).drafts == found
    readable = [item for item in world.facts() if item.fact.kind in DRAFTING and flaw(item.fact) is None]
    drafts = [item.id for item in readable if item.fact.kind == "draft"]
    assert sorted(one.fact.id for one in found.items) == sorted(drafts)
    listed = [item.id for one in found.items for item in (*one.decisions, *one.past)]
    assert sorted([*listed, *ids(found.stray)]) == sorted(item.id for item in readable if item.id not in drafts)
    for one in found.items:
        assert all(item.fact.payload["draft"] == str(one.fact.id) for item in (*one.decisions, *one.past))
        words = {item.fact.payload["decision"] for item in one.decisions}
        assert (one.status in words) == (len(words) == 1)
        assert (one.status == DraftStatus.DECIDED_DIFFERENTLY) == (len(words) > 1)
    assert world.state().reviews == ()


@at_least_200
@given(st.one_of(histories(SPOKEN), STEPS))
def test_nothing_of_a_draft_reaches_the_rest_of_the_state(steps):
    """The same facts without any draft say the same of everything: lists, reviews, cross checks, what is signed."""
    world = play(steps, documents=(CHART, ENCOUNTER))
    graph, facts = world.graph(), world.facts()
    bare = [item for item in facts if item.fact.kind not in DRAFTING]
    for document in (CHART, ENCOUNTER):
        with_them, without = (derive(document, known, [graph]) for known in (facts, bare))
        charts = [derive_chart(CHART, known, [graph]) for known in (facts, bare)]
        signed = [
            canonical_text(state, {}, chart=chart) for state, chart in zip((with_them, without), charts, strict=True)
        ]
        assert signed[0] == signed[1]
        assert check_chart(charts[0]) == check_chart(charts[1])
        left, right = (as_json(state) for state in (with_them, without))
        for shown in (left, right):
            del shown["drafts"], shown["draft_decisions_stray"]
            shown["unreadable"] = [one for one in shown["unreadable"] if one["fact"]["kind"] not in DRAFTING]
        assert left == right


def test_histories_hold_drafts_that_would_change_a_chart():
    """The drafts of the random histories propose what the other facts are about: the property above can fail."""
    assert {"draft", "draft_decision"} <= set(PAYLOADS)
    world, one, _ = two()
    one.write(fact("medication", text="Warfarin", action="start", dose="5"))
    one.write(a_draft({"name": "a.1", "kind": "text", "text": "Warfarin 9 mg", "section": "plan"}))
    assert "9 mg" not in json.dumps(as_json(world.state()))
    assert [item.names for item in world.state().medications] == [("Warfarin",)]


@pytest.mark.parametrize("decision", ["accepted", "accepted_in_part", "dismissed"])
def test_a_draft_waits_until_somebody_decides(decision):
    """One decision is its status; it is then no longer among those that wait."""
    world, left, _, draft = since(a_draft())
    assert [one.status for one in world.state().drafts.items] == ["open"]
    assert world.state().drafts.waiting
    made = left.record(decided(draft, decision, accepted=["plan.1"]))
    (one,) = world.state().drafts.items
    assert (one.status, one.decisions) == (decision, (made,))
    assert not world.state().drafts.waiting
    assert world.state().drafts.of(draft.id) == one
    assert world.state().drafts.of(made.id) is None


def test_decisions_that_differ_are_all_shown_and_nobody_is_asked():
    """What two people decided without knowledge of each other stands side by side, until one replaces the other."""
    world, left, right, draft = since(a_draft())
    first, second = left.write(decided(draft, "accepted")), right.write(decided(draft, "dismissed"))
    world.sync()
    (one,) = world.state().drafts.items
    assert (one.status, ids(one.decisions)) == ("decided_differently", {first.id, second.id})
    assert world.state().reviews == ()
    left.write(fact("draft_decision", second, draft=str(draft.id), decision="accepted"))
    (one,) = world.state().drafts.items
    assert (one.status, ids(one.past)) == ("accepted", {second.id})


def test_a_draft_made_in_place_of_another_leaves_that_with_nothing_to_decide():
    """A replaced draft waits for nobody; one that was decided before stays decided."""
    world, left, _, draft = since(a_draft())
    left.write(fact("draft", draft, **a_draft().payload))
    assert [one.status for one in world.state().drafts.items] == ["replaced", "open"]
    left.write(decided(draft, "dismissed"))
    assert [one.status for one in world.state().drafts.items] == ["dismissed", "open"]


def test_a_decision_names_a_draft_that_is_here_and_its_parts():
    """An author's device refuses a decision about nothing, and parts that the draft does not have."""
    world, left, _, draft = since(a_draft())
    other = left.write(fact("status", to="active"))
    for wrong in (decided(other, "accepted"), decided(draft, "accepted", accepted=["plan.2"])):
        with pytest.raises(InputError, match="draft_decision"):
            left.record(wrong)
    with pytest.raises(InputError, match="rejected"):
        left.record(decided(draft, "dismissed", rejected=["plan.1", "x"]))
    assert left.record(decided(draft, "dismissed", rejected=["plan.1"])) in world.facts()


def test_an_unreadable_draft_is_under_no_signature():
    """What this version cannot read of a draft is kept and shown, and stands in no text that anybody signs."""
    world, left, _ = two()
    left.write(fact("draft", skill="soap", text="Latex"), fact("allergy", text="Nuts", severity="deadly"))
    state = world.state()
    assert {item.fact.fact.kind for item in state.unreadable} == {"draft", "allergy"}
    text = canonical_text(state, {}, chart=world.chart())
    assert "allergy: cannot be read" in text
    assert "draft" not in text
    assert "Latex" not in text


@pytest.mark.parametrize("compartment", [Compartment.SAFETY, Compartment.CLINICAL])
def test_a_quarantined_draft_is_never_shown_as_a_doubtful_statement(compartment):
    """Wherever somebody put it, it is withheld: it is nothing that an emergency needs, and counts for nothing."""
    world, left, _ = two()
    placed = left.write(a_draft())
    kept: PlacedFact = _kept_back(placed, compartment)
    assert visible([kept], []) == ()
    state = derive(CHART, [kept], [world.graph()])
    assert (state.withheld, state.unverified, state.drafts.items) == ((kept,), (), ())


def _kept_back(placed, compartment):
    return replace(placed, compartment=compartment, verdict=Verdict(Standing.QUARANTINED, Reason.ROLE))


def test_json_says_where_a_draft_came_from_and_none_of_its_words():
    """Model, template, counts and decisions; what was proposed is read with the drafts' own command."""
    world, left, _, draft = since(
        a_draft(
            {"name": "plan.1", "kind": "text", "text": "Zanamivir", "section": "plan",
             "unsupported": [{"kind": "drug", "start": 0, "end": 9}]},
            model="demonstration", demonstration=True, source="Oseltamivir",
        )
    )  # fmt: skip
    left.write(decided(draft, "dismissed", rejected=["plan.1"], reason="not said"))
    (shown,) = as_json(world.state())["drafts"]
    assert (shown["id"], shown["status"], shown["parts"], shown["unsupported"]) == (str(draft.id), "dismissed", 1, 1)
    assert (shown["model"], shown["demonstration"], shown["template"]) == ("demonstration", True, "soap/1")
    assert [one["fact"]["reason"] for one in shown["decisions"]] == ["not said"]
    assert not {"Zanamivir", "Oseltamivir"} & set(json.dumps(as_json(world.chart())).split('"'))
