"""The blobs of one device in store: what is known of each, what came, what must go, what may make room.

Owns when a note changes, but for those that a transfer makes. Chunks are durable before a note says that they are
here, and a note says so no more before they go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_runtime.blobs.begun import Begun
from edge_runtime.blobs.book import BlobBackup, BlobBook, BlobNote, BlobState
from edge_runtime.blobs.chunks import ChunkFolder
from edge_runtime.blobs.damage import damage
from edge_runtime.blobs.finding import SCANNED, Finder
from edge_runtime.blobs.policy import Policy, load_policy, save_policy
from edge_runtime.blobs.pruning import may_go, prunable, prune
from edge_runtime.destroyed import destroyed
from edge_runtime.identity import Clock, Entropy, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from sync_protocol.blob_sealing import sealed_bytes
from sync_protocol.blobs import Blob
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
        self._begun = Begun(self.book, lambda: self.folder)

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

    def fetch_again(self, blob: BlobId) -> bool:
        """Have what is damaged fetched again, where the relay has the blob: else this may be all that there is.

        Returns:
            Whether anything is.

        Raises:
            StoreError: it cannot be noted.
        """
        note = self.book.get(blob)
        wrong = [] if note is None or note.receipt is None or not note.whole else list(damage(self.folder, blob))
        for one in wrong:
            self.damaged(blob, one.chunk)
        return bool(wrong)

    def damaged(self, blob: BlobId, chunk: int | None) -> None:
        """Hear that a chunk is not what it was, or the manifest: it counts as missing, and is asked for.

        Raises:
            StoreError: it cannot be noted.
        """
        note = self.book.get(blob)
        if note is None:
            return
        self.book.put(blob, replace(note, whole=False, asked=True))  # first: a note never says too much
        if chunk is None:
            self.folder.drop(self.folder.name(blob))
        else:
            self.folder.set_aside(blob, chunk)
        self._begun.look(blob)

    def became_whole(self, blob: BlobId) -> None:
        """Note that every chunk is here, durably.

        Raises:
            StoreError: it cannot be noted.
        """
        note = self.book.get(blob)
        if note is not None:
            now_ms = self._clock()
            self.book.put(blob, replace(note, whole=True, asked=False, pruned=False, used_ms=now_ms, refused=None))
            self.folder.clear(blob)
            self._begun.look(blob)

    def begin(self, blob: Blob) -> None:
        """Keep the manifest of a blob that is fetched, durably.

        Raises:
            StoreError: it cannot be written.
        """
        self.folder.begin(blob)
        self._begun.look(blob.id)

    def grew(self, blob: BlobId, size: int) -> None:
        """Hear that so many bytes came of a blob that is not whole yet."""
        self._begun.grew(blob, size)

    def begun_bytes(self, blob: BlobId) -> int:
        """What is here of a blob that is not whole."""
        return self._begun.of(blob)

    def to_be_fetched(self) -> int:
        """How many blobs are not whole here and asked for."""
        return sum(note.asked and not note.whole for note in self.book.all().values())

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
                self._begun.drop(blob)
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
                self._begun.drop(blob)
                self.book.forget([blob])
            elif note.chart in closed and (not note.whole or self._spare(note)):
                self.book.put(blob, replace(note, whole=False, asked=False))
                self._begun.drop(blob)

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

    def make_room(self, needed_bytes: int, confirmed: Collection[BlobId], *, keep: BlobId | None = None) -> bool:
        """Make room by removing what was only begun, then safe blobs that the relay confirmed, if that is enough.

        Args:
            needed_bytes: how much.
            confirmed: by the relay, on this connection.
            keep: the blob for which there is to be room.

        Returns:
            Whether there is room now.

        Raises:
            StoreError: something cannot be removed.
        """
        lacking = self.held_bytes() + needed_bytes - self.policy.room_bytes
        if lacking <= 0:
            return True
        backup, notes = self._backup(), self.book.all()
        leaving = (blob for blob in prunable(self.book, backup=backup) if blob in confirmed)
        begun = self._begun.leaving(keep)
        if sum(notes[blob].file_bytes for blob in leaving) + sum(map(self._begun.of, begun)) < lacking:
            return False
        for blob in begun:
            if lacking > 0:
                lacking -= self._begun.drop(blob)
        prune(self.book, self.folder, needed_bytes=lacking, backup=backup, confirmed=confirmed)
        return True

    def held_bytes(self) -> int:
        """Bytes of the files that are whole on this device, and what came of others."""
        return sum(note.file_bytes for note in self.book.all().values() if note.whole) + self._begun.total()

    def counts(self) -> dict[BlobState, int]:
        """How many attachments are known to be where."""
        backup = self._backup()
        found = dict.fromkeys(BlobState, 0)
        for note in self.book.all().values():
            found[note.state(backup)] += 1
        return found

    def problems(self, progress: Callable[[int, int], None] = lambda _done, _of: None) -> list[tuple[BlobId, str]]:
        """What is wrong with the chunks on this device: every one is read and compared. Changes nothing.

        Args:
            progress: told how many attachments were read, of how many.
        """
        found: list[tuple[BlobId, str]] = []
        whole = sorted(blob for blob, note in self.book.all().items() if note.whole)
        for done, blob in enumerate(whole, start=1):
            found.extend((blob, one.words) for one in damage(self.folder, blob))
            progress(done, len(whole))
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
