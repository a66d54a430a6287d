"""A draft is no statement: no word of it is signed, printed or exported, and no alarm is raised by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from edge_runtime.clinical.asking import questions
from edge_runtime.clinical.drug_allergies import check_chart
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.layout import Section
from edge_runtime.exporting import scene_of
from edge_runtime.facts import Content
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.exporting.charts import resources
from edge_runtime.printing.chart_pages import chart_page
from edge_runtime.printing.html import to_html
from edge_runtime.signing.attesting import Signing
from edge_runtime.signing.signatures import changed_since
from sync_protocol.roles import Compartment
from tests.unit.edge_runtime.clinic import Device, fact
from tests.unit.edge_runtime.drafts.ward import MARKED, REST, SPRAIN, Ward, drafted

WORDS = ("ibuprofen", "S93.401A", "Sprain", "Rest for two days", "Zanamivir", "paracetamol")
ALLERGY = replace(
    SPRAIN, name="allergies.1", text="Zanamivir", proposes={"kind": "allergy", "payload": {"text": "Zanamivir"}}
)
PENICILLIN: Final[Mapping[str, Json]] = {"kind": "allergy", "payload": {"text": "Penicillin"}}
PARTS = (REST, MARKED, SPRAIN, ALLERGY)


def said_of(ward: Ward, device: Device) -> dict[str, str]:
    """All that leaves a chart as what it says of the patient: signed, printed, exported, and as JSON."""
    opened = device.charts.open(ward.chart)
    signing = Signing(device.charts, device.identity, ward.clinic.clock)
    made = resources(scene_of(opened, device.identity, now_ms=ward.clinic.clock()))
    return {
        "signed": signing.preview(opened, ward.document).text,
        "printed": to_html(chart_page(opened, made_ms=ward.clinic.clock())).decode(),
        "exported": b"".join(bundle(made, Form.COLLECTION, now_ms=0)).decode(),
        "shown": json.dumps(device.shown(ward.chart)),
    }


@pytest.mark.parametrize("decided", ["open", "dismissed"])
def test_no_word_of_a_draft_leaves_the_chart(ward: Ward, decided: str):
    """Open or dismissed: neither its text, nor what it proposes, nor what it was made from is in any of them."""
    before = said_of(ward, ward.doctor)
    draft = ward.record(ward.doctor, drafted(*PARTS))
    if decided == "dismissed":
        ward.dismiss(ward.doctor, draft)
    after = said_of(ward, ward.doctor)
    for form, text in after.items():
        assert not [word for word in WORDS if word in text], form
    del before["shown"], after["shown"]
    assert after == before


def test_what_was_left_out_of_an_acceptance_leaves_the_chart_nowhere(ward: Ward):
    """What was taken over is there as the person's own; what was marked is nowhere."""
    ward.accept(ward.doctor, ward.record(ward.doctor, drafted(*PARTS)))
    after = said_of(ward, ward.doctor)
    for form, text in after.items():
        assert "ibuprofen" not in text, form
        assert "Sprain of right ankle" in text, form
    assert all("Rest for two days" in after[form] for form in ("signed", "printed", "shown"))


def test_what_a_draft_proposes_is_compared_with_nothing(ward: Ward):
    """A proposed allergy raises no question beside a drug, and is in no list, until it is stated."""
    ward.doctor.charts.add_facts(
        ward.chart, ward.whole, [fact("medication", text="Amoxicillin", action="start", dose="1")]
    )
    draft = ward.record(ward.doctor, drafted(replace(ALLERGY, proposes=PENICILLIN)))

    def found() -> tuple[Any, ...]:
        state = ward.doctor.charts.open(ward.chart).state
        drug = fact("medication", text="Amoxicillin", action="start", dose="2")
        asked = questions(drug, now_ms=0, state=state.documents[0], chart=state)
        return check_chart(state).found, state.allergies.items, asked

    assert found() == ((), (), ())
    ward.accept(ward.doctor, draft)
    listed, allergies, asked = found()
    assert [item.names for item in allergies] == [("Penicillin",)]
    assert listed
    assert asked


def test_a_signature_is_not_disturbed_by_a_draft(ward: Ward):
    """Neither a draft nor its dismissal is a change beside a signed text; an acceptance is."""
    signing = Signing(ward.doctor.charts, ward.doctor.identity, ward.clinic.clock)
    signing.sign(ward.chart, ward.document)

    def beside() -> int:
        opened = ward.doctor.charts.open(ward.chart)
        (signature,) = signing.signatures(opened, ward.document).sound
        return sum(map(len, changed_since(opened.found(ward.document), signature).values()))

    ward.dismiss(ward.doctor, ward.record(ward.doctor))
    assert beside() == 0
    ward.accept(ward.doctor, ward.record(ward.doctor, drafted(REST)), into={"plan": Section.ASSESSMENT})
    assert beside() == 1


def test_an_unsound_draft_is_printed_nowhere(ward: Ward):
    """A draft that this version cannot use is kept, and counted in no list of a page."""
    device = ward.doctor
    batch = device.recorder.begin()

    wrong = fact("draft", skill="soap", words="Zanamivir")
    batch.content(ward.chart, ward.document, Compartment.CLINICAL, Content(facts=(wrong,), text=None))
    device.recorder.write(batch)
    assert [item.fact.fact.kind for item in ward.found_state(device).unreadable] == ["draft"]
    opened = device.charts.open(ward.chart)
    page = to_html(chart_page(opened, made_ms=0)).decode()
    assert "Zanamivir" not in page
    assert "cannot be used" not in page
