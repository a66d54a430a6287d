"""The transparency log as files, for anybody who watches it: checkpoints, tiles, entry bundles, an entry's place.

Source: C2SP tlog-tiles, section APIs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from server.relay.errors import MissingError
from server.relay.rates import Desk
from server.serving.answers import address_of
from sync_protocol.ids import EntryHash
from sync_protocol.tiles import TILE_HASHES, Bundle, Tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.relay.cosigning import Cosigning
    from server.relay.published import Published
    from server.relay.services import Services

    _T = TypeVar("_T")

NOTE: Final = "text/plain; charset=utf-8"
OCTETS: Final = "application/octet-stream"
FULL: Final = "public, max-age=31536000, immutable"
"""A full tile is the same for ever."""
PARTIAL: Final = "public, max-age=3600"
"""So is a partial one, but nobody asks for it twice once it has grown."""
CHANGING: Final = "no-cache"
_BUNDLES: Final = "entries/"


def log(services: Services, published: Published, cosigning: Cosigning) -> APIRouter:
    """The log's addresses."""
    router = APIRouter(prefix="/v1/log")

    async def read(look: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(services.readers, look)

    @router.get("/checkpoint")
    async def checkpoint(request: Request) -> Response:
        """The newest checkpoint, as a signed note."""
        services.rates.check(Desk.LOG, address_of(request))
        return _note(services.window.tip.note)

    @router.get("/cosigned")
    async def cosigned(request: Request) -> Response:
        """The newest checkpoint that was cosigned, with both signatures."""
        services.rates.check(Desk.LOG, address_of(request))
        note = await read(cosigning.newest)
        if note is None:
            raise MissingError(
                "no_cosignature",
                expected="a checkpoint that was cosigned",
                got="a relay that has cosigned none yet",
                do="try again in some minutes; if it stays so, look into the relay's log",
            )
        return _note(note)

    @router.get("/tile/{path:path}")
    async def tile(path: str, request: Request) -> Response:
        """A tile, or a bundle of entries."""
        services.rates.check(Desk.LOG, address_of(request))
        if path.startswith(_BUNDLES):
            bundle = Bundle.parse(f"tile/{path}")
            return _octets(await read(lambda: published.bundle(bundle)), bundle)
        wanted = Tile.parse(f"tile/{path}")
        return _octets(await read(lambda: published.tile(wanted)), wanted)

    @router.get("/index/{text}")
    async def index(text: str, request: Request) -> JSONResponse:
        """Which leaf an entry is: a hint where to look, as only tiles prove it."""
        services.rates.check(Desk.LOG, address_of(request))
        name = EntryHash.parse(text)
        found = await read(lambda: published.index(name))
        # An entry is stored a moment before its checkpoint is shown; whoever gets its place must find it under that.
        if found is None or found >= services.window.tip.size:
            raise MissingError(
                "no_such_entry",
                expected="an entry of the log as its newest checkpoint has it",
                got=f"entry {name.short}",
                do="sync the device that wrote it, then ask again",
            )
        return JSONResponse({"index": found}, headers={"Cache-Control": CHANGING})

    return router


def _note(note: bytes) -> Response:
    return Response(note, media_type=NOTE, headers={"Cache-Control": CHANGING})


def _octets(data: bytes | None, what: Tile | Bundle) -> Response:
    if data is None:
        raise MissingError(
            "no_such_tile",
            expected="a tile of the log as its newest checkpoint has it",
            got=what.path,
            do="ask for tiles of a checkpoint that this relay signed",
        )
    caching = FULL if what.width == TILE_HASHES else PARTIAL
    return Response(data, media_type=OCTETS, headers={"Cache-Control": caching})
