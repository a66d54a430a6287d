"""Chunks that are not what they were when they were stored: found by reading every one. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_runtime.blobs.chunks import ChunkFolder
from sync_protocol.blobs import Blob
from sync_protocol.errors import PeerError
from sync_protocol.ids import BlobId


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong with a blob.

    Attributes:
        words: what.
        chunk: which; None where it is the manifest.
    """

    words: str
    chunk: int | None


def damage(folder: ChunkFolder, blob: BlobId) -> Iterator[Damage]:
    """What is wrong with a blob that is said to be whole."""
    wire = folder.manifest(blob)
    if wire is None:
        yield Damage("the manifest is missing", None)
        return
    try:
        known = Blob(wire)
        wrong = known.id != blob
    except PeerError:
        wrong = True
    if wrong:
        yield Damage("the manifest is another", None)
        return
    for index in range(known.count):
        try:
            known.check(index, folder.read(blob, index) or b"")
        except PeerError:
            yield Damage(f"chunk {index} is missing or another", index)
