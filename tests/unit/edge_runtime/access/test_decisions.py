"""Deciding on a device: what was seen, by who may, in one change; and the same outcome on every device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_runtime.access import decisions as module
from edge_runtime.access.decisions import Decisions, review_named, state_of
from edge_runtime.cli.review_text import print_review, review_json
from edge_runtime.clinical.deciding import decision_of
from edge_runtime.clinical.layout import Kind, Section, WorkflowType
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Content
from edge_runtime.permissions import ROLE
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Compartment, Role
from sync_protocol.verdicts import Reason
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.test_verdicts import WARFARIN, _shared

WORDS = {"decision": "7 mg", "reason": "asked the ward"}


@contextmanager
def refused(code: str, error: type[ExplainedError] = RefusedError) -> Iterator[pytest.ExceptionInfo[ExplainedError]]:
    """An error with this code."""
    with pytest.raises(error) as found:
        yield found
    assert found.value.code == code


def change(dose: str):
    """Another dose of the same."""
    return fact("medication", text="Warfarin", action="change", dose=dose, unit="mg")


def meet(*devices: Device) -> None:
    """Everybody holds what any of them holds."""
    for source in devices:
        for target in devices:
            if source is not target:
                carry(source, target)


def conflict(clinic: Clinic, *roles: Role) -> tuple[ChartId, DocumentId, list[Device]]:
    """A chart in which a physician and a nurse changed a dose without knowledge of each other."""
    devices = [clinic.device(role) for role in (Role.PHYSICIAN, Role.NURSE, *roles)]
    chart, document = _shared(*devices)
    devices[0].charts.add_facts(chart, document, [WARFARIN])
    meet(*devices)
    devices[0].charts.add_facts(chart, document, [change("6")])
    devices[1].charts.add_facts(chart, document, [change("7")])
    meet(*devices)
    return chart, document, devices


def only(device: Device, chart: ChartId) -> Review:
    """The one review that there is."""
    (review,) = device.charts.open(chart).state.reviews
    return review


def look(device: Device, chart: ChartId) -> Review:
    """The same, shown to whoever holds the device."""
    review = only(device, chart)
    Decisions(device.charts).note_shown([review])
    return review


def decide(device: Device, chart: ChartId, **options):
    """Decide the one review, as it was shown."""
    opened = device.charts.open(chart)
    return Decisions(device.charts).decide(opened, only(device, chart), **{**WORDS, **options})


def test_a_decision_closes_the_review_on_every_device(clinic: Clinic):
    """One entry in the compartment of what it concerns, naming what was decided, with the reason."""
    chart, document, (doctor, nurse) = conflict(clinic)
    review = look(doctor, chart)
    made = decide(doctor, chart, decision="both are taken")
    meet(doctor, nurse)
    for device in (doctor, nurse):
        closed = only(device, chart)
        assert (closed.id, closed.open, closed.decisions) == (review.id, False, (made.decision,))
        (stated,) = device.charts.open(chart).document(document).decisions
        assert (stated.author.role, stated.compartment) == ("physician", Compartment.SAFETY)
        assert stated.fact.payload["reason"] == "asked the ward"
        assert not device.charts.open(chart).state.medications_incomplete
    assert made.kept is None


@pytest.mark.parametrize("by", ["id", "dose", "display"])
def test_what_is_kept_is_stated_again_in_the_same_entry(clinic: Clinic, by: str):
    """Named by its id, its dose, or all that it says; one line is left, and nothing is disputed anywhere."""
    chart, document, (doctor, nurse) = conflict(clinic)
    review = look(nurse, chart)
    wanted = next(value for value in review.values if "7" in value.display)
    keep = {"id": str(wanted.fact)[:12], "dose": "7", "display": wanted.display.upper()}[by]
    made = decide(nurse, chart, keep=keep)
    assert made.kept is not None
    assert made.kept.entry == made.decision.entry
    meet(doctor, nurse)
    for device in (doctor, nurse):
        state = device.charts.open(chart).document(document)
        (item,) = state.medications
        (line,) = item.lines
        assert (line.regimen.stated, item.status) == ({"dose": "7", "unit": "mg"}, "active")
        assert not any(one.open for one in state.reviews)
        assert len(item.history) == 3


def test_nobody_decides_what_was_not_shown(clinic: Clinic):
    """Neither what this device never showed, nor what came since; shown again, it can be decided."""
    chart, document, (doctor, nurse, late) = conflict(clinic, Role.PHYSICIAN)
    with refused("review_not_shown"):
        decide(doctor, chart)
    seen = look(doctor, chart)
    late.charts.add_facts(chart, document, [fact("medication", text="Warfarin", action="start", dose="9")])
    nurse.charts.add_facts(chart, document, [change("8")])
    meet(doctor, nurse, late)
    assert state_of(only(doctor, chart)) != state_of(seen)
    with refused("review_not_shown") as error:
        decide(doctor, chart)
    assert "fieldward review show" in error.value.do
    look(doctor, chart)
    decide(doctor, chart)
    assert not only(doctor, chart).open


def test_a_decision_is_reopened_by_new_evidence(clinic: Clinic):
    """Who had not seen the decision writes on: the review is open again, and the decision is still there."""
    chart, document, (doctor, nurse) = conflict(clinic)
    look(doctor, chart)
    made = decide(doctor, chart)
    nurse.charts.add_facts(chart, document, [fact("medication", text="Warfarin", action="start", dose="9")])
    meet(doctor, nurse)
    reviews = doctor.charts.open(chart).state.reviews
    assert [one.open for one in reviews] == [one.open for one in nurse.charts.open(chart).state.reviews]
    (stated,) = doctor.charts.open(chart).document(document).decisions
    assert stated.id == made.decision


def test_decisions_that_differ_leave_it_open_until_one_follows_both(clinic: Clinic):
    """On every device alike: two who decide at once are asked again, and whoever then decides has seen both."""
    chart, _, devices = conflict(clinic, Role.PHYSICIAN)
    doctor, nurse, other = devices
    for device in (doctor, nurse):
        look(device, chart)
    one, two = decide(doctor, chart, decision="6 mg"), decide(nurse, chart, decision="7 mg")
    meet(*devices)
    for device in devices:
        review = only(device, chart)
        assert (review.open, set(review.decisions)) == (True, {one.decision, two.decision})
    with refused("review_not_shown"):
        decide(doctor, chart)  # the other's decision is new evidence
    look(other, chart)
    last = decide(other, chart, decision="7 mg")
    meet(*devices)
    for device in devices:
        review = only(device, chart)
        assert (review.open, review.decisions) == (False, (last.decision,))


def test_the_same_decision_by_two_closes_it(clinic: Clinic):
    """Whoever agrees has decided, whether or not they knew of each other."""
    chart, _, devices = conflict(clinic)
    for device in devices:
        look(device, chart)
        decide(device, chart)
    meet(*devices)
    assert [only(device, chart).open for device in devices] == [False, False]


def test_a_decision_that_stands_is_replaced_on_purpose_only(clinic: Clinic):
    """Deciding again takes a word more, and the new decision supersedes the old one."""
    chart, document, (doctor, _) = conflict(clinic)
    look(doctor, chart)
    first = decide(doctor, chart)
    look(doctor, chart)
    with refused("review_decided"):
        decide(doctor, chart, decision="6 mg")
    second = decide(doctor, chart, decision="6 mg", again=True)
    assert only(doctor, chart).decisions == (second.decision,)
    assert {stated.id for stated in doctor.charts.open(chart).document(document).decisions} == {
        first.decision,
        second.decision,
    }


def test_a_role_that_may_not_decide_is_refused_and_void_where_it_does(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
):
    """The own device refuses before it writes; what other software signs is void, and shown so with the reason."""
    chart, document, devices = conflict(clinic, Role.EMERGENCY_RESPONDER)
    doctor, nurse, responder = devices
    review = look(responder, chart)
    with refused(ROLE):
        decide(responder, chart)
    batch = responder.recorder.begin()
    content = Content(facts=(decision_of(review, **WORDS),), text=None)
    batch.content(chart, document, Compartment.SAFETY, content)
    responder.recorder.write(batch)
    meet(*devices)
    for device in (doctor, nurse, responder):
        opened = device.charts.open(chart)
        assert only(device, chart).open
        assert opened.document(document).decisions == ()
        assert list(opened.documents[document].void.values()) == [Reason.ROLE]
        told = review_json(opened, only(device, chart), whole=True)
        assert (told["decided"], [one["why"] for one in told["not_counted"]]) == ([], [Reason.ROLE])
        print_review(opened, only(device, chart))
        assert "its author's role may not state this" in capsys.readouterr().out


def test_what_a_role_may_not_state_it_may_not_keep(clinic: Clinic):
    """A nurse decides about a diagnosis, and states none: the decision is not written either."""
    doctor, other, nurse = (clinic.device(role) for role in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE))
    chart, document = _shared(doctor, other, nurse)
    doctor.charts.add_facts(chart, document, [fact("diagnosis", text="Asthma")])
    meet(doctor, other, nurse)
    doctor.charts.add_facts(chart, document, [fact("diagnosis", text="Asthma", certainty="refuted")])
    other.charts.add_facts(chart, document, [fact("diagnosis", text="Asthma", certainty="confirmed")])
    meet(doctor, other, nurse)
    review = look(nurse, chart)
    with refused(ROLE):
        decide(nurse, chart, keep=str(review.values[0].fact))
    assert nurse.charts.open(chart).document(document).decisions == ()
    decide(nurse, chart)
    meet(nurse, doctor)
    assert not only(doctor, chart).open


def test_a_statement_that_is_not_there_cannot_be_kept(clinic: Clinic):
    """Nor one that several words fit; nothing is written."""
    chart, document, (doctor, _) = conflict(clinic)
    look(doctor, chart)
    before = len(doctor.charts.open(chart).documents[document].facts)
    for keep in ("ffffffff", "Warfarin", "5"):
        with refused("no_such_statement", InputError):
            decide(doctor, chart, keep=keep)
    with pytest.raises(InputError):
        decide(doctor, chart, decision="x" * 1000)
    assert len(doctor.charts.open(chart).documents[document].facts) == before
    assert only(doctor, chart).open


def test_statements_of_several_documents_are_decided_without_keeping_one(clinic: Clinic):
    """One document replaces nothing of another; the decision stands in the most closed compartment that it concerns."""
    doctor = clinic.device(Role.PHYSICIAN)
    chart, (home, encounter) = doctor.charts.create((), workflow=WorkflowType.ENCOUNTER)
    doctor.charts.add_facts(chart, home, [WARFARIN])
    doctor.charts.add_facts(
        chart,
        encounter,
        [fact("medication", text="Warfarin", action="stop")],
        compartment=Compartment.SENSITIVE,
    )
    look(doctor, chart)
    with refused("nothing_to_keep"):
        decide(doctor, chart, keep="5")
    made = decide(doctor, chart, decision="stopped")
    found = doctor.charts.open(chart).documents[home].facts
    assert [one.compartment for one in found if one.id == made.decision] == [Compartment.SENSITIVE]
    assert not only(doctor, chart).open


def test_what_was_kept_apart_is_kept_apart_when_it_is_stated_again(clinic: Clinic):
    """Who keeps one of two sensitive statements tells nobody of them who may not read them."""
    one, other = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    chart, (home, _) = one.charts.create((), workflow=WorkflowType.ENCOUNTER)
    one.charts.share(chart, other.id)
    meet(one, other)
    for device, certainty in ((one, "confirmed"), (other, "refuted")):
        stated = fact("diagnosis", text="Kept apart", certainty=certainty)
        device.charts.add_facts(chart, home, [stated], compartment=Compartment.SENSITIVE)
    meet(one, other)
    review = look(one, chart)
    made = decide(one, chart, keep=str(review.values[0].fact))
    found = one.charts.open(chart).documents[home].facts
    assert {fact.compartment for fact in found if fact.id in {made.decision, made.kept}} == {Compartment.SENSITIVE}


def test_a_disputed_text_is_decided_by_an_edit(clinic: Clinic):
    """A decision closes its review; nothing of it can be kept by that, for the section has to be edited."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, (_, encounter) = doctor.charts.create((), workflow=WorkflowType.ENCOUNTER)
    doctor.charts.share(chart, nurse.id)
    doctor.charts.edit_text(chart, encounter, Section.PLAN, "no heparin")
    meet(doctor, nurse)
    doctor.charts.edit_text(chart, encounter, Section.PLAN, "heparin")
    nurse.charts.edit_text(chart, encounter, Section.PLAN, "no more heparin")
    meet(doctor, nurse)
    review = look(doctor, chart)
    assert review.kind is ReviewKind.TEXT
    assert only(nurse, chart).id == review.id
    assert {value.display for value in review.values} == {
        'plan: in the text that is read: "heparin"',
        'plan: in the text that is read: "no more heparin"',
    }
    assert all(value.base for value in review.values)
    with refused("nothing_to_keep") as error:
        decide(doctor, chart, keep="heparin")
    assert "edit the section" in error.value.do
    decide(doctor, chart)
    assert not only(doctor, chart).open
    assert doctor.charts.open(chart).documents[encounter].text("plan").disputed
    doctor.charts.edit_text(chart, encounter, Section.PLAN, "no heparin")
    meet(doctor, nurse)
    for device in (doctor, nurse):
        assert device.text(chart, encounter) == "no heparin"
        assert device.charts.open(chart).state.reviews == ()


def test_reviews_are_named_by_the_beginning_of_their_ids(clinic: Clinic):
    """As everything else is."""
    chart, _, (doctor, _) = conflict(clinic)
    opened, review = doctor.charts.open(chart), only(doctor, chart)
    assert review_named(opened, str(review.id)[:6]) == review
    with refused("no_such_review"):
        review_named(opened, "ffffffff" if not str(review.id).startswith("f") else "00000000")


def test_only_so_much_is_remembered(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """What was shown longest ago is forgotten, and is to be shown again; the same again is no write."""
    chart, document, (doctor, _) = conflict(clinic)
    monkeypatch.setattr(module, "SHOWN_MAX", 1)
    review = look(doctor, chart)
    held = doctor.store.get_value(module.SHOWN)
    look(doctor, chart)
    assert doctor.store.get_value(module.SHOWN) == held == state_of(review)
    doctor.charts.add_facts(chart, document, [fact("status", to="active")])
    Decisions(doctor.charts).note_shown([review_of_another(review)])
    with refused("review_not_shown"):
        decide(doctor, chart)
    assert Kind.REVIEW_DECISION not in doctor.charts.open(chart).documents[document].kinds


def review_of_another(review: Review) -> Review:
    """The same review without one of its statements."""
    return Review(
        id=review.id,
        kind=review.kind,
        subject=review.subject,
        document=review.document,
        values=review.values[1:],
        reason=review.reason,
    )
