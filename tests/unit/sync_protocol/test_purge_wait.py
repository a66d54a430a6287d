"""A confirmed purge waits: from when its confirmation counted here, and anew from when a hold was heard of."""

from __future__ import annotations

from sync_protocol.chart_records import ConfirmPurge, ProposePurge, PurgeReason, RemoveMember, SetHold
from sync_protocol.control import control_stream
from sync_protocol.control_entry import ControlEntry
from sync_protocol.ids import EntryHash
from sync_protocol.limits import PURGE_WAIT_MS
from sync_protocol.purge_wait import deciding, purge_from_ms
from tests.unit.sync_protocol.test_chart_history import Case

LATER_MS = 10 * PURGE_WAIT_MS


class Proposed:
    """A chart of a nurse and an officer, whose destruction was proposed from some date on."""

    def __init__(self, not_before_ms: int = 1) -> None:
        self.case = Case()
        self.case.add(self.case.nurse, self.case.officer)
        self.now_ms = self.case.world.people.clock.now_ms
        proposal = ProposePurge(reason=PurgeReason.RETENTION_ENDED, not_before_ms=not_before_ms)
        self.proposal = self.case.say(self.case.nurse, proposal)

    def confirm(self) -> EntryHash:
        """The officer agrees."""
        return self.case.say(self.case.officer, ConfirmPurge(proposal=self.proposal))

    def entries(self) -> list[ControlEntry]:
        """The chart's control entries."""
        reading, stream = self.case.world.reading(), control_stream(self.case.chart)
        return [self.case.world.control(one, reading.seals) for one in reading.entries if one.header.stream == stream]

    def decide(self) -> set[EntryHash]:
        """What decides."""
        return {one.hash for one in deciding(self.entries(), self.case.now)}

    def from_ms(self, heard: dict[EntryHash, int]) -> int | None:
        """From when on it goes, where the records came at these times."""
        return purge_from_ms(self.entries(), self.case.now, lambda one: heard[one.hash])


def test_nothing_is_awaited_that_nobody_confirmed():
    """A proposal has no date of its own, nor has a hold."""
    proposed = Proposed()
    proposed.case.say(proposed.case.officer, SetHold(held=False))
    assert proposed.decide() == set()
    assert proposed.from_ms({}) is None


def test_it_waits_from_when_it_was_heard_of():
    """Of several confirmations from the first; those of another proposal and those that do not count decide nothing."""
    proposed = Proposed()
    first, second = proposed.confirm(), proposed.confirm()
    other = ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=2)
    later = proposed.case.say(proposed.case.nurse, other)
    proposed.case.say(proposed.case.officer, ConfirmPurge(proposal=later))
    proposed.case.say(proposed.case.nurse, ConfirmPurge(proposal=proposed.proposal))
    assert proposed.decide() == {first, second}
    base_ms = proposed.now_ms + LATER_MS
    assert proposed.from_ms({first: base_ms + 9, second: base_ms}) == base_ms + PURGE_WAIT_MS


def test_it_waits_no_less_than_the_date_and_than_the_authors_clock():
    """A proposal that names no date destroys nothing at once; a clock here that was behind shortens nothing."""
    dated = Proposed(not_before_ms=1 << 47)
    name = dated.confirm()
    assert dated.from_ms({name: 5}) == 1 << 47
    proposed = Proposed()
    name = proposed.confirm()
    written_ms = next(one.wall_ms for one in proposed.entries() if one.hash == name)
    assert proposed.from_ms({name: 5}) == written_ms + PURGE_WAIT_MS


def test_a_hold_begins_the_wait_anew():
    """Whoever lifts it does not destroy at once; a hold that does not count decides nothing."""
    proposed = Proposed()
    name = proposed.confirm()
    held = proposed.case.say(proposed.case.officer, SetHold(held=True))
    lifted = proposed.case.say(proposed.case.officer, SetHold(held=False))
    proposed.case.say(proposed.case.nurse, SetHold(held=False))
    base_ms = proposed.now_ms + LATER_MS
    assert proposed.decide() == {name, held, lifted}
    assert proposed.from_ms({name: base_ms, held: base_ms + 3, lifted: base_ms + 7}) == base_ms + 7 + PURGE_WAIT_MS


def test_a_removal_does_not_end_it():
    """It acts by causality: what its subject said before goes on counting, as whoever proposed may have left since."""
    proposed = Proposed()
    name = proposed.confirm()
    proposed.case.say(proposed.case.nurse, RemoveMember(certificate=proposed.case.officer.name))
    assert proposed.from_ms({name: 5}) is not None


def test_a_revocation_ends_it():
    """What is outside the cut confirms nothing."""
    proposed = Proposed()
    proposed.confirm()
    proposed.case.revoke(proposed.case.officer, {})
    assert proposed.from_ms({}) is None
