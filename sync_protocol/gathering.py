"""Gathering: proofs wait for the entries that need them, so that both are stored in one transaction.

What waits is bounded: beyond it the proofs are handed on by themselves, to be stored ahead.
"""

from __future__ import annotations

from sync_protocol.entries import WireEntry
from sync_protocol.intake import Proofs
from sync_protocol.limits import PROOFS_BYTES_MAX, PROOFS_MAX
from sync_protocol.messages import Entries, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_reading import read_pack
from sync_protocol.steps import Take


class Gathering:
    """What one side of an exchange has heard and not yet handed on."""

    def __init__(self) -> None:
        """Start empty."""
        self._waiting: list[Proofs] = []
        self._count = 0
        self._bytes = 0

    def proofs(self, message: ProofsFrame) -> tuple[Take, ...]:
        """Keep proofs; hand all on when they are too many to wait."""
        proofs = Proofs(certificates=message.certificates, sessions=message.sessions, seals=message.seals)
        self._waiting.append(proofs)
        self._count += 1 + len(proofs)
        self._bytes += sum(map(len, (*proofs.certificates, *proofs.sessions, *proofs.seals)))
        return self.rest() if self._count > PROOFS_MAX or self._bytes > PROOFS_BYTES_MAX else ()

    def entries(self, message: Entries) -> Take:
        """Hand entries on with the proofs that came before them."""
        return Take(self._all(), message.entries)

    def pack(self, message: Pack) -> Take:
        """Open a pack, and hand its entries on with its proofs and those that came before them.

        Raises:
            MalformedError: not a whole pack and nothing else.
            LimitError: more of something than a pack may have.
        """
        return self.opened(*read_pack(message))

    def opened(self, proofs: Proofs, entries: tuple[WireEntry, ...]) -> Take:
        """The same of a pack that was opened already."""
        return Take(self._all() + proofs, entries)

    def rest(self) -> tuple[Take, ...]:
        """Hand on proofs that no entries followed."""
        return (Take(self._all(), ()),) if self._waiting else ()

    def _all(self) -> Proofs:
        waiting, self._waiting, self._count, self._bytes = self._waiting, [], 0, 0
        return Proofs(
            certificates=tuple(record for proofs in waiting for record in proofs.certificates),
            sessions=tuple(record for proofs in waiting for record in proofs.sessions),
            seals=tuple(record for proofs in waiting for record in proofs.seals),
        )
