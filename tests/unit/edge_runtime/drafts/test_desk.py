"""Drafts on devices: kept beside a document, taken over in one change by a person, or dismissed; never half done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.access.charts import Access
from edge_runtime.ai.drafting import Drafting
from edge_runtime.ai.skills.catalogue import skill
from edge_runtime.ai.skills.skill import Source
from edge_runtime.clinical.draft_payloads import DraftPartKind
from edge_runtime.clinical.drafts import DraftStatus
from edge_runtime.clinical.layout import Section
from edge_runtime.drafts import finding
from edge_runtime.drafts.finding import draft_named, drafts_of
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.permissions import CONSENT, ROLE
from edge_runtime.recorder.batch import Batch
from edge_runtime.text.errors import DraftUnavailableError
from sync_protocol.audit import AuditRecord, Purpose
from sync_protocol.chart_records import Purpose as Consent
from sync_protocol.errors import LimitError
from sync_protocol.ids import DocumentId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.drafts.ward import (
    ADVICE,
    HISTORY,
    HOMELESS,
    MARKED,
    REST,
    SPRAIN,
    Ward,
    drafted,
    refused,
)


def last(records: list[AuditRecord], name: str) -> AuditRecord:
    """The newest record of a kind."""
    return [record for record in records if record.kind.name == name][-1]


# ------------------------------------------------------------------------------------------------------- recording


def test_a_draft_is_kept_beside_the_document_and_changes_nothing(ward: Ward):
    """It waits for a decision on every device; no section, no diagnosis, no review and no medication comes of it."""
    before = ward.found_state(ward.doctor)
    draft = ward.record(ward.doctor)
    ward.meet()
    for device in (ward.doctor, ward.nurse):
        found = ward.found(device, draft)
        assert (found.open, found.apart, found.draft.fact.compartment) == (True, False, Compartment.CLINICAL)
        state = ward.found_state(device)
        assert replace(state, drafts=before.drafts) == before
        assert ward.text(device) == "Elevate."
        assert draft_named(device.charts.open(ward.chart), str(draft)[:8]).id == draft
        assert [one.id for one in ward.drafts(device).listed(device.charts.open(ward.chart))] == [draft]


def test_what_made_a_draft_is_recorded_with_it(ward: Ward):
    """One seal over both; skill, template, model, digest, seed and counts, and none of its words."""
    seal = ward.doctor.store.last_seal(ward.doctor.identity.session.value.session)
    draft = ward.record(ward.doctor, drafted(options={"language": "es"}, cut=True))
    record = last(ward.records(ward.doctor), "draft_generated")
    assert dict(record.detail) == {
        "draft": str(draft),
        "skill": "soap",
        "template": "soap/1",
        "model": "demonstration",
        "engine": "litert-lm 0.18.1",
        "digest": "0f" * 32,
        "seed": "7",
        "language": "es",
        "demonstration": "yes",
        "cut": "yes",
        "parts": "1 advice, 1 fact, 3 text",
        "unsupported": "1 dose",
    }
    assert (record.documents, record.compartments) == ((ward.document,), (Compartment.CLINICAL,))
    assert (record.purpose, record.fields) == (Purpose.TREATMENT, ("draft",))
    assert seal is not None
    newest = ward.doctor.store.last_seal(ward.doctor.identity.session.value.session)
    assert newest is not None
    assert newest.value.number == seal.value.number + 1


def test_where_the_audit_stream_cannot_take_it_the_ledger_does(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Too many readers of the audit stream keep nobody from drafting: the record names the chart, in the ledger."""
    audit = Batch.audit

    def no_room(batch: Batch, chart, record):
        if chart == ward.chart:
            raise RefusedError("too_many_members", expected="96", got="97", do="make a team")
        return audit(batch, chart, record)

    monkeypatch.setattr(Batch, "audit", no_room)
    draft = ward.record(ward.doctor)
    record = last(ward.ledger(ward.doctor), "draft_generated")
    assert (record.charts, dict(record.detail)["draft"]) == ((ward.chart,), str(draft))
    assert ward.found(ward.doctor, draft).open


def test_a_draft_of_a_role_that_may_not_is_refused_and_the_refusal_recorded(clinic: Clinic, ward: Ward):
    """Nothing is kept, and the audit says that somebody tried."""
    laboratory = clinic.device(Role.LAB_TECHNICIAN)
    ward.doctor.charts.share(ward.chart, laboratory.id)
    carry(ward.doctor, laboratory)
    with refused(ROLE):
        ward.record(laboratory)
    assert drafts_of(laboratory.charts.open(ward.chart)) == ()
    assert last(ward.records(laboratory), "access_refused").detail[0] == ("reason", ROLE)


def test_a_draft_over_what_is_kept_apart_is_kept_apart(ward: Ward):
    """Made from a sensitive statement of any document, it is readable to its readers alone, and so is the decision."""
    ward.doctor.charts.add_facts(
        ward.chart, ward.whole, [fact("observation", code="1", text="HIV")], compartment=Compartment.SENSITIVE
    )
    opened = ward.doctor.charts.open(ward.chart)
    draft = ward.record(ward.doctor, seen=ward.drafts(ward.doctor).frontier(opened))
    assert ward.found(ward.doctor, draft).apart
    record = last(ward.records(ward.doctor), "draft_generated")
    assert record.compartments == (Compartment.SENSITIVE,)
    assert set(record.seen) == set(ward.found(ward.doctor, draft).text.seen)
    ward.meet()
    assert drafts_of(ward.nurse.charts.open(ward.chart)) == ()
    decision = ward.dismiss(ward.doctor, draft)
    (made,) = ward.found(ward.doctor, draft).draft.decisions
    assert (made.id, made.compartment) == (decision, Compartment.SENSITIVE)
    ward.meet()
    state = ward.found_state(ward.nurse)
    assert (state.drafts.items, state.drafts.stray) == ((), ())


def test_a_chart_of_very_many_documents_hides_nothing_that_is_kept_apart(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """`seen` has a limit: what is left out of it is never what decides who may read the draft."""
    apart = Compartment.SENSITIVE
    head = first = None
    while head == first:  # until the head that is kept apart is not the first by its name anyway
        stated = fact("observation", code="1", text="HIV")
        ward.doctor.charts.add_facts(ward.chart, ward.whole, [stated], compartment=apart)
        opened = ward.doctor.charts.open(ward.chart)
        (head,) = opened.found(ward.whole).newest[apart]
        first = min(one for name in opened.documents for new in opened.found(name).newest.values() for one in new)
    assert head is not None
    monkeypatch.setattr(finding, "SEEN_MAX", 1)
    assert ward.drafts(ward.doctor).frontier(opened) == (head,)
    assert ward.found(ward.doctor, ward.record(ward.doctor, seen=[head])).apart


def test_words_that_were_kept_apart_go_where_the_person_says(ward: Ward):
    """The draft's own section is not enough; facts of it stay apart, and so does the decision."""
    draft = ward.record(ward.doctor, drafted(REST, SPRAIN), apart=True)
    with refused("draft_kept_apart"):
        ward.accept(ward.doctor, draft)
    assert ward.found(ward.doctor, draft).open
    ward.accept(ward.doctor, draft, into={"plan": Section.PLAN})
    assert ward.text(ward.doctor) == "Elevate.\nRest for two days."
    (problem,) = ward.found_state(ward.doctor).problems
    assert problem.fact.compartment is Compartment.SENSITIVE
    assert ward.found(ward.doctor, draft).draft.decisions[0].compartment is Compartment.SENSITIVE


def test_facts_that_were_kept_apart_are_stated_apart_without_a_word(ward: Ward):
    """Taken over alone, they need no section."""
    draft = ward.record(ward.doctor, drafted(REST, SPRAIN), apart=True)
    done = ward.accept(ward.doctor, draft, only=["codes"])
    assert done.taken.rejected == ("plan.2",)
    assert ward.found_state(ward.doctor).problems[0].fact.compartment is Compartment.SENSITIVE


def test_no_draft_goes_into_a_document_that_is_not_there(ward: Ward):
    """Neither recorded nor found there."""
    other = DocumentId(bytes(16))
    with refused("no_such_document"):
        ward.drafts(ward.doctor).record(ward.chart, other, drafted())
    draft = ward.record(ward.doctor)
    with refused("no_such_document"):
        ward.drafts(ward.doctor).accept(ward.chart, other, draft)
    with refused("no_such_draft"):
        ward.drafts(ward.doctor).accept(ward.chart, ward.whole, draft)


# ------------------------------------------------------------------------------------------------------- accepting


def test_accepting_is_one_change_by_the_person(ward: Ward):
    """Text below what is there, the diagnosis in their name, the decision: one seal, the same on every device."""
    draft = ward.record(ward.nurse)
    ward.meet()
    before = ward.doctor.store.last_seal(ward.doctor.identity.session.value.session)
    done = ward.accept(ward.doctor, draft)
    after = ward.doctor.store.last_seal(ward.doctor.identity.session.value.session)
    assert before is not None
    assert after is not None
    assert after.value.number == before.value.number + 1
    ward.meet()
    for device in (ward.doctor, ward.nurse):
        assert ward.text(device) == "Elevate.\nRest for two days."
        assert ward.text(device, "subjective") == "Hurt the ankle yesterday."
        (problem,) = ward.found_state(device).problems
        assert problem.fact.fact.payload["code"] == "S93.401A"
        assert problem.fact.author.role == "physician"
        found = ward.found(device, draft)
        assert found.draft.status is DraftStatus.ACCEPTED_IN_PART
        (decision,) = found.draft.decisions
        assert (decision.id, decision.author.user) == (done.decision, ward.doctor.identity.certificate.user)
        assert decision.fact.payload["accepted"] == ["subjective.1", "plan.2", "codes.1"]
        assert decision.fact.payload["rejected"] == ["plan.1"]
    typed = ward.nurse.charts.open(ward.chart).found(ward.document).text("plan").authorship()
    assert [one.session for one in typed] == [ward.doctor.identity.session.value.session]


def test_both_what_was_taken_and_what_was_left_out_are_in_the_audit(ward: Ward):
    """The rejected part is one record of its kind and marks, in the same change; the rest is its own record."""
    draft = ward.record(ward.doctor)
    ward.accept(ward.doctor, draft)
    record = last(ward.records(ward.doctor), "draft_discarded")
    assert dict(record.detail) == {
        "draft": str(draft),
        "skill": "soap",
        "template": "soap/1",
        "model": "demonstration",
        "decision": "accepted_in_part",
        "parts": "1 text",
        "unsupported": "1 dose",
    }


def test_all_of_it_taken_leaves_nothing_discarded(ward: Ward):
    """A whole acceptance is its own record."""
    draft = ward.record(ward.doctor, drafted(HISTORY, REST))
    done = ward.accept(ward.doctor, draft)
    assert ward.found(ward.doctor, draft).draft.status is DraftStatus.ACCEPTED
    assert done.taken.rejected == ()
    assert not [one for one in ward.records(ward.doctor) if one.kind.name == "draft_discarded"]


def test_what_is_not_supported_is_taken_knowingly_or_in_other_words(ward: Ward):
    """The decision names the part and the reason, or that it was reworded."""
    draft = ward.record(ward.doctor)
    ward.accept(ward.doctor, draft, only=["plan"], include=["plan.1"], reason=" read from the packet ")
    assert ward.text(ward.doctor) == "Elevate.\nGive ibuprofen 400 mg.\nRest for two days."
    (decision,) = ward.found(ward.doctor, draft).draft.decisions
    assert decision.fact.payload["included"] == ["plan.1"]
    assert decision.fact.payload["reason"] == "read from the packet"
    other = ward.record(ward.doctor)
    done = ward.accept(ward.doctor, other, only=["plan.1"], edited={"plan.1": "Paracetamol as before."})
    assert ward.text(ward.doctor).endswith("\nParacetamol as before.")
    assert done.taken.edited == ("plan.1",)


def test_what_one_types_is_asked_about_and_so_is_what_one_accepts(ward: Ward):
    """A drug beside an allergy, a code that is incomplete: the same questions as when somebody states them."""
    ward.doctor.charts.add_facts(ward.chart, ward.whole, [fact("allergy", text="Penicillin", severity="severe")])
    drug = replace(
        SPRAIN,
        name="drugs.1",
        proposes={
            "kind": "medication",
            "payload": {"text": "Amoxicillin", "action": "start", "dose": "500", "unit": "mg"},
        },
    )
    vague = replace(
        SPRAIN, proposes={"kind": "diagnosis", "payload": {"text": "Sprain", "code": "S93.4", "system": "icd-10-cm"}}
    )
    draft = ward.record(ward.doctor, drafted(drug, vague))
    done = ward.accept(ward.doctor, draft)
    assert any("Penicillin" in question for question in done.questions)
    assert any("ICD-10-CM" in question for question in done.questions)


@pytest.mark.parametrize("text", ["", "Elevate.", "Elevate.\n", "\n", "a\n\n"])
def test_lines_are_added_below_what_is_there(ward: Ward, text: str):
    """What stood there stays as it was, letter by letter; each part is a line of its own."""
    if text != "Elevate.":
        ward.doctor.charts.edit_text(ward.chart, ward.document, "plan", text)
    draft = ward.record(ward.doctor, drafted(REST, replace(REST, name="plan.3", text="Come back on Friday.")))
    ward.accept(ward.doctor, draft)
    wanted = "Rest for two days.\nCome back on Friday."
    joint = "" if not text or text.endswith("\n") else "\n"
    assert ward.text(ward.doctor) == text + joint + wanted


def test_several_sections_are_edited_in_one_change_while_another_writes(ward: Ward):
    """A colleague's concurrent edit of one of them merges as any other; nothing is started anew."""
    draft = ward.record(ward.doctor, drafted(HISTORY, REST, replace(REST, name="objective.1", section="objective")))
    ward.meet()
    ward.nurse.charts.edit_text(ward.chart, ward.document, "subjective", "Came on foot.")
    ward.accept(ward.doctor, draft)
    ward.meet()
    for device in (ward.doctor, ward.nurse):
        assert ward.text(device) == "Elevate.\nRest for two days."
        assert ward.text(device, "objective") == "Rest for two days."
        assert {"Came on foot.", "Hurt the ankle yesterday."} <= set(_lines(ward.text(device, "subjective")))
    assert ward.text(ward.doctor, "subjective") == ward.text(ward.nurse, "subjective")


def _lines(text: str) -> list[str]:
    return text.replace(".", ".\n").splitlines()


# ------------------------------------------------------------------------------------------------------- refusing


def nothing_changed(ward: Ward, device: Device, before: int) -> None:
    """Not an entry was written, and the sections read as before."""
    assert device.store.size() == before
    assert ward.text(device) == "Elevate."


def test_a_draft_is_decided_once(ward: Ward):
    """Accepted or dismissed, by oneself or by somebody else who was heard of: then it stays so."""
    draft = ward.record(ward.doctor)
    ward.dismiss(ward.doctor, draft)
    ward.meet()
    for device in (ward.doctor, ward.nurse):
        size = device.store.size()
        with refused("draft_decided") as error:
            ward.accept(device, draft)
        assert "dismissed" in error.value.got
        with refused("draft_decided"):
            ward.dismiss(device, draft)
        nothing_changed(ward, device, size)


def test_two_who_did_not_know_of_each_other_are_both_shown(ward: Ward):
    """What each wrote stands; the draft says that they differ, and nobody is asked."""
    draft = ward.record(ward.doctor, drafted(HISTORY))
    ward.meet()
    ward.accept(ward.doctor, draft)
    ward.dismiss(ward.nurse, draft)
    ward.meet()
    for device in (ward.doctor, ward.nurse):
        found = ward.found(device, draft)
        assert (found.draft.status, len(found.draft.decisions)) == (DraftStatus.DECIDED_DIFFERENTLY, 2)
        assert ward.text(device, "subjective") == "Hurt the ankle yesterday."
        assert device.charts.open(ward.chart).state.reviews == ()


def test_a_role_that_may_not_state_it_takes_nothing_over(ward: Ward):
    """A nurse states no diagnosis: the text of the same draft is not written either; named alone, it is."""
    draft = ward.record(ward.doctor)
    ward.meet()
    size = ward.nurse.store.size()
    with refused(ROLE):
        ward.accept(ward.nurse, draft)
    assert ward.nurse.store.size() == size + 1  # the refusal is recorded
    assert (ward.text(ward.nurse), ward.found(ward.nurse, draft).open) == ("Elevate.", True)
    assert ward.accept(ward.nurse, draft, only=["subjective", "plan.2"]).taken.rejected == ("plan.1", "codes.1")


def test_a_disputed_section_is_settled_by_a_person_first(ward: Ward):
    """Adding to it would decide what it reads, unseen."""
    draft = ward.record(ward.doctor, drafted(REST))
    ward.doctor.charts.edit_text(ward.chart, ward.document, "plan", "Warfarin 5 mg")
    ward.meet()
    ward.doctor.charts.edit_text(ward.chart, ward.document, "plan", "Warfarin 7 mg")
    ward.nurse.charts.edit_text(ward.chart, ward.document, "plan", "Warfarin 6 mg")
    ward.meet()
    assert ward.doctor.charts.open(ward.chart).found(ward.document).text("plan").disputed
    size = ward.doctor.store.size()
    with refused("section_disputed"):
        ward.accept(ward.doctor, draft)
    assert ward.doctor.store.size() == size
    ward.doctor.charts.edit_text(ward.chart, ward.document, "plan", "Warfarin 6 mg")
    ward.accept(ward.doctor, draft)
    assert ward.text(ward.doctor) == "Warfarin 6 mg\nRest for two days."


def test_a_section_that_would_grow_too_long_takes_nothing(ward: Ward):
    """The limit of a section is that of typing, and neither facts nor other sections are written."""
    ward.doctor.charts.edit_text(ward.chart, ward.document, "plan", "Elevate.")
    draft = ward.record(ward.doctor, drafted(HISTORY, SPRAIN, replace(REST, section="complaint", text="x" * 1_001)))
    size = ward.doctor.store.size()
    with refused("invalid_fact", InputError):
        ward.accept(ward.doctor, draft)
    nothing_changed(ward, ward.doctor, size)
    assert ward.text(ward.doctor, "subjective") == ""


@pytest.mark.parametrize("failing", [LimitError, DraftUnavailableError])
def test_whatever_fails_on_the_way_nothing_is_half_done(ward: Ward, monkeypatch: pytest.MonkeyPatch, failing):
    """An entry that cannot be made drops the whole change: text, facts, decision and audit."""
    draft = ward.record(ward.doctor)
    size = ward.doctor.store.size()

    def fails(*_, **__):
        raise failing("over_limit", expected="less", got="more", do="wait")

    monkeypatch.setattr(ward.doctor.charts, "put", fails)
    with pytest.raises(failing):
        ward.accept(ward.doctor, draft)
    nothing_changed(ward, ward.doctor, size)
    assert ward.found(ward.doctor, draft).open


def test_a_draft_of_what_has_changed_since_is_taken_over_knowingly(ward: Ward):
    """Another author's change, seen or not, makes it outdated; drafts and decisions do not; a transcript never is."""
    opened = ward.doctor.charts.open(ward.chart)
    seen = ward.drafts(ward.doctor).frontier(opened, [ward.document])
    draft = ward.record(ward.doctor, drafted(REST), seen=seen)
    heard = ward.record(ward.doctor, drafted(HISTORY))
    ward.dismiss(ward.doctor, ward.record(ward.doctor, seen=seen))
    ward.doctor.charts.add_facts(ward.chart, ward.whole, [fact("allergy", text="Latex")])  # in another document
    opened = ward.doctor.charts.open(ward.chart)
    assert ward.drafts(ward.doctor).changed_since(opened, ward.found(ward.doctor, draft)) == 0
    ward.nurse.charts.edit_text(ward.chart, ward.document, "plan", "Elevate. Cool.")
    ward.meet()
    opened = ward.doctor.charts.open(ward.chart)
    assert ward.drafts(ward.doctor).changed_since(opened, ward.found(ward.doctor, draft)) == 1
    assert ward.drafts(ward.doctor).changed_since(opened, ward.found(ward.doctor, heard)) == 0
    size = ward.doctor.store.size()
    with refused("draft_outdated") as error:
        ward.accept(ward.doctor, draft)
    assert "an entry" in error.value.got
    assert ward.doctor.store.size() == size
    ward.accept(ward.doctor, draft, outdated=True)
    assert ward.text(ward.doctor) == "Elevate. Cool.\nRest for two days."
    ward.accept(ward.doctor, heard)


def test_nobody_dismisses_without_a_reason(ward: Ward):
    """A blank one is none; too long a one is refused, and the draft still waits."""
    draft = ward.record(ward.doctor)
    with refused("reason", InputError):
        ward.dismiss(ward.doctor, draft, "  ")
    with refused("invalid_fact", InputError):
        ward.dismiss(ward.doctor, draft, "x" * 1_001)
    assert ward.found(ward.doctor, draft).open


def test_a_dismissed_draft_is_recorded_with_all_its_parts(ward: Ward):
    """The decision names what was rejected; the audit counts every part, advice included."""
    draft = ward.record(ward.doctor)
    ward.dismiss(ward.doctor, draft)
    (decision,) = ward.found(ward.doctor, draft).draft.decisions
    assert decision.fact.payload["decision"] == "dismissed"
    assert decision.fact.payload["rejected"] == ["subjective.1", "plan.1", "plan.2", "codes.1"]
    record = last(ward.records(ward.doctor), "draft_discarded")
    assert dict(record.detail)["parts"] == "1 advice, 1 fact, 3 text"
    assert dict(record.detail)["decision"] == "dismissed"


def test_a_draft_of_advice_alone_can_be_dismissed(ward: Ward):
    """There is nothing to reject by name, and it waits for nobody afterwards."""
    draft = ward.record(ward.doctor, drafted(ADVICE))
    with refused("nothing_to_accept"):
        ward.accept(ward.doctor, draft)
    ward.dismiss(ward.doctor, draft, "read")
    assert ward.found(ward.doctor, draft).draft.status is DraftStatus.DISMISSED


def test_a_patient_who_does_not_permit_it_is_obeyed(ward: Ward):
    """Without consent nothing is drafted, shown or taken over."""
    draft = ward.record(ward.doctor, drafted(HOMELESS, MARKED))
    access = Access(
        ward.doctor.identity, ward.doctor.keyring, ward.doctor.recorder, ward.clinic.clock, ward.doctor.store
    )
    access.consent(ward.chart, Consent.TREATMENT, permitted=False)
    for act in (lambda: ward.record(ward.doctor), lambda: ward.accept(ward.doctor, draft)):
        with refused(CONSENT):
            act()


def test_drafts_are_named_by_the_beginning_of_their_id(ward: Ward):
    """None, or several, is a refusal that says where to look."""
    ward.record(ward.doctor)
    opened = ward.doctor.charts.open(ward.chart)
    for text in ("0000000", "abc", ""):
        with refused("no_such_draft"):
            draft_named(opened, text)


# ------------------------------------------------------------------------------------------------- a skill's own draft


@pytest.mark.parametrize("name", ["soap", "codes", "documentation", "handover", "instructions", "differential"])
def test_what_a_skill_drafts_without_a_model_is_kept_and_taken_over(ward: Ward, name: str):
    """The real skills, end to end: every part fits the form, and what is supported can be taken over."""
    text = (
        "Doctor: What brings you in? Patient: I have had chest pain since yesterday. I take lisinopril 10 mg daily. "
        "Doctor: Blood pressure is 150/95. Heart rate is 88. This is hypertension. Continue lisinopril 10 mg daily."
    )
    made = Drafting(skill(name), Source(text=text), None).run()
    draft = ward.record(ward.doctor, made)
    found = ward.found(ward.doctor, draft)
    assert [part.name for part in found.text.parts] == [part.name for part in made.sketch.parts]
    for part in found.text.parts:
        assert all(found.text.quoted(cited).strip() for cited in part.citations)
    if all(part.kind is DraftPartKind.ADVICE for part in found.text.parts):
        ward.dismiss(ward.doctor, draft)
        return
    done = ward.accept(
        ward.doctor, draft, into={part.field: Section.PLAN for part in found.text.parts if part.section is None}
    )
    assert ward.found(ward.doctor, draft).draft.status in {DraftStatus.ACCEPTED, DraftStatus.ACCEPTED_IN_PART}
    for section, lines in done.taken.texts.items():
        assert ward.text(ward.doctor, section).endswith("\n".join(lines))


def test_what_a_toy_drafted_is_taken_over_only_by_whoever_says_so(ward: Ward) -> None:
    """One command must not put a toy's words into a patient's note."""
    draft = ward.record(ward.doctor)
    with refused("draft_of_the_demonstration"):
        ward.drafts(ward.doctor).accept(ward.chart, ward.document, draft)
    assert ward.accept(ward.doctor, draft).taken.accepted
