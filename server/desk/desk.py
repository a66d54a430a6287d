"""The desk at work: from a request to an answer, in the one order that there is.

Verify, refuse what was answered before or comes too late, write the journal, and only then take layers off. Whatever
fails on the way is written down as well, and nothing is given out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from server.desk.errors import RateError, RelayError, SpentError
from server.desk.journal import Journal
from server.desk.keys import DeskKeys
from server.desk.organisation_book import OrganisationBook
from server.desk.rates import Rates
from sync_protocol.break_glass import answer_request
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.errors import PeerError
from sync_protocol.glass_requests import Receipted, check_request, strip
from sync_protocol.key_wrap import WrapPublicKey

ENTRY_LIFE_MS: Final = 24 * 60 * 60 * 1000
"""How long after its first answer a broken glass serves: to ask again for what got lost, and for more epochs. Then its
author is a member, and gets what is new from the others; for what is still lacking the glass is broken again."""


class Desk:
    """One desk. For one thread."""

    def __init__(
        self,
        keys: DeskKeys,
        book: OrganisationBook,
        journal: Journal,
        *,
        rates: Rates,
        now_ms: Callable[[], int],
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Put it together.

        Args:
            keys: its own.
            book: the organisation as it knows it.
            journal: what it did.
            rates: how often it answers.
            now_ms: its clock.
            catch_up: fetches what the book lacks, where the desk follows a relay; may raise RelayError.
        """
        self.keys: Final = keys
        self.book: Final = book
        self.journal: Final = journal
        self.rates: Final = rates
        self._now_ms = now_ms
        self._catch_up = catch_up

    def answer(self, wire: bytes) -> bytes:
        """Answer a request.

        Returns:
            The signed answer.

        Raises:
            PeerError: the request does not hold; see `check_request`.
            SpentError: it was answered before, or its entry's time is over.
            RateError: too many by this person.
            RelayError: the relay that the desk follows does not answer.
            StorageError: it cannot be written down; nothing was given out.
        """
        now_ms = self._now_ms()
        try:
            self._catch_up()
            receipted = check_request(wire, self.book.known, now_ms=now_ms)
            self._check_fresh(receipted, now_ms)
            self.rates.answering(self.book.known.trust.principal(receipted.request.value.certificate))
        except (PeerError, SpentError, RateError, RelayError) as error:
            self.journal.refused(wire, error, now_ms=now_ms)
            raise
        self.journal.answered(receipted, wire, now_ms=now_ms)
        layers = strip(self.keys.wrap, receipted)
        recipient = WrapPublicKey(receipted.certificate.value.wrap)
        return answer_request(receipted.request.hash, layers, recipient=recipient, signer=self.keys.signer).wire

    def _check_fresh(self, receipted: Receipted, now_ms: int) -> None:
        if self.journal.is_answered(receipted):
            raise SpentError(
                "request_replayed",
                expected="a request that was not answered yet",
                got=f"one of entry {receipted.entry.hash.short} that was",
                do="ask again: a new request has a new nonce",
            )
        since = self.journal.since_ms(receipted.entry.hash)
        if isinstance(receipted.record, BreakGlass) and since is not None and now_ms - since > ENTRY_LIFE_MS:
            raise SpentError(
                "entry_spent",
                expected="a broken glass that first served within 24 hours",
                got=f"entry {receipted.entry.hash.short}, which served longer ago",
                do="if it is an emergency still, break the glass again",
            )
