"""Whatever a device may state of orders, plans, specimens and steps comes back as the same facts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import Kind, Priority, SpecimenStatus, Status, StepStatus
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.facts import Fact, FactId
from sync_protocol.ids import DocumentId
from sync_protocol.membership import Membership
from tests.unit.edge_runtime.fhir.exporting.scenes import Paper, read_back
from tests.unit.edge_runtime.fhir.inputs import Importer

ORDER, PLAN = DocumentId(b"o" * 16), DocumentId(b"p" * 16)
KINDS = frozenset({Kind.STATUS, Kind.PRIORITY, Kind.STEP, Kind.STEP_EVENT, Kind.SPECIMEN})

WORDS = st.text(st.sampled_from("aZé9<&;,.-\"'漢"), min_size=1, max_size=24)
MINUTES = st.integers(1, 1440)
FRACTIONS = st.text(st.sampled_from("0123456789ABYZabyz"), min_size=1, max_size=6)
MOMENTS = st.sampled_from(["2026-01-01", "2026-01", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.250+05:30"])
STEPS = st.fixed_dictionaries(
    {"fraction": FRACTIONS, "name": WORDS},
    optional={
        "type": WORDS,
        "estimated_minutes": MINUTES,
        "key": st.sampled_from(["walk", "a:b", "z_9"]),
        "required": st.booleans(),
    },
)
EVENTS = st.fixed_dictionaries(
    {"to": st.sampled_from([one for one in StepStatus if one is not StepStatus.PENDING])},
    optional={"quality": st.integers(0, 100), "actual_minutes": MINUTES, "note": WORDS, "reason": WORDS},
)
SPECIMENS = st.fixed_dictionaries(
    {"to": st.sampled_from(SpecimenStatus)}, optional={"type": WORDS, "effective": MOMENTS, "reason": WORDS}
)
DOCUMENTS = st.fixed_dictionaries(
    {"status": st.sampled_from(Status), "steps": st.lists(st.tuples(STEPS, st.none() | EVENTS), max_size=5)},
    optional={"priority": st.sampled_from(Priority), "title": WORDS, "specimens": st.lists(SPECIMENS, max_size=3)},
)


def stated(paper: Paper, document: DocumentId, type_: str, what: dict[str, Any]) -> None:
    """Write a document."""
    title = {"title": what["title"]} if "title" in what else {}
    paper.state("document", document=document, schema=1, workflow_type=type_, **title)
    paper.state("status", document=document, to=what["status"].value)
    if "priority" in what and type_ == "lab_order":
        paper.state("priority", document=document, to=what["priority"].value)
    for step, event in what["steps"]:
        name = paper.state("step", document=document, **step)
        if event:
            paper.state("step_event", document=document, step=str(name), **event)
    for number, specimen in enumerate(what.get("specimens", ())) if type_ == "lab_order" else ():
        paper.state("specimen", document=document, specimen=f"X-{number}", **specimen)


def told(facts: list[Fact], ids: dict[str, str]) -> list[tuple[str, str]]:
    """What some facts say, with each step by its name and place."""
    found = []
    for fact in facts:
        if fact.kind in KINDS:
            payload = dict(fact.payload)
            if fact.kind == Kind.STEP_EVENT:
                payload["step"] = ids[str(payload["step"])]
            found.append((fact.kind, json.dumps(payload, sort_keys=True)))
    return sorted(found)


def names(facts: Any) -> dict[str, str]:
    """What each step is, by the id of its fact."""
    return {str(one.id): json.dumps(one.fact.payload, sort_keys=True) for one in facts if one.fact.kind == Kind.STEP}


@given(order=DOCUMENTS, plan=DOCUMENTS)
def test_what_goes_out_comes_back(membership: Membership, order: dict[str, Any], plan: dict[str, Any]):
    """The same statements, each valid, in documents of the same type, status and title."""
    paper = Paper(membership)
    stated(paper, ORDER, "lab_order", order)
    stated(paper, PLAN, "care_plan", plan)
    planned = read_back(paper.written())
    assert planned.refused == ()
    importer = Importer()
    taken = importer.take(planned)
    before = told([one.fact for one in paper.facts], names(paper.facts))
    assert told(taken, names(importer.world.facts())) == before
    for fact in taken:
        validate_fact(fact)
    for type_, what in (("lab_order", order), ("care_plan", plan)):
        (state,) = [one for one in importer.chart().documents if one.workflow_type == type_]
        assert (state.status.value, state.title) == (what["status"], what.get("title"))
        assert not [review for review in state.reviews if review.open]
    assert importer.take(planned) == []
    assert all(FactId.parse(name) for name in names(importer.world.facts()))
