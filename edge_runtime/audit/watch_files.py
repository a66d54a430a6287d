"""What a watcher keeps: a small state file, and beside it a file of evidence for every alarm.

Both are JSON with notes as text, so that a person can read them and any program after C2SP's forms can check them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from edge_runtime.audit.watching import Shown, Watched, WatchError
from edge_runtime.errors import InputError
from edge_runtime.settings import replace_file
from sync_protocol.ids import Hash
from sync_protocol.limits import NOTE_BYTES_MAX

_VERSION: Final = 1
_STATE_BYTES_MAX: Final = 4 * NOTE_BYTES_MAX
_NAME_DIGITS: Final = 8


def load_watched(path: Path) -> Watched | None:
    """What earlier looks verified; None where there is no file yet. Its note is verified again by the next look.

    Raises:
        InputError: the file cannot be read, or is no such state.
    """
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_STATE_BYTES_MAX))
        note, cosigned_s, version = told["note"], told["cosigned_s"], told["version"]
        if version != _VERSION or not isinstance(note, str) or type(cosigned_s) not in {int, type(None)}:
            raise ValueError  # noqa: TRY301 every way not to be a state ends the same
        return Watched(note=note.encode(), cosigned_s=cosigned_s)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unusable("a state file as an earlier watch left it", path, error) from None


def save_watched(path: Path, watched: Watched) -> None:
    """Keep what was verified; a crash leaves the old state or the new.

    Raises:
        InputError: it cannot be written.
    """
    _write(path, {"version": _VERSION, "note": watched.note.decode(), "cosigned_s": watched.cosigned_s})


def write_evidence(
    state: Path, alarm: WatchError, watched: Watched | None, shown: Shown, record: bytes, *, now_ms: int
) -> Path:
    """Write what proves an alarm beside the state file: both notes as they were signed, and the record of the keys.

    Returns:
        The file; the same evidence has the same name.

    Raises:
        InputError: it cannot be written.
    """
    name = Hash.of(shown.note + (shown.cosigned or b"")).hex()[:_NAME_DIGITS]
    path = state.with_name(f"{state.name}.{alarm.code}.{name}.json")
    evidence = {
        "alarm": alarm.code,
        "expected": alarm.expected,
        "got": alarm.got,
        "found_ms": now_ms,
        "relay_record": record.hex(),
        "trusted_note": None if watched is None else _text(watched.note),
        "shown_note": _text(shown.note),
        "cosigned_note": _text(shown.cosigned),
        "shown_root_at_trusted_size": alarm.shown_root.hex() or None,
        "consistency_path": [node.hex() for node in alarm.path],
    }
    _write(path, evidence)
    return path


def _text(note: bytes | None) -> str | None:
    """A note as text; bytes that are none are escaped, because a relay may have sent anything."""
    return None if note is None else note.decode("utf-8", "backslashreplace")


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        replace_file(path, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")
    except OSError as error:
        raise _unusable("a file that can be written", path, error) from None


def _unusable(expected: str, path: Path, error: Exception) -> InputError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "something else"
    return InputError(
        "watch_state",
        expected=expected,
        got=f"{reason}: {path}",
        do="check the file's owner and free space; a state that is damaged is replaced by removing it",
    )
