"""Who this relay is, the organisation that it serves, how it is, and the record by which it is claimed."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from server.relay.backed import told_backup
from server.relay.errors import RelayError
from server.relay.identity import fingerprint
from server.relay.rates import Desk
from server.relay.routes.requests import ANSWERS
from server.serving.answers import CBOR, address_of
from sync_protocol.limits import RECORD_BYTES_MAX

if TYPE_CHECKING:
    from server.relay.services import Services

_HEALTH_TIMEOUT_S: Final = 5


def about(services: Services, organisation_file: bytes) -> APIRouter:
    """The addresses that anybody may ask."""
    router = APIRouter(prefix="/v1")
    identity = services.identity

    @router.get("/relay")
    async def relay() -> JSONResponse:
        """Tell keys, log name and record: what an administrator signs, and what a device verifies."""
        key = identity.key.public
        told = {
            "organisation": identity.root.value.organisation.hex(),
            "key": key.hex(),
            "origin": identity.origin,
            "cosigner": identity.cosigner.hex(),
            "cosigner_proof": identity.cosigner_proof.hex(),
            "fingerprint": fingerprint(key),
            "record": identity.record.wire.hex() if identity.claimed else None,
        }
        return JSONResponse(told)

    @router.post("/relay/record")
    async def claim(request: Request) -> Response:
        """Take the root's record of this relay."""
        services.rates.check(Desk.CLAIM, address_of(request))
        wire = await ANSWERS.read_body(request, bytes_max=RECORD_BYTES_MAX)
        await asyncio.get_running_loop().run_in_executor(services.readers, identity.claim, wire)
        return JSONResponse({"claimed": True})

    @router.get("/organisation")
    async def organisation() -> Response:
        """Hand out the organisation file; whoever reads it verifies it."""
        return Response(organisation_file, media_type=CBOR)

    @router.get("/health")
    async def health() -> JSONResponse:
        """Tell how the parts are: for machines that watch, without a word about anybody's data."""
        devices, told_devices = services.watch.told(services.now_ms())
        parts = {"database": await _database(services), "log": "ok", "writer": services.ingest.state}
        parts["disk"] = services.disk.state
        well = all(state == "ok" for state in parts.values())
        parts["devices"] = devices  # a silent device is not the relay's illness
        said = None if services.backups.newest is None else services.backups.newest.value
        backup = told_backup(said, services.now_ms())
        parts["backup"] = backup["state"]  # nor does it serve worse without one
        told: dict[str, Any] = {
            "status": "ok" if well else "degraded",
            "claimed": identity.claimed,
            "parts": parts,
            "version": version("fieldward"),
            "log_size": services.window.tip.size,
            "devices": told_devices,
            "backup": backup,
        }
        return JSONResponse(told, status_code=200 if well else 503)

    return router


async def _database(services: Services) -> str:
    look = partial(services.store.checkpoint_at, services.window.tip.size)
    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT_S):
            found = await asyncio.get_running_loop().run_in_executor(services.readers, look)
    except RelayError as error:
        return error.code
    except TimeoutError:
        return "slow"
    return "ok" if found is not None else "storage_damaged"
