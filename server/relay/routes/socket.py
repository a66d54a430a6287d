"""Sync over WebSocket: binary messages of whole frames, both ways at once, for as long as the device stays.

What the device sends is read a few messages ahead and no further; what it does not read holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.status import WS_1000_NORMAL_CLOSURE, WS_1008_POLICY_VIOLATION, WS_1013_TRY_AGAIN_LATER

from server.relay.connection import Connection, Ended
from server.relay.errors import RelayError, SlowError, retry_after_s, revoked
from server.relay.rates import Desk
from sync_protocol.certificates import Certificate
from sync_protocol.errors import ExplainedError, malformed
from sync_protocol.frames import pack_frame
from sync_protocol.ids import CertificateHash
from sync_protocol.refusal_messages import failure
from sync_protocol.signed import Verified

if TYPE_CHECKING:
    from server.relay.services import Services

HANDSHAKE_TIMEOUT_S: Final = 20
LIFE_S_MAX: Final = 24 * 3600
"""After this a device shakes hands again."""
_FIRST_WORD_S: Final = 5
_FAREWELL_S: Final = 0.3
"""How long a revoked device may take to hear why."""
_AHEAD_MAX: Final = 512
"""Messages that are read before they are handled."""
_AHEAD_BYTES_MAX: Final = 512 * 1024
"""Their bytes, but for the last one's."""
_LOG: Final = logging.getLogger("fieldward.relay")


def socket(services: Services) -> APIRouter:
    """The address of sync over WebSocket."""
    router = APIRouter()

    @router.websocket("/v1/sync")
    async def live(websocket: WebSocket) -> None:
        """One device, from HELLO to the end."""
        await websocket.accept()
        try:
            services.rates.check(Desk.HANDSHAKE, websocket.client.host if websocket.client else None)
            error = await _Live(services, websocket).run()
        except RelayError as refusal:
            error = refusal
            await _heard(websocket)
            await _tell(websocket, refusal)
        await _close(websocket, error)

    return router


class _Live:
    """One WebSocket."""

    def __init__(self, services: Services, websocket: WebSocket) -> None:
        self._services = services
        self._websocket = websocket
        self._connection = Connection(services, send=websocket.send_bytes, admit=self._admit)
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD_MAX)
        self._ahead = 0
        self._handled = asyncio.Event()
        self._deadline = asyncio.timeout(HANDSHAKE_TIMEOUT_S)

    async def run(self) -> ExplainedError | None:
        """Serve until either side ends; why, if not all was well."""
        ended: ExplainedError | None = None
        try:
            async with self._deadline, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._connection.delivery.live())
                tasks.create_task(self._handle())
                tasks.create_task(self._until_revoked())
        except* Ended as group:
            ended = _first(group).error
        except* WebSocketDisconnect:
            pass
        except* TimeoutError:
            ended = SlowError(
                "session_over",
                expected=f"a handshake within {HANDSHAKE_TIMEOUT_S} seconds, and a new one every day",
                got="none",
                do="connect again",
            )
            await _tell(self._websocket, ended)
        finally:
            if self._connection.peer is not None:
                name = CertificateHash(self._connection.peer.hash)
                self._services.fanout.leave(name, self._connection.delivery.listener)
        return ended

    def _admit(self, certificate: Verified[Certificate]) -> tuple[None, None]:
        """Wake this connection from now on, until its certificate ends."""
        self._services.fanout.join(CertificateHash(certificate.hash), self._connection.delivery.listener)
        left_s = (certificate.value.not_after_ms - self._services.now_ms()) / 1000
        self._deadline.reschedule(asyncio.get_running_loop().time() + min(left_s, LIFE_S_MAX))
        return None, None

    async def _until_revoked(self) -> None:
        """End as soon as the device is revoked, though it reads nothing or a page is under way."""
        await self._connection.delivery.listener.revoked.wait()
        error = revoked()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await _tell(self._websocket, error)
        raise Ended(error)

    async def _read(self) -> None:
        """Read ahead, so that entries which came in one breath are stored in one."""
        message = await self._websocket.receive()
        while message["type"] != "websocket.disconnect":
            data: bytes | None = message.get("bytes")
            if data is None:
                await self._connection.fail(malformed("binary messages", "text"))
                return
            while self._ahead > _AHEAD_BYTES_MAX:
                self._handled.clear()
                await self._handled.wait()
            self._ahead += len(data)
            await self._inbox.put(data)
            message = await self._websocket.receive()
        await self._inbox.put(None)

    async def _handle(self) -> None:
        while True:
            message = await self._inbox.get()
            while message is not None:
                self._ahead -= len(message)
                self._handled.set()
                await self._connection.accept(message)
                if self._inbox.empty():
                    break
                message = self._inbox.get_nowait()
            await self._connection.flush()
            if message is None:
                raise Ended(None)


def _first(group: BaseExceptionGroup[Ended]) -> Ended:
    """Why the first of the tasks ended; the others ended because of it."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def _heard(websocket: WebSocket) -> None:
    """Wait for HELLO: a device that is cut off while it speaks may not listen to the reason."""
    with suppress(TimeoutError):
        await asyncio.wait_for(websocket.receive(), _FIRST_WORD_S)


async def _tell(websocket: WebSocket, error: ExplainedError) -> None:
    try:
        await websocket.send_bytes(pack_frame(failure(error)))
    except (WebSocketDisconnect, RuntimeError):
        _LOG.debug("a device left before it heard: %s", error.code)


async def _close(websocket: WebSocket, error: ExplainedError | None) -> None:
    later = error is not None and retry_after_s(error) is not None
    code = WS_1013_TRY_AGAIN_LATER if later else WS_1008_POLICY_VIOLATION
    try:
        await websocket.close(code if error else WS_1000_NORMAL_CLOSURE, error.code if error else None)
    except (WebSocketDisconnect, RuntimeError):
        _LOG.debug("a device left before it was let go")
