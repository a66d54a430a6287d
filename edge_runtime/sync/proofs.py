"""What entries need to be verified by somebody who may lack some of it: certificates, sessions and seals without a gap.

Owns the remembering, for one connection, of what the other side has by now. What it was told in the beginning is a
hint: in a session that forks, an entry may hang on an earlier seal that the other side lacks too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from edge_runtime.store.device import DeviceStore
from sync_protocol.certificates import Trust
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import SessionId
from sync_protocol.intake import Proofs
from sync_protocol.signed import Verified
from sync_protocol.store import walk_seals


class ProofBook:
    """The proofs that one other side lacks."""

    def __init__(self, store: DeviceStore, trust: Trust) -> None:
        """Suppose that it lacks everything."""
        self._store = store
        self._trust = trust
        self._lacks: dict[SessionId, int] = {}

    def lacks(self, seals: Mapping[SessionId, int]) -> None:
        """Hear the first seal that it lacks, a session; 0 for all of them."""
        self._lacks.update(seals)

    def proofs(self, entries: Iterable[VerifiedEntry]) -> Proofs:
        """Certificates, session and gapless seals up to the newest that the entries need, a session."""
        needed: dict[SessionId, list[int]] = {}
        for entry in entries:
            needed.setdefault(entry.header.session, []).append(entry.header.seal)
        certificates: dict[bytes, None] = {}
        sessions: list[bytes] = []
        seals: list[bytes] = []
        for name, numbers in needed.items():
            newest = max(numbers)
            first = min(self._lacks.get(name, 0), *numbers)  # below what it lacks, it may know another branch
            if first == 0:
                session = self._store.session(name)
                assert session is not None, "a stored entry has a stored session"
                chain = self._trust.chain(session.value.certificate)
                certificates.update(dict.fromkeys(certificate.wire for certificate in chain))
                sessions.append(session.wire)
            seals.extend(seal.wire for seal in self._seals(name, first=first, last=newest))
            self._lacks[name] = max(newest + 1, self._lacks.get(name, 0))
        return Proofs(certificates=tuple(certificates), sessions=tuple(sessions), seals=tuple(seals))

    def _seals(self, name: SessionId, *, first: int, last: int) -> Iterator[Verified[Seal]]:
        """A session's seals of these numbers, both included, every branch of a fork."""
        return takewhile(lambda seal: seal.value.number <= last, walk_seals(self._store, name, first=first))
