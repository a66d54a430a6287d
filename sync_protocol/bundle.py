"""Bundles: entries and their proofs as a file, for whoever is enrolled, in any order, twice or in part.

    BundleHead, then frames of an exchange (proofs before the entries that need them), then BundleEnd

Nobody has to believe the file: each entry is verified like one that a relay sends. So the signature at the end says
only that the file is whole and who made it. A frame that is damaged is passed over, since a length tells where the next
begins; a file that was cut off counts as far as it goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.bundle_messages import BundleEnd, BundleHead
from sync_protocol.certificates import Certificate
from sync_protocol.encoding import encode
from sync_protocol.entries import WireEntry
from sync_protocol.errors import LimitError, PeerError, malformed
from sync_protocol.frames import FrameReader, pack_frame, split_batch, unpack_frame
from sync_protocol.gathering import Gathering
from sync_protocol.ids import Hash
from sync_protocol.intake import Proofs
from sync_protocol.labels import Label
from sync_protocol.messages import VERSION, Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import SigningKey, verify
from sync_protocol.steps import Take

DAMAGED_MAX: Final = 1024
"""Damaged frames after which a file is given up: what lies there is no bundle any more."""


class Ending(StrEnum):
    """How a bundle ended."""

    WHOLE = "whole"
    """Every byte is as its maker signed it."""
    CUT = "cut"
    """It stops before its end: a stick was pulled, or a copy was not finished."""
    DAMAGED = "damaged"
    """Something in it is not what was written, or its end is signed by nobody who made it."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A part of the file that cannot be read; what follows it may."""

    error: PeerError


@dataclass(frozen=True, slots=True)
class Carried:
    """A part of an attachment."""

    message: BlobManifest | BlobChunk


BundleStep = BundleHead | Take | Carried | Damaged


class BundleWriter:
    """Writes one bundle, frame by frame."""

    def __init__(self, write: Callable[[bytes], object], head: BundleHead) -> None:
        """Write by `write`; the head comes first."""
        self._write = write
        self._digest = hashlib.sha256()
        self._frames = 0
        self.add(head)

    def add(self, message: Message) -> None:
        """Write one message."""
        self._put(pack_frame(message))

    def batch(self, proofs: Proofs, entries: Sequence[WireEntry]) -> None:
        """Write entries with what they need to be verified."""
        for message in split_batch(proofs, entries):
            self.add(message)

    def finish(self, signer: SigningKey) -> None:
        """Say that all of it is here; `signer` is the key of the head's last certificate."""
        digest = Hash(self._digest.digest())
        signature = signer.sign(Label.BUNDLE, _signed(self._frames, digest))
        self._write(pack_frame(BundleEnd(frames=self._frames, digest=digest, signature=signature)))

    def _put(self, frame: bytes) -> None:
        self._write(frame)
        self._digest.update(frame)
        self._frames += 1


class BundleReader:
    """Reads one bundle as its bytes come; holds one frame, and proofs that wait for entries."""

    def __init__(self) -> None:
        """Start at the file's beginning."""
        self._reader = FrameReader()
        self._digest = hashlib.sha256()
        self._frames = 0
        self._damaged = 0
        self._head: BundleHead | None = None
        self._end: BundleEnd | None = None
        self._over = False
        self._gathering = Gathering()

    @property
    def head(self) -> BundleHead | None:
        """Who made it, as the file claims."""
        return self._head

    def feed(self, data: bytes) -> Iterator[BundleStep]:
        """Take more bytes; give what they hold, as it is asked for.

        Raises:
            MalformedError: the file does not begin like a bundle, or is of a version that this program does not read.
        """
        if self._over:
            return
        frames = self._reader.feed(data)
        while not self._over:
            try:
                frame = next(frames, None)
            except LimitError as error:
                if self._head is None:
                    raise _no_bundle() from None
                self._over = True  # the length is damaged: nobody knows where the next frame begins
                yield self._damage(error)
                return
            if frame is None:
                return
            yield from self._take(frame)

    def end(self) -> tuple[Ending, tuple[BundleStep, ...]]:
        """Say that no more bytes come.

        Returns:
            How the file ended, and what waited.

        Raises:
            MalformedError: there was no bundle in it.
        """
        if self._head is None:
            raise _no_bundle()
        rest = self._gathering.rest()
        try:
            self._reader.end()
        except PeerError as error:
            if self._end is not None:
                return Ending.DAMAGED, (*rest, self._damage(error))
        if self._damaged:
            return Ending.DAMAGED, rest
        return (Ending.CUT if self._end is None else Ending.WHOLE), rest

    def _take(self, frame: bytes) -> Iterator[BundleStep]:
        if self._end is not None:
            self._over = True
            yield self._damage(malformed("nothing behind the end of a bundle", f"{len(frame)} bytes"))
            return
        try:
            message = unpack_frame(frame)
            if self._head is None:
                yield self._begin(message)
            elif isinstance(message, BundleEnd):
                self._finish(self._head, message)
                self._end = message
            else:
                yield from self._carry(message)
        except PeerError as error:
            if self._head is None:
                raise _no_bundle() from None
            yield self._damage(error)
        self._digest.update(frame)
        self._frames += 1

    def _begin(self, message: Message) -> BundleHead:
        if not isinstance(message, BundleHead) or message.version != VERSION:
            raise malformed(f"the head of a bundle of version {VERSION}", type(message).__name__)
        self._head = message
        return message

    def _carry(self, message: Message) -> Iterator[BundleStep]:
        match message:
            case ProofsFrame() if message.certificates or message.sessions or message.seals:
                yield from self._gathering.proofs(message)
            case Entries() if message.entries:
                yield self._gathering.entries(message)
            case Pack():
                yield self._gathering.pack(message)
            case BlobManifest() | BlobChunk():
                yield Carried(message)
            case _:
                raise malformed("what a bundle carries", type(message).__name__)

    def _finish(self, head: BundleHead, end: BundleEnd) -> None:
        """Check that the file is what its maker signed.

        Raises:
            PeerError: it is not.
        """
        if (end.frames, end.digest) != (self._frames, Hash(self._digest.digest())):
            raise malformed("an end that fits what comes before it", "another")
        maker = Signed(Certificate, head.certificates[-1]).claimed() if head.certificates else None
        if maker is None:
            raise malformed("the maker's certificate", "none")
        verify(maker.ed25519, Label.BUNDLE, _signed(end.frames, end.digest), end.signature)

    def _damage(self, error: PeerError) -> Damaged:
        self._damaged += 1
        self._over = self._over or self._damaged >= DAMAGED_MAX
        return Damaged(error)


def head_of(certificates: Iterable[Verified[Certificate]], *, made_ms: int) -> BundleHead:
    """The head of a bundle that the holder of these certificates makes, its own the last."""
    chain = tuple(certificates)
    return BundleHead(
        version=VERSION,
        organisation=chain[-1].value.organisation,
        certificates=tuple(one.wire for one in chain),
        made_ms=made_ms,
    )


def _signed(frames: int, digest: Hash) -> bytes:
    return encode([frames, digest])


def _no_bundle() -> PeerError:
    return malformed("a bundle, as 'fieldward bundle export' writes it", "another file, or one of a newer version")
