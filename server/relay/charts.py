"""One chart as the relay must know it: who reads what since when, which documents and which epochs there are.

The rules are those of `sync_protocol.chart_history`, entry by entry in the order of the log, and never stricter:
whoever may write once may write for good here, because what was written offline arrives late, and its readers judge it.
One rule is the feed's own: a compliance officer who is a member gets every stream, because the headers of content are
the record of who wrote; no key opens its bodies to one. So does a kit that carries the chart sealed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from server.relay.offices import Office
from server.relay.rolls import Name, Roll, Saw
from server.relay.teams import Team
from sync_protocol.control import content_stream, control_stream, ledger_id
from sync_protocol.epochs import IN_GLASS
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SessionId, StreamId
from sync_protocol.roles import CONTENT, Compartment

_ALL: Final = frozenset(Compartment)
_NONE: Final[frozenset[Compartment]] = frozenset()
_CONTENT: Final = frozenset(CONTENT)
_GLASS: Final = IN_GLASS | {Compartment.AUDIT}


@dataclass(frozen=True, slots=True)
class Place:
    """What a stream of a chart carries.

    Attributes:
        document, compartment: None for the chart's control stream.
    """

    chart: ChartId
    document: DocumentId | None = None
    compartment: Compartment | None = None


@dataclass(frozen=True, slots=True)
class By:
    """The entry of a record.

    Attributes:
        index: its log index, larger than any before.
        saw: see Roll.
        heads: the organisation's records that its author had seen.
    """

    entry: EntryHash
    index: int
    saw: Saw
    heads: tuple[EntryHash, ...] = ()

    def knew(self, record: EntryHash) -> bool:
        """Whether its author had seen a record of the organisation."""
        return any(head == record or self.saw(head, record) for head in self.heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A principal as a chart meets it.

    Attributes:
        teams: those that it belongs to.
        once: those that it ever belonged to.
        recovered: the log index since when it is let into every chart.
    """

    name: CertificateHash
    office: Office
    teams: Collection[Team] = ()
    once: Collection[Team] = ()
    recovered: int | None = None


@dataclass(slots=True)
class _Ways:
    """The ways in which somebody is a member, each with the log index since when: the earliest counts."""

    seat: int | None = None
    fed: dict[Compartment, int] = field(default_factory=dict)

    def open(self, seat: int, fed: Mapping[Compartment, int]) -> None:
        self.seat = seat if self.seat is None else min(self.seat, seat)
        for compartment, since in fed.items():
            self.fed[compartment] = min(since, self.fed.get(compartment, since))


@dataclass(slots=True)
class Chart:
    """A chart; each number is the log index of the entry that brought it about.

    Attributes:
        founded: when it was created; `births` are the entries that did it.
        roll: its members, principals and teams.
        gifts: for each addition that compartments it gives.
        reach: what each was ever given, whatever its role: what it can give itself.
        writers: who ever was a member, principals and teams.
        seats: who is one.
        since: with which compartments; a role may entitle to fewer.
        broken: the emergencies that are open, by their records: whose, and since when.
        preloaded: the kits that carry it.
        epochs: the compartment of each stored epoch.
        purged: its content was destroyed, or is about to be.
        cut_off: of a chain of control records that lost a body, the sequence number from which on it is not fed.
    """

    id: ChartId
    creator: CertificateHash
    founded: int = -1
    births: set[EntryHash] = field(default_factory=set)
    roll: Roll = field(default_factory=Roll)
    gifts: dict[EntryHash, frozenset[Compartment]] = field(default_factory=dict)
    reach: dict[Name, frozenset[Compartment]] = field(default_factory=dict)
    writers: set[Name] = field(default_factory=set)
    seats: dict[Name, int] = field(default_factory=dict)
    since: dict[Name, dict[Compartment, int]] = field(default_factory=dict)
    broken: dict[EntryHash, tuple[CertificateHash, int]] = field(default_factory=dict)
    preloaded: dict[CertificateHash, int] = field(default_factory=dict)
    documents: dict[DocumentId, int] = field(default_factory=dict)
    epochs: dict[EntryHash, Compartment] = field(default_factory=dict)
    purged: bool = False
    cut_off: dict[SessionId, int] = field(default_factory=dict)

    def copy(self) -> Chart:
        """The same, to be changed apart."""
        return Chart(
            id=self.id,
            creator=self.creator,
            founded=self.founded,
            births=set(self.births),
            roll=self.roll.copy(),
            gifts=dict(self.gifts),
            reach=dict(self.reach),
            writers=set(self.writers),
            seats=dict(self.seats),
            since={name: dict(since) for name, since in self.since.items()},
            broken=dict(self.broken),
            preloaded=dict(self.preloaded),
            documents=dict(self.documents),
            epochs=dict(self.epochs),
            purged=self.purged,
            cut_off=dict(self.cut_off),
        )

    @property
    def is_ledger(self) -> bool:
        """Whether it is its creator's ledger."""
        return self.id == ledger_id(self.creator)

    def found(self, by: By) -> None:
        """Make the creator its first member."""
        self.founded = by.index if self.founded < 0 else self.founded
        self.births.add(by.entry)
        self._give(self.creator, _ALL, by)

    def add(self, author: Party, name: Name, asked: Iterable[Compartment], by: By) -> None:
        """Make somebody a member, or a team, with as much of what is asked as the author can give.

        An author who was removed meanwhile, and did not know, gives what it could.

        Args:
            author: somebody who ever was a member.
            name: whom it adds.
            asked: which compartments.
            by: the record's entry.
        """
        reads = self.lasting(author)
        if reads is None and not self._left_unaware(author, by):
            self.writers.add(name)
            return
        own = self._could(author) if reads is None else reads
        founds = author.name == self.creator and (reads is None or self._has_founder)
        self._give(name, (_ALL if founds else own).intersection(asked), by)

    def remove(self, author: Party, name: Name, by: By) -> None:
        """Let somebody go, if the author may: a clinician anybody but the creator, and everybody itself.

        Who is no member any more lets nobody go here, whatever it knew: its readers judge that, and are fed meanwhile.
        """
        reads, itself = self.lasting(author), author.name == name
        if reads is None or (name == self.creator and not itself):
            return
        if itself or reads & _CONTENT:
            self.roll.remove(name, by.entry, by.saw)
            self._refresh(name, by.index)

    def close_glass(self, author: Party, record: EntryHash) -> None:
        """End an emergency, if the author may: a member who reads content, or an officer."""
        reads = self.lasting(author)
        if reads is not None and (reads & _CONTENT or author.office.is_officer_now):
            self.broken.pop(record, None)

    def restore(self, name: Name, index: int) -> None:
        """Feed somebody anew from `index` on: a removal that was believed until then does not count."""
        if name in self.seats:
            self.seats[name] = max(index, self.seats[name])
            self.since[name] = {one: max(index, since) for one, since in self.since[name].items()}

    def break_glass(self, author: CertificateHash, entry: EntryHash, index: int) -> None:
        """Open the chart to somebody in an emergency."""
        self.writers.add(author)
        self.broken[entry] = (author, index)

    def preload(self, kit: CertificateHash, index: int) -> None:
        """Let a kit carry it."""
        self.preloaded.setdefault(kit, index)

    def lasting(self, party: Party) -> frozenset[Compartment] | None:
        """The compartments of which a principal is a member otherwise than by a broken glass; None where of none.

        Who broke the glass adds and removes nobody.
        """
        own, found = self._entitled(party), set[frozenset[Compartment]]()
        if party.name in self.seats:
            found.add(frozenset(self.since[party.name]) & own)
        for team in party.teams:
            if team.id in self.seats and team.compartments <= party.office.reads:
                found.add(frozenset(self.since[team.id]) & team.compartments & own)
        if party.recovered is not None and not self.is_ledger:
            found.add(party.office.reads)
        return _NONE.union(*found) if found else None

    def readable(self, party: Party) -> dict[StreamId, int]:
        """The chart's streams that a principal is fed, each with the index since when; none for who is no member."""
        ways = self._ways(party)
        if ways.seat is None:
            return {}
        found = {control_stream(self.id): ways.seat}
        fed = {one: max(since, party.office.since.get(one, since)) for one, since in ways.fed.items()}
        for document, created in self.documents.items():
            for compartment, since in fed.items():
                if not (self.purged and compartment in _CONTENT):
                    found[content_stream(self.id, document, compartment)] = max(since, created)
        return found

    def _ways(self, party: Party) -> _Ways:
        ways, name = _Ways(), party.name
        own = self._entitled(party)
        if name in self.seats:
            seat = self.seats[name]
            given = {one: since for one, since in self.since[name].items() if one in own}
            ways.open(seat, dict.fromkeys(_ALL, seat) if party.office.is_officer_now else given)
        for team in party.teams:
            if team.id in self.seats and team.compartments <= party.office.reads:
                joined = team.since[name]
                given = {one: max(since, joined) for one, since in self.since[team.id].items()}
                may = team.compartments & own
                ways.open(max(self.seats[team.id], joined), {one: at for one, at in given.items() if one in may})
        for breaker, index in self.broken.values():
            if breaker == name:
                ways.open(index, dict.fromkeys(_GLASS & party.office.reads, index))
        if name in self.preloaded:
            ways.open(self.preloaded[name], dict.fromkeys(_ALL, self.preloaded[name]))
        if party.recovered is not None and not self.is_ledger:
            index = max(party.recovered, self.founded)
            ways.open(index, dict.fromkeys(party.office.reads, index))
        return ways

    def _entitled(self, party: Party) -> frozenset[Compartment]:
        return party.office.entitled(ledger=self.is_ledger, creator=party.name == self.creator)

    def _give(self, name: Name, gift: frozenset[Compartment], by: By) -> None:
        self.writers.add(name)
        self.gifts[by.entry] = gift
        self.reach[name] = self.reach.get(name, _NONE) | gift
        self.roll.add(name, by.entry, by.saw)
        self._refresh(name, by.index)

    def _refresh(self, name: Name, index: int) -> None:
        """Work out again what somebody has; what is new, it has since `index`."""
        live = self.roll.live.get(name)
        if live is None:
            self.seats.pop(name, None)
            self.since.pop(name, None)
            return
        self.seats.setdefault(name, index)
        before = self.since.get(name, {})
        given = _NONE.union(*(self.gifts[entry] for entry in live))
        self.since[name] = {compartment: before.get(compartment, index) for compartment in given}

    def _could(self, party: Party) -> frozenset[Compartment]:
        """What a principal ever read here, its role permitting."""
        own = self.reach.get(party.name, _NONE)
        for team in party.once:
            own |= self.reach.get(team.id, _NONE) & team.compartments
        return own & self._entitled(party)

    @property
    def _has_founder(self) -> bool:
        """Whether the creator never left: it gives everything."""
        return not self.births.isdisjoint(self.roll.live.get(self.creator, ()))

    def _left_unaware(self, party: Party, by: By) -> bool:
        """Whether somebody was a member, otherwise than by a broken glass, and did not know that this had ended."""
        names = {party.name, *(team.id for team in party.once)}
        return not names.isdisjoint(self.reach) and not self._has_seen_its_end(party, by)

    def _has_seen_its_end(self, party: Party, by: By) -> bool:
        """Whether somebody who is no member any more writes although it had seen what ended it."""
        if any(by.saw(by.entry, removal) for removal in self.roll.left.get(party.name, ())):
            return True
        for team in party.once:
            if any(by.saw(by.entry, removal) for removal in self.roll.left.get(team.id, ())):
                return True
            if any(map(by.knew, team.roll.left.get(party.name, ()))):
                return True
        return False
