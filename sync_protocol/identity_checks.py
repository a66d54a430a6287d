"""Whose evidence it is: the root, certificates to the root, relay records and sessions.

Owns what the other checks look up. A session that does not hang on the root is not known afterwards, and whatever
claims to be its writing is untrusted. Kept in memory: the certificates, and some 200 bytes a session.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.certificates import (
    Certificate,
    RelayRecord,
    Root,
    Session,
    Trust,
    open_relay,
    open_root,
    open_session,
)
from sync_protocol.checkpoints import NoteVerifyKey
from sync_protocol.errors import PeerError, UntrustedError
from sync_protocol.evidence import Source
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.ids import DeviceId, Hash, RootHash, SessionId
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import VerifyKey


@dataclass(slots=True)
class Author:
    """A session that hangs on the root.

    Attributes:
        started_ms: by its own clock.
        position, wall_ms: seal, place in it and clock of its entry that was read last.
        latest_ms: the latest clock up to there, since its entries were last read in order.
        unordered: its entries were not read in the order in which it wrote them.
        forked: it has two seals of one number, and so no such order.
    """

    session: SessionId
    device: DeviceId
    key: VerifyKey
    started_ms: int
    position: tuple[int, int] = (-1, -1)
    wall_ms: int = 0
    latest_ms: int = 0
    unordered: bool = False
    forked: bool = False


class Identities:
    """What the root vouches for."""

    def __init__(self, root: Verified[Root] | None) -> None:
        """Start from a root; without one nothing is vouched for."""
        self.root = root
        self.trust = None if root is None else Trust(root)
        self.authors: dict[SessionId, Author] = {}
        self.relays: list[RelayRecord] = []

    @property
    def devices(self) -> dict[DeviceId, Verified[Certificate]]:
        """Every certified device with its newest certificate."""
        found: dict[DeviceId, Verified[Certificate]] = {}
        for certificate in () if self.trust is None else self.trust.certificates():
            device = certificate.value.device
            if device not in found or found[device].value.issued_ms <= certificate.value.issued_ms:
                found[device] = certificate
        return found


def check_identities(source: Source, expected: RootHash | None, findings: FindingList) -> Identities:
    """Verify root, relay records, certificates and sessions; what does not hold becomes a finding."""
    wire = source.root()
    try:
        known = Identities(open_root(wire, expected=expected))
    except PeerError as error:
        findings.add(kind_of(error), record="root", hash=Hash.of(wire), error=error)
        return Identities(None)
    for records, what, take in (
        (source.relays, "relay", _take_relay),
        (source.certificates, "certificate", _take_certificate),
        (source.sessions, "session", _take_session),
    ):
        for wire in records():
            try:
                take(known, wire)
            except PeerError as error:
                device, session = _claimed(known, wire)
                findings.add(
                    kind_of(error),
                    device=device,
                    session=session,
                    record=what,
                    hash=Hash.of(wire),
                    error=error,
                )
    return known


def kind_of(error: PeerError) -> FindingKind:
    """Forged, or signed by somebody whom the root does not vouch for."""
    return FindingKind.UNTRUSTED if isinstance(error, UntrustedError) else FindingKind.FORGED


def _take_relay(known: Identities, wire: bytes) -> None:
    assert known.root is not None, "there is a root"
    record = open_relay(wire, known.root).value
    _ = NoteVerifyKey(name=record.origin, public=record.ed25519)  # an origin that no note can carry is refused here
    known.relays.append(record)


def _take_certificate(known: Identities, wire: bytes) -> None:
    assert known.trust is not None, "there is a root"
    known.trust.admit(Signed(Certificate, wire))


def _take_session(known: Identities, wire: bytes) -> None:
    assert known.trust is not None, "there is a root"
    record = open_session(wire, known.trust).value
    certificate = known.trust.certificate(record.certificate)
    assert certificate is not None, "an open session has its certificate"
    author = Author(
        session=record.session,
        device=certificate.value.device,
        key=certificate.value.ed25519,
        started_ms=record.started_ms,
    )
    known.authors.setdefault(record.session, author)  # the first record of an id keeps its time, as in the intake


def _claimed(known: Identities, wire: bytes) -> tuple[DeviceId | None, SessionId | None]:
    """Which device and session a record that did not hold speaks of, as far as it can be read."""
    try:
        claim = Signed(Session, wire).claimed()
    except PeerError:
        pass
    else:
        certificate = known.trust.certificate(claim.certificate) if known.trust is not None else None
        return (None if certificate is None else certificate.value.device), claim.session
    try:
        return Signed(Certificate, wire).claimed().device, None
    except PeerError:
        return None, None
