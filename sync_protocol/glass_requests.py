"""What the break-glass desk must have seen before it takes a layer off, and the taking off itself.

Owns the one rule: no layer comes off without the relay's receipt of the entry that makes it known. `strip` takes a
`Receipted`, and `check_request` alone makes one. Everything is checked against the organisation's root; of the relay
nothing is believed but its signature, under a record that the root signed, on a checkpoint that holds the entry.

What remains: a relay that conspires with a device signs for an entry that it shows nobody. The desk keeps the
checkpoint in its journal, where the log that everybody else sees convicts it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from sync_protocol import merkle
from sync_protocol.break_glass import GlassRequest, take_off
from sync_protocol.certificates import (
    Certificate,
    RelayRecord,
    Session,
    Trust,
    open_relay,
    open_session,
    untrusted,
)
from sync_protocol.chart_records import Preload
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.control import control_stream, unpack_control
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.entries import VerifiedEntry, claimed_header, open_seal, verify_entry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.errors import PeerError, UntrustedError, malformed
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.roles import Compartment
from sync_protocol.signed import Signed, Verified

_MINT = object()


class People(Protocol):
    """What the desk knows of the organisation's people: a `View`."""

    @property
    def revoked(self) -> frozenset[CertificateHash]:
        """Principals that are trusted no longer."""
        ...

    def reads(self, principal: CertificateHash) -> frozenset[Compartment]:
        """The compartments that all roles of a principal read."""
        ...

    def expires_ms(self, principal: CertificateHash) -> int:
        """When the newest known certificate of a principal ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the desk has of the organisation.

    Attributes:
        trust: its certificates; those of a request are added, which changes nothing for anybody else.
        people: as everything that is known here has them; asked once the certificates of a request are in the trust,
            because one by a revoked administrator may be among them.
        entries: the organisation's control entries.
        relay: the newest record of a relay; None where none is known yet.
    """

    trust: Trust
    people: Callable[[], People]
    entries: Collection[EntryHash]
    relay: Verified[RelayRecord] | None


class Receipted:
    """A request that holds, by an entry that is in the relay's log; made by `check_request` only.

    Attributes:
        request: as it was signed.
        certificate: of the device that asks.
        entry: what lets it.
        record: what that says.
        checkpoint: the state of the log that holds it.
    """

    __slots__ = ("certificate", "checkpoint", "entry", "record", "request")

    def __init__(
        self,
        mint: object,
        *,
        request: Verified[GlassRequest],
        certificate: Verified[Certificate],
        entry: VerifiedEntry,
        record: BreakGlass | Preload,
        checkpoint: Checkpoint,
    ) -> None:
        """Made by this module only."""
        assert mint is _MINT, "Receipted is made by verification"
        self.request = request
        self.certificate = certificate
        self.entry = entry
        self.record = record
        self.checkpoint = checkpoint


def strip(desk: WrapPrivateKey, receipted: Receipted) -> dict[int, bytes]:
    """Take off the outer layers that a request asks for.

    Returns:
        The keys as they are wrapped to the token, by the wraps' places in the request. Those are missing whose layer
        does not come off: of another chart or desk, or badly wrapped.
    """
    request = receipted.request.value
    found: dict[int, bytes] = {}
    for place, one in enumerate(request.wraps):
        try:
            found[place] = take_off(desk, one, organisation=request.organisation, chart=request.chart)
        except PeerError:
            continue  # one bad wrap, by whoever minted that epoch, keeps nobody from the others
    return found


def check_request(wire: bytes, known: Known, *, now_ms: int) -> Receipted:
    """Verify a request whole.

    Args:
        wire: as it came.
        known: what the desk has of the organisation.
        now_ms: the desk's clock; certificates end.

    Raises:
        UntrustedError: another organisation or relay, somebody unknown, revoked, expired or in a role without charts;
            an entry that lets another device, or nobody, open this chart; compartments that the role does not read;
            an author who knows more of the organisation than the desk.
        ForgedError: a signature, path or hash does not hold: the entry is not in the log.
        BrokenChainError: the seal is not the entry's.
        MalformedError, LimitError: no request, or no control record in it.
    """
    signed = Signed(GlassRequest, wire)
    claim = signed.claimed()
    trust = known.trust
    if claim.organisation != trust.root.value.organisation:
        raise untrusted("a request within this organisation", "one of another")
    for certificate in claim.certificates:
        trust.admit(Signed(Certificate, certificate))
    asker = _certificate(claim.certificate, trust)
    request = signed.verify(asker.value.ed25519, Label.GLASS_REQUEST)
    session = open_session(claim.session, trust)
    entry = _sealed_entry(claim, session, trust)
    checkpoint = _included(claim, entry, known)
    if not set(entry.header.organisation_heads) <= set(known.entries):
        raise behind()
    record = _record(claim, entry)
    author, principal = trust.principal(session.value.certificate), trust.principal(claim.certificate)
    _check_lets(record, author, principal, trust)
    people = known.people()
    _check_people({author, principal}, people, now_ms)
    _check_asked(claim, people.reads(author) & people.reads(principal))
    return Receipted(_MINT, request=request, certificate=asker, entry=entry, record=record, checkpoint=checkpoint)


def behind() -> UntrustedError:
    """Make the error of a desk that lacks control records which the author of an entry had seen."""
    return UntrustedError(
        "desk_behind",
        expected="an entry whose author had seen no more of the organisation than this desk",
        got="control records that are not here",
        do="hand the desk the organisation's control records first",
    )


def _certificate(name: CertificateHash, trust: Trust) -> Verified[Certificate]:
    found = trust.certificate(name)
    if found is None:
        raise untrusted("a request by a device of the organisation", f"certificate {name.short}")
    return found


def _sealed_entry(claim: GlassRequest, session: Verified[Session], trust: Trust) -> VerifiedEntry:
    """The entry, under its author's seal."""
    author = _certificate(session.value.certificate, trust)
    header = claimed_header(claim.entry)
    if header.session != session.value.session:
        raise untrusted("an entry of the session beside it", "one of another session")
    return verify_entry(claim.entry, header, open_seal(claim.seal, author.value.ed25519))


def _included(claim: GlassRequest, entry: VerifiedEntry, known: Known) -> Checkpoint:
    """The state of the relay's log in which the entry is: the receipt."""
    record = open_relay(claim.relay, known.trust.root)
    newest = known.relay
    if newest is not None and newest.value.issued_ms >= record.value.issued_ms and newest.hash != record.hash:
        raise untrusted("the organisation's present relay", "one that another record has replaced")
    relay = NoteVerifyKey(name=record.value.origin, public=record.value.ed25519)
    checkpoint = open_checkpoint(claim.note, relay)
    merkle.verify_inclusion(
        merkle.leaf_hash(entry.hash), index=claim.index, size=checkpoint.size, path=claim.path, root=checkpoint.root
    )
    return checkpoint


def _record(claim: GlassRequest, entry: VerifiedEntry) -> BreakGlass | Preload:
    """What the entry says of this chart."""
    if entry.header.stream != control_stream(claim.chart) or entry.header.epoch is not None:
        raise untrusted("a control record of this chart", "an entry of another stream")
    record = unpack_control(entry.body)
    if not isinstance(record, BreakGlass | Preload):
        raise malformed("a record that breaks the glass, or lets a kit carry the chart", type(record).__name__)
    return record


def _check_lets(record: BreakGlass | Preload, author: CertificateHash, asker: CertificateHash, trust: Trust) -> None:
    lets = author if isinstance(record, BreakGlass) else trust.principal(record.certificate)
    if lets != asker:
        raise untrusted("a record that lets the device that asks open the chart", "one that lets another")


def _check_people(principals: Collection[CertificateHash], people: People, now_ms: int) -> None:
    for principal in principals:
        if principal in people.revoked:
            raise untrusted("a request by somebody who is trusted", f"principal {principal.short}, which is revoked")
        if not people.reads(principal) & IN_GLASS:
            raise untrusted("a clinical role", "one that reads no charts")
        if people.expires_ms(principal) < now_ms:
            raise untrusted("a certificate that has not ended", f"principal {principal.short}, whose has")


def _check_asked(claim: GlassRequest, reads: Collection[Compartment]) -> None:
    if not claim.wraps:
        raise malformed("epochs to open", "none")
    if any(one.compartment not in IN_GLASS.intersection(reads) for one in claim.wraps):
        raise untrusted("compartments that the role reads in an emergency", "others")
