"""Failed attempts to open the vault, counted beside it: nothing can be sealed while it is shut.

Owns one small file with a count and two times, no more. The next opening records what it says and removes it. Whoever
can write in the home can remove it too; `docs/audit.md` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.errors import VaultError
from edge_runtime.settings import replace_file
from sync_protocol.errors import PeerError
from sync_protocol.limits import SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import key, pack, uint, unpack

_FILE_BYTES_MAX: Final = 64
_COUNTED: Final = frozenset({"wrong_passphrase", "wrong_keystore", "wrong_pin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Failed attempts since the last opening.

    Attributes:
        first_ms, last_ms: when, by the device's clock; 0 where the file did not say.
    """

    count: int = key(1, uint(SEQ_MAX))
    first_ms: int = key(2, uint(WALL_MS_MAX))
    last_ms: int = key(3, uint(WALL_MS_MAX))


def failed_attempts(path: Path) -> Attempts | None:
    """What was counted; None when no attempt failed. A file that says nothing readable counts as one attempt."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except OSError:
        return None
    try:
        return unpack(Attempts, data, bytes_max=_FILE_BYTES_MAX)
    except PeerError:
        return Attempts(count=1, first_ms=0, last_ms=0)


@contextmanager
def counting(path: Path, clock: Callable[[], int]) -> Iterator[None]:
    """Count the attempt within the block if it fails for the passphrase or PIN; the caller holds the home's lock.

    Args:
        path: the file.
        clock: the time in milliseconds since 1970, UTC.

    A disk that cannot take the count changes nothing about the refusal.
    """
    try:
        yield
    except VaultError as error:
        if error.code in _COUNTED:
            now_ms = clock()
            before = failed_attempts(path) or Attempts(count=0, first_ms=now_ms, last_ms=now_ms)
            after = Attempts(count=min(before.count + 1, SEQ_MAX), first_ms=before.first_ms, last_ms=now_ms)
            with suppress(OSError):
                replace_file(path, pack(after))
        raise


def forget_attempts(path: Path) -> None:
    """Remove the file, once what it says is recorded."""
    with suppress(OSError):
        path.unlink()
