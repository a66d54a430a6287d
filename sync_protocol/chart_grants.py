"""What a chart's records gave to whom, kept so that one principal's part at any point of them is looked up.

Each record is judged by its own past, so the same question is asked at every record: adding up everybody each time
would cost the square of what a single member can write.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import AddMember, CreateChart
from sync_protocol.control_entry import ControlEntry, Pasts, is_live
from sync_protocol.emergency_records import BreakGlass, CloseBreakGlass
from sync_protocol.ids import CertificateHash, EntryHash, TeamId
from sync_protocol.roles import Compartment

Compartments = frozenset[Compartment]
_ALL: Final = frozenset(Compartment)
SHAPING: Final = (CreateChart, AddMember, AddTeam, RemoveMember, RemoveTeam, BreakGlass, CloseBreakGlass)
"""Records on which it depends who is a member."""
_Subject = CertificateHash | TeamId


class Grants:
    """The grants, removals and emergencies among the records of a chart that count, by whom they concern, as bits."""

    def __init__(self, pasts: Pasts, creator: CertificateHash) -> None:
        """Start with nothing.

        Args:
            pasts: the chart's records.
            creator: of the chart.
        """
        self._pasts = pasts
        self._creator = creator
        self._births = 0
        self._whole = 0
        self._given: dict[_Subject, dict[Compartments, int]] = {}
        self._removed: dict[_Subject, int] = {}
        self._broken: dict[CertificateHash, int] = {}
        self._closed: dict[EntryHash, int] = {}
        self.names: Final[dict[CertificateHash, None]] = {}
        """Whom any record added."""
        self.teams: Final[dict[TeamId, None]] = {}
        """The teams that any record added."""

    def take(self, index: int, entry: ControlEntry, granted: Compartments) -> None:
        """Take in a record that counts.

        Args:
            index: its place.
            entry: the record.
            granted: what its author could give.
        """
        record, bit = entry.record, 1 << index
        match record:
            case CreateChart():
                self.names[entry.author] = None
                self._births |= bit
                self._give(entry.author, _ALL, bit, whole=True)
            case AddMember():
                self.names[record.certificate] = None
                given = granted.intersection(record.compartments)
                self._give(record.certificate, given, bit, whole=not record.from_now_on)
            case AddTeam():
                self.teams[record.team] = None
                self._give(record.team, granted.intersection(record.compartments), bit, whole=not record.from_now_on)
            case RemoveMember():
                self._removed[record.certificate] = self._removed.get(record.certificate, 0) | bit
            case RemoveTeam():
                self._removed[record.team] = self._removed.get(record.team, 0) | bit
            case BreakGlass():
                self._broken[entry.author] = self._broken.get(entry.author, 0) | bit
            case _:
                assert isinstance(record, CloseBreakGlass), "records of SHAPING alone"
                self._closed[record.record] = self._closed.get(record.record, 0) | bit

    def given(self, subject: CertificateHash | TeamId, bits: int) -> Compartments | None:
        """What live grants among some records give somebody, or a team; None where there is none."""
        left = self._removed.get(subject, 0) & bits
        live = [
            reads
            for reads, grants in self._given.get(subject, {}).items()
            if grants & bits and is_live(grants & bits, left, self._pasts)
        ]
        return frozenset[Compartment]().union(*live) if live else None

    def gives_history(self, subject: CertificateHash | TeamId, bits: int, before: int) -> bool:
        """Whether a live grant among some records gives the history, or stands in a past.

        Args:
            subject: who, or which team.
            bits: the records.
            before: the past of what is to be given.
        """
        left = self._removed.get(subject, 0) & bits
        grants = 0
        for some in self._given.get(subject, {}).values():
            grants |= some
        return is_live(grants & bits & (self._whole | before), left, self._pasts)

    def is_founder(self, bits: int) -> bool:
        """Whether the creator never left, or came back by creating the chart again: it grants everything."""
        return is_live(self._births & bits, self._removed.get(self._creator, 0) & bits, self._pasts)

    def broken(self, name: CertificateHash, bits: int) -> int:
        """The records, among some, by which somebody broke the glass and that were not closed."""
        left = self._broken.get(name, 0) & bits
        found = 0
        while left:
            bit = left & -left
            left ^= bit
            if not self._closed.get(self._pasts.order[bit.bit_length() - 1].hash, 0) & bits:
                found |= bit
        return found

    def breakers(self) -> Iterable[CertificateHash]:
        """Who ever broke the glass."""
        return self._broken

    def _give(self, subject: _Subject, given: Compartments, bit: int, *, whole: bool) -> None:
        grants = self._given.setdefault(subject, {})
        grants[given] = grants.get(given, 0) | bit
        self._whole |= bit if whole else 0
