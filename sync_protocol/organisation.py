"""The organisation, as its control records add up: roles, revocations, teams, and what the root announced.

A pure function of a set of records: `at` looks from the causal past of given heads, as an author saw it, `now` at
everything. Revocations act by cuts, on the whole set; everything else by causality.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sync_protocol.announced import Announced
from sync_protocol.certificates import Trust
from sync_protocol.certified import Certified
from sync_protocol.control import Certify, SetRole
from sync_protocol.control_entry import ControlEntry, Pasts, SealHistory, Written, chosen, mask, places
from sync_protocol.emergency_records import (
    BreakGlassRecord,
    GrantRecovered,
    RecoveryRecord,
    RunRecovery,
    check_recovered,
)
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash, Hash, SealHash, SessionId, TeamId
from sync_protocol.revocation import Cut, Revocation, Revoke, open_revocation
from sync_protocol.revoked import Revoked
from sync_protocol.roles import READABLE, Compartment, Role, may_write
from sync_protocol.signed import Verified
from sync_protocol.team_records import TEAM_KINDS
from sync_protocol.teams import Team, TeamHistory
from sync_protocol.verdicts import Reason

_NOTHING: Final[frozenset[Compartment]] = frozenset()


class Organisation:
    """An organisation's control records as far as they are known; immutable."""

    def __init__(
        self,
        trust: Trust,
        entries: Iterable[ControlEntry],
        seals: SealHistory,
        *,
        earlier: Organisation | None = None,
    ) -> None:
        """Take the records in, in any order.

        Args:
            trust: the organisation's certificates.
            entries: of the organisation's control stream.
            seals: to compare branches with cuts.
            earlier: the same with fewer records, made with the same trust: signatures are not verified again.
        """
        self.trust: Final = trust
        self.pasts: Final = Pasts(entries)
        self._seals = seals
        self._lineages: dict[tuple[SessionId, Cut], Mapping[int, SealHash]] = {}
        self._views: dict[tuple[int, int], View] = {}
        self._heads: tuple[EntryHash, ...] | None = None
        self.unfinished = False
        """Whether a seal that is not here yet may show that something stands on another branch than a cut's."""
        self.indices: Final[dict[type, list[int]]] = {}
        for index, entry in enumerate(self.pasts.order):
            self.indices.setdefault(type(entry.record), []).append(index)
        self.opened: Final[dict[EntryHash, Verified[Revocation]]] = {} if earlier is None else dict(earlier.opened)
        """Revocations whose signatures hold, by the records that carry them."""
        self.revocations: Final = self._opened_revocations()
        certifying = self.indices.get(Certify, ())
        self.certified: Final[Certified] = Certified(
            self.pasts.order, certifying, trust, None if earlier is None else earlier.certified
        )
        issuers = {trust.principal(one.value.issuer) for one in trust.certificates()}
        named = [one.value for _, one in self.revocations]
        cuts_issuers = any(one.names(found.value) for one in named for found in map(trust.newest, issuers) if found)
        kinds = (Revoke, Certify) if cuts_issuers else (Revoke,)
        self.revoking: Final[int] = mask(i for kind in kinds for i in self.indices.get(kind, ()))
        """The records on which it depends who is revoked."""
        self.changing_roles: Final[int] = mask(self.indices.get(SetRole, ()))
        self._changes: dict[CertificateHash, int] = {}
        for index in self.indices.get(SetRole, ()):
            record = self.pasts.order[index].record
            assert isinstance(record, SetRole), "indices are by kind"
            self._changes[record.certificate] = self._changes.get(record.certificate, 0) | 1 << index
        self._roles: dict[tuple[CertificateHash, int, int], frozenset[Role]] = {}
        self._cut_off: dict[int, int] = {}
        self._signed: dict[tuple[int, Hash], bool] = {}
        self.announced: Final = Announced(self.pasts.order, trust.root)
        self._revoked: dict[int, Revoked] = {}
        self.teams: Final = TeamHistory(self, [i for kind in TEAM_KINDS for i in self.indices.get(kind, ())])

    @property
    def now(self) -> View:
        """Everything that is known."""
        return self._view(self.pasts.all)

    @property
    def heads(self) -> tuple[EntryHash, ...]:
        """What an author names as seen of the organisation's records."""
        if self._heads is None:
            self._heads = self.pasts.heads(self.pasts.all)
        return self._heads

    def at(self, heads: Iterable[EntryHash]) -> View:
        """What an author knew who names these heads; heads that are not here contribute nothing."""
        return self._view(self.pasts.of(heads))

    def before(self, index: int, *, under: View | None = None) -> View:
        """What the author of a record of the organisation knew; `under` another view, as its revocations leave it."""
        return self._view(self.pasts.before(index), under)

    def under(self, view: View, heads: Iterable[EntryHash]) -> View:
        """What an author knew who names these heads, as the revocations that a later view knows leave it."""
        return self._view(self.pasts.of(heads), view)

    def follows(self, later: Iterable[EntryHash], earlier: Iterable[EntryHash]) -> bool:
        """Whether who names `later` as the organisation's heads had seen all that `earlier` name, as far as known."""
        return self.pasts.of(earlier) & ~self.pasts.of(later) == 0

    def is_outside(self, written: Written, cuts: Sequence[Revocation]) -> bool:
        """Whether any of some revocations of its author excludes an entry."""
        for revocation in cuts:
            cut = revocation.cuts.get(written.session)
            if cut is None or written.seal > cut[0]:
                return True
            lineage = self._lineage(written.session, cut)
            if written.covering is not None and lineage.get(written.seal, written.covering) != written.covering:
                return True
        return False

    def revoked(self, view: View) -> Revoked:
        """Who is revoked as a view has it; the same object for views that agree in what matters."""
        found = self._revoked.get(view.revoking)
        if found is None:
            found = self._revoked[view.revoking] = Revoked(self, view.revoking)
        return found

    def cut_off(self, view: View) -> int:
        """The records on which membership and roles depend that a view's revocations exclude."""
        found = self._cut_off.get(view.revoking)
        if found is None:
            order = self.pasts.order
            indices = [i for kind in (*TEAM_KINDS, SetRole) for i in self.indices.get(kind, ())] if view.revoked else []
            found = mask(index for index in indices if view.excludes(order[index].written) is not None)
            self._cut_off[view.revoking] = found
        return found

    def roles(self, view: View, principal: CertificateHash) -> frozenset[Role]:
        """The roles that bind a principal; worked out once for views that agree in what matters."""
        key = principal, view.bits & self._changes.get(principal, 0), view.revoking
        found = self._roles.get(key)
        if found is None:
            found = self._roles[key] = view.roles_by(principal, places(view.bits & self._changes.get(principal, 0)))
        return found

    def is_signed(self, index: int, recovery: Verified[RecoveryRecord]) -> bool:
        """Whether a grant was signed by whoever held the recovery key of a record."""
        key, record = (index, Hash(recovery.hash)), self.pasts.order[index].record
        assert isinstance(record, GrantRecovered), "asked of grants alone"
        if key not in self._signed:
            try:
                check_recovered(record, recovery)
                self._signed[key] = True
            except PeerError:
                self._signed[key] = False
        return self._signed[key]

    def _view(self, bits: int, under: View | None = None) -> View:
        key = bits, bits & self.revoking if under is None else under.revoking
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = View(self, *key)
        return found

    def _lineage(self, session: SessionId, cut: Cut) -> Mapping[int, SealHash]:
        """The seals that lead to a cut, by number, as far back as they are known: a forked branch has others."""
        known = self._lineages.get((session, cut))
        if known is not None:
            return known
        number, name = cut
        lineage = {number: name}
        while True:
            seal = next((one for one in self._seals.seals(session, number) if one.hash == lineage[number]), None)
            if seal is None:
                self.unfinished = True
                return lineage  # more may come: not kept
            if seal.value.previous is None:
                break
            number -= 1
            lineage[number] = seal.value.previous
        self._lineages[session, cut] = lineage
        return lineage

    def _opened_revocations(self) -> list[tuple[int, Verified[Revocation]]]:
        """The revocations whose signatures hold, nearest to the root first."""
        found: list[tuple[int, Verified[Revocation]]] = []
        for index in self.indices.get(Revoke, ()):
            entry = self.pasts.order[index]
            assert isinstance(entry.record, Revoke), "indices are by kind"
            try:
                opened = self.opened.get(entry.hash) or open_revocation(entry.record.record, self.trust)
            except PeerError:
                continue  # it was refused where it came in; kept, never acted upon
            self.opened[entry.hash] = opened
            found.append((index, opened))
        return sorted(found, key=lambda one: (self.trust.depth(one[1].value.issuer), one[1].hash))


class View:
    """What some of the organisation's records amount to; made by `Organisation`, and worked out as it is asked for."""

    def __init__(self, organisation: Organisation, bits: int, revoking: int) -> None:
        """Look at the records whose bits are set, as revocations among those of `revoking` leave them."""
        self.bits: Final = bits
        self.revoking: Final = revoking
        self.organisation: Final = organisation
        self._all = organisation
        self._revoked = organisation.revoked(self)
        self._recovered: frozenset[CertificateHash] | None = None

    @property
    def revoked(self) -> frozenset[CertificateHash]:
        """Principals that are trusted no longer."""
        return self._revoked.principals

    @property
    def refused(self) -> Mapping[EntryHash, str]:
        """Records that do not count, each with a word for the reason."""
        found = dict(self._revoked.refused)
        for team in self.teams.values():
            found.update(team.refused)
        for index in chosen(self.bits, self._all.indices.get(SetRole, ())):
            if not self._may_set_role(self.entry(index)):
                found[self.entry(index).hash] = "not_an_administrator"
        for index in chosen(self.bits, self._all.teams.void):
            found[self.entry(index).hash] = self._all.teams.void[index]
        for index in chosen(self.bits, self._all.announced.forged):
            found[self.entry(index).hash] = "not_signed_by_root"
        for index in chosen(self.bits, self._all.indices.get(GrantRecovered, ())):
            if self._granted(index) is None:
                found[self.entry(index).hash] = "not_signed_by_recovery"
        return found

    def excludes(self, written: Written) -> Reason | None:
        """Why what was written there does not count; None where it does."""
        return self._revoked.excludes(written)

    def roles(self, principal: CertificateHash) -> frozenset[Role]:
        """The roles that bind a principal: several where they were changed concurrently, none for a stranger."""
        return self._all.roles(self, principal)

    def reads(self, principal: CertificateHash) -> frozenset[Compartment]:
        """The compartments that all roles of a principal read."""
        roles = self.roles(principal)
        return frozenset.intersection(*(READABLE[role] for role in roles)) if roles else _NOTHING

    def writes(self, principal: CertificateHash, kind: str) -> bool:
        """Whether all roles of a principal write a kind of fact, or text."""
        roles = self.roles(principal)
        return bool(roles) and all(may_write(role, kind) for role in roles)

    def is_administrator(self, principal: CertificateHash) -> bool:
        """Whether a principal administers devices: by its certificate, which no record changes."""
        certificate = self._all.trust.newest(principal)
        return certificate is not None and certificate.value.role is Role.ADMIN

    def knows(self, principal: CertificateHash) -> bool:
        """Whether everybody with the organisation's records knows a principal's certificate."""
        return self._all.certified.knows(principal)

    def expires_ms(self, principal: CertificateHash) -> int:
        """When a principal's certificate ends, by the renewals on record here: what was judged once stays so."""
        return self._all.certified.expires_ms(principal, self.bits)

    @property
    def teams(self) -> Mapping[TeamId, Team]:
        """The teams, by id."""
        found = ((name, self.team(name)) for name in self._all.teams.names(self.bits))
        return {name: team for name, team in found if team is not None}

    def team(self, name: TeamId) -> Team | None:
        """One team; None where the record that creates it is not here."""
        return self._all.teams.team(name, self)

    @property
    def break_glass(self) -> Verified[BreakGlassRecord] | None:
        """The newest word of the root on the desk and the token."""
        return self._all.announced.break_glass(self.bits)

    @property
    def recovery(self) -> Verified[RecoveryRecord] | None:
        """The newest word of the root on the recovery key."""
        return self._all.announced.recovery(self.bits)

    @property
    def recovered(self) -> frozenset[CertificateHash]:
        """Principals that the holders of the present recovery key let into every chart, whether revoked or not."""
        if self._recovered is None:
            indices = chosen(self.bits, self._all.indices.get(GrantRecovered, ()))
            found = (self._granted(index) for index in indices)
            self._recovered = frozenset(name for name in found if name is not None)
        return self._recovered

    def entry(self, index: int) -> ControlEntry:
        """A record of the organisation by its place."""
        return self._all.pasts.order[index]

    def roles_by(self, principal: CertificateHash, indices: Iterable[int]) -> frozenset[Role]:
        """The roles that bind a principal by some of the changes that name it."""
        certificate = self._all.trust.certificate(principal)
        if certificate is None:
            return frozenset()
        changes: list[tuple[int, Role]] = []
        seen = 0
        for index in indices:
            record = self.entry(index).record
            if isinstance(record, SetRole) and self._may_set_role(self.entry(index)):
                changes.append((index, record.role))
                seen |= self._all.pasts.before(index)
        return frozenset(role for index, role in changes if not seen >> index & 1) or frozenset(
            {certificate.value.role}
        )

    def _may_set_role(self, entry: ControlEntry) -> bool:
        record = entry.record
        assert isinstance(record, SetRole), "asked of changes of role alone"
        return (
            self.is_administrator(entry.author)
            and not self.is_administrator(record.certificate)
            and record.role is not Role.ADMIN
            and self.excludes(entry.written) is None
        )

    def _granted(self, index: int) -> CertificateHash | None:
        """Whom a grant lets in; None where it was not signed under the present recovery record, after a run of it."""
        record, recovery = self.entry(index).record, self.recovery
        assert isinstance(record, GrantRecovered), "asked of grants alone"
        before = chosen(self._all.pasts.before(index), self._all.indices.get(RunRecovery, ()))
        runs = (one for place in before if isinstance(one := self.entry(place).record, RunRecovery))
        if recovery is None or not any(run.recovery == recovery.hash and not run.drill for run in runs):
            return None
        name = self._all.certified.principal(record.certificate)
        return name if self._all.is_signed(index, recovery) and self.knows(name) else None
