"""The blobs of one device in store: what is known of each, what came, what must go, what may make room.

Owns when a note changes, but for those that a transfer makes. Chunks are durable before a note says that they are
here, and a note says so no more before they go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_runtime.blobs.book import BlobBackup, BlobBook, BlobNote, BlobState
from edge_runtime.blobs.chunks import ChunkFolder
from edge_runtime.blobs.finding import SCANNED, Finder
from edge_runtime.blobs.policy import Policy, load_policy, save_policy
from edge_runtime.blobs.pruning import may_go, prunable, prune
from edge_runtime.destroyed import destroyed
from edge_runtime.identity import Clock, Entropy, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from sync_protocol.blob_sealing import sealed_bytes
from sync_protocol.blobs import Blob
from sync_protocol.errors import PeerError
from sync_protocol.ids import BlobId, ChartId, StreamId

_NAME_KEY: Final = "blobs/name-key"
_NAME_KEY_BYTES: Final = 32
CHECKED: Final = "blobs/checked"
"""When the relay said what it had backed up, of the newest word after which every blob here was offered again."""
_TIME_BYTES: Final = 8


class BlobStock:
    """The blobs of one device. Not for use from several threads at once."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        folder: Path,
        *,
        clock: Clock,
        entropy: Entropy,
        backup: Callable[[], BlobBackup],
        kit: bool = False,
    ) -> None:
        """Work on `store` and `folder`.

        Args:
            store: the device's.
            identity: who it is.
            keyring: opens what names blobs.
            folder: where sealed chunks lie.
            clock: says what was used when.
            entropy: for the key of names.
            backup: what the relay says that it has backed up.
            kit: whether this device is a break-glass kit, which carries all that it may.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._backup = backup
        self._kit = kit
        self._finder = Finder(store, keyring)
        self._path = folder
        self._folder: ChunkFolder | None = None
        self._tidied = False
        self._policy: Policy | None = None
        self.book: Final = BlobBook(store)

    @property
    def folder(self) -> ChunkFolder:
        """Where sealed chunks lie."""
        if self._folder is None:
            name_key = self._store.get_value(_NAME_KEY)
            if name_key is None:
                name_key = self._entropy(_NAME_KEY_BYTES)
                with self._store.writing() as writer:
                    writer.put_value(_NAME_KEY, name_key)
            self._folder = ChunkFolder(self._path, name_key)
        return self._folder

    @property
    def policy(self) -> Policy:
        """What is fetched of its own accord, and how much room there is."""
        if self._policy is None:
            self._policy = load_policy(self._store, kit=self._kit)
        return self._policy

    def decide(self, policy: Policy) -> None:
        """Decide otherwise from now on."""
        with self._store.writing() as writer:
            save_policy(writer, policy)
        self._policy = policy

    def attached(self, blob: Blob, chart: ChartId, file_bytes: int) -> None:
        """Note a blob that was made here, once a durable fact names it.

        Raises:
            StoreError: it cannot be noted; the next tidying finds it.
        """
        self.book.put(blob.id, self._new(chart, blob.manifest.stream, file_bytes, here=True))

    def stands(self, blob: BlobId) -> tuple[BlobState, bool]:
        """Where a blob is known to be, and whether it is whole here."""
        note = self.book.get(blob)
        return (BlobState.ELSEWHERE, False) if note is None else (note.state(self._backup()), note.whole)

    def ask(self, blob: BlobId) -> None:
        """Have a blob fetched by the next sync, whatever the policy says.

        Raises:
            StoreError: it cannot be noted.
        """
        note = self.book.get(blob)
        if note is not None and not note.whole:
            self.book.put(blob, replace(note, asked=True))

    def used(self, blob: BlobId) -> None:
        """Note that a blob was opened: it makes room later than others.

        Raises:
            StoreError: it cannot be noted.
        """
        note = self.book.get(blob)
        if note is not None:
            self.book.put(blob, replace(note, used_ms=self._clock()))

    def let_go(self, blob: BlobId) -> None:
        """Let go of what is damaged, where the relay has the blob: only that can bring it back.

        Raises:
            StoreError: it cannot be removed.
        """
        note = self.book.get(blob)
        if note is not None and note.receipt is not None:
            self.book.put(blob, replace(note, whole=False, asked=True))
            self.folder.drop(self.folder.name(blob))

    def fetches(self, note: BlobNote) -> bool:
        """Whether a blob is to be fetched now."""
        return self.policy.fetches(note) and self._may_read(note.chart)

    def misfit(self, note: BlobNote, blob: Blob) -> str | None:
        """Why a manifest is not that of the file of which a fact says where it stands and how long it is; or None.

        Whoever calls a large file small would have everybody fetch it unasked, and nobody's room would end.
        """
        if note.stream != blob.manifest.stream:
            return "attachment_stream"
        return None if blob.manifest.size == sealed_bytes(note.file_bytes) else "attachment_size"

    def now_ms(self) -> int:
        """The clock."""
        return self._clock()

    def find(self) -> None:
        """Note the attachments of entries that came, or whose key came.

        Raises:
            StoreError: it cannot be noted.
        """
        found, scanned = self._finder.new()
        for one in found:
            blob = one.attachment.blob
            if self.book.get(blob) is None:
                wire = self.folder.manifest(blob)
                here = wire is not None and self.folder.kept(blob) == frozenset(range(Blob(wire).count))
                # What is whole here was attached here, before a crash could note it.
                self.book.put(blob, self._new(one.chart, one.stream, one.attachment.file_bytes, here=here))
        if scanned is not None:
            with self._store.writing() as writer:
                writer.put_value(SCANNED, scanned)

    def tidy(self) -> None:
        """Find what is new, remove what may not stay, and once a start what a crash left.

        Raises:
            StoreError: something cannot be noted or removed.
        """
        self.find()
        self.sweep()
        if self._tidied:
            return
        names = self.folder.names()
        for blob, note in list(self.book.all().items()):
            here = self.folder.name(blob) in names
            if note.whole and not here:  # a home that was restored without its chunks
                self.book.put(blob, replace(note, whole=False))
            elif note.pruned and here:  # cut off between the note and the chunks
                self.folder.drop(self.folder.name(blob))
        for name in names - {self.folder.name(blob) for blob in self.book.all()}:
            self.folder.drop(name)
        self._tidied = True

    def sweep(self) -> None:
        """Remove the chunks of destroyed charts; and of those that this device may read no more, what others have.

        That is a copy of what somebody else attached, once the relay has it; what was attached here stays, sealed and
        not shown, until it is safe: it may be the only one.

        Raises:
            StoreError: something cannot be removed; the next sweep goes on.
        """
        notes = self.book.all()
        charts = {note.chart for note in notes.values()}
        gone = {chart for chart in charts if destroyed(self._store, chart) is not None}
        closed = {chart for chart in charts - gone if not self._may_read(chart)}
        for blob, note in list(notes.items()):
            if note.chart in gone:
                self.folder.drop(self.folder.name(blob))
                self.book.forget([blob])
            elif note.chart in closed and (not note.whole or self._spare(note)):
                self.book.put(blob, replace(note, whole=False, asked=False))
                self.folder.drop(self.folder.name(blob))

    def to_confirm(self, needed_bytes: int) -> list[BlobId]:
        """What the relay is to confirm before it may make room for so many bytes; nothing where there is room."""
        lacking = self.held_bytes() + needed_bytes - self.policy.room_bytes
        found: list[BlobId] = []
        for blob in prunable(self.book, backup=self._backup()) if lacking > 0 else ():
            if lacking > 0:
                found.append(blob)
                lacking -= self.book.all()[blob].file_bytes
        return found

    def to_check(self) -> list[BlobId]:
        """What the relay receipted, once for each newer word of what it backed up, small ones first.

        A relay that was restored may have lost a blob while its log is as it was, and one that finds a blob damaged can
        only wait until somebody offers it: nothing but asking tells.
        """
        if self._backup().made_ms <= self._checked_ms():
            return []
        notes = self.book.all()
        held = [(note.file_bytes, blob) for blob, note in notes.items() if note.whole and note.receipt is not None]
        return [blob for _, blob in sorted(held)]

    def checked(self) -> None:
        """Note that all of `to_check` was offered and answered.

        Raises:
            StoreError: it cannot be noted; they are offered again.
        """
        made_ms = self._backup().made_ms
        if made_ms > self._checked_ms():
            with self._store.writing() as writer:
                writer.put_value(CHECKED, made_ms.to_bytes(_TIME_BYTES, "big"))

    def _checked_ms(self) -> int:
        return int.from_bytes(self._store.get_value(CHECKED) or b"", "big")

    def make_room(self, needed_bytes: int, confirmed: Collection[BlobId]) -> bool:
        """Make room by removing safe blobs that the relay confirmed, if that is enough; whether there is room now.

        Raises:
            StoreError: something cannot be removed.
        """
        lacking = self.held_bytes() + needed_bytes - self.policy.room_bytes
        if lacking <= 0:
            return True
        backup, notes = self._backup(), self.book.all()
        leaving = (blob for blob in prunable(self.book, backup=backup) if blob in confirmed)
        if sum(notes[blob].file_bytes for blob in leaving) < lacking:
            return False
        prune(self.book, self.folder, needed_bytes=lacking, backup=backup, confirmed=confirmed)
        return True

    def held_bytes(self) -> int:
        """Bytes of the files that are whole on this device."""
        return sum(note.file_bytes for note in self.book.all().values() if note.whole)

    def counts(self) -> dict[BlobState, int]:
        """How many attachments are known to be where."""
        backup = self._backup()
        found = dict.fromkeys(BlobState, 0)
        for note in self.book.all().values():
            found[note.state(backup)] += 1
        return found

    def problems(self) -> list[tuple[BlobId, str]]:
        """What is wrong with the chunks on this device: every one is read and compared. Changes nothing."""
        found: list[tuple[BlobId, str]] = []
        for blob, note in sorted(self.book.all().items()):
            if note.whole:
                found.extend((blob, words) for words in _wrong(self.folder, blob))
        return found

    def _spare(self, note: BlobNote) -> bool:
        """Whether a whole blob is at the relay, and not only there once it is gone here."""
        return note.receipt is not None and (not note.own or may_go(note, self._backup()))

    def _may_read(self, chart: ChartId) -> bool:
        membership = self._keyring.membership(chart)
        return membership is not None and self._identity.principal in membership.members

    def _new(self, chart: ChartId, stream: StreamId, file_bytes: int, *, here: bool) -> BlobNote:
        return BlobNote(
            chart=chart,
            stream=stream,
            file_bytes=file_bytes,
            own=here,
            whole=here,
            asked=False,
            pruned=False,
            used_ms=self._clock(),
        )


def _wrong(folder: ChunkFolder, blob: BlobId) -> Iterable[str]:
    wire = folder.manifest(blob)
    if wire is None:
        yield "the manifest is missing"
        return
    try:
        known = Blob(wire)
        wrong = known.id != blob
    except PeerError:
        wrong = True
    if wrong:
        yield "the manifest is another"
        return
    for index in range(known.count):
        try:
            known.check(index, folder.read(blob, index) or b"")
        except PeerError:
            yield f"chunk {index} is missing or another"
