"""Random histories: several authors who write of everything that the layout knows, and meet now and then.

Owns their generator. Histories are dense: few allergens, drugs, labels and numbers, so that authors meet each other's.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from edge_runtime.clinical.layout import Priority, SpecimenStatus, StepStatus, Triage
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import CHART, World, fact

random_histories = settings(max_examples=max(400, settings().max_examples))

ALLERGENS = st.sampled_from(["Penicillin", "penicillin ", "Latex", "NKA", "NKDA", "No known latex allergy"])
CODES = st.sampled_from([{}, {}, {"code": "1", "system": "snomed"}, {"code": "1", "system": "http://snomed.info/sct"}])
DRUGS = st.sampled_from(["Warfarin", "warfarin", "Aspirin"])


def optional(**choices):
    """A payload with some of these keys."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


PAYLOADS = {
    "allergy": st.builds(
        lambda text, code, rest: {"text": text, **code, **rest},
        ALLERGENS,
        CODES,
        optional(
            severity=["mild", "severe", "unheard of"],
            verification=["refuted", "refuted", "confirmed"],
            category=["food", "medication"],
        ),
    ),
    "medication": st.builds(
        lambda text, action, rest: {"text": text, "action": action, **rest},
        DRUGS,
        st.sampled_from(["start", "change", "continue", "stop"]),
        optional(dose=["5", "5.0", "7.5"], unit=["mg"], frequency=["daily"], rxnorm=["11289", "none"]),
    ),
    "status": st.sampled_from(["active", "paused", "completed", "cancelled", "done"]).map(lambda to: {"to": to}),
    "priority": st.sampled_from([*Priority]).map(lambda to: {"to": str(to)}),
    "observation": st.sampled_from(["70", "70.0", "300", "many"]).map(
        lambda value: {"code": "8867-4", "text": "HR", "value": value, "unit": "/min"}
    ),
    "genome": st.just({"bases": "ACGT"}),
    "identity": st.sampled_from([{"name": "Ana"}, {"name": "Anna", "sex": "female"}, {"sex": "unheard of"}]),
    "document": st.sampled_from(
        [{"schema": 1, "workflow_type": "encounter"}, {"schema": 2, "workflow_type": "hologram"}]
    ),
    "triage": st.sampled_from([*Triage, "red", "black", "purple"]).map(lambda to: {"to": str(to)}),
    "assignment": st.sampled_from([{"to": "Night shift"}, {"to": "Day shift"}, {}]),
    "place": st.sampled_from([{"location": "Tent 2"}, {"department": "Surgery"}]),
    "diagnosis": st.builds(
        lambda text, code, rest: {"text": text, **code, **rest},
        st.sampled_from(["Fracture", "fracture ", "Sepsis"]),
        CODES,
        optional(certainty=["confirmed", "provisional", "refuted", "refuted", "entered-in-error", "likely"]),
    ),
    "procedure": st.just({"text": "Splint", "performed": "2026-03-01"}),
    "step": st.builds(
        lambda fraction, name, rest: {"fraction": fraction, "name": name, **rest},
        st.sampled_from(["V", "V0", "W", "1"]),
        st.sampled_from(["Take blood", "take  blood", "Give oxygen"]),
        optional(required=[True], estimated_minutes=[10]),
    ),
    "step_event": st.builds(
        lambda which, to: {"step": which, "to": str(to)},
        st.integers(0, 3),
        st.sampled_from([*StepStatus, "completed", "done"]),
    ),
    "specimen": st.builds(
        lambda label, to: {"specimen": label, "to": str(to)},
        st.sampled_from(["A1", "a1 ", "B2"]),
        st.sampled_from([*SpecimenStatus, "rejected", "received"]),
    ),
    "validation": st.builds(
        lambda which, to: {"observation": which, "to": to},
        st.integers(0, 2),
        st.sampled_from(["validated", "rejected", "perhaps"]),
    ),
    "link": st.builds(
        lambda relation, target: {"relation": relation, **target},
        st.sampled_from(["same_patient", "not_same_patient", "follows"]),
        st.sampled_from([{"chart": "aa" * 16}, {"chart": "bb" * 16}, {"document": "cc" * 16}]),
    ),
    "draft": st.builds(
        lambda part, rest: {
            "skill": "soap",
            "template": "soap/1",
            "source": "Latex, Fracture.",
            "parts": [part],
            **rest,
        },
        st.sampled_from(
            [
                {"name": "plan.1", "kind": "text", "text": "Warfarin 9 mg", "section": "plan"},
                {
                    "name": "a.1",
                    "kind": "fact",
                    "text": "Sepsis",
                    "proposes": {"kind": "diagnosis", "payload": {"text": "Sepsis", "code": "1", "system": "snomed"}},
                },
                {
                    "name": "b.1",
                    "kind": "fact",
                    "text": "Latex",
                    "proposes": {"kind": "allergy", "payload": {"text": "Latex", "verification": "refuted"}},
                },
                {"name": "c.1", "kind": "hologram", "text": "Latex"},
            ]
        ),
        optional(demonstration=[True], seed=[7]),
    ),
    "draft_decision": st.builds(
        lambda which, decision: {"draft": which, "decision": decision},
        st.integers(0, 2),
        st.sampled_from(["accepted", "accepted_in_part", "dismissed", "perhaps"]),
    ),
    "casualty": st.builds(
        lambda number, chart: {"number": number, "chart": chart},
        st.sampled_from(["7", "17", "A-9"]),
        st.sampled_from(["aa" * 16, "bb" * 16]),
    ),
}
NAMING = {
    "step_event": ("step", "step"),
    "validation": ("observation", "observation"),
    "draft_decision": ("draft", "draft"),
}
"""Kinds that name another fact: under which key, and of which kind."""
SUBJECTS = (
    *(("allergy",), ("medication",), ("status",), ("priority",), ("observation", "validation"), ("triage",)),
    *(("diagnosis",), ("step", "step_event"), ("specimen",), ("link",), ("casualty",), ("assignment", "place")),
    ("draft", "draft_decision"),
)
"""Kinds that meet each other; a history is about one of these, or about everything."""


def histories(kinds):
    """Histories about some kinds: dense enough that authors meet each other's facts."""
    payload = st.one_of(*(st.tuples(st.just(kind), PAYLOADS[kind]) for kind in kinds))
    step = st.one_of(
        st.tuples(st.just("read"), st.integers(0, 2)),
        st.tuples(st.just("record"), payload, st.just(0)),
        st.tuples(st.just("write"), payload, st.integers(0, 2**8 - 1)),
        st.tuples(st.just("write"), payload, st.sampled_from([0, 1, 3, 255])),
    )
    return st.lists(st.tuples(st.integers(0, 2), step), min_size=3, max_size=24)


STEPS = st.one_of(*map(histories, SUBJECTS), histories(PAYLOADS))
"""Who reads from whom; who records a fact as the runtime would (defaults filled), or writes one that replaces any
subset of the last eight of its kind that the author has seen."""


def named(writer, document, kind, payload):
    """A payload whose reference is a fact that the author sees, or, where there is none, one that nobody has."""
    key, of = NAMING.get(kind, (None, None))
    if key is None:
        return payload
    seen = [item for item in writer.facts() if item.fact.kind == of and item.document == document]
    return payload | {key: str(seen[payload[key] % len(seen)].id) if seen else "ab" * 32 + ":0"}


def play(steps, *, documents=(CHART,), in_line=False):
    """Let three authors live a history; with `in_line`, everyone knows everything before writing."""
    world = World()
    writers = [world.writer(role) for role in ("physician", "nurse", "emergency_responder")]
    for number, (who, (act, what, *rest)) in enumerate(steps):
        writer, document = writers[who], documents[number % len(documents)]
        if in_line:
            world.sync()
        if act == "read":
            writer.read(writers[what])
            continue
        kind, payload = what[0], named(writer, document, *what)
        if act == "write":
            same = [item for item in writer.facts() if item.fact.kind == kind and item.document == document][-8:]
            writer.write(
                fact(kind, *(item for bit, item in enumerate(same) if rest[0] >> bit & 1), **payload), document=document
            )
            continue
        try:
            writer.record(fact(kind, **payload), document=document)
        except InputError:  # wrong by design, or ambiguous: the author's device refused it
            continue
    return world
