"""One chart as the relay must know it: who reads what since when, which documents and which epochs there are.

The rules are those of `sync_protocol.chart_history`, entry by entry in the order of the log, and never stricter:
whoever may write once may write for good here, because what was written offline arrives late, and its readers judge it.
What follows of it for a feed is in `reading`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from server.relay.parties import By, Party
from server.relay.rolls import Name, Roll
from server.relay.stays import Stay
from sync_protocol.control import ledger_id
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SessionId
from sync_protocol.roles import CONTENT, Compartment

_ALL: Final = frozenset(Compartment)
_NONE: Final[frozenset[Compartment]] = frozenset()
_CONTENT: Final = frozenset(CONTENT)


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
        stays: of who left, or whose emergency ended, when that was.
        broken: the emergencies that are open, by their records: whose, and since when.
        preloaded: the kits that may carry it, each with who said so.
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
    stays: dict[Name, tuple[Stay, ...]] = field(default_factory=dict)
    broken: dict[EntryHash, tuple[CertificateHash, int]] = field(default_factory=dict)
    preloaded: dict[CertificateHash, dict[CertificateHash, int]] = field(default_factory=dict)
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
            stays=dict(self.stays),
            broken=dict(self.broken),
            preloaded={kit: dict(words) for kit, words in self.preloaded.items()},
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

    def close_glass(self, author: Party, record: EntryHash, index: int) -> None:
        """End an emergency, if the author may: a member who reads content, or an officer."""
        reads = self.lasting(author)
        if record in self.broken and reads is not None and (reads & _CONTENT or author.office.is_officer_now):
            breaker, since = self.broken.pop(record)
            self._left(breaker, since, index)

    def restore(self, name: Name, index: int) -> None:
        """Feed somebody anew from `index` on: a removal that was believed until then does not count."""
        if name in self.seats:
            self.seats[name] = max(index, self.seats[name])
            self.since[name] = {one: max(index, since) for one, since in self.since[name].items()}

    def break_glass(self, author: CertificateHash, entry: EntryHash, index: int) -> None:
        """Open the chart to somebody in an emergency."""
        self.writers.add(author)
        self.broken[entry] = (author, index)

    def preload(self, author: CertificateHash, kit: CertificateHash, index: int) -> None:
        """Note somebody's word for a kit: it holds while its author is a member, see `reading`."""
        self.preloaded.setdefault(kit, {}).setdefault(author, index)

    def lasting(self, party: Party) -> frozenset[Compartment] | None:
        """The compartments of which a principal is a member otherwise than by a broken glass; None where of none.

        Who broke the glass adds and removes nobody.
        """
        own, found = self.entitled(party), set[frozenset[Compartment]]()
        if party.name in self.seats:
            found.add(frozenset(self.since[party.name]) & own)
        for team in party.teams:
            if team.id in self.seats and team.compartments <= party.office.reads:
                found.add(frozenset(self.since[team.id]) & team.compartments & own)
        if party.recovered is not None and not self.is_ledger:
            found.add(party.office.reads)
        return _NONE.union(*found) if found else None

    def entitled(self, party: Party) -> frozenset[Compartment]:
        """What a principal's role lets it read of this chart."""
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
            if name in self.seats:
                self._left(name, self.seats.pop(name), index)
            self.since.pop(name, None)
            return
        self.seats.setdefault(name, index)
        before = self.since.get(name, {})
        given = _NONE.union(*(self.gifts[entry] for entry in live))
        self.since[name] = {compartment: before.get(compartment, index) for compartment in given}

    def _left(self, name: Name, since: int, index: int) -> None:
        self.stays[name] = (*self.stays.get(name, ()), (since, index))

    def _could(self, party: Party) -> frozenset[Compartment]:
        """What a principal ever read here, its role permitting."""
        own = self.reach.get(party.name, _NONE)
        for team in party.once:
            own |= self.reach.get(team.id, _NONE) & team.compartments
        return own & self.entitled(party)

    @property
    def _has_founder(self) -> bool:
        """Whether the creator never left: it gives everything."""
        return not self.births.isdisjoint(self.roll.live.get(self.creator, ()))

    def _left_unaware(self, party: Party, by: By) -> bool:
        """Whether somebody who is no member any more was one as it knew, otherwise than by a broken glass.

        One way that it had not seen end is enough: who left by itself may have stayed as one of a team.
        """

        def seen(entry: EntryHash) -> bool:
            return by.saw(by.entry, entry)

        return self.roll.was_on(party.name, seen, by.saw) or any(
            self.roll.was_on(team.id, seen, by.saw) and team.roll.was_on(party.name, by.knew, by.saw)
            for team in party.once
        )
