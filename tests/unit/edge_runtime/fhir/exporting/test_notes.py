"""Signed notes and consents as FHIR: word for word, with everybody who signed; and nothing that nobody said."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.access.charts import Access
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.exporting import scene_of
from edge_runtime.facts import FactId
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.exporting.charts import resources
from edge_runtime.fhir.exporting.narrative import sections, xhtml
from edge_runtime.fhir.exporting.notes import NOTE_MEDIA, OTHER, TYPES
from edge_runtime.fhir.exporting.scene import Made, Scene
from edge_runtime.fhir.exporting.writing import to_text
from edge_runtime.fhir.importing.note_facts import NOTE_TYPES
from edge_runtime.fhir.validation.validator import Validator, open_validator
from edge_runtime.importing import import_charts
from edge_runtime.signing.attesting import Signing
from edge_runtime.signing.notes import NoteWriter
from sync_protocol.chart_records import Purpose
from sync_protocol.ids import ChartId, DocumentId, RootHash
from sync_protocol.note_checks import check_note
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact

HOSTILE = 'Stable.\n<script>alert(1)</script> & "5 < 6"\nPlan\n]]> &lt;b&gt;'


@cache
def validator() -> Validator:
    """Opened once: its tables take a while."""
    return open_validator()


@dataclass
class Ward:
    """A chart with a visit, on a physician's device and a nurse's."""

    clinic: Clinic
    doctor: Device
    nurse: Device
    chart: ChartId
    document: DocumentId

    def signing(self, device: Device) -> Signing:
        """What signs for a device's user."""
        return Signing(device.charts, device.identity, self.clinic.clock)

    def sign(self, **options: Any) -> FactId:
        """Sign as the physician."""
        return FactId(self.signing(self.doctor).sign(self.chart, self.document, **options)[-1].hash, 0)

    def scene(self) -> Scene:
        """The chart as the physician's device exports it, with the note file of the visit."""
        device = self.doctor
        writer = NoteWriter(device.store, device.identity, device.keyring, self.clinic.clock)
        opened = device.charts.open(self.chart)
        return scene_of(opened, device.identity, now_ms=self.clinic.clock(), notes=writer)

    def made(self) -> list[Made]:
        """Every exported resource; each valid."""
        found = resources(self.scene())
        for one in found:
            problems = validator().resource(to_text(one.content).encode())
            assert not [problem for problem in problems if problem.invalidates], one.type
        return found

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        """The exported resources of a type, as plain JSON."""
        return [json.loads(to_text(one.content)) for one in self.made() if one.type == type_]


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    """A ward where something was written."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, (_, document) = doctor.charts.create([fact("identity", name="Ana Núñez")], workflow=WorkflowType.ENCOUNTER)
    doctor.charts.share(chart, nurse.id)
    doctor.charts.edit_text(chart, document, "assessment", HOSTILE)
    carry(doctor, nurse)
    return Ward(clinic, doctor, nurse, chart, document)


def tree(part: dict[str, Any]) -> ET.Element:
    """The narrative of a section, which must be well-formed."""
    return ET.fromstring(part["text"]["div"])  # noqa: S314 it was made here, by the code under test


def words(part: dict[str, Any]) -> list[str]:
    """The paragraphs of a section."""
    return ["".join(one.itertext()) for one in tree(part)]


# ------------------------------------------------------------------------------------------------------------ notes


def test_a_signed_text_goes_out_word_for_word(ward: Ward):
    """Heading by heading; nothing that was typed becomes markup, or a heading."""
    ward.sign()
    (found,) = ward.of_type("Composition")
    parts = {part["title"]: part for part in found["section"]}
    assert words(parts["Assessment"]) == HOSTILE.splitlines()
    assert words(parts["Patient"]) == ["Name: Ana Núñez"]
    assert "Plan" not in parts
    tags = {one.tag.rpartition("}")[2] for part in parts.values() for one in tree(part).iter()}
    assert tags == {"div", "p"}
    assert (found["status"], found["type"]["coding"][0]["code"], found["title"]) == (
        "final",
        "11506-3",
        "Progress note",
    )
    assert [one["mode"] for one in found["attester"]] == ["legal"]
    assert found["author"][0]["identifier"]["value"] == str(ward.doctor.identity.certificate.user)
    assert found["encounter"]["reference"].removeprefix("urn:uuid:") == ward.of_type("Encounter")[0]["id"]


def test_an_unsigned_text_is_no_note(ward: Ward):
    """What nobody answers for is not exported as somebody's word."""
    assert ward.of_type("Composition") == []
    assert ward.of_type("DocumentReference") == []


def test_a_signature_that_does_not_hold_is_none(ward: Ward):
    """Only what was judged sound counts, whatever stands in the facts."""
    ward.sign()
    made = resources(replace(ward.scene(), sound=frozenset()))
    assert "Composition" not in {one.type for one in made}


def test_whoever_signed_beside_and_below_is_named(ward: Ward):
    """A colleague as professional; an addendum as a section of its own, and the note is amended by it."""
    name = ward.sign()
    carry(ward.doctor, ward.nurse)
    ward.signing(ward.nurse).cosign(ward.chart, ward.document, name)
    carry(ward.nurse, ward.doctor)
    (found,) = ward.of_type("Composition")
    assert (found["status"], [one["mode"] for one in found["attester"]]) == ("final", ["legal", "professional"])
    ward.signing(ward.doctor).addend(ward.chart, ward.document, name, "Laboratory called <at> 14:10")
    (found,) = ward.of_type("Composition")
    assert (found["status"], found["section"][-1]["title"]) == ("amended", "Addendum")
    assert words(found["section"][-1]) == ["Laboratory called <at> 14:10"]
    assert len(found["attester"]) == 3


def test_an_amendment_takes_the_place_of_what_it_amends(ward: Ward):
    """One note, that says what it replaces; the record of both is beside it."""
    name = ward.sign()
    first = ward.of_type("Composition")[0]
    ward.doctor.charts.edit_text(ward.chart, ward.document, "assessment", "Worse.")
    ward.signing(ward.doctor).amend(ward.chart, ward.document, name, reason="wrong side")
    (found,) = ward.of_type("Composition")
    assert found["status"] == "amended"
    assert found["relatesTo"] == [{"code": "replaces", "targetIdentifier": first["identifier"]}]
    assert words(next(part for part in found["section"] if part["title"] == "Assessment")) == ["Worse."]
    assert found["id"] != first["id"]


def test_the_signed_record_can_be_verified_from_the_export_alone(ward: Ward):
    """The attachment is the note file: by the organisation's root, without a device."""
    ward.sign()
    (found,) = ward.of_type("DocumentReference")
    attachment = found["content"][0]["attachment"]
    note = base64.b64decode(attachment["data"])
    assert (attachment["contentType"], attachment["size"]) == (NOTE_MEDIA, len(note))
    checked = check_note(note, expected=RootHash(ward.clinic.root.hash))
    assert any("alert(1)" in (text.text or "") for text in checked.texts)
    (composition,) = ward.of_type("Composition")
    assert found["context"]["related"] == [{"reference": f"urn:uuid:{composition['id']}"}]


def test_a_note_of_a_document_in_error_says_so(ward: Ward):
    """Whatever was signed."""
    ward.sign()
    ward.doctor.charts.add_facts(ward.chart, ward.document, [fact("status", to="error")])
    assert [one["status"] for one in ward.of_type("Composition")] == ["entered-in-error"]


def test_nobody_signs_by_an_import(ward: Ward, tmp_path: Path):
    """Elsewhere the note is kept with its encounter: no signature, no text, and the report says so."""
    ward.sign()
    (tmp_path / "other").mkdir()
    there = Clinic(tmp_path / "other", seed=5)
    device = there.device(Role.PHYSICIAN)
    file = tmp_path / "out.json"
    file.write_bytes(b"".join(bundle(ward.made(), Form.COLLECTION, now_ms=ward.clinic.clock())))
    answer = import_charts(device.charts, [file]).to_json()
    (chart,) = device.keyring.charts()
    kinds = {one.fact.kind for document in device.charts.open(chart).documents.values() for one in document.facts}
    assert kinds.isdisjoint({"attestation", "addendum", "text_start"})
    assert answer["refused"] == []
    there.close()


def test_every_type_of_note_comes_back_as_its_document():
    """The codes of both ways agree."""
    assert all(NOTE_TYPES[code] is type_ for type_, (code, _) in TYPES.items())
    assert NOTE_TYPES[OTHER[0]] is WorkflowType.ENCOUNTER


def test_a_text_of_another_form_is_one_section():
    """Nothing of it is lost."""
    (found,) = sections("  no heading\n\n  at all")
    assert (found["title"], words(found)) == ("Note", ["no heading", "at all"])
    assert list(sections("Heading\n")) == []
    assert xhtml(["a\x00b & <c>"]).endswith("<p>a\ufffdb &amp; &lt;c&gt;</p></div>")


# --------------------------------------------------------------------------------------------------------- consents


def test_consents_say_what_was_said_last(ward: Ward):
    """One for each purpose of which something was said; a denial is a denial."""
    device = ward.doctor
    access = Access(device.identity, device.keyring, device.recorder, ward.clinic.clock, device.store)
    access.consent(ward.chart, Purpose.RESEARCH, permitted=True)
    access.consent(ward.chart, Purpose.AI_TRAINING, permitted=True)
    access.consent(ward.chart, Purpose.AI_TRAINING, permitted=False)
    found = {one["provision"]["purpose"][-1]["code"]: one for one in ward.of_type("Consent")}
    assert {name: one["provision"]["type"] for name, one in found.items()} == {
        "research": "permit",
        "ai_training": "deny",
    }
    assert [one["policyRule"]["coding"][0]["code"] for one in found.values()] == ["OPTOUT", "OPTIN"]


def test_a_consent_that_comes_in_grants_and_revokes_nothing(ward: Ward, tmp_path: Path):
    """It is no act of a member; it is kept, and the report counts it."""
    consent = {"resourceType": "Consent", "id": "c", "status": "active", "scope": {}, "category": [{}]}
    about = {"patient": {"reference": "Patient/p"}, "provision": {"type": "deny"}}
    file = tmp_path / "in.ndjson"
    file.write_text("\n".join(map(json.dumps, [{"resourceType": "Patient", "id": "p"}, consent | about])))
    answer = import_charts(ward.doctor.charts, [file]).to_json()
    assert answer["kept_types"] == {"Consent": 1}
    for chart in ward.doctor.keyring.charts():
        assert ward.doctor.charts.open(chart).membership.consents == {}
