"""The board: nobody is left out, the most urgent comes first, and no link or late entry makes anybody less urgent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.incidents.row import Presence, Urgency
from sync_protocol.control import content_stream
from sync_protocol.ids import ChartId
from sync_protocol.roles import Compartment
from tests.unit.edge_runtime.clinic import carry

if TYPE_CHECKING:
    from sync_protocol.entries import VerifiedEntry
    from tests.unit.edge_runtime.clinic import Device
    from tests.unit.edge_runtime.incidents.conftest import Pier


def parted(device: Device, chart: ChartId) -> tuple[list[VerifiedEntry], list[VerifiedEntry]]:
    """What a device holds: the content of one chart, and all else."""
    membership = device.keyring.membership(chart)
    assert membership is not None
    streams = {content_stream(chart, one, place) for one in membership.documents for place in Compartment}
    held = [one.entry for one in device.store.arrivals(after=0, limit=1 << 20)]
    own = [one for one in held if one.header.stream in streams]
    return own, [one for one in held if one.header.stream not in streams]


def test_the_most_urgent_come_first(pier: Pier):
    """Who was not looked at comes right after red; 9 before 10 within a category; counts and order agree."""
    pier.add(pier.kit, "black", "grey", "green", "yellow", None, "red", *["green"] * 5)
    board = pier.board(pier.kit)
    assert [row.urgency for row in board.rows[:3]] == [Urgency.IMMEDIATE, Urgency.UNKNOWN, Urgency.DELAYED]
    green = [row.label.partition("-")[0] for row in board.rows if row.urgency is Urgency.MINOR]
    assert green == ["3", "7", "8", "9", "10", "11"]
    assert list(board.counts().values()) == [1, 1, 1, 6, 1, 1]
    assert board.patients == len(board.rows) == 11
    assert board.title == "Ferry, pier 4"
    assert pier.board(pier.kit) == board


def test_a_number_without_its_chart_and_a_chart_without_its_number_are_listed(pier: Pier):
    """The register alone lists 'not here'; the chart alone is found by what it says itself, with its number."""
    (chart,) = pier.add(pier.one, "red")
    number = pier.row(pier.one, chart).label
    register, rest = parted(pier.one, pier.incident)
    casualty, others = parted(pier.one, ChartId.parse(chart))
    apart = {one.hash for one in others}
    control = [one for one in rest if one.hash in apart]

    carry(pier.one, pier.kit, [*control, *register])
    row = pier.row(pier.kit, number)
    assert (row.presence, row.registered, row.shown) == (Presence.NOT_HERE, True, None)
    assert row.own is not None
    carry(pier.one, pier.kit, casualty)
    assert pier.row(pier.kit, number).presence is Presence.HERE

    carry(pier.kit, pier.two, [*control, *casualty])
    row = pier.row(pier.two, chart)
    assert (row.presence, row.registered, row.numbers) == (Presence.HERE, False, (number,))
    assert row.shown is Triage.IMMEDIATE
    carry(pier.one, pier.two, register)
    assert pier.row(pier.two, number).registered


def test_a_register_entry_of_a_chart_that_nobody_here_heard_of(pier: Pier):
    """It is listed, counted as unknown, and cannot be triaged here."""
    (chart,) = pier.add(pier.one, "green")
    register, _ = parted(pier.one, pier.incident)
    carry(pier.one, pier.kit, register)
    row = pier.row(pier.kit, chart)
    assert (row.presence, row.own, row.looked_ms, row.urgency) == (Presence.NOT_HERE, None, None, Urgency.UNKNOWN)
    assert pier.board(pier.kit).counts()[Urgency.UNKNOWN] == 1
    assert [one.chart for one in pier.board(pier.kit).overdue(now_ms=0, limit_ms=10**6)] == [chart]


@pytest.mark.parametrize(
    ("left", "right", "shown", "disputed"),
    [
        ("green", "red", Triage.IMMEDIATE, False),
        ("grey", "green", Triage.MINOR, False),
        ("yellow", "yellow", Triage.DELAYED, False),
        ("black", "green", Triage.IMMEDIATE, True),
        ("black", "black", Triage.DECEASED, False),
        (None, "yellow", Triage.DELAYED, False),
    ],
)
def test_linked_casualties_show_the_more_urgent_of_both(
    pier: Pier, left: str | None, right: str, shown: Triage, disputed: bool
):
    """Dead beside alive is red and in dispute; both are one patient, and are two again when the link is undone."""
    one, other = pier.add(pier.kit, left, right)
    before = pier.board(pier.kit)
    pier.link(pier.kit, one, other)
    board = pier.board(pier.kit)
    assert board.patients == 1
    assert sum(board.counts().values()) == 1
    for chart, its_other in ((one, other), (other, one)):
        row = board.of(chart)
        assert row is not None
        assert (row.shown, row.disputed, row.linked, row.doubted) == (shown, disputed, (its_other,), ())
    pier.link(pier.kit, one, other, same=False)
    after = pier.board(pier.kit)
    assert after.patients == 2
    assert [(row.chart, row.shown, row.linked) for row in after.rows] == [
        (row.chart, row.shown, row.linked) for row in before.rows
    ]


def test_three_linked_one_by_one_are_one_patient(pier: Pier):
    """Directly or through another."""
    first, second, third = pier.add(pier.kit, "green", "yellow", "red")
    pier.link(pier.kit, first, second)
    pier.link(pier.kit, second, third)
    board = pier.board(pier.kit)
    assert board.patients == 1
    assert {row.shown for row in board.rows} == {Triage.IMMEDIATE}


def test_a_link_that_was_undone_and_made_anew_at_once_is_in_doubt(pier: Pier):
    """They count as two patients, both show the more urgent category, and a person is asked."""
    one, other = pier.add(pier.kit, "green", "red")
    pier.link(pier.kit, one, other)
    carry(pier.kit, pier.one)
    pier.link(pier.one, one, other, same=False)
    pier.link(pier.kit, one, other)
    carry(pier.one, pier.kit)
    board = pier.board(pier.kit)
    assert board.patients == 2
    row = board.of(one)
    assert row is not None
    assert (row.linked, row.doubted, row.shown) == ((), (other,), Triage.IMMEDIATE)
    assert ReviewKind.DUPLICATE_PATIENT in {review.kind for review in row.reviews}


def test_one_side_of_a_link_is_enough_and_a_denial_of_one_side_is_a_doubt(pier: Pier):
    """Until the other chart's entries arrive, nobody is less urgent for it."""
    one, other = pier.add(pier.kit, "green", "red")
    carry(pier.kit, pier.one)
    pier.link(pier.kit, one, other)
    content, _ = parted(pier.kit, ChartId.parse(one))
    carry(pier.kit, pier.one, content)
    assert pier.board(pier.one).patients == 1
    assert pier.row(pier.one, one).shown is Triage.IMMEDIATE
    carry(pier.kit, pier.one)
    pier.link(pier.kit, one, other, same=False)
    content, _ = parted(pier.kit, ChartId.parse(one))
    carry(pier.kit, pier.one, content)
    row = pier.row(pier.one, one)
    assert (row.shown, row.linked, row.doubted) == (Triage.IMMEDIATE, (), (other,))


def test_who_was_not_looked_at_for_long_is_named(pier: Pier):
    """Never looked at comes first, then the longest ago; the dead are left out; a clock ahead counts as now."""
    never, early, late, _ = [pier.add(pier.kit, colour)[0] for colour in (None, "red", "green", "black")]
    now_ms = pier.clinic.clock()
    board = pier.board(pier.kit)
    assert [row.chart for row in board.overdue(now_ms=now_ms + 1000, limit_ms=10)] == [never, early, late]
    assert [row.chart for row in board.overdue(now_ms=now_ms - 1000, limit_ms=10)] == [never]
    pier.clinic.clock.now_ms += 1000
    pier.triage(pier.kit, early, "red")
    late_rows = pier.board(pier.kit).overdue(now_ms=pier.clinic.clock(), limit_ms=500)
    assert [row.chart for row in late_rows] == [never, late]


def test_a_casualty_is_called_by_number_digits_or_chart(pier: Pier):
    """The whole number wins; digits alone where one has them; at least four digits of a chart's id."""
    (first,) = pier.add(pier.kit, "red")
    (second,) = pier.add(pier.one, "green")
    carry(pier.one, pier.kit)
    pier.desk(pier.kit).register(pier.incident, [])
    board = pier.board(pier.kit)
    number = pier.row(pier.kit, first).label
    assert [row.chart for row in board.called(number.lower())] == [first]
    assert {row.chart for row in board.called("1")} == {first, second}
    assert [row.chart for row in board.called(second[:8])] == [second]
    assert board.called(second[:3]) == ()
    assert board.called("99") == ()
