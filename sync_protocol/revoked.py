"""Who is revoked, by which cuts: the evaluation of revocations among themselves.

Order of evaluation. A revocation counts only against whoever was enrolled deeper than its issuer, so principals are
judged by ascending depth: when one's turn comes, every revocation that can exclude a record of it is judged already.
First whether its certificate rests on what its issuer wrote outside a cut, then which cuts bind it, then what it
revokes itself. No two revocations can exclude each other, and no order of arrival enters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sync_protocol.control_entry import Written, chosen
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.revocation import Revocation
from sync_protocol.verdicts import Reason

if TYPE_CHECKING:
    from sync_protocol.organisation import Organisation


class Revoked:
    """Who is revoked by some of the organisation's records, and from where on."""

    def __init__(self, organisation: Organisation, bits: int) -> None:
        """Judge principals and revocations by ascending depth."""
        self._all = organisation
        self._bits = bits
        self._cuts: dict[CertificateHash, list[Revocation]] = {}
        self._uncertified: set[CertificateHash] = set()
        self.refused: Final[dict[EntryHash, str]] = {}
        """Revocations that do not count, each with a word for the reason."""
        self._judge()
        self.principals: Final = frozenset(self._cuts) | self._uncertified

    def excludes(self, written: Written) -> Reason | None:
        """Why what was written there does not count; None where it does."""
        if written.author in self._uncertified:
            return Reason.ISSUER_REVOKED
        if self._all.is_outside(written, self._cuts.get(written.author, ())):
            return Reason.REVOKED
        return None

    def _judge(self) -> None:
        revocations = [(index, one) for index, one in self._all.revocations if self._bits >> index & 1]
        if not revocations:
            return
        trust = self._all.trust
        principals = sorted(trust.principals(), key=trust.depth)
        for index, revocation in revocations:
            issuer = revocation.value.issuer
            depth = trust.depth(issuer)
            self._judge_certificates(name for name in principals if trust.depth(name) <= depth)
            if issuer != trust.root.hash and not self._issued(index, trust.principal(issuer)):
                continue
            covered = [name for name in principals if self._covers(revocation.value, name)]
            for name in covered:
                if trust.depth(name) > depth:
                    self._cuts.setdefault(name, []).append(revocation.value)
            if covered and not any(trust.depth(name) > depth for name in covered):
                self.refused[self._all.pasts.order[index].hash] = "not_senior"
        self._judge_certificates(principals)

    def _judge_certificates(self, principals: Iterable[CertificateHash]) -> None:
        """Mark whoever was certified by an administrator outside the cut of that one's revocation."""
        trust = self._all.trust
        for name in principals:
            certificate = trust.certificate(name)
            assert certificate is not None, "principals are known certificates"
            issuer = trust.principal(certificate.value.issuer)
            if issuer in self._uncertified or (issuer in self._cuts and not self._on_record(name)):
                self._uncertified.add(name)

    def _on_record(self, name: CertificateHash) -> bool:
        """Whether a certificate was put on record by its issuer within every cut of that one."""
        indices = chosen(self._bits, self._all.certified.places.get(name, ()))
        return any(self.excludes(self._all.pasts.order[index].written) is None for index in indices)

    def _issued(self, index: int, issuer: CertificateHash) -> bool:
        """Whether a revocation counts: its issuer wrote it itself, and within every cut of its own."""
        entry = self._all.pasts.order[index]
        if entry.author != issuer:
            self.refused[entry.hash] = "not_its_issuer"
        elif self.excludes(entry.written) is not None:
            self.refused[entry.hash] = "outside_cut"
        return entry.hash not in self.refused

    def _covers(self, revocation: Revocation, name: CertificateHash) -> bool:
        certificate = self._all.trust.certificate(name)
        return certificate is not None and revocation.names(certificate.value)
