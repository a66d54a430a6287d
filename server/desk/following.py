"""Keeps the desk's book up with the relay: what it lacks of the organisation is fetched before a request is judged.

So a revocation counts though nobody told the desk. A relay that does not answer stops the desk, unless it was started
to go on without one. What a relay leaves out it can leave out; what it makes up does not verify.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from server.desk.errors import RelayError
from sync_protocol.errors import PeerError
from sync_protocol.glass_news import news_of
from sync_protocol.intake import Proofs
from sync_protocol.records import pack

if TYPE_CHECKING:
    from server.desk.organisation_book import OrganisationBook
    from server.desk.relay_reader import ControlPage, RelayReader
    from sync_protocol.entries import WireEntry

FRESH_MS: Final = 5_000
"""How long what was fetched serves: people who ask in one emergency ask several times within seconds."""
ANEW_MS: Final = 60 * 60 * 1000
"""How often everything is read again: a relay that was restored from a backup may have other entries in places."""
_LOG: Final = logging.getLogger("fieldward.desk")


class Following:
    """A relay that the desk follows. For one thread."""

    def __init__(
        self, relay: RelayReader, book: OrganisationBook, *, offline: bool, elapsed_ms: Callable[[], int]
    ) -> None:
        """Begin at the log's beginning: what the book has comes again, and changes nothing.

        Args:
            relay: whom to ask.
            book: where what is new is verified and kept.
            offline: go on though the relay does not answer.
            elapsed_ms: a clock that is never set back.
        """
        self._relay = relay
        self._book = book
        self._offline = offline
        self._elapsed_ms = elapsed_ms
        self._after = 0
        self._anew_ms = 0
        self._until_ms: int | None = None

    def catch_up(self) -> None:
        """Fetch what is new, unless that was done a moment ago.

        Raises:
            RelayError: the relay does not answer, and the desk was not started to go on without it.
            StorageError: what came could not be kept.
        """
        now_ms = self._elapsed_ms()
        if self._until_ms is not None and now_ms < self._until_ms:
            return
        try:
            self._fetch(now_ms)
        except RelayError as error:
            if not self._offline:
                raise
            _LOG.warning("the relay was not asked for revocations: %s (%s)", error.code, error.got)
        self._until_ms = now_ms + FRESH_MS

    def _fetch(self, now_ms: int) -> None:
        if now_ms >= self._anew_ms:
            self._after, self._anew_ms = 0, now_ms + ANEW_MS
        for page in self._relay.pages(self._after):
            if page.size < self._after:
                self._anew_ms = now_ms
            self._keep(page)
            self._after = page.following

    def _keep(self, page: ControlPage) -> None:
        try:
            for news in news_of(_groups(page)):
                self._book.take(pack(news))
        except PeerError as error:
            raise RelayError(
                "relay_unreachable",
                expected="control records of the organisation",
                got=f"something else: {error.got}",
                do="see that --relay names the organisation's relay",
            ) from None


def _groups(page: ControlPage) -> Iterator[tuple[Proofs, WireEntry]]:
    """Each entry with what it needs that those before it did not bring: all of the page's, before the first."""
    proofs = Proofs(
        certificates=_all(one.certificates for one in page.proofs),
        sessions=_all(one.sessions for one in page.proofs),
        seals=_all(one.seals for one in page.proofs),
    )
    for entry in page.entries:
        yield proofs, entry
        proofs = Proofs()


def _all(wires: Iterable[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    return tuple(wire for some in wires for wire in some)
