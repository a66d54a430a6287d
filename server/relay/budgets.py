"""How much one author's device may bring in an hour, and how full the disk may get: what is over waits, none is lost.

Owns the two refusals that only put off. A device keeps what was not receipted, and comes again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from limits import RateLimitItem, RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.relay.errors import QuotaError, StorageError

if TYPE_CHECKING:
    from sync_protocol.ids import CertificateHash

_MIB: Final = 1 << 20


class Budgets:
    """Counts, in fixed windows of an hour and in memory, what each principal brought. In the event loop's thread."""

    def __init__(self, *, entries_an_hour: int, bytes_an_hour: int, now_ms: Callable[[], int]) -> None:
        """Begin at nothing; `now_ms` is the clock, in Unix milliseconds."""
        self._now_ms = now_ms
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._entries = RateLimitItemPerHour(entries_an_hour, namespace="entries")
        self._bytes = RateLimitItemPerHour(bytes_an_hour, namespace="bytes")

    def spend(self, who: CertificateHash, *, entries: int, size_bytes: int) -> None:
        """Count a batch, if there is room for all of it; a batch that no hour has room for takes a whole one.

        Raises:
            QuotaError: there is not; nothing was counted.
        """
        asked = ((self._entries, entries, "entries"), (self._bytes, size_bytes, "bytes"))
        for item, cost, unit in asked:
            if not self._limiter.test(item, who.hex(), cost=min(cost, item.amount)):
                raise self._over(item, who, unit)
        for item, cost, _ in asked:
            self._limiter.hit(item, who.hex(), cost=min(cost, item.amount))

    def _over(self, item: RateLimitItem, who: CertificateHash, unit: str) -> QuotaError:
        left_s = self._limiter.get_window_stats(item, who.hex()).reset_time - self._now_ms() / 1000
        retry_after_s = min(max(1, round(left_s)), item.get_expiry())
        return QuotaError(
            expected=f"at most {item.amount} {unit} in an hour from one user on one device",
            got="more",
            do=f"come back in {retry_after_s} seconds; what waits here waits on",
            retry_after_s=retry_after_s,
        )


class DiskFloor:
    """The free space below which the relay takes nothing more. Threads may share one."""

    def __init__(
        self, folder: Path, *, free_bytes_min: int, free: Callable[[Path], int] = lambda at: shutil.disk_usage(at).free
    ) -> None:
        """Watch the file system of a folder, which exists.

        Args:
            folder: the relay's home.
            free_bytes_min: what is to stay free, so that the database can still be mended, purged and backed up.
            free: how many bytes are free where a folder is.
        """
        self._folder = folder
        self._free_bytes_min = free_bytes_min
        self._free = free

    @property
    def state(self) -> str:
        """How it is, in a word for health: ok or storage_low."""
        return "ok" if self._free(self._folder) >= self._free_bytes_min else "storage_low"

    def check(self) -> None:
        """Refuse to take anything while there is too little.

        Raises:
            StorageError: there is.
        """
        if self.state != "ok":
            raise StorageError(
                "storage_low",
                expected=f"{self._free_bytes_min // _MIB} MiB free on the relay's disk",
                got=f"{self._free(self._folder) // _MIB} MiB",
                do="come back later, and keep everything; the relay's operator has to add or free disk space",
            )
