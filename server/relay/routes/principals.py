"""How far the sessions of a device or user had come, for an administrator who is to revoke it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from server.relay.errors import MissingError
from server.relay.routes.sync import Seats
from server.serving.answers import CBOR
from sync_protocol.certificates import untrusted
from sync_protocol.encoding import Value, encode
from sync_protocol.errors import malformed
from sync_protocol.ids import CertificateHash, DeviceId
from sync_protocol.limits import WALL_MS_MAX
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from server.relay.services import Services

_DIGITS_MAX: Final = 15


def principals(services: Services, seats: Seats) -> APIRouter:
    """The addresses."""
    router = APIRouter(prefix="/v1/principals")

    @router.get("/{name}/sessions")
    async def sessions(name: str, request: Request) -> Response:
        """For administrators: the sessions of a device or user, and of each the last seal that came before a moment."""
        seat = seats.find(request.headers.get("authorization"))
        if seat.certificate.value.role is not Role.ADMIN:
            raise untrusted("an administrator", f"role {seat.certificate.value.role.value}")
        before_ms = _moment(request.query_params.get("before_ms"))
        look = partial(_answer, services, bytes(DeviceId.parse(name)), before_ms)
        told = await asyncio.get_running_loop().run_in_executor(services.readers, look)
        return Response(encode(told), media_type=CBOR)

    return router


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX and int(text) <= WALL_MS_MAX):
        raise malformed(f"before_ms from 0 to {WALL_MS_MAX}", "something else")
    return int(text)


def _answer(services: Services, wanted: bytes, before_ms: int | None) -> Value:
    """In a reader's thread."""
    trust = services.trust
    matching = [one for one in trust.certificates() if wanted in {bytes(one.value.device), bytes(one.value.user)}]
    if not matching:
        raise MissingError(
            "unknown_principal",
            expected="the id of a device or user that has a certificate here",
            got=f"{wanted[:4].hex()}",
            do="compare it with the list of devices",
        )
    chains = (trust.chain(one.hash) for one in matching)
    certificates = {one.hash: one.wire for chain in chains for one in chain}
    found = services.store.last_seals([CertificateHash(one.hash) for one in matching], before_ms=before_ms)
    return {
        "certificates": list(certificates.values()),
        "sessions": [one.wire for one in found],
        "seals": [[bytes(one.session), one.seal, one.received_ms] for one in found if one.seal is not None],
    }
