"""What a running relay does without being asked: cosign its log daily, purge what is due, hear of backups.

Owns when it looks. What goes wrong is written to the program's log, and looked at again the next time.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from server.relay.cosigning import Cosigning
from server.relay.errors import RelayError
from server.relay.purging import Purger
from server.relay.services import Services

_COSIGN_LOOK_S: Final = 600
"""How often to see whether the daily cosignature is due."""
_PURGE_LOOK_S: Final = 600
"""How often to see whether the date of a purge has come, or a legal hold has ended."""
_BACKUP_LOOK_S: Final = 30
"""How often to see whether a backup was made."""
_LOG: Final = logging.getLogger("fieldward.relay")


class Upkeep:
    """One relay's, in its event loop."""

    def __init__(self, services: Services, cosigning: Cosigning, purger: Purger) -> None:
        """Look after `services`, with what cosigns and what purges; in the loop that serves."""
        self._services = services
        self._cosigning = cosigning
        self._purger = purger
        self._loop = asyncio.get_running_loop()
        self._confirmed = asyncio.Event()
        self._confirmed.set()  # what was interrupted goes on
        self._tasks: list[asyncio.Task[None]] = []

    def confirmed(self) -> None:
        """Hear from any thread that a purge was confirmed."""
        self._loop.call_soon_threadsafe(self._confirmed.set)

    async def start(self) -> None:
        """Cosign, before anybody asks for it, and begin to look."""
        await self._cosign()
        self._tasks = [
            asyncio.create_task(self._cosign_daily()),
            asyncio.create_task(self._purge_often()),
            asyncio.create_task(self._watch_backups()),
        ]

    async def stop(self) -> None:
        """Look no more."""
        self._purger.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cosign(self) -> None:
        newest, now_ms = self._services.window.tip.checkpoint, self._services.now_ms()
        try:
            await self._loop.run_in_executor(self._services.readers, self._cosigning.cosign, newest, now_ms)
        except RelayError as error:
            _LOG.error("the log was not cosigned: %s (%s)", error.code, error.got)

    async def _cosign_daily(self) -> None:
        while True:
            await asyncio.sleep(_COSIGN_LOOK_S)
            await self._cosign()

    async def _purge_often(self) -> None:
        services = self._services
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PURGE_LOOK_S):  # `wait_for` may swallow a cancellation (CPython 86296)
                    await self._confirmed.wait()
            self._confirmed.clear()
            await self._loop.run_in_executor(services.readers, self._purger.try_run)
            await self._loop.run_in_executor(services.readers, services.blobs.try_sweep, services.store.purges)

    async def _watch_backups(self) -> None:
        """Tell live connections of what was backed up since."""
        services = self._services
        while True:
            try:
                news = await self._loop.run_in_executor(services.readers, services.backups.look)
            except RelayError as error:
                _LOG.error("what is backed up could not be read: %s (%s)", error.code, error.got)
            else:
                if news:
                    services.fanout.wake_all(services.window.tip.size)
            await asyncio.sleep(_BACKUP_LOOK_S)
