"""Reads requests within limits, and turns every error into the one form of answer."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from server.relay.errors import RelayError, SlowError, body_of, headers_of, status_of
from sync_protocol.errors import ExplainedError, over_limit

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response
    from starlette.types import ExceptionHandler

BODY_TIMEOUT_S: Final = 30
CBOR: Final = "application/cbor"
FRAMES: Final = "application/vnd.fieldward.frames"
_LOG: Final = logging.getLogger("fieldward.relay")


async def read_body(request: Request, *, bytes_max: int) -> bytes:
    """The body of a request.

    Raises:
        LimitError: longer than `bytes_max`.
        SlowError: it took longer than BODY_TIMEOUT_S, or the sender left.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise over_limit("a request", bytes_max, len(body), "bytes or more")
    except (TimeoutError, ClientDisconnect):
        raise SlowError(
            "slow", expected=f"a request within {BODY_TIMEOUT_S} seconds", got="a part of it", do="send less at once"
        ) from None
    return bytes(body)


def address_of(request: Request) -> str | None:
    """The address that a request comes from."""
    return request.client.host if request.client else None


def refused(error: ExplainedError) -> Response:
    """The answer that says an error."""
    status = status_of(error)
    return JSONResponse(body_of(error), status_code=status, headers=headers_of(status))


def install(app: FastAPI) -> None:
    """Answer every error in the one form."""

    async def explained(_: Request, error: Exception) -> Response:
        assert isinstance(error, ExplainedError), "registered for these"
        return refused(error)

    async def unrouted(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "registered for these"
        answer = RelayError(
            "no_such_address",
            expected="an address and a method that a relay has",
            got=HTTPStatus(error.status_code).phrase.lower(),
            do="correct the address or the method",
        )
        return JSONResponse(body_of(answer), status_code=error.status_code, headers=error.headers)

    async def unexpected(_: Request, error: Exception) -> Response:
        _LOG.error("a bug in the relay: %s", type(error).__name__, exc_info=error)
        return refused(
            RelayError("internal", expected="no bug", got=type(error).__name__, do="report this, with the relay's log")
        )

    handlers: dict[type[Exception], ExceptionHandler] = {
        ExplainedError: explained,
        HTTPException: unrouted,
        Exception: unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
