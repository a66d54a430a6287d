"""Attachments: files that belong to a document. The fact names the sealed blob and holds its key; nothing else does.

Owns how such a fact is read, and the short list of media types that are shown as what they say. Refuses to open one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.schemas import flaw
from edge_runtime.facts import Fact
from sync_protocol.ids import BlobId

MEDIA_TYPES: Final = frozenset(
    {
        "application/dicom",
        "application/json",
        "application/pdf",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "text/csv",
        "text/plain",
        "video/mp4",
    }
)
"""Types that are shown by their name. What another author calls otherwise is kept and shown as UNKNOWN_TYPE."""
UNKNOWN_TYPE: Final = "application/octet-stream"
_SUFFIXES: Final = {
    "csv": "text/csv",
    "dcm": "application/dicom",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webp": "image/webp",
}
_NAME_CHARS_MAX: Final = 120
_UNFIT: Final = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]+')
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """What an attachment's fact says.

    Attributes:
        blob: which sealed file.
        key: 32 bytes that open it; never shown.
        name: a file name, fit for any file system.
        media_type: one of MEDIA_TYPES, or UNKNOWN_TYPE.
        file_bytes: the file's length.
        sha256: of the file.
        title: what people call it.
    """

    blob: BlobId
    key: bytes
    name: str
    media_type: str
    file_bytes: int
    sha256: bytes
    title: str | None

    def __repr__(self) -> str:
        """Show which blob, without its key and name."""
        return f"Attachment({self.blob.short})"


def attachment_of(fact: Fact) -> Attachment | None:
    """Read an attachment's fact; None for another kind, or one that this version cannot use."""
    if fact.kind != Kind.ATTACHMENT or flaw(fact) is not None:
        return None
    said = fact.payload
    media_type, title = str(said["media_type"]), said.get("title")
    size = said["bytes"]
    assert isinstance(size, int), "a usable fact states a whole number of bytes"
    return Attachment(
        blob=BlobId.parse(str(said["blob"])),
        key=bytes.fromhex(str(said["key"])),
        name=fit_name(str(said["name"])),
        media_type=media_type if media_type in MEDIA_TYPES else UNKNOWN_TYPE,
        file_bytes=size,
        sha256=bytes.fromhex(str(said["sha256"])),
        title=None if title is None else str(title),
    )


def fit_name(name: str) -> str:
    """A file name without folders, hidden characters and what some file system refuses; never empty, never hidden."""
    kept = "".join(letter for letter in name if unicodedata.category(letter) not in _HIDDEN)
    fit = _UNFIT.sub("_", kept).strip(" .")
    stem, dot, suffix = fit.rpartition(".")
    if len(fit) > _NAME_CHARS_MAX and dot and len(suffix) < _NAME_CHARS_MAX // 2:
        fit = stem[: _NAME_CHARS_MAX - len(suffix) - 1] + dot + suffix
    return fit[:_NAME_CHARS_MAX] or "attachment"


def media_type_of(name: str) -> str:
    """What a file's name says that it is."""
    _, dot, suffix = name.rpartition(".")
    return _SUFFIXES.get(suffix.lower(), UNKNOWN_TYPE) if dot else UNKNOWN_TYPE
