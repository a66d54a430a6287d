"""Whether a model's file is still what came: at a glance before each load, and byte by byte when somebody asks.

Owns both checks. The glance compares size and time of change with those at the last full check; whoever can change a
file and set its time back can also change this program, so that no more is worth its seconds at every start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.entry import KEPT_FILE, NEUTRAL_FILE, Entry, unusable
from edge_runtime.ai.models.kept import Kept, Stamp, stamp_of, write_kept
from edge_runtime.ai.models.pieces import NEUTRAL_BYTES_MAX, damaged_pieces, digest, digests_of
from edge_runtime.ai.models.receiving import SILENT, Progress
from edge_runtime.settings import replace_file

_NAMED_MAX: Final = 8
_DAMAGED: Final = Stamp(size=0, changed_us=0)
"""What is noted of a file that was found damaged: no file looks so."""


def check_quickly(entry: Entry) -> None:
    """Look whether the file may be loaded. The package's own small one is read whole.

    Raises:
        ModelError: `model_missing`, `model_damaged` or `model_touched`.
    """
    now = _stamp(entry)
    _check_neutral(entry)
    if entry.kept is None:
        with entry.path.open("rb") as file:
            right = digests_of(file).sha256 == entry.manifest.sha256
        if not right:
            raise _damaged("the file that the package brought", "another one", "reinstall the package")
    elif entry.kept.stamp == _DAMAGED:
        raise _damaged("a file that is whole", "one that was found damaged", "mend it: import the model again")
    elif now.size != entry.manifest.size:
        raise _damaged(f"{entry.manifest.size:,} bytes", f"{now.size:,} bytes", "mend it: import the model again")
    elif now != entry.kept.stamp:
        raise ModelError(
            "model_touched",
            expected="a file that nobody touched since it was last checked",
            got="a later or earlier time of change",
            do=f"check it: fieldward model verify {entry.name}",
        )


def is_untouched(entry: Entry) -> bool:
    """Whether the file passes the glance."""
    try:
        check_quickly(entry)
    except ModelError:
        return False
    return True


def verify(entry: Entry, progress: Progress = SILENT) -> None:
    """Read every byte, and note what was found: a whole file is good for loading again, a damaged one is not.

    The caller holds the folder's lock, unless the model is the package's own.

    Raises:
        ModelError: `model_damaged`, with the pieces that are; `model_missing`.
    """
    before = _stamp(entry)
    _check_neutral(entry)
    try:
        bad = list(_bad(entry, progress))
    except OSError as error:
        raise _damaged("a file that can be read to its end", (error.strerror or "an error").lower(), _MEND) from None
    if entry.kept is not None:
        _note(entry, entry.kept, _DAMAGED if bad else before)
    if bad:
        named = ", ".join(str(one + 1) for one in bad[:_NAMED_MAX]) + (" and more" if len(bad) > _NAMED_MAX else "")
        count = len(entry.manifest.pieces)
        raise _damaged(f"{count} pieces as they came", f"{len(bad)} damaged: number {named} of {count}", _MEND)


_MEND: Final = "import the model again: only the damaged pieces are fetched; it is not loaded until then"


def _check_neutral(entry: Entry) -> None:
    """The adapter that changes nothing is small: it is read whole each time."""
    if not entry.manifest.neutral:
        return
    try:
        with entry.neutral.open("rb") as file:
            right = digest(file.read(NEUTRAL_BYTES_MAX + 1)) == entry.manifest.neutral
    except OSError:
        right = False
    if not right:
        raise _damaged(f"the file {NEUTRAL_FILE} as it came", "another one, or none", _MEND)


def _bad(entry: Entry, progress: Progress) -> Iterator[int]:
    progress.begin("Checking", entry.manifest.size)
    with entry.path.open("rb") as file:
        yield from damaged_pieces(file, entry.manifest.pieces, entry.manifest.size, progress.done)


def _note(entry: Entry, kept: Kept, stamp: Stamp) -> None:
    try:
        replace_file(entry.folder / KEPT_FILE, write_kept(replace(kept, stamp=stamp)))
    except OSError as error:
        raise unusable(error) from None


def _stamp(entry: Entry) -> Stamp:
    try:
        return stamp_of(entry.path)
    except OSError as error:
        linked = entry.kept is not None and entry.kept.linked
        raise ModelError(
            "model_missing",
            expected="the model's file" + (" where it was linked from" if linked else ""),
            got=(error.strerror or "none").lower(),
            do="put the stick back, or import the model again" if linked else "import the model again",
        ) from None


def _damaged(expected: str, got: str, do: str) -> ModelError:
    return ModelError("model_damaged", expected=expected, got=got, do=do)
