"""The desk at work: from a request to an answer, in the one order that there is.

Verify, refuse what was answered before or is of another time, write the journal, and only then take layers off. What
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
"""How long after its own time a broken glass serves: to ask again for what got lost, and for more epochs. By its own
time, not by its first answer: the desk sees no record that closes it, and one that was never shown would wait."""
PRELOAD_LIFE_MS: Final = 30 * 24 * 60 * 60 * 1000
"""How long after its own time a member's word for a kit serves: the desk does not see who leaves a chart."""
AHEAD_MS: Final = 60 * 60 * 1000
"""How far an entry's time may be after the desk's: clocks in the field are wrong by minutes."""
_HOUR_MS: Final = 60 * 60 * 1000
_BREAK_AGAIN: Final = "if it is an emergency still, break the glass again"
_PRELOAD_AGAIN: Final = "ask a member for its word anew: fieldward break-glass preload CHART --kit THIS"


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
            SpentError: it was answered before, or its entry's time is over or to come.
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
        _check_time(receipted, now_ms)


def _check_time(receipted: Receipted, now_ms: int) -> None:
    """Whether an entry is of a time at which it serves, by what its author's clock said."""
    is_broken = isinstance(receipted.record, BreakGlass)
    life_ms, again = (ENTRY_LIFE_MS, _BREAK_AGAIN) if is_broken else (PRELOAD_LIFE_MS, _PRELOAD_AGAIN)
    age_ms = now_ms - receipted.entry.header.wall_ms
    if age_ms > life_ms:
        raise SpentError(
            "entry_spent",
            expected=f"an entry of the last {life_ms // _HOUR_MS} hours",
            got=f"entry {receipted.entry.hash.short} of {age_ms // _HOUR_MS} hours ago",
            do=again,
        )
    if age_ms < -AHEAD_MS:
        raise SpentError(
            "entry_ahead",
            expected="an entry that is at most an hour ahead of the desk's clock",
            got=f"entry {receipted.entry.hash.short}, {-age_ms // _HOUR_MS} hours ahead",
            do=f"set the clocks of the device and of the desk, sync, then: {again}",
        )
