"""The blobs' part of one connection to the relay: what is here is offered, then what is wanted is fetched.

Begins when the log is settled, and says one thing after the other: one offer, or one window of one blob, at a time. So
it may be cut anywhere; what is durable by then is what the next connection goes on from. Refuses nothing of the log's:
whatever goes wrong with a blob is noted, and the next one has its turn.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from edge_runtime.blobs.fetching import BlobReport, Fetching, Given
from edge_runtime.blobs.stock import BlobStock
from sync_protocol.blob_exchange import given, offers
from sync_protocol.blob_messages import (
    BlobChunk,
    BlobManifest,
    BlobMessage,
    BlobOffer,
    BlobRefused,
    BlobStored,
    BlobWant,
)
from sync_protocol.blobs import Blob, read_receipt
from sync_protocol.errors import PeerError, malformed
from sync_protocol.ids import BlobId, ChartId
from sync_protocol.refusal_messages import told
from sync_protocol.signing import VerifyKey

UNKNOWN: Final = "unknown_blob"
LATER: Final = frozenset({UNKNOWN, "busy"})
"""Refusals that mean no more than not yet."""

MISSED_MAX: Final = 16
"""Blobs of one chart that a connection asks for in vain before it passes over the chart's others: a member may name as
many as it likes that nobody has, and each costs a round trip."""


class BlobTransfer:
    """One connection's part."""

    def __init__(self, stock: BlobStock) -> None:
        """Begin with nothing said."""
        self._stock = stock
        self._offers: deque[BlobOffer] = deque()
        self._waiting: dict[BlobId, Blob] = {}
        self._fetch: deque[BlobId] = deque()
        self._tried: set[BlobId] = set()
        self._given = Given()
        self._missed: Counter[ChartId] = Counter()
        self.begun = False
        self.report = BlobReport()
        self._fetching = Fetching(stock, self.report)

    @property
    def waits(self) -> bool:
        """Whether an answer of the relay is due."""
        return bool(self._waiting) or self._fetching.blob is not None

    @property
    def done(self) -> bool:
        """Whether everything was said, and answered."""
        return self.begun and not self.waits

    def begin(self) -> list[BlobMessage]:
        """Say what is to be said now; nothing while an answer is due. Again later, where more was found or attached."""
        if self.waits:
            return []
        self.begun = True
        self._stock.tidy()
        notes = self._stock.book.all()
        open_ = {blob: note for blob, note in notes.items() if blob not in self._tried}
        ours = sorted((note.file_bytes, blob) for blob, note in open_.items() if note.whole and note.receipt is None)
        fetched = (blob for blob, note in open_.items() if self._stock.fetches(note))
        # Small ones first, after them what was asked for in vain before.
        wanted = sorted(fetched, key=lambda blob: (notes[blob].refused is not None, notes[blob].file_bytes, blob))
        # What is to make room is offered again: a relay that lost it asks for it, and only what it confirms may go.
        needed_bytes = sum(max(0, notes[blob].file_bytes - self._stock.begun_bytes(blob)) for blob in wanted)
        again = (*self._stock.to_confirm(needed_bytes), *self._stock.to_check())
        confirm = [blob for blob in dict.fromkeys(again) if blob in open_]
        offered = [*(blob for _, blob in ours), *confirm]
        self._offers.extend(offers(self._manifests(offered)))
        self._fetch.extend(wanted)
        self._tried.update((*offered, *wanted))
        return self._next()

    def doubt(self) -> None:
        """Hear that the relay lost something: every whole blob is offered again."""
        self._stock.book.doubt()
        self._tried.clear()
        self.begun = False

    def heard(self, message: BlobMessage, relay: VerifyKey) -> list[BlobMessage]:
        """Answer what the relay said; `relay` is the key of its record.

        Raises:
            PeerError: no honest relay says it; it ends the connection.
        """
        self.report.steps += 1
        match message:
            case BlobWant():
                return self._give(message)
            case BlobStored():
                return self._stored(message, relay)
            case BlobRefused():
                return self._refused(message)
            case BlobManifest():
                return self._manifest(message, relay)
            case BlobChunk():
                return self._after(self._fetching.chunk(message))
            case _:
                raise AssertionError("the accept table lets nothing else through")

    def _next(self) -> list[BlobMessage]:
        """Go on with the next offer, then the next fetch."""
        if self.waits:
            return []
        if self._offers:
            offer = self._offers.popleft()
            self._waiting = {blob.id: blob for blob in map(Blob, offer.manifests)}
            return [offer]
        while self._fetch:
            blob = self._fetch.popleft()
            note = self._stock.book.get(blob)
            passed_over = note is None or self._missed[note.chart] >= MISSED_MAX
            said = None if passed_over else self._fetching.begin(blob)
            if said is not None:
                return [said]
        if not self.report.unsent:  # else something was not taken: all is offered again
            self._stock.checked()
        return []

    def _give(self, want: BlobWant) -> list[BlobMessage]:
        """Send chunks of a blob that is offered."""
        blob = self._waiting.get(want.blob)
        if blob is None:
            raise malformed("a want of an offered blob", "another")
        said: list[BlobMessage] = []
        indices = given(blob, want)
        self._given.spend(blob, len(indices))
        for index in indices:
            data = self._stock.folder.read(blob.id, index)
            try:
                blob.check(index, data or b"")
            except PeerError:  # a chunk that is damaged here: what the relay has of it stays there
                self._stock.damaged(blob.id, index)
                self.report.refuse("attachment_damaged")
                self.report.unsent += 1
                del self._waiting[blob.id]
                return self._next()
            assert data is not None, "a chunk that is checked is there"
            said.append(BlobChunk(blob=blob.id, index=index, data=data))
        self.report.sent += len(said)
        return said

    def _stored(self, message: BlobStored, relay: VerifyKey) -> list[BlobMessage]:
        receipt = read_receipt(message.receipt, relay)
        if self._waiting.pop(receipt.value.blob, None) is None:
            raise malformed("a receipt for an offered blob", "another")
        note = self._stock.book.get(receipt.value.blob)
        self.report.receipted += note is not None and note.receipt is None
        self._note(receipt.value.blob, receipt=receipt.wire, refused=None)
        self._fetching.confirmed.add(receipt.value.blob)
        return self._next()

    def _refused(self, message: BlobRefused) -> list[BlobMessage]:
        """Pass over one blob. It stays as it is, and the next connection tries again."""
        code = told(message).code
        if message.blob == self._fetching.blob:
            self._miss(message.blob, code)
            self._fetching.drop()
            self.report.waiting += code in LATER
        elif self._waiting.pop(message.blob, None) is not None:
            self._note(message.blob, refused=code)
            self.report.unsent += 1
        else:
            return []
        if code not in LATER:
            self.report.refuse(code)
        return self._next()

    def _miss(self, blob: BlobId, code: str) -> None:
        note = self._stock.book.get(blob)
        if note is not None and code == UNKNOWN:
            self._missed[note.chart] += 1
            self._note(blob, refused=code)

    def _manifest(self, message: BlobManifest, relay: VerifyKey) -> list[BlobMessage]:
        blob = Blob(message.manifest)
        receipt = None if message.receipt is None else read_receipt(message.receipt, relay)
        if receipt is not None and receipt.value.blob != blob.id:
            raise malformed("a receipt for the manifest beside it", "another")
        return self._after(self._fetching.manifest(blob, None if receipt is None else receipt.wire))

    def _after(self, want: BlobWant | None) -> list[BlobMessage]:
        return self._next() if want is None else [want]

    def _note(self, blob: BlobId, **changes: object) -> None:
        note = self._stock.book.get(blob)
        if note is not None:
            self._stock.book.put(blob, replace(note, **changes))  # type: ignore[arg-type]  # fields of BlobNote

    def _manifests(self, blobs: Iterable[BlobId]) -> Iterable[Blob]:
        for blob in blobs:
            wire = self._stock.folder.manifest(blob)
            if wire is None:
                self._note(blob, whole=False)
                self.report.refuse("attachment_damaged")
            else:
                yield Blob(wire)
