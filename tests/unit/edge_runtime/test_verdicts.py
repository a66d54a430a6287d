"""Verdicts on a device: what is void is left out alone, what is quarantined changes nothing, consents are kept."""

from __future__ import annotations

import pytest

from edge_runtime.audit.showing import open_to_show
from edge_runtime.cli.chart_marks import ROWS_MAX, flag, not_counted, unverified_rows
from edge_runtime.cli.chart_text import print_chart, summary_line, summary_of
from edge_runtime.clinical.layout import Kind
from edge_runtime.errors import RefusedError
from edge_runtime.permissions import CONSENT, ROLE, check_consent
from sync_protocol.audit import Purpose
from sync_protocol.chart_records import Adopt, SetConsent
from sync_protocol.chart_records import Purpose as Consent
from sync_protocol.control import SetRole
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.ids import ChartId, SealHash
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import RIGHTS, Role
from sync_protocol.signing import HybridSigningKey
from tests.unit.edge_runtime.audit.test_acts import auditor, records
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.fhir.inputs import condition, patient
from tests.unit.edge_runtime.test_importing import _import

WARFARIN = fact("medication", text="Warfarin", action="start", dose="5", unit="mg")
PULSE = fact("observation", code="8867-4", text="HR", value="70", unit="/min")


def _shared(owner: Device, *others: Device):
    """A chart of `owner` that the others hold too."""
    chart, (document,) = owner.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    for other in others:
        owner.charts.share(chart, other.id)
    for other in others:
        carry(owner, other)
    return chart, document


def _say(device: Device, chart: ChartId, record):
    batch = device.recorder.begin()
    batch.say(chart, record)
    device.recorder.write(batch)


def _revoke(clinic: Clinic, device: Device) -> None:
    """The administrator revokes a device from now on, by what the administrator's device holds of its sessions."""
    store, ends = clinic.admin.store, {}
    for session in clinic.admin.store.sessions():
        last = store.last_seal(session.value.session)
        if session.value.certificate == device.name and last is not None:
            ends[session.value.session] = (last.value.number, SealHash(last.hash))
    signer = clinic.admin.identity.keys.administrator
    assert isinstance(signer, HybridSigningKey)
    made = issue_revocation(
        Revocation(
            organisation=clinic.root.value.organisation,
            issuer=clinic.admin.identity.principal,
            device=device.identity.certificate.device,
            cuts=ends,
            reason=RevocationReason.STOLEN,
            issued_ms=clinic.clock(),
        ),
        signer,
    )
    batch = clinic.admin.recorder.begin()
    batch.organisation_control(Revoke(record=made.wire))
    clinic.admin.recorder.write(batch)


# ---------------------------------------------------------------------------------------------------------- authors


@pytest.mark.parametrize("role", [Role.NURSE, Role.CLINICAL_ADMIN, Role.EMERGENCY_RESPONDER, Role.LAB_TECHNICIAN])
def test_an_honest_device_refuses_what_its_role_may_not_state(clinic: Clinic, role: Role):
    """Nothing is recorded, the reason names the kind, and what the role may state goes through."""
    doctor, other = clinic.device(Role.PHYSICIAN), clinic.device(role)
    chart, document = _shared(doctor, other)
    before = other.store.size()
    with pytest.raises(RefusedError, match="facts of kind diagnosis") as refusal:
        other.charts.add_facts(chart, document, [fact("diagnosis", text="Asthma")])
    assert refusal.value.code == ROLE
    if "text" not in RIGHTS[role].writes:
        with pytest.raises(RefusedError, match="changes of text sections"):
            other.charts.edit_text(chart, document, "plan", "Rest.")
    assert other.store.size() == before
    allowed = PULSE if "observation" in RIGHTS[role].writes else fact("status", to="active")
    assert other.charts.add_facts(chart, document, [allowed])


def test_a_role_that_opens_no_documents_creates_none(clinic: Clinic):
    """A laboratory answers orders; it begins no chart with a patient's identity."""
    with pytest.raises(RefusedError) as refusal:
        clinic.device(Role.LAB_TECHNICIAN).charts.create([fact("identity", name="Ana")], workflow=None)
    assert refusal.value.code == ROLE


def test_an_import_leaves_out_what_the_role_may_not_state(clinic: Clinic, tmp_path):
    """A nurse imports the patient; the diagnosis is refused by name, with its source."""
    nurse = clinic.device(Role.NURSE)
    report = _import(nurse, tmp_path, patient(), condition())
    assert (report.charts_new, [one.record for one in report.refused]) == (1, ["in.ndjson:2"])
    assert (
        report.refused[0].reason == "expected a device whose role states facts of kind diagnosis; got one that does not"
    )


# ------------------------------------------------------------------------------------------------------------- void


def test_a_void_fact_is_left_out_alone(clinic: Clinic):
    """A device that signs what its role may not state: every device leaves it out, and the rest stands."""
    doctor, lab, nurse = (clinic.device(role) for role in (Role.PHYSICIAN, Role.LAB_TECHNICIAN, Role.NURSE))
    chart, document = _shared(doctor, lab, nurse)
    lab.charts.writable = lambda _: True
    written = lab.charts.add_facts(
        chart, document, [PULSE, fact("priority", to="critical"), fact("allergy", text="Nuts")]
    )
    for device in (doctor, nurse):
        carry(lab, device)
    for device in (doctor, lab, nurse):
        opened = device.charts.open(chart)
        state = opened.document(document)
        assert [item.fact.fact.kind for item in state.observations] == ["observation"]
        assert (state.priority.value, opened.state.allergies.items, state.withheld) == (None, (), ())
        void = device.shown(chart)["documents"][0]["void"]
        assert {one["why"] for one in void} == {"role"}
        assert {one["fact"].split(":")[0] for one in void} < {str(entry.hash) for entry in written}
        assert [str(line) for line in not_counted(opened)] == [
            "Not counted, because their author may not make them; kept, see --json: 2"
        ]


def test_a_change_of_role_binds_who_had_seen_it(clinic: Clinic):
    """A statement made in knowledge of the change is void, one made without it is flagged; both name the role then."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _shared(doctor, nurse)
    batch = clinic.admin.recorder.begin()
    batch.organisation_control(SetRole(certificate=nurse.identity.principal, role=Role.LAB_TECHNICIAN))
    clinic.admin.recorder.write(batch)
    nurse.charts.add_facts(chart, document, [fact("allergy", text="Nuts")])
    carry(clinic.admin, nurse)
    with pytest.raises(RefusedError) as refusal:
        nurse.charts.add_facts(chart, document, [fact("allergy", text="Latex")])
    assert refusal.value.code == ROLE
    nurse.charts.writable = lambda _: True
    nurse.charts.add_facts(chart, document, [fact("allergy", text="Latex"), PULSE])
    carry(nurse, doctor)
    carry(clinic.admin, doctor)
    for device in (doctor, nurse):
        opened = device.charts.open(chart)
        (item,) = opened.state.allergies.items
        assert item.names == ("Nuts",)
        assert item.live[0].verdict.standing == "flagged"
        assert item.live[0].author.role == "nurse"
        (pulse,) = opened.document(document).observations
        assert pulse.fact.author.role == "lab_technician"
        assert "concurrent with a change of role" in flag(item.heads).plain
        assert len(opened.documents[document].void) == 1


# ------------------------------------------------------------------------------------------------------- quarantine


def test_a_revoked_tablet_changes_nothing_and_stays_visible(clinic: Clinic, capsys: pytest.CaptureFixture[str]):
    """Writes within the cut stay, later ones are unverified on every device; adoption brings them back everywhere."""
    doctor, tablet, nurse = (clinic.device(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE))
    chart, document = _shared(doctor, tablet, nurse)
    tablet.charts.add_facts(chart, document, [WARFARIN])
    carry(tablet, clinic.admin)
    _revoke(clinic, tablet)
    (late,) = tablet.charts.add_facts(chart, document, [fact("medication", text="Warfarin", action="stop")])
    tablet.charts.add_facts(chart, document, [fact("priority", to="routine")])
    for device in (doctor, nurse):
        carry(tablet, device)
        carry(clinic.admin, device)
        state = device.charts.open(chart).document(document)
        assert [(item.status, len(item.lines)) for item in state.medications] == [("active", 1)]
        assert [item.fact.id.entry for item in state.unverified] == [late.hash]
        assert [placed.fact.kind for placed in state.withheld] == ["priority"]
        first, second = unverified_rows(state.unverified, [Kind.MEDICATION])
        assert first.plain == " UNVERIFIED  medication: Warfarin stop"
        assert "access was revoked: nurse" in second.plain
        print_chart(device.charts.open(chart))
        printed = capsys.readouterr().out
        assert printed.index("UNVERIFIED  medication: Warfarin stop") < printed.index("A person must decide")
        assert "Withheld until a member adopts them, as the reviews say: 1" in printed
        assert len([review for review in state.reviews if review.kind == "unverified"]) == 1
        assert state.medications_incomplete
    _say(nurse, chart, Adopt(entries=(late.hash,)))
    carry(nurse, doctor)
    for device in (doctor, nurse):
        (item,) = device.charts.open(chart).document(document).medications
        assert item.status == "stopped"
        (line,) = item.lines
        assert line.facts[0].verdict.reason == "adopted"


def test_a_flood_of_unverified_statements_is_counted(clinic: Clinic):
    """A panel shows so many, and says how many more there are."""
    doctor, tablet = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _shared(doctor, tablet)
    _revoke(clinic, tablet)
    tablet.charts.add_facts(chart, document, [PULSE] * (ROWS_MAX + 3))
    carry(tablet, doctor)
    carry(clinic.admin, doctor)
    rows = unverified_rows(doctor.charts.open(chart).state.unverified, [Kind.OBSERVATION])
    assert len(rows) == 2 * ROWS_MAX + 1
    assert rows[-1].plain == " UNVERIFIED  3 more: see --json"


# ---------------------------------------------------------------------------------------------------------- consent


def _deny(device: Device, chart: ChartId, consent: Consent = Consent.TREATMENT, *, permitted: bool = False) -> None:
    _say(device, chart, SetConsent(purpose=consent, permitted=permitted))


def test_a_denied_treatment_closes_the_chart(clinic: Clinic):
    """Nothing is opened, nothing written, and the refusal is on record; a new consent opens everything again."""
    nurse = clinic.device(Role.NURSE)
    chart, document = _shared(nurse)
    nurse.charts.add_facts(chart, document, [WARFARIN])
    _deny(nurse, chart)
    opened = nurse.charts.open(chart)
    assert "(closed: the patient does not permit treatment)" in summary_line(summary_of(opened))
    assert (opened.lacks, opened.sealed, opened.state.medications) == (Consent.TREATMENT, True, ())
    assert list(opened.documents) == [document]
    size = nurse.store.size()
    with pytest.raises(RefusedError, match="break the glass") as refusal:
        nurse.charts.add_facts(chart, document, [PULSE])
    assert refusal.value.code == CONSENT
    with pytest.raises(RefusedError):
        nurse.charts.edit_text(chart, document, "plan", "Rest.")
    assert nurse.store.size() == size
    with pytest.raises(RefusedError):
        open_to_show(nurse.charts, auditor(nurse), chart)
    assert [record.result.value for record in records(nurse, chart)] == ["refused"]
    _deny(nurse, chart, permitted=True)
    assert len(nurse.charts.open(chart).state.medications) == 1
    assert nurse.charts.add_facts(chart, document, [PULSE])


def test_a_denied_treatment_is_no_import(clinic: Clinic, tmp_path):
    """What comes from elsewhere is not added to a chart that must not be opened."""
    nurse = clinic.device(Role.NURSE)
    _import(nurse, tmp_path, patient())
    (chart,) = nurse.keyring.charts()
    _deny(nurse, chart)
    report = _import(nurse, tmp_path, patient(gender="female"))
    assert report.entries_new == 0
    assert [one.reason for one in report.refused] == ["expected a patient who permits treatment; got one who does not"]


@pytest.mark.parametrize(
    ("purpose", "denied", "permitted", "lacks"),
    [
        (Purpose.PATIENT_REQUEST, Consent.TREATMENT, None, None),
        (Purpose.EMERGENCY, Consent.TREATMENT, None, Consent.TREATMENT),
        (Purpose.TREATMENT, Consent.TELEMEDICINE, None, None),
        (Purpose.TELEMEDICINE, Consent.TELEMEDICINE, None, Consent.TELEMEDICINE),
        (Purpose.RESEARCH, None, None, Consent.RESEARCH),
        (Purpose.RESEARCH, None, Consent.RESEARCH, None),
        (Purpose.AI_TRAINING, None, Consent.RESEARCH, Consent.AI_TRAINING),
    ],
)
def test_each_purpose_takes_its_own_consent(clinic: Clinic, purpose, denied, permitted, lacks):
    """A chart is opened for a purpose, and the consents of the chart say whether it may be."""
    nurse = clinic.device(Role.NURSE)
    chart, _ = _shared(nurse)
    if denied is not None:
        _deny(nurse, chart, denied)
    if permitted is not None:
        _deny(nurse, chart, permitted, permitted=True)
    assert nurse.charts.open(chart, purpose=purpose).lacks is lacks
    if lacks is None:
        assert not open_to_show(nurse.charts, auditor(nurse), chart, purpose=purpose).sealed
        return
    with pytest.raises(RefusedError) as refusal:
        open_to_show(nurse.charts, auditor(nurse), chart, purpose=purpose)
    assert refusal.value.code == CONSENT


def test_a_denied_treatment_leaves_the_broken_glass(clinic: Clinic):
    """Who broke it opens and writes; the other members do not."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _shared(doctor, nurse)
    _deny(doctor, chart)
    carry(doctor, nurse)
    batch = nurse.recorder.begin()
    batch.break_in(chart, BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16)))
    nurse.recorder.write(batch)
    carry(nurse, doctor)
    assert nurse.charts.open(chart).lacks is None
    assert nurse.charts.add_facts(chart, document, [PULSE])
    assert doctor.charts.open(chart).lacks is Consent.TREATMENT


def test_nothing_is_refused_where_nothing_is_lacking():
    """The check is silent for a chart that may be opened."""
    check_consent(ChartId(bytes(16)), None)
