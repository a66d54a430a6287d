"""What an author may sign, and what a reader can use."""

from __future__ import annotations

import re
from typing import Any

import pytest

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.schemas import flaw, unknown_keys, validate_fact
from edge_runtime.errors import InputError
from edge_runtime.facts import SUPERSEDES_MAX, Content, Fact, FactId, pack_content, unpack_content
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.clinical.worlds import a_draft, fact

ID = f"{'ab' * 32}:0"
PART = {"name": "a.1", "kind": "text", "text": "Rest"}

SOUND = [
    fact("identity", name="Ana Núñez"),
    fact(
        "identity",
        name="Unknown, red jacket",
        birth_date="1980-05",
        sex="female",
        identifiers=[{"system": "mrn", "value": "12", "type": "MRN"}],
        contacts=[{"type": "phone", "value": "+1 555 0100", "name": "Sister"}],
    ),
    fact("document", schema=1, workflow_type="field_triage", title="Tent 3"),
    fact("status", to="suspended", reason="awaiting transport"),
    fact("priority", to="critical"),
    fact("allergy", text="Penicillin", code="764146007", system="http://snomed.info/sct", severity="severe"),
    fact("allergy", text="Latex", verification="entered-in-error", category="environment", reaction="hives"),
    fact("medication", text="Warfarin", rxnorm="11289", action="start", dose="5", unit="mg", route="oral"),
    fact("diagnosis", text="Fracture", code="S72.001A", system="icd-10-cm", certainty="provisional"),
    fact("procedure", text="Splint", performed="2026-03-01T09:30:15.25-05:00"),
    fact("observation", code="8867-4", text="Heart rate", value="72", unit="/min", effective="2026-03-01T09:30Z"),
    fact("observation", code="72166-2", text="Tobacco smoking status", finding="never smoker", confirmed=True),
    fact(
        "observation",
        code="85354-9",
        text="Blood pressure",
        components=[{"code": "8480-6", "value": "-0.5", "unit": "mm[Hg]"}, {"code": "8462-4", "text": "not heard"}],
    ),
    fact("review_decision", conflict="0f" * 32, heads=[ID], decision="keep both", reason="two strengths"),
    a_draft(
        {
            "name": "plan.1",
            "kind": "text",
            "text": "Ibuprofen 400 mg",
            "section": "plan",
            "citations": [[0, 9, 3, 12]],
            "unsupported": [{"kind": "dose", "start": 10, "end": 16}],
            "notes": ["odd"],
        },
        {
            "name": "code.1",
            "kind": "fact",
            "text": "Sprain",
            "proposes": {"kind": "diagnosis", "payload": {"text": "Sprain", "code": "S93.4"}},
        },
        {"name": "ask", "kind": "advice", "text": "Can she bear weight?"},
        model="demonstration",
        model_digest="0f" * 32,
        engine="litert-lm 0.18.1",
        seed=-7,
        demonstration=True,
        adapter="paediatrics",
        language="pt-BR",
        cut=True,
        warnings=["Cut."],
        seen=["ab" * 32],
    ),
    fact(
        "draft_decision",
        draft=ID,
        decision="accepted_in_part",
        accepted=["plan.1"],
        rejected=["code.1"],
        included=["plan.1"],
        edited=["plan.1"],
        reason="seen on the packet",
    ),
    fact("source", format="fhir-r4", resource={"a": [{"b": {"c": [True, None, 5, b"\1"]}}]}),
]

WRONG = [
    (fact("allergy"), "allergy.text: to be stated"),
    (fact("allergy", text="  "), "allergy.text: text of 1 to 255 characters"),
    (fact("allergy", text="x" * 256), "allergy.text: text of 1 to 255 characters"),
    (fact("allergy", text="half \ud800"), "allergy.text: text in Unicode"),
    (fact("allergy", text="Latex", severity="deadly"), "allergy.severity: one of mild, moderate, severe"),
    (fact("allergy", text="Latex", severity=3), "allergy.severity: one of mild, moderate, severe"),
    (fact("allergy", text="Latex", severty="mild"), "allergy: only the keys text, code"),
    (fact("allergy", text="Latex", other=1.5), "allergy.(other): a decimal as text"),
    (fact("identity", name="A", birth_date="1980-02-30"), "identity.birth_date: a date"),
    (fact("identity", name="A", birth_date="2026-03-01T09:30Z"), "identity.birth_date: a date"),
    (fact("identity", name="A", identifiers=[{"system": "mrn"}]), "identity.identifiers[0].value: to be stated"),
    (fact("identity", name="A", identifiers=["12"]), "identity.identifiers[0]: a map"),
    (fact("identity", name="A", contacts=[{"value": "1", "x": "y"}]), "identity.contacts[0]: only the keys"),
    (fact("document", schema="1", workflow_type="chart"), "document.schema: a whole number from 1"),
    (fact("document", schema=True, workflow_type="chart"), "document.schema: a whole number from 1"),
    (fact("document", schema=1, workflow_type="visit"), "document.workflow_type: one of chart, encounter"),
    (fact("status", to="done"), "status.to: one of pending, active"),
    (fact("medication", text="Warfarin"), "medication.action: to be stated"),
    (fact("medication", text="Warfarin", action="start", dose=5), "medication.dose: text of 1 to 64 characters"),
    (fact("medication", text="Warfarin", action="start", rxnorm="11289x"), "medication.rxnorm: an RxNorm code"),
    (fact("observation", code="8867-4", text="HR", value=">72"), "observation.value: a decimal number as text"),
    (fact("observation", code="8867-4", text="HR", value="1e2"), "observation.value: a decimal number as text"),
    (fact("observation", code="8867-4", text="HR", value="7٢"), "observation.value: a decimal number as text"),
    (fact("observation", code="8867-4", text="HR", value=72.5), "observation.value: a decimal number as text"),
    (fact("observation", code="1", text="BP", components=[]), "observation.components: a list of 1 to 16"),
    (fact("observation", code="8867-4", text="HR", effective="2026-13"), "observation.effective: a date or time"),
    (fact("observation", code="8867-4", text="HR", effective="2026-03-01T09:30"), "observation.effective: a date or"),
    (fact("observation", code="8867-4", text="HR", effective="2026-03-01T24:30Z"), "observation.effective: a date or"),
    (fact("observation", code="8867-4", text="HR", corrects=ID), "observation.corrects: an id that `supersedes` names"),
    (fact("observation", code="8867-4", text="HR", confirmed="yes"), "observation.confirmed: true or false"),
    (fact("review_decision", conflict="0F", heads=[ID], decision="x", reason="y"), "review_decision.conflict"),
    (fact("source", resource=[[[[[[[[["deep"]]]]]]]]]), "source.(other): at most 8 levels"),
    (fact("source", number=2**64), "source.(other): text, true, false, null"),
    (fact("source", **{"half \ud800": "a"}), "source.(other): keys as text in Unicode"),
    (a_draft(skill="Free words"), "draft.skill: a name"),
    (a_draft(source=" "), "draft.source: text of 1 to 32000 characters"),
    (a_draft(seed=2**63), "draft.seed: a whole number"),
    (a_draft(seen=["ab"]), "draft.seen[0]: 64 hexadecimal digits"),
    (fact("draft", skill="soap", template="soap/1", source="x", parts=[]), "draft.parts: a list of 1 to 64"),
    (fact("draft", skill="soap", template="soap/1", source="x", parts="x"), "draft.parts: a list of 1 to 64"),
    (a_draft(PART, PART), "draft.parts: parts of different names"),
    (a_draft({**PART, "kind": "order"}), "draft.parts[0].kind: one of text, fact, advice"),
    (a_draft({**PART, "text": "x" * 8001}), "draft.parts[0].text: text of 1 to 8000"),
    (a_draft({**PART, "section": "triage"}), "draft.parts[0].section: one of complaint"),
    (a_draft({**PART, "citations": [[0, 1, 0]]}), "draft.parts[0].citations[0]: a list of 4 to 4"),
    (a_draft({**PART, "citations": [[0, 9, 0, 1]]}), "draft.parts[0].citations[0]: a place in the part's text"),
    (a_draft({**PART, "citations": [[0, 1, 5, 1]]}), "draft.parts[0].citations[0]: a place in the part's text"),
    (a_draft({**PART, "unsupported": [{"kind": "dose", "start": 3, "end": 5}]}), "draft.parts[0].unsupported[0]: a pl"),
    (a_draft({**PART, "unsupported": [{"kind": "mood", "start": 0, "end": 1}]}), "draft.parts[0].unsupported[0].kind"),
    (a_draft({**PART, "kind": "fact"}), "draft.parts[0].proposes: a proposal in a part of kind fact"),
    (a_draft({**PART, "proposes": {"kind": "allergy", "payload": {}}}), "draft.parts[0].proposes: a proposal in"),
    (
        a_draft({**PART, "kind": "fact", "proposes": {"kind": "triage", "payload": {"to": "minor"}}}),
        "draft.parts[0].proposes.kind: one of allergy, medication, diagnosis, procedure, observation",
    ),
    (a_draft({"kind": "text", "text": "x"}), "draft.parts[0].name: to be stated"),
    (fact("draft_decision", draft=ID, decision="maybe"), "draft_decision.decision: one of accepted"),
    (fact("draft_decision", draft="x", decision="accepted"), "draft_decision.draft: a fact id"),
    (fact("genome", to="red"), "kind: one that this version writes: identity"),
    (fact("status", *[FactId(EntryHash(bytes(32)), n) for n in range(SUPERSEDES_MAX + 1)], to="active"), "supersedes"),
    (fact("status", FactId(EntryHash(bytes(32)), 256), to="active"), "supersedes: indexes below 256"),
]


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: f"{sound.kind}-{len(sound.payload)}")
def test_sound_facts_may_be_signed_and_travel(sound):
    """What validation accepts, a reader can use, and the protocol carries unchanged."""
    validate_fact(sound)
    assert flaw(sound) is None
    assert unknown_keys(sound) == ()
    assert unpack_content(pack_content(Content(facts=(sound,), text=None))).facts == (sound,)


@pytest.mark.parametrize(("wrong", "expected"), WRONG, ids=lambda part: part if isinstance(part, str) else "")
def test_a_wrong_fact_is_refused_by_path(wrong, expected):
    """An error names the path and what was expected, and what to do."""
    with pytest.raises(InputError) as caught:
        validate_fact(wrong)
    assert caught.value.expected.startswith(expected)
    assert "nothing was written" in caught.value.do


@pytest.mark.parametrize(
    "wrong",
    [
        fact("allergy", text="Latex", severity="Maria Petrova"),
        fact("allergy", text="Latex", **{"Maria Petrova": "x"}),
        fact("identity", name="A", birth_date="Maria Petrova"),
        fact("identity", name="A", identifiers=[{"Maria Petrova": 1.5}]),
        fact("Maria Petrova", text="x"),
        fact("observation", code="8867-4", text="HR", value="Maria Petrova"),
        fact("observation", code="8867-4", text="HR", corrects="Maria Petrova"),
    ],
    ids=lambda wrong: wrong.kind if wrong.kind in SCHEMAS else "unknown",
)
def test_an_error_never_holds_what_was_written(wrong):
    """A value may identify the patient: errors give its type and length only, even for a mistyped key or kind."""
    with pytest.raises(InputError) as caught:
        validate_fact(wrong)
    assert not re.search("maria|petrova", str(caught.value), re.IGNORECASE)


def test_a_reader_keeps_keys_that_it_does_not_know():
    """A key of a newer version makes a fact neither unreadable nor smaller; it is named as not understood."""
    newer = fact("allergy", text="Latex", onset="childhood")
    assert flaw(newer) is None
    assert unknown_keys(newer) == ("onset",)


def test_unknown_keys_are_named_also_beside_a_flaw():
    """What is shown as unreadable still says what this version does not know of it."""
    parts = [5, {"code": "1", "site": "left arm"}, {"code": "1", "deep": [[[[[[[[[1]]]]]]]]]}]
    odd = fact("observation", code="1", text=5, components=parts, posture="sitting")
    assert unknown_keys(odd) == ("site", "deep", "posture")
    assert unknown_keys(fact("observation", code="1", text="a", components="none", posture="sitting")) == ("posture",)


def test_a_reader_does_not_use_a_word_that_it_does_not_know():
    """A severity of a newer version makes the fact unreadable here, instead of reading as none."""
    assert flaw(fact("allergy", text="Latex", severity="anaphylactic")) is not None


def test_every_kind_that_is_written_is_a_kind_of_the_layout():
    """The schemas name only kinds that the layout routes."""
    assert set(SCHEMAS) <= set(Kind)


def test_nesting_is_allowed_to_the_protocols_depth():
    """Eight levels below a payload key still travel; one more is refused before signing, not by the receiver."""
    deep = fact("source", resource=[[[[[[[["deep"]]]]]]]])
    validate_fact(deep)
    assert unpack_content(pack_content(Content(facts=(deep,), text=None))).facts == (deep,)


def test_payloads_that_are_no_maps_of_text_are_refused_not_crashed_on():
    """Whatever a host app hands in, validation answers with an InputError."""
    payloads: list[Any] = [{"text": object()}, {"text": b"bytes"}, {"text": None}, {"text": ["a"]}]
    for payload in payloads:
        with pytest.raises(InputError, match=r"allergy\.text"):
            validate_fact(Fact(kind="allergy", payload=payload, supersedes=()))
