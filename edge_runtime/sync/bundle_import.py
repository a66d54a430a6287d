"""Taking in a bundle: as from a device that was met, except that nobody is there to be asked.

Every entry is verified and admitted by itself, so it does not matter who made the file, whether it is whole, or whether
it came before: what is new is stored and waits for the relay, what hangs on something that is missing is held, the rest
is counted by its reason. Each entry counts once. Who made the file is known only where all of it is as that one signed
it: a head that names somebody is no proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.blobs.bundled import Incoming
from edge_runtime.blobs.fetching import BlobReport
from edge_runtime.errors import RefusedError
from edge_runtime.events import Events
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.intake import Receiver, Taken
from edge_runtime.sync.meeting_report import PEER_UNSOUND
from edge_runtime.sync.taking import Taking
from sync_protocol.audit import Head
from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.bundle import BundleReader, BundleStep, Carried, Damaged, Ending
from sync_protocol.bundle_messages import BundleHead
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError, ForgedError, MalformedError, PeerError
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.intake import Refusal
from sync_protocol.limits import MEETING_UNSOUND_MAX
from sync_protocol.signed import Signed, Verified
from sync_protocol.steps import Take

REFUSALS_KEPT: Final = 100
UNSOUND_MAX: Final = MEETING_UNSOUND_MAX
"""Items that nobody signed so, after which a file is given up."""
BARREN_MAX: Final = 65_536
"""The same of entries in a row that nothing in the file or here proves: whole records may lack in a damaged one."""
_UNPROVEN: Final = frozenset({"untrusted", "gap"})


@dataclass(slots=True)
class BundleReport:
    """What one bundle brought, as it goes on.

    Attributes:
        maker: the certificate of who made it, by the file's own words; None where the organisation knows none such.
        made_ms: by the maker's clock.
        entries: in the file, as far as it was read: the sum of the five that follow.
        received: those that are new on this device, in their places.
        known: those that were here before.
        held: those that wait, at the end, for something that is not here yet.
        deferred: those that were not kept, because too much of their author's waits already.
        refused: how many were not taken, by the reason's code.
        reasons: the first refusals.
        damaged: parts of the file that could not be read.
        charts: that changed.
        ending: how the file ended.
        maker_revoked: whether the maker is revoked: what it wrote outside its cut awaits review.
        alarms: what a person must hear of.
        attachments: those that became whole here, and those that did not.
        waited: entries beyond those of the file that had waited here for some of them, and found their places.
    """

    maker: Verified[Certificate] | None = None
    made_ms: int = 0
    entries: int = 0
    received: int = 0
    known: int = 0
    held: int = 0
    deferred: int = 0
    waited: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    reasons: list[ExplainedError] = field(default_factory=list)
    damaged: int = 0
    charts: set[ChartId] = field(default_factory=set)
    ending: Ending = Ending.CUT
    maker_revoked: bool = False
    alarms: list[str] = field(default_factory=list)
    attachments: BlobReport = field(default_factory=BlobReport)

    @property
    def is_whole(self) -> bool:
        """Whether every byte is as its maker signed it."""
        return self.ending is Ending.WHOLE

    @property
    def is_proven(self) -> bool:
        """Whether its maker is who it says: all of it is as that one signed it."""
        return self.is_whole and self.maker is not None

    def refuse(self, error: ExplainedError) -> None:
        """Count a refusal, and keep its reason while there is room."""
        self.refused[error.code] += 1
        if len(self.reasons) < REFUSALS_KEPT:
            self.reasons.append(error)


class BundleImport:
    """Takes in one bundle."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        events: Events,
        *,
        fresh: Callable[[Verified[Certificate]], Verified[Session]],
        clock: Clock,
        attachments: Incoming,
    ) -> None:
        """Take in as `identity`; `fresh` and `clock` are explained at Receiver, and `attachments` takes their parts."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        receiver = Receiver(store, identity, keyring, fresh=fresh, clock=clock, events=events)
        self._taking = Taking(store, identity, keyring, events, receiver)
        self._attachments = attachments
        self._placed = 0
        self._waiting: set[EntryHash] = set()
        self._unsound = self._barren = 0
        self.report = BundleReport()

    def read(self, pieces: Iterable[bytes], *, progress: Callable[[BundleReport], None]) -> BundleReport:
        """Take in a file, piece by piece; what came before anything goes wrong stays.

        Raises:
            MalformedError: no bundle, or of a newer version.
            RefusedError: of another organisation.
            StoreError: this device's store is full or damaged.
        """
        reader = BundleReader()
        try:
            for piece in pieces:
                self._carry_out(reader.feed(piece))
                progress(self.report)
                if self._is_unsound:
                    break
            ending, rest = reader.end()
            self._carry_out(iter(rest))
        finally:
            self._attachments.end()
            self._sum_up()
        self._conclude(Ending.DAMAGED if self._is_unsound else ending)
        return self.report

    @property
    def _is_unsound(self) -> bool:
        return self._unsound > UNSOUND_MAX or self._barren > BARREN_MAX

    def _sum_up(self) -> None:
        """Tell what still waits from what found its place, and this file's entries from those that were here."""
        report = self.report
        left = self._waiting and self._waiting.intersection(one.entry.hash for one in self._store.held())
        came, report.held = report.held, sum(self._store.arrival(name) is None for name in left)
        report.received += came - report.held
        report.waited = self._placed - (came - report.held)
        report.attachments = self._attachments.report

    def _conclude(self, ending: Ending) -> None:
        """Say how the file ended. What does not verify is damage, unless the file is as its maker meant it to be."""
        report = self.report
        report.ending = ending
        maker = report.maker
        revoked = self._keyring.organisation().now.revoked
        report.maker_revoked = maker is not None and self._identity.trust.principal(maker.hash) in revoked
        if self._unsound > UNSOUND_MAX or (self._unsound and ending is Ending.WHOLE):
            report.alarms.append(PEER_UNSOUND)

    def heads(self) -> tuple[Head, ...]:
        """How far the chains that grew reach here now."""
        return self._taking.heads()

    def _carry_out(self, steps: Iterator[BundleStep]) -> None:
        for step in steps:
            match step:
                case BundleHead():
                    self._begin(step)
                case Take():
                    self._take(step)
                case Carried(message):
                    self._attach(message)
                case Damaged(error):
                    self._damaged(error)

    def _attach(self, message: BlobManifest | BlobChunk) -> None:
        try:
            self._attachments.take(message)
        except PeerError as error:
            self._damaged(error)

    def _damaged(self, error: PeerError) -> None:
        self.report.damaged += 1
        if len(self.report.reasons) < REFUSALS_KEPT:
            self.report.reasons.append(error)

    def _begin(self, head: BundleHead) -> None:
        own = self._identity.root.value.organisation
        if head.organisation != own:
            raise RefusedError(
                "bundle_foreign",
                expected=f"a bundle of organisation {own.short}",
                got=f"one of organisation {head.organisation.short}",
                do="take it to a device of that organisation; nothing was stored",
            )
        self.report.made_ms = head.made_ms
        try:
            for wire in head.certificates:
                self.report.maker = self._identity.trust.admit(Signed(Certificate, wire))
        except PeerError:
            self.report.maker = None  # its entries are judged by themselves
        # This device's own bundle, taken in again after a restore, is in no other device's store.
        own_name, maker = self._identity.principal, self.report.maker
        self._taking.elsewhere = maker is not None and self._identity.trust.principal(maker.hash) != own_name

    def _take(self, step: Take) -> None:
        """Control records first, because content is judged by them. What is here already costs a look-up."""
        if self._is_unsound:
            return
        new = [entry for entry in step.entries if self._store.arrival(entry.hash) is None]
        self.report.entries += len(step.entries)
        self.report.known += len(step.entries) - len(new)
        for part in self._taking.take(step.proofs, new):
            self._count(part.taken, part.entries)
        self.report.charts = self._taking.charts

    def _count(self, taken: Taken, entries: Sequence[WireEntry]) -> None:
        """Count each entry of a batch once; of those stored some had waited here, perhaps since this very batch."""
        report, placed = self.report, taken.stored - taken.released
        refused = [refusal for refusal in taken.refused if refusal.what is not None]
        report.received += placed
        report.held += taken.held
        report.deferred += taken.deferred
        report.known += len(entries) - placed - taken.held - taken.deferred - len(refused)
        self._placed += taken.released
        if taken.held:
            self._waiting.update(EntryHash(entry.hash) for entry in entries)
        if placed:
            self._barren = 0
        for refusal in taken.refused:
            self._refused(refusal)

    def _refused(self, refusal: Refusal) -> None:
        if refusal.what is not None:
            self.report.refuse(refusal.error)
        self._unsound += isinstance(refusal.error, ForgedError | MalformedError)
        self._barren += refusal.error.code in _UNPROVEN
