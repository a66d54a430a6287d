"""Which certificates an organisation's records put on record: by these alone everybody agrees who there is.

A device may have met certificates that others never see: an administrator could hand one to a single colleague. Who is
added to a chart or a team therefore counts only where the records themselves bring the certificate: its issuer's
`Certify`, whoever's for one by the root, or a record that its holder wrote. One that the root itself issued needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sync_protocol.certificates import Certificate, Trust
from sync_protocol.control import Certify
from sync_protocol.control_entry import ControlEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.signed import Signed, Verified

Opened = dict[EntryHash, Verified[Certificate]]
"""Certificates by the records that carry them, verified once."""


class Certified:
    """The certificates that some records bring; immutable."""

    def __init__(
        self, order: Sequence[ControlEntry], indices: Iterable[int], trust: Trust, earlier: Certified | None
    ) -> None:
        """Verify them.

        Args:
            order: the organisation's records.
            indices: of those that certify.
            trust: what is known of issuers.
            earlier: what was made of fewer records by the same trust: what it verified need not be verified again.
        """
        self._trust = trust
        self.opened: Final[Opened] = {} if earlier is None else dict(earlier.opened)
        """What was verified, so that it need not be again."""
        self.places: Final[dict[CertificateHash, list[int]]] = {}
        """Where each certificate was put on record by its own issuer, or the root's by anybody."""
        self._renewals: dict[CertificateHash, list[tuple[int, int]]] = {}
        for index in indices:
            self._take(index, order[index])
        self._brought: Final = frozenset((*self.places, *(entry.author for entry in order)))

    def knows(self, principal: CertificateHash) -> bool:
        """Whether a principal's certificate is known to whoever has these records."""
        certificate = self._trust.certificate(principal)
        if certificate is None or certificate.value.renews is not None:
            return False
        return certificate.value.issuer == self._trust.root.hash or principal in self._brought

    def principal(self, name: CertificateHash) -> CertificateHash:
        """The principal that a certificate speaks for; of one that is not on record, itself."""
        return self._trust.principal(name) if name in self.places else name

    def expires_ms(self, principal: CertificateHash, bits: int) -> int:
        """When a principal's certificate ends, by the renewals among some records."""
        certificate = self._trust.certificate(principal)
        first = 0 if certificate is None else certificate.value.not_after_ms
        renewed = (ends_ms for index, ends_ms in self._renewals.get(principal, ()) if bits >> index & 1)
        return max((first, *renewed))

    def _take(self, index: int, entry: ControlEntry) -> None:
        certificate = self._open(entry)
        if certificate is None:
            return
        issuer = certificate.value.issuer
        if issuer not in {entry.author, self._trust.root.hash}:
            return
        self.places.setdefault(CertificateHash(certificate.hash), []).append(index)
        if certificate.value.renews is not None:
            renewals = self._renewals.setdefault(certificate.value.renews, [])
            renewals.append((index, certificate.value.not_after_ms))

    def _open(self, entry: ControlEntry) -> Verified[Certificate] | None:
        """The certificate that a record carries, where its own signatures hold: others may have no better ones."""
        found = self.opened.get(entry.hash)
        if found is None:
            assert isinstance(entry.record, Certify), "indices are by kind"
            try:
                signed = Signed(Certificate, entry.record.certificate)
                known = self._trust.certificate(signed.hash)
                found = known if known is not None and known.wire == signed.wire else self._trust.verify(signed)
            except PeerError:
                return None
            self.opened[entry.hash] = found
        return found
