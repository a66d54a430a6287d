"""The enrolment desk over HTTP: anybody may file a request and ask for its answer, administrators list them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from server.relay.enrolment import REQUEST_BYTES_MAX
from server.relay.rates import Desk
from server.relay.routes.requests import ANSWERS
from server.relay.routes.sync import Seats
from server.serving.answers import CBOR, address_of
from sync_protocol.certificates import untrusted
from sync_protocol.encoding import encode
from sync_protocol.ids import DeviceId, UserId
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from server.relay.services import Services

_WAITING = 202


def desk(services: Services, seats: Seats) -> APIRouter:
    """The desk's addresses."""
    router = APIRouter(prefix="/v1/enrolment")
    enrolment = services.enrolment

    @router.post("")
    async def file(request: Request) -> Response:
        """File a request; the answer is asked for under the device's id."""
        services.rates.check(Desk.ENROL, address_of(request))
        data = await ANSWERS.read_body(request, bytes_max=REQUEST_BYTES_MAX)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(services.readers, partial(enrolment.file, data, now_ms=services.now_ms()))
        return Response(status_code=_WAITING)

    @router.get("/{device}")
    async def answer(device: str, request: Request, user: str | None = None) -> Response:
        """The certificate chain of a device, or of one user on it, as a CBOR list from the root's side down."""
        services.rates.check(Desk.ANSWER, address_of(request))
        name, person = DeviceId.parse(device), None if user is None else UserId.parse(user)
        found = await asyncio.get_running_loop().run_in_executor(services.readers, enrolment.answer, name, person)
        if found is None:
            return Response(status_code=_WAITING)
        return Response(encode([certificate.wire for certificate in found.chain]), media_type=CBOR)

    @router.get("")
    async def pending(request: Request) -> Response:
        """The requests that wait, as a CBOR list; for administrators."""
        seat = seats.find(request.headers.get("authorization"))
        if seat.certificate.value.role is not Role.ADMIN:
            raise untrusted("an administrator", f"role {seat.certificate.value.role.value}")
        wires = await asyncio.get_running_loop().run_in_executor(services.readers, enrolment.pending)
        return Response(encode(list(wires)), media_type=CBOR)

    return router
