"""What is done in an incident is one change, goes to the team, and makes nobody less urgent unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge_runtime.clinical.layout import Relation, Triage, WorkflowType
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.incidents.registering import TOGETHER_MAX, Newcomer
from edge_runtime.incidents.row import Presence
from sync_protocol.chart_records import Purpose as Consent
from sync_protocol.chart_records import SetConsent
from sync_protocol.ids import ChartId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import carry
from tests.unit.edge_runtime.incidents.test_board import parted

if TYPE_CHECKING:
    from tests.unit.edge_runtime.incidents.conftest import Pier


def refused(act: Any, *arguments: Any, **options: Any) -> str:
    """The code with which something is refused."""
    with pytest.raises((RefusedError, InputError)) as caught:
        act(*arguments, **options)
    return caught.value.code


def test_an_incident_is_found_by_title_or_id(pier: Pier):
    """However it is spelled; not by a chart that is no incident, nor by a title that two have."""
    desk = pier.desk(pier.one)
    assert desk.find("ferry,  PIER 4") == desk.find(str(pier.incident)[:6]) == pier.incident
    assert [one.chart for one in desk.known()] == [pier.incident]
    other, _ = pier.one.charts.create((), workflow=WorkflowType.ENCOUNTER)
    assert refused(desk.find, str(other)) == "no_incident"
    assert refused(desk.find, "ferry") == "no_such_chart"
    second = desk.begin("Ferry, pier 4", pier.team)
    assert refused(desk.find, "Ferry, pier 4") == "ambiguous_incident"
    assert desk.find(str(second)) == second


def test_a_casualty_is_a_chart_of_the_team_that_names_the_incident(pier: Pier):
    """One change: chart, number, category, note; without a name, and with a link to the incident."""
    before = pier.one.pending()
    (made,) = pier.desk(pier.one).register(
        pier.incident, [Newcomer(triage={"to": "red", "system": "clinical"}, note="blue jacket")]
    )
    assert pier.one.pending() - before < 12
    seals = {one.entry.header.seal for one in list(pier.one.store.arrivals(after=0, limit=1 << 20))[-8:]}
    assert len(seals) == 1
    opened = pier.one.charts.open(made.chart)
    assert set(opened.membership.teams) == {pier.team}
    (document,) = [one for one in opened.states() if one.workflow_type is WorkflowType.FIELD_TRIAGE]
    assert document.title == f"Casualty {made.number}"
    assert [(link.stands, link.chart) for link in document.links] == [(Relation.PART_OF, str(pier.incident))]
    row = pier.row(pier.one, made.number)
    assert (row.names, row.note, row.shown) == ((), "blue jacket", Triage.IMMEDIATE)
    carry(pier.one, pier.two)
    assert pier.row(pier.two, made.number) == row


def test_two_phones_apart_make_different_numbers(pier: Pier):
    """The same digits, another mark; the next one counts on from all that is seen."""
    pier.add(pier.one, "red", "red")
    pier.add(pier.two, "green", "green")
    carry(pier.one, pier.kit)
    carry(pier.two, pier.kit)
    labels = [row.label for row in pier.board(pier.kit).rows]
    assert len(set(labels)) == 4
    assert sorted(label.partition("-")[0] for label in labels) == ["1", "1", "2", "2"]
    pier.add(pier.kit, "yellow")
    assert "3" in {row.label.partition("-")[0] for row in pier.board(pier.kit).rows}


def test_what_cannot_be_registered_leaves_nothing(pier: Pier):
    """A taken number, one number twice, too many, a bad category, a number too long: nothing is written."""
    desk = pier.desk(pier.one)
    pier.add(pier.one, "red", number="A-0042")
    before = pier.one.store.size()
    for newcomers, code in (
        ([Newcomer(number="a-0042")], "number_taken"),
        ([Newcomer(number="7"), Newcomer(number=" 7 ")], "number_twice"),
        ([Newcomer()] * (TOGETHER_MAX + 1), "too_many_casualties"),
        ([Newcomer(), Newcomer(triage={"to": "purple"})], "invalid_fact"),
        ([Newcomer(number="9" * 33)], "invalid_fact"),
    ):
        assert refused(desk.register, pier.incident, newcomers) in {code, "fact"}
    assert pier.one.store.size() == before
    assert refused(pier.desk(pier.stranger).register, pier.incident, [Newcomer()]) == "no_such_chart"


def test_nobody_becomes_less_urgent_unasked(pier: Pier):
    """Of several, none is changed where one would be lowered; black beside a living category counts as lower."""
    green, red = pier.add(pier.one, "green", "red")
    rows = [pier.row(pier.one, chart) for chart in (green, red)]
    desk = pier.desk(pier.one)
    assert refused(desk.triage, pier.incident, rows, {"to": "yellow"}) == "would_lower"
    assert pier.row(pier.one, green).shown is Triage.MINOR
    for to in ("green", "grey", "black"):
        assert refused(desk.triage, pier.incident, rows[1:], {"to": to}) == "would_lower"
    desk.triage(pier.incident, rows, {"to": "yellow"}, lower=True)
    assert [pier.row(pier.one, chart).shown for chart in (green, red)] == [Triage.DELAYED] * 2
    pier.triage(pier.one, green, "black", lower=True)
    pier.triage(pier.one, green, "red")
    row = pier.row(pier.one, green)
    assert (row.shown, row.disputed, len(row.own.history if row.own else ())) == (Triage.IMMEDIATE, False, 3)


def test_red_beside_black_is_red_and_asked_about(pier: Pier):
    """Until somebody who saw both looks again."""
    (chart,) = pier.add(pier.one, "yellow")
    carry(pier.one, pier.two)
    pier.triage(pier.one, chart, "red")
    pier.triage(pier.two, chart, "black", lower=True)
    carry(pier.one, pier.two)
    row = pier.row(pier.two, chart)
    assert (row.shown, row.disputed) == (Triage.IMMEDIATE, True)
    assert [review.kind for review in row.reviews] == [ReviewKind.TRIAGE]
    pier.triage(pier.two, chart, "black", lower=True)
    row = pier.row(pier.two, chart)
    assert (row.shown, row.disputed, row.reviews) == (Triage.DECEASED, False, ())


def test_two_names_given_apart_both_stand_until_somebody_says(pier: Pier):
    """With who says so; the next statement replaces both, and they stay in the history."""
    (chart,) = pier.add(pier.one, "yellow")
    carry(pier.one, pier.two)
    for device, name in ((pier.one, "Ana Lima"), (pier.two, "Bea Lima")):
        pier.desk(device).identify(pier.row(device, chart), {"name": name, "according_to": "a passport"})
    carry(pier.one, pier.two)
    row = pier.row(pier.two, chart)
    assert set(row.names) == {"Ana Lima", "Bea Lima"}
    assert {fact.fact.payload["according_to"] for fact in row.identity} == {"a passport"}
    pier.desk(pier.two).identify(row, {"name": "Ana Lima", "according_to": "her sister"})
    assert pier.row(pier.two, chart).names == ("Ana Lima",)


def test_a_casualty_is_linked_to_a_known_patients_chart(pier: Pier):
    """It is written into both; a chart cannot be linked to itself."""
    (chart,) = pier.add(pier.kit, "red")
    known, (document,) = pier.kit.charts.create((), workflow=None)
    desk, row = pier.desk(pier.kit), pier.row(pier.kit, chart)
    desk.link(pier.incident, row, known, None, same=True)
    assert pier.row(pier.kit, chart).linked == (str(known),)
    (link,) = pier.kit.charts.open(known).document(document).links
    assert (link.stands, link.chart) == (Relation.SAME_PATIENT, chart)
    assert refused(desk.link, pier.incident, row, row, None, same=True) == "same_chart"
    assert refused(desk.link, pier.incident, row, ChartId.parse(chart), None, same=True) == "same_chart"


def test_a_handed_over_casualty_is_read_by_who_takes_over_and_nobody_elses_is(pier: Pier):
    """With all that was written, and where it goes; the incident and the others stay closed to them."""
    chart, other = pier.add(pier.kit, "red", "green")
    desk = pier.desk(pier.kit)
    desk.hand_over(pier.incident, pier.row(pier.kit, chart), device=pier.stranger.id, place="City hospital")
    assert pier.row(pier.kit, chart).place == "City hospital"
    carry(pier.kit, pier.stranger)
    opened = pier.stranger.charts.open(ChartId.parse(chart))
    assert opened.state.triage.value is Triage.IMMEDIATE
    assert pier.stranger.charts.open(ChartId.parse(other)).sealed
    assert refused(desk.hand_over, pier.incident, pier.row(pier.kit, chart), device="00000000") == "no_such_device"
    officer = pier.clinic.device(Role.COMPLIANCE_OFFICER)
    row = pier.row(pier.kit, chart)
    assert refused(desk.hand_over, pier.incident, row, device=officer.id) == "role_reads_no_chart"


def test_what_is_not_here_or_closed_is_not_changed(pier: Pier):
    """A number whose chart has not come, and a chart whose patient denies treatment, are listed and refused."""
    (chart,) = pier.add(pier.one, "red")
    register, _ = parted(pier.one, pier.incident)
    carry(pier.one, pier.kit, register)
    late, desk = pier.row(pier.kit, chart), pier.desk(pier.kit)
    assert refused(desk.triage, pier.incident, [late], {"to": "red"}) == "casualty_not_here"
    assert refused(desk.identify, late, {"name": "Ana Lima"}) == "casualty_not_here"
    carry(pier.one, pier.kit)
    batch = pier.kit.recorder.begin()
    batch.say(ChartId.parse(chart), SetConsent(purpose=Consent.TREATMENT, permitted=False))
    pier.kit.recorder.write(batch)
    row = pier.row(pier.kit, chart)
    assert (row.presence, row.registered, row.shown) == (Presence.CLOSED, True, None)
    assert refused(desk.triage, pier.incident, [row], {"to": "red"}) == "no_consent"
    assert refused(desk.identify, row, {"name": "Ana Lima"}) == "no_consent"
