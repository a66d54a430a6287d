"""Times that cannot be right are asked about, and never refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge_runtime.clinical.asking import questions
from edge_runtime.clinical.times import question
from tests.unit.edge_runtime.clinical.worlds import fact, since

NOW_MS = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
BORN = fact("identity", name="Ana", birth_date="1980-05-17")


def finding(effective, **rest):
    """A measurement at a time."""
    return fact("observation", code="1", text="a", effective=effective, **rest)


@pytest.mark.parametrize(
    ("stated", "asks"),
    [
        (finding("2026-03-01T11:00Z"), False),
        (finding("2026-03-02T11:59Z"), False),
        (finding("2026-03-02T12:01Z"), True),
        (finding("2026-03-02T18:00+14:00"), False),
        (finding("2026-03-02"), False),
        (finding("2026-03-03"), True),
        (finding("2026-03"), False),
        (finding("2026-04"), True),
        (finding("2026"), False),
        (finding("2027"), True),
        (finding("9999-12"), True),
        (finding("0001-01-01T00:00+14:00"), False),
        (finding("2027", confirmed=True), False),
        (fact("procedure", text="Splint", performed="2026-05-01"), True),
        (fact("diagnosis", text="Fracture", onset="2026-05-01"), True),
        (fact("triage", to="minor", effective="2026-05-01"), True),
        (fact("specimen", specimen="A1", to="collected", effective="2026-05-01"), True),
        (fact("identity", name="Ana", birth_date="2062-03-01"), True),
        (fact("procedure", text="Splint"), False),
        (fact("status", to="active"), False),
    ],
    ids=lambda item: " ".join(map(str, item.payload.values())) if hasattr(item, "payload") else str(item),
)
def test_a_time_more_than_a_day_ahead_is_asked_about(stated, asks):
    """By the author's clock, and by the first instant of a year, month or day; a day's grace for other time zones."""
    asked = question(stated, now_ms=NOW_MS)
    assert (asked is not None) == asks
    assert asked is None or asked.endswith("lies more than a day ahead: is the date right?")


@pytest.mark.parametrize(
    ("stated", "asks"),
    [
        (finding("1980-05-17"), False),
        (finding("1980-05-16"), False),
        (finding("1980-05-14"), True),
        (finding("1980"), False),
        (finding("1979"), True),
        (fact("diagnosis", text="Fracture", onset="1950"), True),
    ],
)
def test_a_time_before_the_patients_birth_is_asked_about(stated, asks):
    """By what the document says of the patient, to the day where it is known."""
    _, left, _, _ = since(BORN)
    asked = question(stated, now_ms=NOW_MS, state=left.state())
    assert (asked is not None) == asks
    assert asked is None or "before the patient's birth" in asked


def test_who_the_patient_is_stands_in_another_document_than_the_finding():
    """The birth date of the chart document counts for a finding in an encounter, which says nothing of the patient."""
    _, chart, _, _ = since(BORN)
    _, encounter, _, _ = since(fact("status", to="active"))
    identity = chart.state().identity
    stated = finding("1950-11-25T10:00Z")
    assert questions(stated, now_ms=NOW_MS, state=encounter.state()) == ()
    (asked,) = questions(stated, now_ms=NOW_MS, state=encounter.state(), identity=identity)
    assert "before the patient's birth" in asked
    assert question(stated, now_ms=NOW_MS, identity=identity) == asked


def test_the_ends_of_the_calendar_are_no_trouble():
    """The first and the last day that there is are compared like any other."""
    _, left, _, _ = since(fact("identity", name="Ana", birth_date="0001-01-01"))
    left.write(fact("procedure", text="Splint", performed="9999-12-31"))
    for stated in (finding("0001"), fact("identity", name="Ana", birth_date="0001"), finding("2026-02-29T25:00Z")):
        assert question(stated, now_ms=NOW_MS, state=left.state()) is None


def test_a_birth_after_what_was_done_is_asked_about():
    """The other way round: the procedure stands, and a birth date comes after it."""
    _, left, _, _ = since(fact("procedure", text="Splint", performed="2001-02-03"))
    asked = question(fact("identity", name="Ana", birth_date="2010"), now_ms=NOW_MS, state=left.state())
    assert asked is not None
    assert "born after" in asked
    assert question(BORN, now_ms=NOW_MS, state=left.state()) is None


@pytest.mark.parametrize(
    ("to", "effective", "asks"),
    [
        ("received", "2026-03-01T10:00Z", False),
        ("received", "2026-03-01T08:00Z", True),
        ("ordered", "2026-03-01T10:00Z", True),
        ("ordered", "2026-02-28", False),
        ("received", "2026-03-01", False),
        ("collected", "2026-03-01T08:00Z", False),
    ],
)
def test_a_specimen_on_its_way_backwards_is_asked_about(to, effective, asks):
    """Received before it was collected: one of the two times is wrong."""
    _, left, _, _ = since(fact("specimen", specimen="A1", to="collected", effective="2026-03-01T09:00Z"))
    left.record(fact("specimen", specimen="B2", to="received", effective="2020"))
    stated = fact("specimen", specimen="a1", to=to, effective=effective)
    asked = question(stated, now_ms=NOW_MS, state=left.state())
    assert (asked is not None) == asks
    assert asked is None or "in the wrong order" in asked


def test_value_and_time_are_asked_about_together():
    """Both questions, in one order; a correction whose `supersedes` is not filled yet is asked about too."""
    _, left, _, first = since(BORN)
    stated = fact(
        "observation", code="8867-4", text="HR", value="700", unit="/min", effective="2031", corrects=str(first.id)
    )
    asked = questions(stated, now_ms=NOW_MS, state=left.state())
    assert [one.split()[0] for one in asked] == ["heart", "the"]
    odd = fact("specimen", specimen="A1", to="lost", effective="2026-03-01")
    assert questions(odd, now_ms=NOW_MS, state=left.state()) == ()


def test_a_question_repeats_no_value():
    """A date may identify the patient: the question names the statement, never the date."""
    asked = question(finding("2031-07-19"), now_ms=NOW_MS)
    assert asked is not None
    assert "2031" not in asked
