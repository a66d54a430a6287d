"""One chart as the relay must know it: who reads what since when, which documents and which epochs there are.

The rules are those of `sync_protocol.membership`, entry by entry in the order of the log. That suffices, because an
entry is in the log only if its author was a member before it. One rule is the feed's own: a compliance officer who is a
member gets every stream, because the headers of content are the record of who wrote; no key opens its bodies to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sync_protocol.control import AddMember, content_stream, control_stream, ledger_id
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, StreamId
from sync_protocol.roles import Compartment, Role, entitled

Roles = Callable[[CertificateHash], Role | None]
"""The role of a certificate; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a stream of a chart carries.

    Attributes:
        document, compartment: None for the chart's control stream.
    """

    chart: ChartId
    document: DocumentId | None = None
    compartment: Compartment | None = None


@dataclass(slots=True)
class Chart:
    """A chart; each number is the log index of the entry that brought it about.

    Attributes:
        members: who belongs to it.
        grants: with which compartments; a member's role may entitle to fewer.
        additions: who was added by whom. A member grants what it may read itself, at once or when it gets there.
        epochs: the compartment of each stored epoch.
    """

    id: ChartId
    creator: CertificateHash
    members: dict[CertificateHash, int] = field(default_factory=dict)
    grants: dict[CertificateHash, dict[Compartment, int]] = field(default_factory=dict)
    additions: dict[CertificateHash, tuple[AddMember, ...]] = field(default_factory=dict)
    documents: dict[DocumentId, int] = field(default_factory=dict)
    epochs: dict[EntryHash, Compartment] = field(default_factory=dict)

    def copy(self) -> Chart:
        """The same, to be changed apart."""
        return Chart(
            id=self.id,
            creator=self.creator,
            members=dict(self.members),
            grants={name: dict(since) for name, since in self.grants.items()},
            additions=dict(self.additions),
            documents=dict(self.documents),
            epochs=dict(self.epochs),
        )

    def found(self, index: int) -> None:
        """Make the creator its first member."""
        self.members.setdefault(self.creator, index)
        self.grants.setdefault(self.creator, dict.fromkeys(Compartment, index))

    def add(self, author: CertificateHash, record: AddMember, index: int, roles: Roles) -> None:
        """Make somebody a member. Whatever is granted, to whomever, is granted once, at the first index that allows it.

        Args:
            author: a member.
            record: whom it adds.
            index: larger than that of any record before.
            roles: the role of a known certificate; an author's is known.
        """
        self.additions[author] = (*self.additions.get(author, ()), record)
        self.members.setdefault(record.certificate, index)
        ahead = [(author, record)]
        while ahead:
            giver, gift = ahead.pop()
            since = self.grants.setdefault(gift.certificate, {})
            gained = self._own(giver, roles).intersection(gift.compartments) - since.keys()
            if gained:
                since.update(dict.fromkeys(gained, index))
                ahead.extend((gift.certificate, further) for further in self.additions.get(gift.certificate, ()))

    def _own(self, name: CertificateHash, roles: Roles) -> frozenset[Compartment]:
        if name == self.creator:
            return frozenset(Compartment)
        role = roles(name)
        return frozenset() if role is None else self._entitled(name, role).intersection(self.grants.get(name, ()))

    def _entitled(self, name: CertificateHash, role: Role) -> frozenset[Compartment]:
        creator = name == self.creator
        return entitled(role, ledger=self.id == ledger_id(self.creator), creator=creator)

    def readable(self, name: CertificateHash, role: Role) -> dict[StreamId, int]:
        """The chart's streams that a member is fed, each with the index since when."""
        if role is Role.COMPLIANCE_OFFICER:
            fed = dict.fromkeys(Compartment, self.members[name])
        else:
            own = self._entitled(name, role)
            fed = {compartment: since for compartment, since in self.grants[name].items() if compartment in own}
        found = {control_stream(self.id): self.members[name]}
        for document, created in self.documents.items():
            for compartment, since in fed.items():
                found[content_stream(self.id, document, compartment)] = max(since, created)
        return found
