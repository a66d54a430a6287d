"""Whoever leaves a chart is fed its control records up to the one that ended it, and nothing after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.relay.comparison import compare, find
from server.relay.fanout import Fanout, Listener
from server.relay.feed import LogFeed
from server.relay.stays import LASTING, Ended, common, end_of
from server.relay.stretches import PageLimits
from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import AddMember, CreateDocument
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.ids import DocumentId, EntryHash, StreamId
from sync_protocol.roles import Role
from sync_protocol.team_records import RemoveFromTeam
from tests.support.charts import ChartWriter
from tests.support.people import Device, Organisation
from tests.support.relay_room import open_bench
from tests.unit.server.relay.test_routing import CARE, Ward

LARGE = PageLimits(entries=512, size_bytes=1 << 20)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """People at an empty relay."""
    with open_bench(tmp_path, Organisation.make(47)) as bench:
        yield Ward(bench)


class Follower:
    """A device with a feed, which notes what of a chart it is fed."""

    def __init__(self, ward: Ward, device: Device, chart: ChartWriter, *, cursor: int | None = None) -> None:
        self.bench, self.device, self.chart = ward.bench, device, chart
        self.feed = self._feed(self.size if cursor is None else cursor)

    @property
    def size(self) -> int:
        """Of the log."""
        return self.bench.window.tip.size

    def _feed(self, cursor: int) -> LogFeed:
        return LogFeed(self.device.name, directory=self.bench.directory, trust=self.bench.trust, cursor=cursor)

    def hears(self, limits: PageLimits = LARGE) -> list[EntryHash]:
        """The entries of the chart that come now."""
        found: list[EntryHash] = []
        more = True
        while more:
            page = self.feed.page(self.bench.archive, self.bench.window.tip, limits)
            of_chart = {self.chart.control_stream, self.chart.stream(CARE[0])}
            found += [item.entry.hash for item in page.entries if item.entry.header.stream in of_chart]
            more = page.more
        return found


def a_document(ward: Ward, doctor: Device, chart: ChartWriter) -> EntryHash:
    """A record of the chart that is nobody's business who left."""
    (name,) = ward.say(doctor, CreateDocument(document=DocumentId(ward.organisation.entropy(16))), chart=chart)
    return name


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("limits", [LARGE, PageLimits(entries=1, size_bytes=1)])
def test_who_is_removed_hears_of_it_and_of_nothing_later(ward: Ward, *, live: bool, limits: PageLimits):
    """On a connection that lasts and on a new one, in large pages and in small ones."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor, nurse)
    follower = Follower(ward, nurse, chart)
    cursor = follower.size
    assert follower.hears() == []
    seen = a_document(ward, doctor, chart)
    (removal,) = ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    assert ward.store(doctor, chart.write(session=ward.sessions[doctor.name])) == []
    a_document(ward, doctor, chart)
    if not live:
        follower = Follower(ward, nurse, chart, cursor=cursor)
    assert follower.hears(limits) == [seen, removal]
    a_document(ward, doctor, chart)
    assert follower.hears() == []
    assert Follower(ward, nurse, chart).hears() == []


def test_who_comes_back_gets_what_came_meanwhile(ward: Ward):
    """On the connection that lasted: from the beginning, since what came between was left out."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor, nurse)
    follower = Follower(ward, nurse, chart)
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    between = a_document(ward, doctor, chart)
    follower.hears()
    (back,) = ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    heard = follower.hears()
    assert {between, back} <= set(heard)
    (again,) = ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    assert follower.hears() == [again]


def test_who_came_and_went_while_it_was_away_hears_nothing(ward: Ward):
    """It never had the chart, so there is nothing that ended for it."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor)
    follower = Follower(ward, nurse, chart)
    ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    assert follower.hears(PageLimits(entries=1, size_bytes=1)) == []


def test_an_emergency_that_is_closed_is_heard_of(ward: Ward):
    """By whose it was."""
    doctor, helper = ward.person(Role.PHYSICIAN), ward.person(Role.EMERGENCY_RESPONDER)
    chart = ward.chart(doctor)
    breaking = BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16))
    (broken,) = ward.say(helper, breaking, chart=chart)
    follower = Follower(ward, helper, chart)
    (closed,) = ward.say(doctor, CloseBreakGlass(record=broken), chart=chart)
    a_document(ward, doctor, chart)
    assert follower.hears() == [closed]


def test_a_team_s_members_hear_that_it_left(ward: Ward):
    """And who leaves the team hears the charts' records up to then; a member who stays is in the chart as before."""
    doctor, nurse, other = (ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE))
    team, chart = ward.team(doctor, nurse, other), ward.chart(doctor)
    ward.say(doctor, AddTeam(team=team, compartments=CARE), chart=chart)
    first, second = Follower(ward, nurse, chart), Follower(ward, other, chart)
    before = a_document(ward, doctor, chart)
    ward.say(doctor, RemoveFromTeam(team=team, certificate=nurse.name))
    after = a_document(ward, doctor, chart)
    assert (first.hears(), second.hears()) == ([before], [before, after])
    (gone,) = ward.say(doctor, RemoveTeam(team=team), chart=chart)
    a_document(ward, doctor, chart)
    assert (first.hears(), second.hears()) == ([], [gone])


@pytest.mark.parametrize("limits", [LARGE, PageLimits(entries=1, size_bytes=1)])
@pytest.mark.parametrize("when", ["before", "within", "after"])
def test_who_was_given_a_chart_by_a_colleague_hears_that_it_ended(ward: Ward, *, when: str, limits: PageLimits):
    """Though the relay never fed it the chart: it names what it holds, and takes itself for a member."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor)
    bench, cursors = ward.bench, {"before": ward.bench.window.tip.size}
    ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    given = {chart.control_stream: bench.store.frontier(chart.control_stream)}
    since = a_document(ward, doctor, chart)
    cursors["within"] = bench.window.tip.size
    (removal,) = ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    a_document(ward, doctor, chart)
    assert ward.store(doctor, chart.write(session=ward.sessions[doctor.name])) == []
    cursors["after"] = bench.window.tip.size
    follower = Follower(ward, nurse, chart, cursor=cursors[when])
    named = find(given, bench.store)
    follower.feed.holds(named)
    assert follower.hears(limits) == ([removal] if when == "within" else [since, removal])
    follower.feed.holds(named)
    a_document(ward, doctor, chart)
    assert follower.hears(limits) == []


def test_a_chart_that_nobody_gave_it_is_none_of_its_business(ward: Ward):
    """Whoever names what it holds hears of charts that it left, and of those alone that it names."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    strange, left = ward.chart(doctor), ward.chart(doctor, nurse)
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=left)
    bench = ward.bench
    for chart, named in ((strange, strange), (left, strange)):
        follower = Follower(ward, nurse, chart)
        follower.feed.holds(find({named.control_stream: bench.store.frontier(named.control_stream)}, bench.store))
        assert follower.hears() == []


def test_a_device_whose_log_was_lost_hears_of_it_too(ward: Ward):
    """It compares what it has, and gets what it lacks up to the record that ended it."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor, nurse)
    bench, stream = ward.bench, chart.control_stream
    held = {stream: bench.store.frontier(stream)}
    (removal,) = ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    a_document(ward, doctor, chart)
    for frontiers, heard in ((held, [removal]), ({}, [])):
        readable = bench.directory.readable(nurse.name)
        wanted, _ = compare(frontiers, set(readable), nurse.name, directory=bench.directory, store=bench.store)
        follower = Follower(ward, nurse, chart)
        follower.feed.resync(wanted, bench.window.tip, readable)
        assert follower.hears() == heard


def test_a_restart_knows_who_left(tmp_path: Path):
    """What is worked out from the store is what was known live."""
    organisation = Organisation.make(48)
    with open_bench(tmp_path, organisation) as bench:
        ward = Ward(bench)
        doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
        chart = ward.chart(doctor, nurse)
        cursor = bench.window.tip.size
        (removal,) = ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
        a_document(ward, doctor, chart)
    with open_bench(tmp_path, organisation) as bench:
        ward.bench = bench
        assert Follower(ward, nurse, chart, cursor=cursor).hears() == [removal]


def test_who_leaves_is_woken(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """By the record that ended it, and by none after."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor, nurse)
    woken: list[int] = []
    monkeypatch.setattr(Listener, "wake", lambda _, first: woken.append(first))
    fanout: Fanout = ward.bench.fanout
    fanout.join(nurse.name, Listener())
    removal_at = ward.bench.window.tip.size
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    a_document(ward, doctor, chart)
    assert woken == [removal_at]


def test_a_stay_goes_on_in_those_that_overlap_it():
    """A position is in a stay if its first record was delivered and its last was not."""
    assert [end_of([(5, 20), (50, 60)], at) for at in (5, 6, 20, 21, 50, 51, 61)] == [
        None,
        20,
        20,
        None,
        None,
        60,
        None,
    ]
    assert end_of([(10, 30), (5, 20)], 7) == 30
    assert end_of([(5, 20), (6, 9)], 7) == 20
    assert common([(5, LASTING)], [(7, 9), (1, 3)]) == [(7, 9)]
    assert Ended({}).last == -1
    assert Ended({StreamId(bytes(16)): ((1, 2), (4, 8))}).of(StreamId(bytes(16))) == 8


@pytest.mark.parametrize("aware", [False, True], ids=["not knowing that the team had left", "knowing it"])
def test_who_left_by_itself_may_have_stayed_as_one_of_a_team(ward: Ward, *, aware: bool):
    """It adds itself again, offline, while somebody removes the team: its readers take that, so it is fed."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    team, chart = ward.team(doctor, doctor), ward.chart(doctor, nurse)
    ward.say(doctor, AddTeam(team=team, compartments=CARE), chart=chart)
    back = AddMember(certificate=doctor.name, compartments=CARE)
    unaware = () if aware else ward.write(doctor, RemoveMember(certificate=doctor.name), back, chart=chart)
    ward.say(nurse, RemoveTeam(team=team), chart=chart)
    if aware:
        unaware = ward.write(doctor, RemoveMember(certificate=doctor.name), back, chart=chart)
    assert ward.store(doctor, unaware) == []
    assert ward.reads(doctor, chart) == (None if aware else set(CARE))
