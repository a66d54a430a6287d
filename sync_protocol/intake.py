"""Intake: the one door through which certificates, sessions, seals and entries come in, on relay and device alike.

It verifies and says what is new; it stores nothing, and remembers nothing from one batch to the next: what a batch
relies on is in that batch's result or in the store, so a batch that could not be stored is not believed later. A batch
is judged item by item, so that one bad entry refuses itself and not its neighbours. Whether an entry continues a chain
is the store's to say, in the transaction that appends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from sync_protocol.certificates import Certificate, Session, Trust, open_session, untrusted
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry, claimed_header, open_seal, verify_entry
from sync_protocol.errors import BrokenChainError, PeerError, over_limit
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.limits import SEAL_FORKS_MAX
from sync_protocol.signed import Signed, Verified


class Known(Protocol):
    """What the intake asks of a store."""

    def session(self, name: SessionId) -> Verified[Session] | None:
        """The session of that id."""
        ...

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """The session's seals of that number: one, or several after a fork."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Signed records that entries need, as received."""

    certificates: tuple[bytes, ...] = ()
    sessions: tuple[bytes, ...] = ()
    seals: tuple[bytes, ...] = ()

    def __add__(self, other: Proofs) -> Proofs:
        """Both, in order."""
        return Proofs(
            certificates=self.certificates + other.certificates,
            sessions=self.sessions + other.sessions,
            seals=self.seals + other.seals,
        )

    def __len__(self) -> int:
        """How many records."""
        return len(self.certificates) + len(self.sessions) + len(self.seals)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that came and was not taken: what, and why."""

    what: EntryHash | None
    error: PeerError


@dataclass(slots=True)
class Checked:
    """What a batch brought, verified and to be stored, in this order.

    Attributes:
        certificates: also those on which the new sessions hang and which are known already, perhaps to the trust alone:
            a store that has a session has its certificates. Issuers before those whom they enrolled.
    """

    certificates: list[Verified[Certificate]] = field(default_factory=list)
    sessions: list[Verified[Session]] = field(default_factory=list)
    seals: list[Verified[Seal]] = field(default_factory=list)
    entries: list[VerifiedEntry] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class Intake:
    """Verifies batches against what is known."""

    def __init__(self, trust: Trust, known: Known) -> None:
        """Judge by `trust`, look up in `known`."""
        self._trust = trust
        self._known = known

    def check(self, proofs: Proofs, entries: Iterable[WireEntry]) -> Checked:
        """Verify records before entries, each by itself."""
        return _Batch(self._trust, self._known).check(proofs, entries)


class _Batch:
    """One batch, and what of the known it was found to need."""

    def __init__(self, trust: Trust, known: Known) -> None:
        self._trust = trust
        self._known = known
        self._certificates: dict[bytes, Verified[Certificate]] = {}
        self._sessions: dict[SessionId, Verified[Session]] = {}
        self._seals: dict[tuple[SessionId, int], dict[bytes, Verified[Seal]]] = {}
        self._result = Checked()

    def check(self, proofs: Proofs, entries: Iterable[WireEntry]) -> Checked:
        """Verify records before entries, each by itself."""
        result = self._result
        for records, take in (
            (proofs.certificates, self._certificate),
            (proofs.sessions, self._session),
            (proofs.seals, self._seal),
        ):
            for record in records:
                try:
                    take(record)
                except PeerError as error:
                    result.refused.append(Refusal(None, error))
        for entry in entries:
            try:
                result.entries.append(self._entry(entry))
            except PeerError as error:
                result.refused.append(Refusal(entry.hash, error))
        result.certificates.extend(self._certificates.values())
        return result

    def _certificate(self, wire: bytes) -> None:
        self._bring(self._trust.admit(Signed(Certificate, wire)).hash)

    def _bring(self, name: bytes) -> None:
        for certificate in self._trust.chain(name):
            self._certificates.setdefault(certificate.hash, certificate)

    def _session(self, wire: bytes) -> None:
        claim = Signed(Session, wire).claimed()
        if self._find_session(claim.session) is not None:
            return  # its id fixes certificate and nonce; the first record of the two keeps its time
        session = open_session(wire, self._trust)
        self._bring(session.value.certificate)
        self._sessions[claim.session] = session
        self._result.sessions.append(session)

    def _seal(self, wire: bytes) -> None:
        signed = Signed(Seal, wire)
        claim = signed.claimed()
        session = self._find_session(claim.session)
        if session is None:
            raise untrusted("a seal of a known session", f"session {claim.session.short}")
        found = self._find_seals(claim.session, claim.number)
        if signed.hash in found:
            return
        if len(found) >= SEAL_FORKS_MAX:
            raise over_limit("a forked session", SEAL_FORKS_MAX, len(found) + 1, f"seals of number {claim.number}")
        certificate = self._trust.certificate(session.value.certificate)
        if certificate is None:
            raise untrusted("a seal of a known certificate", f"certificate {session.value.certificate.short}")
        seal = open_seal(wire, certificate.value.ed25519)
        if claim.previous is not None and claim.previous not in self._find_seals(claim.session, claim.number - 1):
            raise _gap(f"seal {claim.number - 1} of the session first", f"seal {claim.number}")
        self._seals[claim.session, claim.number] = {**found, seal.hash: seal}
        self._result.seals.append(seal)

    def _entry(self, wire: WireEntry) -> VerifiedEntry:
        header = claimed_header(wire)
        if self._find_session(header.session) is None:
            raise untrusted("an entry of a known session", f"session {header.session.short}")
        seals = tuple(self._find_seals(header.session, header.seal).values())
        if not seals:
            raise _gap(f"the seal {header.seal} that covers the entry", "no such seal")
        for seal in seals[:-1]:
            try:
                return verify_entry(wire, header, seal)
            except PeerError:
                continue  # a forked session has several seals of one number; the entry hangs on one of them
        return verify_entry(wire, header, seals[-1])

    def _find_session(self, name: SessionId) -> Verified[Session] | None:
        if name not in self._sessions:
            found = self._known.session(name)
            if found is None:
                return None
            self._sessions[name] = found
        return self._sessions[name]

    def _find_seals(self, session: SessionId, number: int) -> dict[bytes, Verified[Seal]]:
        if (session, number) not in self._seals:
            self._seals[session, number] = {seal.hash: seal for seal in self._known.seals(session, number)}
        return self._seals[session, number]


def _gap(expected: str, got: str) -> BrokenChainError:
    return BrokenChainError("gap", expected=expected, got=got, do="send what comes before")
