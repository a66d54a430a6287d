"""The protocol's rule of revocations among themselves, word by word and without a thought for speed.

"Draw an edge from each revocation to every record that it excludes; repeatedly void what a revocation outside its own
strongly connected component, itself not excluded, excludes; revocations left inside one component all take effect."
A record is excluded by a revocation that names its author, whose issuer is senior to the author, and whose cut it is
outside of; and so is everything by whoever was certified by such a record, or by none of its issuer's at all.
"""

from __future__ import annotations

from sync_protocol.certificates import Certificate
from sync_protocol.control import Certify
from sync_protocol.control_entry import ControlEntry
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.revocation import Revocation, Revoke, is_senior, open_revocation
from sync_protocol.signed import Signed
from tests.support.org_world import OrgWorld, SealBook


class Oracle:
    """Which records are excluded, and by which revocations that take effect."""

    def __init__(self, world: OrgWorld) -> None:
        """Judge everything that was written."""
        self._world = world
        self._entries = [one for one in world.entries.values() if one.header.stream == world.control_stream]
        seals = SealBook(world.seals.values())
        self._records: dict[EntryHash, ControlEntry] = {one.hash: world.control(one, seals) for one in self._entries}
        self._revocations: dict[EntryHash, Revocation] = {}
        for name, entry in self._records.items():
            if isinstance(entry.record, Revoke):
                found = open_revocation(entry.record.record, world.trust).value
                if found.issuer in (world.trust.root.hash, entry.author):
                    self._revocations[name] = found
        self._edges = {name: self._excluded_by(one) for name, one in self._revocations.items()}
        self.effective = self._effective()
        """The revocations that take effect."""
        self.by_root = frozenset(name for name in self._revocations if self._is_by_root(name))
        """Revocations that the root signed: they count, wherever they stand."""
        self.excluded = frozenset().union(*(self._edges[name] for name in self.effective))
        """The records that do not count."""

    def _excluded_by(self, revocation: Revocation) -> frozenset[EntryHash]:
        """Every record that one revocation excludes by itself."""
        out = {name for name, entry in self._records.items() if self._is_cut(revocation, entry)}
        fallen: set[CertificateHash] = set()
        while True:
            new = {
                principal
                for principal in self._world.trust.principals()
                if principal not in fallen and self._falls(principal, revocation, out, fallen)
            }
            if not new:
                return frozenset(out)
            fallen |= new
            out |= {name for name, entry in self._records.items() if entry.author in new and not self._is_by_root(name)}

    def _is_cut(self, revocation: Revocation, entry: ControlEntry) -> bool:
        if self._is_by_root(entry.hash) or not self._binds(revocation, entry.author):
            return False
        cut = revocation.cuts.get(entry.written.session)
        return cut is None or not self._leads_to(entry, cut[1])

    def _is_by_root(self, name: EntryHash) -> bool:
        """What the root signed counts whoever put it on record."""
        found = self._revocations.get(name)
        return found is not None and found.issuer == self._world.trust.root.hash

    def _leads_to(self, entry: ControlEntry, cut: bytes) -> bool:
        """Whether the seal of an entry is the cut's, or one before it."""
        ahead = next((one for name, one in self._world.seals.items() if name == cut), None)
        while ahead is not None:
            if ahead.hash == entry.written.covering:
                return True
            ahead = None if ahead.value.previous is None else self._world.seals[ahead.value.previous]
        return False

    def _binds(self, revocation: Revocation, principal: CertificateHash) -> bool:
        certificate = self._world.trust.certificate(principal)
        senior = is_senior(revocation.issuer, principal, self._world.trust)
        return certificate is not None and revocation.names(certificate.value) and senior

    def _falls(
        self, principal: CertificateHash, revocation: Revocation, out: set[EntryHash], fallen: set[CertificateHash]
    ) -> bool:
        certificate = self._world.trust.certificate(principal)
        assert certificate is not None
        issuer = self._world.trust.principal(certificate.value.issuer)
        if issuer in fallen:
            return True
        if not self._binds(revocation, issuer) if self._world.trust.certificate(issuer) else True:
            return False
        certifying = [
            name
            for name, entry in self._records.items()
            if entry.author == issuer
            and isinstance(entry.record, Certify)
            and Signed(Certificate, entry.record.certificate).hash == principal
        ]
        return all(name in out for name in certifying)

    def _effective(self) -> frozenset[EntryHash]:
        """Void, from the outside in, what a revocation that is left excludes."""
        left = set(self._revocations)
        settled: set[EntryHash] = set()
        while left - settled:
            free = {
                name
                for name in left - settled
                if all(self._reaches(name, other, left) for other in left - settled if name in self._edges[other])
            }
            assert free, "a graph has a component without edges from outside"
            component = {next(iter(sorted(free)))}
            component |= {one for one in free for other in component if self._reaches(one, other, left)}
            settled |= component
            left -= {name for one in component for name in self._edges[one] if name not in component}
        return frozenset(left)

    def _reaches(self, start: EntryHash, end: EntryHash, left: set[EntryHash]) -> bool:
        """Whether edges among the revocations that are left lead from one to another."""
        passed: set[EntryHash] = set()
        ahead = [start]
        while ahead:
            name = ahead.pop()
            for further in self._edges[name] & left - passed:
                passed.add(further)
                ahead.append(further)
        return end in passed
