"""What was changed about this device's models, so that every home on it can have it in its audit trail.

Owns the journal's file. A change is found by comparing what is there with what the journal last said was there: a crash
between a change and its line leaves a change that the next one writes down. Lines are chained, so that a home knows
where it stopped reading, also after somebody removed the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_runtime.ai.models.manifest import NAME
from edge_runtime.ai.models.strict_json import HEX_DIGEST, Fields, read_object, write_object
from edge_runtime.settings import replace_file

if TYPE_CHECKING:
    from edge_runtime.clinical.fact_json import Json

LINES_MAX: Final = 500
"""The newest lines are kept; a home that was not opened for longer misses older ones."""
PRESENT_MAX: Final = 4_096
JOURNAL_BYTES_MAX: Final = 4 * 1024 * 1024
_VERSION: Final = 1
_FIRST: Final = "0" * 64
_ADAPTER: Final = re.compile(rf"|{NAME.pattern}")


class Action(StrEnum):
    """What was done."""

    IMPORTED = "imported"
    REMOVED = "removed"
    ADAPTER_IMPORTED = "adapter_imported"
    ADAPTER_REMOVED = "adapter_removed"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Present:
    """A model or an adapter that is there.

    Attributes:
        model: the model's name.
        adapter: the adapter's; empty for the model itself.
        digest: SHA-256 of its file, hex.
        licence: the id of its terms.
        accepted: whether somebody agreed to them; False where nobody has to.
    """

    model: str
    adapter: str = ""
    digest: str
    licence: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line.

    Attributes:
        id: SHA-256 over the id before and this line, hex.
        at_ms: when it was written down.
        action: what was done.
        present: to what.
    """

    id: str
    at_ms: int
    action: Action
    present: Present


@dataclass(frozen=True, slots=True)
class Journal:
    """The file.

    Attributes:
        present: what was there after the last line.
        changes: the newest lines, oldest first.
    """

    present: frozenset[Present] = frozenset()
    changes: tuple[Change, ...] = ()


def read_journal(path: Path) -> Journal:
    """Read the file; none, or one that cannot be read, is an empty journal: the next change begins a new one."""
    try:
        with path.open("rb") as file:
            data = file.read(JOURNAL_BYTES_MAX + 1)
        fields = read_object(data, bytes_max=JOURNAL_BYTES_MAX)
        fields.number("fieldward_journal", least=_VERSION, most=_VERSION)
        present = frozenset(_present(one) for one in fields.objects("present", items_max=PRESENT_MAX))
        changes = tuple(_change(one) for one in fields.objects("changes", items_max=LINES_MAX))
        fields.end()
    except (OSError, ValueError):
        return Journal()
    return Journal(present, changes)


def write_down(path: Path, present: Iterable[Present], *, now_ms: int) -> tuple[Change, ...]:
    """Write down what changed since the last line: the caller holds the folder's lock.

    Args:
        path: the journal.
        present: everything that is there now.
        now_ms: the time in milliseconds since 1970, UTC.

    Returns:
        The new lines.

    Raises:
        OSError: it cannot be written; the next change writes it down.
    """
    before, now = read_journal(path), frozenset(present)
    last = before.changes[-1].id if before.changes else _FIRST
    new: list[Change] = []
    for one, gone in sorted(
        [(one, True) for one in before.present - now] + [(one, False) for one in now - before.present]
    ):
        change = _chained(last, now_ms, _action(one, gone=gone), one)
        new.append(change)
        last = change.id
    if new:
        value: dict[str, Json] = {
            "fieldward_journal": _VERSION,
            "present": [_present_json(one) for one in sorted(now)],
            "changes": [_change_json(one) for one in (*before.changes, *new)[-LINES_MAX:]],
        }
        replace_file(path, write_object(value))
    return tuple(new)


def since(journal: Journal, last: str | None) -> tuple[Change, ...]:
    """The lines after the one whose id is `last`; all of them where that is not among them."""
    ids = [change.id for change in journal.changes]
    return journal.changes[ids.index(last) + 1 :] if last in ids else journal.changes


def _action(one: Present, *, gone: bool) -> Action:
    if one.adapter:
        return Action.ADAPTER_REMOVED if gone else Action.ADAPTER_IMPORTED
    return Action.REMOVED if gone else Action.IMPORTED


def _chained(before: str, at_ms: int, action: Action, one: Present) -> Change:
    said = write_object({"before": before, "at_ms": at_ms, "action": action.value, **_present_json(one)})
    return Change(id=hashlib.sha256(said).hexdigest(), at_ms=at_ms, action=action, present=one)


def _present_json(one: Present) -> dict[str, Json]:
    return {
        "model": one.model,
        "adapter": one.adapter,
        "digest": one.digest,
        "licence": one.licence,
        "accepted": one.accepted,
    }


def _change_json(change: Change) -> Json:
    return {"id": change.id, "at_ms": change.at_ms, "action": change.action.value, **_present_json(change.present)}


def _read_present(fields: Fields) -> Present:
    return Present(
        model=fields.text("model", chars_max=64, form=NAME),
        adapter=fields.text("adapter", chars_max=64, form=_ADAPTER),
        digest=fields.digest("digest"),
        licence=fields.text("licence", chars_max=64),
        accepted=fields.flag("accepted"),
    )


def _present(fields: Fields) -> Present:
    found = _read_present(fields)
    fields.end()
    return found


def _change(fields: Fields) -> Change:
    found = Change(
        id=fields.text("id", chars_max=64, form=HEX_DIGEST),
        at_ms=fields.number("at_ms"),
        action=Action(fields.text("action", chars_max=20)),
        present=_read_present(fields),
    )
    fields.end()
    return found
