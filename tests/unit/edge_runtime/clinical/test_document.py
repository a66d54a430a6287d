"""The state of a document: everything that was stated is in it, whatever this version understands."""

from __future__ import annotations

from edge_runtime.clinical.document import derive
from edge_runtime.facts import CausalGraph
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, since, two

HEADER = fact("document", schema=1, workflow_type="encounter", title="Admission")


def test_a_document_without_facts_has_a_state():
    """Nothing is known, and nothing fails."""
    state = derive(CHART, [], [])
    assert (state.workflow_type, state.title, state.status.value) == (None, None, "pending")
    assert as_json(state)["status"] == {"value": "pending", "disputed": False, "heads": [], "history": []}


def test_the_last_header_that_stands_names_the_document():
    """Title and type come from the last `document` fact; earlier ones stay in the history."""
    world, left, right, first = since(HEADER)
    left.record(fact("document", schema=1, workflow_type="consultation", title="Cardiology"))
    state = world.state()
    assert (state.workflow_type, state.title) == ("consultation", "Cardiology")
    assert [bool(header.superseded_by) for header in state.headers] == [True, False]
    right.record(fact("document", schema=1, workflow_type="encounter"))
    assert sum(not header.superseded_by for header in world.state().headers) == 2
    assert first.id in {header.fact.id for header in state.headers}


def test_kinds_without_a_rule_are_shown_with_their_history():
    """Identity, diagnoses and procedures: all of them, each with what replaces it."""
    world, left, right, first = since(fact("diagnosis", text="Fracture"))
    exact = left.write(fact("diagnosis", first, text="Fracture of femur", code="S72.001A", system="icd-10-cm"))
    right.write(fact("procedure", text="Splint"))
    names = [writer.write(fact("identity", name=name)) for writer, name in ((left, "Ana"), (right, "Anna"))]
    state = world.state()
    assert {item.fact.id: item.superseded_by for item in state.problems} == {first.id: (exact.id,), exact.id: ()}
    assert len(state.procedures) == 1
    assert {item.fact.id for item in state.identity} == ids(names)


def test_what_this_version_does_not_understand_is_kept_and_shown():
    """Unknown kinds, kinds without rules yet and verbatim imports are listed with their whole content."""
    world, left, _ = two()
    written = left.write(
        fact("genome", sequence=b"\x01", supersedes=3), fact("text_start", text="x"), fact("source", raw={"a": [1]})
    )
    state = world.state()
    assert ids(state.others) == ids(written)
    shown = as_json(state)["others"]
    assert [entry["understood"] for entry in shown] == [False, False, True]
    assert shown[0]["fact"] == {"kind": "genome", "sequence": "01", "payload.supersedes": 3}


def test_unknown_keys_of_known_kinds_are_named():
    """A fact with a key of a newer version is used, shown whole, and its key named."""
    world, left, _ = two()
    left.write(fact("allergy", text="Latex", onset="childhood"))
    (item,) = as_json(world.state())["allergies"]
    assert item["live"][0]["keys_not_understood"] == ["onset"]
    assert item["live"][0]["fact"] == {"kind": "allergy", "text": "Latex", "onset": "childhood"}


def test_an_unreadable_fact_hides_and_lowers_nothing():
    """What cannot be read is shown with its problem; what it claims to replace stands."""
    world, left, _, first = since(fact("observation", code="8867-4", text="HR", value="70", unit="/min"))
    left.write(fact("observation", first, code="8867-4", text="HR", value="seventy", unit="/min"))
    state = world.state()
    assert [item.corrected_by for item in state.observations] == [()]
    (entry,) = as_json(state)["unreadable"]
    assert entry["problem"].startswith("observation.value: expected a decimal number")
    assert "seventy" not in entry["problem"]
    assert entry["fact"]["value"] == "seventy"


def test_a_document_has_only_its_own_facts():
    """Facts of other documents are left aside."""
    world, left, _ = two()
    left.write(fact("allergy", text="Latex"), document=ENCOUNTER)
    assert world.state(CHART).allergies.items == ()
    assert len(world.state(ENCOUNTER).allergies.items) == 1


def test_a_graph_that_knows_nothing_raises_more_reviews_never_fewer():
    """Without causal knowledge everything counts as concurrent: in doubt a person is asked."""
    world, left, _, first = since(fact("medication", text="Warfarin", action="start", dose="5"))
    left.write(fact("medication", text="Warfarin", action="start", dose="7"))
    assert world.state().reviews == ()
    assert len(derive(CHART, world.facts(), [CausalGraph()]).reviews) == 1
    assert first.id in ids(world.facts())


def test_json_has_stable_keys_and_no_floats():
    """Scripts may rely on the keys; numbers that were measured stay text."""
    world, left, right, first = since(fact("medication", text="Warfarin", action="start", dose="5", unit="mg"))
    left.write(fact("medication", first, text="Warfarin", action="stop"))
    right.write(fact("medication", first, text="Warfarin", action="change", dose="2.5", unit="mg"))
    left.write(HEADER, fact("observation", code="8867-4", text="HR", value="300", unit="/min"))
    shown = as_json(world.state())
    assert list(shown) == [
        "document",
        "workflow_type",
        "title",
        "headers",
        "identity",
        "status",
        "priority",
        "allergies",
        "no_known_allergies",
        "no_known_allergies_history",
        "medications",
        "allergies_incomplete",
        "medications_incomplete",
        "problems",
        "procedures",
        "observations",
        "signatures",
        "attachments",
        "reviews",
        "decisions",
        "drafts",
        "draft_decisions_stray",
        "unreadable",
        "others",
        "unverified",
        "withheld",
        "triage",
        "assignment",
        "place",
        "diagnoses",
        "steps",
        "specimens",
        "validations",
        "links",
        "register",
        "newer_layout",
    ]
    (medication,) = shown["medications"]
    assert medication["status"] == "disputed"
    assert {line["dose"] for line in medication["lines"] if not line["stopped"]} == {"2.5"}
    assert shown["observations"][0]["question"] == "heart rate is outside 20 to 250 /min: was this measured?"
    (review,) = shown["reviews"]
    assert list(review) == ["id", "kind", "subject", "document", "reason", "open", "values", "decisions"]
    assert {value["author"]["role"] for value in review["values"]} == {"physician", "nurse"}
