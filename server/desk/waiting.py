"""Sessions and seals that came to the desk before an entry that needs them: in memory alone, and only so much of them.

Owns the pool. A certified device signs as many of these as it likes, and what needs them may come in the next part; so
they are held until an admitted entry takes them out, and nobody fills the desk's disk with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sync_protocol.certificates import Session
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import CertificateHash, SessionId
from sync_protocol.intake import Known
from sync_protocol.signed import Verified

WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one principal."""


class Waiting:
    """What is kept, and what waits beside it: as the intake asks. For one thread."""

    def __init__(self, kept: Known) -> None:
        """Begin with nothing that waits.

        Args:
            kept: what entries took already.
        """
        self._kept = kept
        self._sessions: dict[SessionId, Verified[Session]] = {}
        self._seals: dict[SessionId, dict[int, dict[bytes, Verified[Seal]]]] = {}
        self._bytes: Counter[CertificateHash] = Counter()

    def session(self, name: SessionId) -> Verified[Session] | None:
        """The session of that id."""
        return self._kept.session(name) or self._sessions.get(name)

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """The session's seals of that number."""
        found = {seal.hash: seal for seal in self._kept.seals(session, number)}
        return tuple((found | self._seals.get(session, {}).get(number, {})).values())

    def hold_session(self, author: CertificateHash, session: Verified[Session]) -> None:
        """Let a session wait, if there is room."""
        if self._has_room(author, len(session.wire)):
            self._sessions[session.value.session] = session

    def hold_seal(self, author: CertificateHash, seal: Verified[Seal]) -> None:
        """Let a seal wait, if there is room."""
        if self._has_room(author, len(seal.wire)):
            self._seals.setdefault(seal.value.session, {}).setdefault(seal.value.number, {})[seal.hash] = seal

    def needed(self, entry: VerifiedEntry) -> tuple[list[Verified[Session]], list[Verified[Seal]]]:
        """What waits of an entry's session, as far as the entry needs it: seals in ascending order."""
        name = entry.header.session
        sessions = [self._sessions[name]] if name in self._sessions else []
        waiting = self._seals.get(name, {})
        numbers = sorted(number for number in waiting if number <= entry.header.seal)
        return sessions, [seal for number in numbers for seal in waiting[number].values()]

    def taken(
        self, author: CertificateHash, sessions: Iterable[Verified[Session]], seals: Iterable[Verified[Seal]]
    ) -> None:
        """These are kept now."""
        for session in sessions:
            del self._sessions[session.value.session]
            self._bytes[author] -= len(session.wire)
        for seal in seals:
            numbers = self._seals[seal.value.session]
            numbers[seal.value.number].pop(seal.hash)
            self._bytes[author] -= len(seal.wire)
            if not numbers[seal.value.number]:
                del numbers[seal.value.number]

    def _has_room(self, author: CertificateHash, size: int) -> bool:
        if self._bytes[author] + size > WAITING_BYTES_MAX:
            return False
        self._bytes[author] += size
        return True
