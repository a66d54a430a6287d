"""Sync by HTTP requests, for links that allow no WebSocket: the same frames, and a token in place of the connection.

A request's frames are answered within it, receipts first, then pages up to a limit; what is left is asked for by a
CURSOR in the next request. A response may get lost, and only the device knows: it names the last one that it has read,
and where that is not the last one that was sent, the feed begins again at its cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from server.relay.auth import (
    HANDSHAKE_BYTES,
    HANDSHAKE_LIFE_MS,
    HANDSHAKES_MAX,
    TOKEN_BYTES,
    TOKENS_MAX,
    TOKENS_OF_ONE_MAX,
    Shelf,
    bearer,
    no_token,
)
from server.relay.connection import Connection, Ended
from server.relay.delivery import PAGE_BYTES_MAX
from server.relay.errors import ConflictError, MissingError, busy, retry_after_s, revoked
from server.relay.rates import Desk
from server.relay.routes.requests import ANSWERS, FRAMES
from server.serving.answers import address_of
from sync_protocol.certificates import Certificate
from sync_protocol.ids import CertificateHash
from sync_protocol.limits import FRAME_BYTES_MAX
from sync_protocol.signed import Verified

if TYPE_CHECKING:
    from server.relay.services import Services

EXCHANGE: Final = "Fieldward-Exchange"
"""Header of WELCOME and AUTH: which handshake goes on."""
RESPONSE: Final = "Fieldward-Response"
"""Header of responses: their number; of requests: the last number that was read."""
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""One sync request; a response is about as long at most."""
REQUESTS_MAX: Final = 32
"""Sync requests at once."""


@dataclass(slots=True)
class Seat:
    """A device that syncs by requests: its exchange, which goes on from one request to the next."""

    certificate: Verified[Certificate]
    connection: Connection
    number: int = 0
    taken: bool = False


@dataclass(slots=True)
class _Desk:
    """Collects what a request's exchange sends."""

    parts: list[bytes] = field(default_factory=list)

    async def send(self, message: bytes) -> None:
        self.parts.append(message)


class Seats:
    """Pending handshakes and tokens."""

    def __init__(self, services: Services) -> None:
        """Begin with none."""
        self._services = services
        self._handshakes: Shelf[Connection] = Shelf(items_max=HANDSHAKES_MAX)
        self._seats: Shelf[Seat] = Shelf(items_max=TOKENS_MAX, of_one_max=TOKENS_OF_ONE_MAX)

    async def hello(self, message: bytes) -> tuple[bytes, bytes]:
        """Answer HELLO: the frames, and the name under which the handshake waits."""
        desk = _Desk()
        connection = Connection(self._services, send=desk.send, admit=lambda _: (None, None))
        name = self._services.entropy(HANDSHAKE_BYTES)
        try:
            await connection.accept(message)
        except Ended:
            return b"".join(desk.parts), name
        expires_ms = self._services.now_ms() + HANDSHAKE_LIFE_MS
        self._handshakes.put(name, connection, owner=None, expires_ms=expires_ms)
        return b"".join(desk.parts), name

    async def auth(self, header: str | None, message: bytes) -> bytes:
        """Answer AUTH by READY with a token.

        Raises:
            MissingError: no such handshake waits.
        """
        connection = self._handshakes.take(_parsed(header), now_ms=self._services.now_ms())
        if connection is None:
            raise MissingError(
                "unknown_exchange",
                expected=f"{EXCHANGE}: the name that came with WELCOME, within a minute",
                got="another, or none",
                do="begin again with HELLO",
            )
        desk = _Desk()
        connection.send = desk.send
        connection.admit = lambda certificate: self._issue(certificate, connection)
        with suppress(Ended):
            await connection.accept(message)
        return b"".join(desk.parts)

    def find(self, header: str | None) -> Seat:
        """The seat that a token stands for.

        Raises:
            TokenError: no token, or one that is unknown or has ended.
            RevokedError: its device is trusted no longer.
        """
        seat = self._seats.get(bearer(header), now_ms=self._services.now_ms())
        if seat is None:
            raise no_token()
        name = CertificateHash(seat.certificate.hash)
        if self._services.directory.principal(name) in self._services.directory.revoked:
            raise revoked()
        return seat

    async def sync(self, header: str | None, message: bytes, *, read: str | None) -> tuple[bytes, dict[str, str]]:
        """Handle a request's frames: the answer's frames and its headers. One request of a seat at a time.

        Raises:
            TokenError: no good token.
        """
        seat = self.find(header)
        connection, desk = seat.connection, _Desk()
        later_s: int | None = None
        connection.send = desk.send
        connection.in_order = read == str(seat.number)
        try:
            await connection.accept(message)
            await connection.flush()
            room = BODY_BYTES_MAX
            self.find(header)
            while room > PAGE_BYTES_MAX and await connection.delivery.some():
                room = BODY_BYTES_MAX - sum(map(len, desk.parts))
        except Ended as ended:
            self._seats.take(bearer(header), now_ms=self._services.now_ms())
            later_s = retry_after_s(ended.error)
        seat.number += 1
        headers = {RESPONSE: str(seat.number)}
        return b"".join(desk.parts), headers if later_s is None else headers | {"Retry-After": str(later_s)}

    def revoke(self, name: CertificateHash) -> None:
        """End every token of a certificate."""
        self._seats.revoke(name)

    def _issue(self, certificate: Verified[Certificate], connection: Connection) -> tuple[bytes, int]:
        services = self._services
        token = services.entropy(TOKEN_BYTES)
        expires_ms = min(services.now_ms() + services.settings.token_life_ms, certificate.value.not_after_ms)
        owner = CertificateHash(certificate.hash)
        self._seats.put(token, Seat(certificate, connection), owner=owner, expires_ms=expires_ms)
        return token, expires_ms


def sync(services: Services, seats: Seats) -> APIRouter:
    """The addresses of sync by requests."""
    router = APIRouter(prefix="/v1/sync")
    room = asyncio.Semaphore(REQUESTS_MAX)

    @router.post("/hello")
    async def hello(request: Request) -> Response:
        """HELLO, answered by WELCOME."""
        services.rates.check(Desk.HANDSHAKE, address_of(request))
        frames, name = await seats.hello(await ANSWERS.read_body(request, bytes_max=FRAME_BYTES_MAX))
        return Response(frames, media_type=FRAMES, headers={EXCHANGE: name.hex()})

    @router.post("/auth")
    async def auth(request: Request) -> Response:
        """AUTH, answered by READY with a token."""
        services.rates.check(Desk.HANDSHAKE, address_of(request))
        message = await ANSWERS.read_body(request, bytes_max=FRAME_BYTES_MAX)
        return Response(await seats.auth(request.headers.get(EXCHANGE), message), media_type=FRAMES)

    @router.post("")
    async def frames(request: Request) -> Response:
        """Frames, answered by frames."""
        header = request.headers.get("authorization")
        with _taken(seats.find(header)):  # from its first byte on: who stalls holds one place a token, not all
            if room.locked():
                raise busy("sync requests", REQUESTS_MAX, "requests")
            async with room:
                message = await ANSWERS.read_body(request, bytes_max=BODY_BYTES_MAX)
                answer, headers = await seats.sync(header, message, read=request.headers.get(RESPONSE))
        return Response(answer, media_type=FRAMES, headers=headers)

    return router


@contextmanager
def _taken(seat: Seat) -> Iterator[None]:
    if seat.taken:
        raise ConflictError(
            "request_under_way",
            expected="one request at a time with one token",
            got="a second one",
            do="wait for the first one's response",
        )
    seat.taken = True
    try:
        yield
    finally:
        seat.taken = False


def _parsed(header: str | None) -> bytes:
    try:
        return bytes.fromhex(header or "")
    except ValueError:
        return b""
