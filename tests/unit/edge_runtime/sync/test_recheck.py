"""Comparing with the relay now and then: what it withheld comes once it shows it, and what it costs is bounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RemoteError
from edge_runtime.sync.client import SyncReport
from edge_runtime.sync.lacking import held_report
from edge_runtime.sync.named import NAMED, named, note_named
from edge_runtime.sync.progress import ALARM, load_cursor
from edge_runtime.sync.recheck import Recheck, rechecked
from edge_runtime.transports.http import HttpLink
from sync_protocol.comparison_messages import Digests
from sync_protocol.control import content_stream, control_stream
from sync_protocol.errors import UntrustedError
from sync_protocol.frames import unpack_frame
from sync_protocol.ids import CertificateHash, EntryHash, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import LACKING_RECHECK_MS, RECHECK_MS
from sync_protocol.roles import Compartment, Role
from sync_protocol.store import Arrived, walk_seals
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic, Shared, fact
from tests.unit.edge_runtime.relay_shell import RelayLink, RelayRequests


class Ward(Shared):
    """A physician who shares a chart with a nurse, and a relay that can leave a stream out of the nurse's feed."""

    def __init__(self, clinic: Clinic) -> None:
        super().__init__(clinic)
        self.hidden: set[StreamId] = set()
        readable = self.relay.readable

        def some(reader: CertificateHash) -> set[StreamId]:
            found = readable(reader)
            return found - self.hidden if reader == self.two.name else found

        self.relay.readable = some
        self.settle()

    def settle(self) -> None:
        """Everybody syncs."""
        for _ in range(2):
            self.one.sync(self.relay)
            self.two.sync(self.relay)

    def write(self) -> None:
        """One fact."""
        self.one.charts.add_facts(self.chart, self.encounter, [fact("priority", to="urgent")])

    def clinical(self) -> StreamId:
        """The stream of the encounter's facts."""
        return content_stream(self.chart, self.encounter, Compartment.CLINICAL)

    def withhold(self, *streams: StreamId) -> None:
        """The physician writes, and the relay leaves these streams out of what the nurse gets; then it is honest.

        The cursor is behind what was left out when the relay is honest again.
        """
        self.hidden = set(streams)
        self.write()
        self.one.sync(self.relay)
        self.two.sync(self.relay)
        self.hidden = set()

    def sync(self) -> tuple[SyncReport, int]:
        """The nurse syncs; the report, and how many comparisons were begun."""
        link = self.relay.link()
        report = self.two.sync(self.relay, link)
        return report, comparisons(link)

    def lacks(self) -> set[EntryHash]:
        """What the nurse may read and does not have."""
        streams = self.relay.readable(self.two.name)
        held = self.relay.store.arrivals(after=0, limit=1 << 30, streams=streams)
        return {one.entry.hash for one in held if self.two.store.arrival(one.entry.hash) is None}


def comparisons(link: RelayLink) -> int:
    """How many comparisons a device began."""
    return sum(isinstance(unpack_frame(frame), Digests) for frame in link.up)


def write_meanwhile(ward: Ward, link: RelayLink) -> list[int]:
    """While a comparison goes on, the log grows; something is in the list once it did."""
    written: list[int] = []

    def between() -> None:
        if comparisons(link) and not written:
            written.append(1)
            ward.write()
            ward.one.sync(ward.relay)

    link.between = between
    return written


def sparing(ward: Ward, supposed: int) -> RelayLink:
    """A link over which the physician's seals up to a number come in a comparison alone."""
    link, session = ward.relay.link(), ward.one.identity.session.value.session
    seals = walk_seals(ward.relay.store, session)
    whole, known = link._proofs, {seal.wire for seal in seals if seal.value.number <= supposed}

    def proofs(page: Iterable[Arrived]) -> Proofs:
        found = whole(page)
        return found if comparisons(link) else replace(found, seals=tuple(s for s in found.seals if s not in known))

    link._proofs = proofs
    return link


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return Ward(clinic)


def test_what_was_withheld_comes_within_a_day(ward: Ward):
    """From the relay alone, though nothing here names it; and a person hears of it."""
    ward.withhold(ward.clinical())
    lacking = ward.lacks()
    assert lacking
    assert (ward.sync()[1], ward.lacks()) == (0, lacking)
    ward.clinic.clock.now_ms += RECHECK_MS
    report, begun = ward.sync()
    assert (begun, ward.lacks()) == (1, set())
    assert report.alarms == ["relay_withheld"]
    kept = rechecked(ward.two.store)
    assert kept is not None
    assert kept.withheld == len(lacking)
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)
    report, begun = ward.sync()
    assert (report.alarms, begun, ward.two.store.get_value(ALARM)) == ([], 0, None)


def test_it_comes_within_an_hour_where_something_names_it(ward: Ward):
    """Such as the predecessor of an entry that waits in the pool, here for a device that does not ask for chains."""
    ward.withhold(ward.clinical())
    ward.write()
    ward.one.sync(ward.relay)
    client = ward.two.client
    client._lacking = tuple
    for later_ms, begun in ((0, 0), (LACKING_RECHECK_MS, 1)):
        assert ward.lacks()
        ward.clinic.clock.now_ms += later_ms
        link = ward.relay.link()
        client.run(link, ADDRESS)
        assert comparisons(link) == begun
    assert ward.lacks() == set()


def test_it_comes_within_an_hour_where_what_is_fed_since_does_not_verify_without_it(ward: Ward):
    """The relay takes it that whoever has a cursor has the seals below it, and feeds those that follow alone."""
    ward.withhold(*ward.relay.readable(ward.two.name))
    missing, behind = ward.lacks(), load_cursor(ward.two.store)
    last = ward.relay.store.last_seal(ward.one.identity.session.value.session)
    assert last is not None
    ward.write()
    ward.one.sync(ward.relay)
    for later_ms, begun in ((0, 0), (LACKING_RECHECK_MS, 1)):
        assert ward.lacks() > missing
        ward.clinic.clock.now_ms += later_ms
        link = sparing(ward, last.value.number)
        written = write_meanwhile(ward, link)
        report = ward.two.sync(ward.relay, link)
        assert (report.unsound > 0, comparisons(link), len(written)) == (True, begun, begun)
        assert load_cursor(ward.two.store) == behind, "nothing that does not verify is skipped"
    assert (ward.lacks(), report.alarms) == (set(), ["relay_sent_unsound_entries", "relay_withheld"])
    kept = rechecked(ward.two.store)
    assert kept is not None
    assert kept.withheld == len(missing), "neither what came and did not verify, nor what is new"
    link = sparing(ward, last.value.number)
    report = ward.two.sync(ward.relay, link)
    assert (report.unsound, report.alarms, comparisons(link)) == (0, [], 0)
    assert load_cursor(ward.two.store).size == ward.relay.store.size()


def test_a_control_record_that_an_entry_names_is_looked_for(ward: Ward):
    """It is named by its hash alone: noted until it comes, shown as waited for, and looked for by comparing."""
    control = control_stream(ward.chart)
    ward.hidden = {control}
    other = ward.clinic.device(Role.NURSE)
    ward.clinic.admin.sync(ward.relay)
    ward.settle()
    ward.one.charts.share(ward.chart, other.id)
    ward.write()
    ward.one.sync(ward.relay)
    ward.clinic.clock.now_ms += LACKING_RECHECK_MS
    _, begun = ward.sync()
    assert begun == 1, "an ordinary sync ended, and something is missing"
    missing = set(named(ward.two.store))
    assert missing
    assert missing <= ward.relay.names()
    codes = [one.code for one in held_report(ward.two.store)]
    assert codes == ["waits_for_record"] * len(missing)
    assert ward.sync()[1] == 0, "a relay that goes on withholding costs one comparison an hour"
    ward.clinic.clock.now_ms += LACKING_RECHECK_MS
    assert ward.sync()[1] == 1
    ward.hidden = set()
    ward.clinic.clock.now_ms += LACKING_RECHECK_MS
    report, begun = ward.sync()
    assert (begun, report.alarms, ward.lacks()) == (1, ["relay_withheld"], set())
    assert ward.two.store.get_value(NAMED) is None
    ward.clinic.clock.now_ms += LACKING_RECHECK_MS
    assert ward.sync()[1] == 0


def test_an_honest_relay_is_not_accused(ward: Ward):
    """Of what enters the log while the comparison goes on, and of what this device had no room for."""
    ward.clinic.clock.now_ms += RECHECK_MS
    link = ward.relay.link()
    written = write_meanwhile(ward, link)
    report = ward.two.sync(ward.relay, link)
    assert written
    assert (report.alarms, ward.lacks()) == ([], set())
    kept = rechecked(ward.two.store)
    assert kept is not None
    assert (kept.done_ms >= kept.begun_ms, kept.withheld) == (True, 0)


def test_only_what_the_device_may_read_is_fed(ward: Ward):
    """A comparison opens nothing: of a chart of others neither a tag nor an entry comes."""
    ward.one.charts.create([fact("identity", name="Rui Nunes")], workflow=WorkflowType.ENCOUNTER)
    ward.one.sync(ward.relay)
    before = ward.two.store.streams()
    ward.clinic.clock.now_ms += RECHECK_MS
    report, begun = ward.sync()
    assert (begun, report.received, ward.two.store.streams()) == (1, 0, before)


def test_what_the_relay_refused_is_not_called_lost(ward: Ward):
    """It never had it, so the chain is neither pushed again from its beginning, nor is anything of it unsafe."""
    refused = UntrustedError("not_member", expected="a member", got="none", do="ask")
    ward.two.charts.add_facts(ward.chart, ward.encounter, [fact("priority", to="urgent")])
    own = ward.two.identity.session.value.session
    ward.relay.refuse = lambda entry: refused if entry.header.session == own else None
    assert ward.two.sync(ward.relay).refusals
    ward.clinic.clock.now_ms += RECHECK_MS
    report, begun = ward.sync()
    pushed = {entry.name for entry in ward.two.store.refused()}
    assert (begun, report.sent) == (1, len(pushed))


def test_what_the_relay_lost_unnoticed_is_pushed_again(ward: Ward):
    """A relay that denies by a comparison what it signed for gets it once more."""
    session = ward.one.identity.session.value.session
    stream = ward.clinical()
    ward.write()
    ward.one.sync(ward.relay)
    recheck = Recheck(ward.one.store, ward.clinic.clock)
    chains = [(stream, session, 0), (stream, ward.two.identity.session.value.session, 0)]
    assert recheck.lost(chains) == chains, "not its business outside a comparison"
    recheck.begin(0)
    assert recheck.lost(chains) == chains[:1]


def test_what_the_relay_lost_is_pushed_again_though_it_refused_what_came_later(ward: Ward):
    """A chain is compared up to what was at the relay: its word for what it signed ends where it refused something."""
    session, stream = ward.one.identity.session.value.session, ward.clinical()
    ward.write()
    ward.one.sync(ward.relay)
    kept = ward.one.store.frontier(stream)[session]
    refused = UntrustedError("unknown_epoch", expected="an epoch", got="none", do="ask")
    ward.relay.refuse = lambda entry: refused if entry.header.session == session else None
    ward.write()
    assert ward.one.sync(ward.relay).refusals
    recheck = Recheck(ward.one.store, ward.clinic.clock)
    assert recheck.begin(0)[stream].frontier[session] == kept
    assert recheck.lost([(stream, session, 0)]) == [(stream, session, 0)]
    ward.one.charts.add_document(batch := ward.one.charts.recorder.begin(), ward.chart, WorkflowType.ENCOUNTER)
    entries = ward.one.charts.recorder.write(batch)
    assert ward.one.sync(ward.relay).refusals
    named = Recheck(ward.one.store, ward.clinic.clock).begin(0)
    assert not named.keys() & {one.header.stream for one in entries if one.header.seq == 0}, "it never was there"


def test_a_clock_that_was_set_back_counts_as_time_that_passed(ward: Ward):
    """Otherwise a clock that was ahead by years would put the next look off by years."""
    ward.clinic.clock.now_ms -= 60_000
    assert ward.sync()[1] == 1
    assert ward.sync()[1] == 0


def test_a_comparison_that_breaks_off_is_not_begun_at_each_sync(ward: Ward):
    """The sync before it stays what it is; it is tried again an hour later."""
    ward.clinic.clock.now_ms += RECHECK_MS
    link = ward.relay.link()
    real = link.send

    def send(frame: bytes) -> None:
        if isinstance(unpack_frame(frame), Digests):
            raise RemoteError("relay_unreachable", expected="an answer", got="none", do="sync again")
        real(frame)

    link.send = send
    with pytest.raises(RemoteError):
        ward.two.sync(ward.relay, link)
    assert ward.sync()[1] == 0
    ward.clinic.clock.now_ms += LACKING_RECHECK_MS
    assert ward.sync()[1] == 1


def test_it_is_the_same_over_http(ward: Ward):
    """Each of the three messages in a request of its own."""
    ward.withhold(ward.clinical())
    ward.clinic.clock.now_ms += RECHECK_MS
    http: Any = RelayRequests(ward.relay, ADDRESS)
    ward.two.client.run(HttpLink(http), ADDRESS)
    assert ward.lacks() == set()


def test_it_is_the_same_on_a_connection_that_lasts(ward: Ward):
    """Nothing has to be written, and nobody has to dial."""
    ward.withhold(ward.clinical())
    link = ward.relay.link()
    ticks: list[int] = []

    def stopped() -> bool:
        ticks.append(1)
        if len(ticks) == 30:
            ward.clinic.clock.now_ms += RECHECK_MS
        return len(ticks) > 60

    report = ward.two.client.live(link, ADDRESS, stopped=stopped, tick_s=0.01)
    assert (comparisons(link), ward.lacks(), report.alarms) == (1, set(), ["relay_withheld"])


def test_a_device_without_a_clock_never_compares(ward: Ward):
    """What has no composition root that reads the time."""
    recheck = Recheck(ward.two.store, None)
    assert (recheck.due(), recheck.running, recheck.end(9)) == (False, False, 0)


def test_the_names_that_are_noted_are_bounded(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Somebody who names what nobody wrote fills no store; the look once a day does not need the names."""
    monkeypatch.setattr("edge_runtime.sync.named.NAMED_MAX", 1)
    heads = [EntryHash(bytes([number]) * 32) for number in range(3)]

    class Header:
        organisation_heads: tuple[EntryHash, ...] = tuple(heads)
        chart_heads: tuple[EntryHash, ...] = ()

    class Entry:
        header = Header()

    entry: Any = Entry()
    with ward.two.store.writing() as writer:
        note_named(writer, [entry])
    assert named(ward.two.store) == (heads[0],)
