"""Signing a document: what is signed is what was shown, it stays, and whoever has the root can check it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from edge_runtime.clinical.layout import Section, WorkflowType
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import FactId
from edge_runtime.signing.attesting import Signing
from edge_runtime.signing.notes import NoteWriter
from edge_runtime.signing.signatures import Signatures, changed_since, newest
from sync_protocol.attestation import Act, Attestation, sign_attestation
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, Hash, RootHash
from sync_protocol.limits import ATTESTED_BYTES_MAX
from sync_protocol.note_checks import check_note
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle


@dataclass
class Ward:
    """A physician and a nurse with one encounter, and the relay between them."""

    clinic: Clinic
    doctor: Device
    nurse: Device
    chart: ChartId
    document: DocumentId

    def __post_init__(self) -> None:
        self.relay = self.clinic.start_relay()
        settle(self.relay, self.doctor, self.nurse)

    def settle(self) -> None:
        """Everybody has everything."""
        settle(self.relay, self.doctor, self.nurse)

    def signing(self, device: Device) -> Signing:
        """What signs for a device's user."""
        return Signing(device.charts, device.identity, self.clinic.clock)

    def signatures(self, device: Device) -> Signatures:
        """As a device judges them."""
        return self.signing(device).signatures(device.charts.open(self.chart), self.document)

    def sign(self, device: Device, **options: Any) -> FactId:
        """Sign as its author."""
        return _fact(self.signing(device).sign(self.chart, self.document, **options))

    def note(self, device: Device) -> bytes:
        """The document's note file."""
        writer = NoteWriter(device.store, device.identity, device.keyring, self.clinic.clock)
        return writer.write(device.charts.open(self.chart), self.signatures(device))

    def write(self, device: Device, text: str, section: str = "plan") -> Sequence[VerifiedEntry]:
        """Make a section read something."""
        return device.charts.edit_text(self.chart, self.document, section, text)


def _fact(entries: Sequence[VerifiedEntry]) -> FactId:
    return FactId(entries[-1].hash, 0)


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    """A ward where something was written."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    identity = [fact("identity", name="Ana Núñez", birth_date="1961-04-02")]
    chart, (whole, document) = doctor.charts.create(identity, workflow=WorkflowType.ENCOUNTER)
    doctor.charts.share(chart, nurse.id)
    doctor.charts.add_facts(chart, whole, [fact("allergy", text="Penicillin", severity="severe")])
    found = Ward(clinic, doctor, nurse, chart, document)
    found.write(doctor, "Amoxicillin is out.\nParacetamol 500 mg")
    found.settle()
    return found


def test_what_is_signed_is_what_was_shown(ward: Ward):
    """The text under the signature is the preview's, and says who the patient is and what an emergency needs."""
    shown = ward.signing(ward.doctor).preview(ward.doctor.charts.open(ward.chart), ward.document)
    name = ward.sign(ward.doctor, read=shown.sha256)
    found = ward.signatures(ward.doctor).of(name)
    assert found is not None
    assert found.text == shown.text
    assert found.act is Act.AUTHOR
    for line in ("  Name: Ana Núñez", "  Penicillin, severe", "Plan\n  Amoxicillin is out.\n  Paracetamol 500 mg\n"):
        assert line in found.text


def test_a_text_that_changed_since_it_was_read_is_not_signed(ward: Ward):
    """Who read one text never signs another."""
    shown = ward.signing(ward.doctor).preview(ward.doctor.charts.open(ward.chart), ward.document)
    ward.write(ward.doctor, "Paracetamol 1000 mg")
    with pytest.raises(RefusedError, match="changed since"):
        ward.sign(ward.doctor, read=shown.sha256)
    assert ward.signatures(ward.doctor).sound == ()


def test_only_the_named_sections_are_signed(ward: Ward):
    """A signature under a part says which, and is under nothing else."""
    ward.write(ward.doctor, "Stable.", "assessment")
    name = ward.sign(ward.doctor, scope=[Section.ASSESSMENT])
    found = ward.signatures(ward.doctor).of(name)
    assert found is not None
    assert found.attestation.value.scope == ("assessment",)
    assert "Stable." in found.text
    assert "Paracetamol" not in found.text


def test_a_section_without_text_is_not_signed_by_name(ward: Ward):
    """Nobody signs nothing by mistake."""
    with pytest.raises(InputError, match="written"):
        ward.sign(ward.doctor, scope=[Section.HISTORY])


def test_a_signature_holds_on_every_device(ward: Ward):
    """Another member judges the same."""
    name = ward.sign(ward.doctor)
    ward.settle()
    found = ward.signatures(ward.nurse)
    assert [one.fact.id for one in found.sound] == [name]
    assert found.unsound == ()


def test_a_colleague_signs_beside_the_same_text(ward: Ward):
    """A second signature is under what was signed, whatever the document says by then; one's own is none."""
    name = ward.sign(ward.doctor)
    ward.settle()
    ward.write(ward.nurse, "Something else")
    ward.signing(ward.nurse).cosign(ward.chart, ward.document, name)
    ward.settle()
    first, second = ward.signatures(ward.doctor).sound
    assert (second.act, second.text, second.of) == (Act.COSIGNATURE, first.text, name)
    assert second.fact.fact.payload.get("text") is None
    with pytest.raises(RefusedError, match="somebody else"):
        ward.signing(ward.doctor).cosign(ward.chart, ward.document, name)


def test_an_amendment_stands_in_the_place_of_what_was_signed_and_keeps_it(ward: Ward):
    """Both texts stay; the newest is the one that stands; it says why; and something has to differ."""
    name = ward.sign(ward.doctor)
    signing = ward.signing(ward.doctor)
    with pytest.raises(RefusedError, match="differs"):
        signing.amend(ward.chart, ward.document, name, reason="dose")
    ward.write(ward.doctor, "Paracetamol 1000 mg")
    with pytest.raises(InputError, match="reason"):
        signing.amend(ward.chart, ward.document, name, reason=" ")
    with pytest.raises(RefusedError, match="changed since"):
        signing.amend(ward.chart, ward.document, name, reason="dose", read=Hash.of(b""))
    amended = _fact(signing.amend(ward.chart, ward.document, name, reason="dose was wrong"))
    found = ward.signatures(ward.doctor)
    assert [one.fact.id for one in found.sound] == [name, amended]
    assert [one.fact.id for one in newest(found)] == [amended]
    assert "500 mg" in found.sound[0].text
    assert "1000 mg" in found.sound[1].text


def test_an_addendum_stands_under_what_was_signed(ward: Ward):
    """It has a text of its own, and leaves the other as it is."""
    name = ward.sign(ward.doctor)
    signing = ward.signing(ward.doctor)
    added = _fact(signing.addend(ward.chart, ward.document, name, "Laboratory called at 14:10.", reason="late result"))
    found = ward.signatures(ward.doctor)
    second = found.of(added)
    assert second is not None
    assert (second.act, second.text, second.of) == (Act.ADDENDUM, "Laboratory called at 14:10.", name)
    assert [one.fact.id for one in newest(found)] == [name]
    for text in ("", " \n", "x" * (ATTESTED_BYTES_MAX + 1)):
        with pytest.raises(InputError):
            signing.addend(ward.chart, ward.document, name, text)
    with pytest.raises(InputError, match="fewer words"):
        signing.addend(ward.chart, ward.document, name, "x", reason="y" * 5000)


def test_nothing_is_signed_beside_what_is_not_there(ward: Ward):
    """Only a signature that holds can be referred to."""
    plan = ward.write(ward.doctor, "Other")
    with pytest.raises(RefusedError, match="signature of this document"):
        ward.signing(ward.nurse).cosign(ward.chart, ward.document, _fact(plan))


def test_what_was_written_since_is_told(ward: Ward):
    """Later and concurrent writings are no part of what was signed; a status or a signature is none."""
    name = ward.sign(ward.doctor)
    ward.write(ward.nurse, "Paracetamol 250 mg")
    ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Latex")])
    ward.settle()
    ward.doctor.charts.add_facts(ward.chart, ward.document, [fact("status", to="completed")])
    ward.write(ward.doctor, "Paracetamol 750 mg")
    document = ward.doctor.charts.open(ward.chart).found(ward.document)
    signature = ward.signatures(ward.doctor).of(name)
    assert signature is not None
    since = changed_since(document, signature)
    assert {compartment: len(entries) for compartment, entries in since.items()} == {
        Compartment.SAFETY: 1,
        Compartment.CLINICAL: 2,
    }


def _attested(ward: Ward, device: Device) -> list[Review]:
    reviews = device.charts.open(ward.chart).state.reviews
    return [review for review in reviews if review.kind is ReviewKind.ATTESTED]


def test_a_change_beside_a_signature_asks_a_person(ward: Ward):
    """Who changed something without knowing that it was signed is named with it, the same on every device."""
    name = ward.sign(ward.doctor)
    observation = fact("observation", code="8867-4", text="Heart rate", value="72", unit="/min")
    ward.nurse.charts.add_facts(ward.chart, ward.document, [observation])
    ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("status", to="completed")])
    ward.settle()
    (review,) = _attested(ward, ward.doctor)
    assert review.open
    assert review.subject == str(name)
    assert {value.display for value in review.values} == {"the signature", "observation: Heart rate 72 /min"}
    assert _attested(ward, ward.nurse) == [review]
    ward.write(ward.doctor, "Written in knowledge of it", "assessment")
    assert _attested(ward, ward.doctor) == [review]


def test_an_amendment_settles_what_was_changed_beside_it(ward: Ward):
    """Who signs again has seen it."""
    name = ward.sign(ward.doctor)
    ward.write(ward.nurse, "Paracetamol 500 mg, with food")
    ward.settle()
    (review,) = _attested(ward, ward.doctor)
    assert {value.display for value in review.values} == {"the signature", "plan: changed"}
    ward.signing(ward.doctor).amend(ward.chart, ward.document, name, reason="with food")
    assert _attested(ward, ward.doctor) == []


@pytest.mark.parametrize("case", ["carried beside another", "under another text", "of another document"])
def test_what_is_no_amendment_settles_nothing(ward: Ward, case: str):
    """A review of a change beside a signature never goes away by a record that amends something else, or nothing."""
    ward.sign(ward.doctor)
    ward.write(ward.nurse, "Paracetamol 500 mg, with food")
    ward.settle()
    (review,) = _attested(ward, ward.doctor)
    (first,) = ward.signatures(ward.nurse).sound
    changes: dict[str, Any] = {"act": Act.AMENDMENT, "of": first.attestation.hash, "reason": "because"}
    changes |= {"of": Hash.of(b"")} if case == "carried beside another" else {}
    changes |= {"document": DocumentId(b"x" * 16)} if case == "of another document" else {}
    wire = sign_attestation(_forged(ward, ward.nurse, **changes), ward.nurse.identity.keys.signer).wire
    text = "Another\n" if case == "under another text" else "Forged\n"
    stated = fact("attestation", act="amendment", scope=[], signed=wire, text=text, of=str(first.fact.id), reason="x")
    ward.nurse.charts.add_facts(ward.chart, ward.document, [stated])
    assert review.id in {one.id for one in _attested(ward, ward.nurse)}


def test_of_what_one_person_signed_the_last_is_reviewed(ward: Ward):
    """Who signs again has seen it: one change beside thousands of signatures of one person is one review."""
    for number in range(3):
        ward.write(ward.doctor, f"Paracetamol {number} g")
        name = ward.sign(ward.doctor)
    observation = fact("observation", code="8867-4", text="Heart rate", value="72", unit="/min")
    ward.nurse.charts.add_facts(ward.chart, ward.document, [observation])
    ward.settle()
    (review,) = _attested(ward, ward.doctor)
    assert review.subject == str(name)
    ward.sign(ward.doctor, scope=[Section.PLAN])
    assert [one.subject for one in _attested(ward, ward.doctor)] == [str(name)], "a part never stands for the whole"


def test_only_a_text_is_amended(ward: Ward):
    """Who names a second signature or an addendum is told what to name: the author's text would go on standing."""
    name = ward.sign(ward.doctor)
    ward.settle()
    beside = _fact(ward.signing(ward.nurse).cosign(ward.chart, ward.document, name))
    added = _fact(ward.signing(ward.nurse).addend(ward.chart, ward.document, name, "Slept well"))
    ward.write(ward.nurse, "Paracetamol 1000 mg")
    for of in (beside, added):
        with pytest.raises(RefusedError, match="to amend"):
            ward.signing(ward.nurse).amend(ward.chart, ward.document, of, reason="dose")


def test_a_disputed_section_is_not_signed(ward: Ward):
    """A person says first what it reads."""
    ward.write(ward.doctor, "Amoxicillin is out.\nParacetamol 250 mg")
    ward.write(ward.nurse, "Amoxicillin is out.\nParacetamol 875 mg")
    ward.settle()
    assert ward.doctor.charts.open(ward.chart).found(ward.document).text("plan").disputed
    with pytest.raises(RefusedError, match="disputed"):
        ward.sign(ward.doctor)


def test_who_may_not_sign_does_not(ward: Ward):
    """A clinical administrator states nothing about findings."""
    clerk = ward.clinic.device(Role.CLINICAL_ADMIN)
    ward.doctor.charts.share(ward.chart, clerk.id)
    settle(ward.relay, ward.doctor, clerk)
    with pytest.raises(RefusedError, match="role"):
        ward.sign(clerk)


def test_what_was_kept_apart_is_signed_apart(ward: Ward):
    """A text that holds something sensitive stands where only those read who may read that."""
    ward.doctor.charts.add_facts(
        ward.chart, ward.document, [fact("diagnosis", text="F10.20")], compartment=Compartment.SENSITIVE
    )
    name = ward.sign(ward.doctor)
    found = ward.signatures(ward.doctor).of(name)
    assert found is not None
    assert found.fact.compartment is Compartment.SENSITIVE
    ward.settle()
    assert ward.signatures(ward.nurse).sound == ()


def _forged(ward: Ward, device: Device, **changes: Any) -> Attestation:
    text = str(changes.pop("words", "Forged\n"))
    stated: dict[str, Any] = {
        "organisation": device.identity.root.value.organisation,
        "chart": ward.chart,
        "document": ward.document,
        "certificate": CertificateHash(device.identity.chain[-1].hash),
        "act": Act.AUTHOR,
        "scope": (),
        "text": Hash.of(text.encode()),
        "size": len(text.encode()),
        "frontier": {},
        "signed_ms": 1,
        "of": None,
        "reason": None,
    }
    return Attestation(**(stated | changes))


@pytest.mark.parametrize(
    "case", ["other chart", "other document", "somebody else's", "other text", "no record", "other act", "no reference"]
)
def test_what_claims_to_be_a_signature_and_is_none_is_told(ward: Ward, case: str):
    """A record carried over from elsewhere, or under another text, is kept, shown, and no signature."""
    forgeries: dict[str, dict[str, Any]] = {
        "other chart": {"chart": ChartId(b"x" * 16)},
        "other document": {"document": DocumentId(b"x" * 16)},
        "somebody else's": {"certificate": CertificateHash(ward.doctor.identity.chain[-1].hash)},
        "other act": {"act": Act.ADDENDUM, "of": Hash.of(b"")},
        "no reference": {"act": Act.COSIGNATURE, "of": Hash.of(b"")},
    }
    signer = ward.doctor if case == "somebody else's" else ward.nurse
    record = _forged(ward, ward.nurse, **forgeries.get(case, {}))
    wire = b"\xa0" if case == "no record" else sign_attestation(record, signer.identity.keys.signer).wire
    text = "Another\n" if case == "other text" else "Forged\n"
    stated = fact("attestation", act="author", scope=[], signed=wire, text=text)
    ward.nurse.charts.add_facts(ward.chart, ward.document, [stated])
    found = ward.signatures(ward.nurse)
    assert found.sound == ()
    assert len(found.unsound) == 1
    assert found.unsound[0].expected


def test_a_note_file_verifies_without_the_device(ward: Ward):
    """Signature, second signature, amendment and addendum leave in one file, shown in chain and log."""
    name = ward.sign(ward.doctor)
    ward.settle()
    ward.signing(ward.nurse).cosign(ward.chart, ward.document, name)
    ward.write(ward.doctor, "Paracetamol 1000 mg")
    ward.signing(ward.doctor).amend(ward.chart, ward.document, name, reason="dose was wrong")
    ward.settle()
    ward.signing(ward.doctor).addend(ward.chart, ward.document, name, "Called.")
    data = ward.note(ward.doctor)
    found = check_note(data, expected=RootHash(ward.doctor.identity.root.hash))
    acts = [one.attestation.value.act for one in found.texts]
    assert sorted(acts) == sorted([Act.AUTHOR, Act.COSIGNATURE, Act.AMENDMENT, Act.ADDENDUM])
    shown = {one.attestation.value.act: one.shown for one in found.texts}
    assert all(shown.values())
    log = {act: None if one is None else one.index for act, one in shown.items()}
    assert log[Act.AUTHOR] is not None
    assert log[Act.ADDENDUM] is None
    assert {one.stated for one in found.texts} == {"physician, accepted", "nurse, accepted"}


def test_a_document_that_nobody_signed_makes_no_file(ward: Ward):
    """An empty proof would look like one."""
    with pytest.raises(RefusedError, match="somebody signed"):
        ward.note(ward.doctor)
