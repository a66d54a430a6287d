"""What `fieldward audit watch` says of a look: to a person, and to a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.output import print_json, say, when
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge_runtime.audit.watching import Look, WatchError
    from edge_runtime.errors import RemoteError

_ALARMS: Final = {
    "rollback": "The relay's log is shorter than what it had signed.",
    "split": "The relay signed two logs that contradict each other.",
    "unproven": "The relay does not prove the log that it signed.",
    "stale": "The relay's daily cosignature is missing or old.",
    "foreign_key": "What the relay shows is not signed by its recorded keys.",
}
_HOUR_S: Final = 3_600
_MS: Final = 1_000


def facts(found: Look, evidence: Sequence[Path], now_ms: int) -> dict[str, Any]:
    """A look as one JSON line."""
    point, before = found.checkpoint, found.before
    alarms = [
        {"code": alarm.code, "expected": alarm.expected, "got": alarm.got, "do": alarm.do, "evidence": str(path)}
        for alarm, path in zip(found.alarms, evidence, strict=True)
    ]
    return {
        "ok": not found.alarms,
        "time_ms": now_ms,
        "log": None if point is None else point.origin,
        "size": None if point is None else point.size,
        "root": None if point is None else point.root.hex(),
        "size_before": None if before is None else before.size,
        "cosigned_s": None if found.watched is None else found.watched.cosigned_s,
        "alarms": alarms,
    }


def tell(found: Look, evidence: Sequence[Path], now_ms: int) -> None:
    """A look for a person."""
    for alarm, path in zip(found.alarms, evidence, strict=True):
        _tell_alarm(alarm, path, now_ms)
    if found.alarms or found.checkpoint is None:
        return
    size = found.checkpoint.size
    if found.before is None:
        growth = "the first look, so there is nothing to compare with yet"
    elif size == found.before.size:
        growth = "nothing new"
    else:
        growth = f"{size - found.before.size} new, and nothing before them has changed"
    say(f"{when(now_ms)}  ok  {size} entries: {growth}; {_age(found, now_ms)}.")


def _age(found: Look, now_ms: int) -> str:
    cosigned_s = None if found.watched is None else found.watched.cosigned_s
    if cosigned_s is None:
        return "this relay has no cosigning key on record"
    return f"cosigned {max(0, now_ms // _MS - cosigned_s) // _HOUR_S} h ago"


def _tell_alarm(alarm: WatchError, evidence: Path, now_ms: int) -> None:
    say(f"{when(now_ms)}  ALARM ({alarm.code}): {_ALARMS[alarm.code]}")
    for name, words in (("Expected", alarm.expected), ("Got", alarm.got), ("Do", alarm.do)):
        say(f"  {name + ':':<10}{safe(words)}")
    say(f"  {'Evidence:':<10}{evidence}")


def tell_unreachable(error: RemoteError, now_ms: int, *, as_json: bool) -> None:
    """Say that a look could not be made: no alarm, the next one is made in its time."""
    if as_json:
        parts = {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}
        print_json({"ok": None, "time_ms": now_ms, "error": parts})
        return
    say(f"{when(now_ms)}  no look: expected {safe(error.expected)}; got {safe(error.got)}.")
