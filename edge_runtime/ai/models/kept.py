"""What this device noted about a model when it took it in: since when, on whose word, and what its file was like.

Owns the small file beside a model's. It holds no digest that a load relies on: those are the manifest's. The stamp
tells a file that nobody touched since its last full check from one that has to be read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.strict_json import HEX_DIGEST, Fields, read_object, write_object

if TYPE_CHECKING:
    from edge_runtime.clinical.fact_json import Json

KEPT_BYTES_MAX: Final = 64 * 1024
_VERSION: Final = 1
_NS_PER_US: Final = 1000


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file looked when all of it was last read and found right.

    Attributes:
        size: its bytes.
        changed_us: its time of change in microseconds since 1970, as the file system says.
    """

    size: int
    changed_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Somebody's agreement to a model's terms.

    Attributes:
        licence: the licence's id.
        manifest: digest of the manifest in which these terms stood, hex.
        at_ms: when.
        by: the user id of the home for which it was said, hex; empty: nobody's home was named.
    """

    licence: str
    manifest: str
    at_ms: int
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was noted.

    Attributes:
        imported_ms: when the model came.
        linked: its file stays where it was; here is only a link to it.
        stamp: of its file at the last full check.
        accepted: who agreed to its terms; None where nobody has to.
    """

    imported_ms: int
    linked: bool
    stamp: Stamp
    accepted: Acceptance | None = None


def stamp_of(path: Path) -> Stamp:
    """How a file looks now.

    Raises:
        OSError: it is not there.
    """
    found = os.stat(path)  # noqa: PTH116 follows the link, as reading does
    return Stamp(size=found.st_size, changed_us=max(0, found.st_mtime_ns // _NS_PER_US))


def write_kept(kept: Kept) -> bytes:
    """The file's bytes."""
    accepted: Json = None
    if kept.accepted is not None:
        said = kept.accepted
        accepted = {"licence": said.licence, "manifest": said.manifest, "at_ms": said.at_ms, "by": said.by}
    return write_object(
        {
            "fieldward_kept": _VERSION,
            "imported_ms": kept.imported_ms,
            "linked": kept.linked,
            "stamp": {"bytes": kept.stamp.size, "changed_us": kept.stamp.changed_us},
            "accepted": accepted,
        }
    )


def read_kept(data: bytes) -> Kept:
    """Read the file.

    Raises:
        ModelError: `model_note_damaged`.
    """
    try:
        fields = read_object(data, bytes_max=KEPT_BYTES_MAX)
        fields.number("fieldward_kept", least=_VERSION, most=_VERSION)
        kept = Kept(
            imported_ms=fields.number("imported_ms"),
            linked=fields.flag("linked"),
            stamp=_stamp(fields.within("stamp")),
            accepted=fields.maybe("accepted", _accepted),
        )
        fields.end()
    except ValueError as error:
        raise ModelError(
            "model_note_damaged",
            expected="what this device noted when it took the model in",
            got=str(error),
            do="remove the model and import it again",
        ) from None
    return kept


def _stamp(fields: Fields) -> Stamp:
    stamp = Stamp(size=fields.number("bytes"), changed_us=fields.number("changed_us"))
    fields.end()
    return stamp


def _accepted(fields: Fields, name: str) -> Acceptance:
    said = fields.within(name)
    found = Acceptance(
        licence=said.text("licence", chars_max=64),
        manifest=said.text("manifest", chars_max=64, form=HEX_DIGEST),
        at_ms=said.number("at_ms"),
        by=said.text("by", chars_max=64),
    )
    said.end()
    return found
