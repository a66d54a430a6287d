"""What `fieldward doctor` says of entries on their way: what waits, what is held, what forked, what was restored."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from edge_runtime.cli.sync_status_text import ALARMS, ago, entries

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.lacking import Held

_WITHHELD_SHOWN_MS: Final = 30 * 24 * 60 * 60 * 1000
_WHY: Final = {
    "store_older": "its store is older than it was: it was restored where it lies",
    "other_marker": "the marker beside its store is gone or another's",
    "other_file": "its store is a copy",
    "backup": "it was made of a backup",
    "relay": "the relay has more of what it wrote",
    "peer": "a device that was met has more of what it wrote",
    "came_back": "what it wrote came back from elsewhere",
}


def waiting_warnings(runtime: Runtime) -> list[str]:
    """What waits for the relay, and what it refused."""
    from edge_runtime.store.uploads import UploadState

    counts = runtime.store.upload_counts()
    found: list[str] = []
    if counts[UploadState.PENDING]:
        found.append(f"{entries(counts[UploadState.PENDING])} on this device only; sync when you can")
    if counts[UploadState.AT_PEER]:
        found.append(f"{entries(counts[UploadState.AT_PEER])} at another device as well, not yet at the relay; sync")
    if counts[UploadState.REFUSED]:
        found.append(
            f"{entries(counts[UploadState.REFUSED])} refused by the relay; each sync offers again, and "
            "'fieldward sync status' says why"
        )
    return found


def sync_warnings(runtime: Runtime, now_ms: int) -> list[str]:
    """What is held or deferred, which chains fork, and which sessions this device left, with the way out."""
    from edge_runtime.sync.lacking import held_report

    held = _held(held_report(runtime.store), now_ms)
    return [*_alarm(runtime), *held, *_withheld(runtime, now_ms), *_forks(runtime), *_left(runtime, now_ms)]


def _alarm(runtime: Runtime) -> list[str]:
    from edge_runtime.sync.progress import ALARM

    noted = runtime.store.get_value(ALARM)
    return [] if noted is None else [f"ALARM: {ALARMS.get(noted.decode(), noted.decode()).removesuffix('.')}"]


def _held(report: list[Held], now_ms: int) -> list[str]:
    counts: Counter[tuple[str, str]] = Counter()
    oldest: dict[tuple[str, str], int] = {}
    for one in report:
        why = one.got, one.do
        counts[why] += one.count
        oldest[why] = min(one.since_ms, oldest.get(why, one.since_ms))
    return [
        f"held, {entries(count)}: {got}{_since(oldest[got, do], now_ms)}; {do}"
        for (got, do), count in sorted(counts.items())
    ]


def _withheld(runtime: Runtime, now_ms: int) -> list[str]:
    """For as long as an administrator may still want to know."""
    from edge_runtime.sync.recheck import rechecked

    found = rechecked(runtime.store)
    age_ms = 0 if found is None else max(0, now_ms - found.withheld_ms)
    if found is None or not found.withheld or age_ms > _WITHHELD_SHOWN_MS:
        return []
    words = (
        f"the relay has withheld {entries(found.withheld)} at the least, which came {ago(age_ms // 1000)} ago when all "
        "was compared; tell an administrator"
    )
    return [words]


def _since(since_ms: int, now_ms: int) -> str:
    """How long something waits; nobody knows of what has no name."""
    return f", for up to {ago(max(0, now_ms - since_ms) // 1000)}" if since_ms else ""


def _forks(runtime: Runtime) -> list[str]:
    store = runtime.store
    forked = {session for stream in store.streams() for session in store.forked(stream)}
    words = (
        f"{len(forked)} session{'' if len(forked) == 1 else 's'} wrote twice at one place, as a restored or copied "
        "device does; nothing is lost, facts of both count, and text from there on awaits review: 'fieldward audit "
        "findings'"
    )
    return [words] if forked else []


def _left(runtime: Runtime, now_ms: int) -> list[str]:
    from edge_runtime.restored import notes

    left = notes(runtime.store)
    return [
        f"{ago(max(0, now_ms - one.at_ms) // 1000)} ago this device went on in a new session, because "
        f"{_WHY.get(one.why, one.why)}; what it wrote before comes back by sync; use one copy of it only"
        for one in left[-1:]
    ]
