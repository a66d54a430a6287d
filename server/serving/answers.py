"""Reads requests within limits, and turns every error into the one form of answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from server.serving.errors import body_of
from sync_protocol.errors import ExplainedError, over_limit

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response
    from starlette.types import ExceptionHandler

BODY_TIMEOUT_S: Final = 30
CBOR: Final = "application/cbor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How one server reads and answers.

    Attributes:
        server: what it is, for the words of its refusals.
        log: where its bugs are told.
        error: its own base of errors.
        slow: the kind of error for who takes too long.
        status_of: the HTTP status of an error.
        headers_of: the headers that go with a status.
    """

    server: str
    log: logging.Logger
    error: type[ExplainedError]
    slow: type[ExplainedError]
    status_of: Callable[[ExplainedError], int]
    headers_of: Callable[[int], dict[str, str]]

    async def read_body(self, request: Request, *, bytes_max: int) -> bytes:
        """The body of a request.

        Raises:
            LimitError: longer than `bytes_max`.
            ExplainedError: of the kind `slow`: it took longer than BODY_TIMEOUT_S, or the sender left.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > bytes_max:
                        raise over_limit("a request", bytes_max, len(body), "bytes or more")
        except (TimeoutError, ClientDisconnect):
            raise self.slow(
                "slow",
                expected=f"a request within {BODY_TIMEOUT_S} seconds",
                got="a part of it",
                do="send less at once",
            ) from None
        return bytes(body)

    def refused(self, error: ExplainedError) -> Response:
        """The answer that says an error."""
        status = self.status_of(error)
        return JSONResponse(body_of(error), status_code=status, headers=self.headers_of(status))

    def install(self, app: FastAPI) -> None:
        """Answer every error in the one form."""

        async def explained(_: Request, error: Exception) -> Response:
            assert isinstance(error, ExplainedError), "registered for these"
            return self.refused(error)

        async def unrouted(_: Request, error: Exception) -> Response:
            assert isinstance(error, HTTPException), "registered for these"
            answer = self.error(
                "no_such_address",
                expected=f"an address and a method that a {self.server} has",
                got=HTTPStatus(error.status_code).phrase.lower(),
                do="correct the address or the method",
            )
            return JSONResponse(body_of(answer), status_code=error.status_code, headers=error.headers)

        async def unexpected(_: Request, error: Exception) -> Response:
            self.log.error("a bug in the %s: %s", self.server, type(error).__name__, exc_info=error)
            do = f"report this, with the {self.server}'s log"
            return self.refused(self.error("internal", expected="no bug", got=type(error).__name__, do=do))

        handlers: dict[type[Exception], ExceptionHandler] = {
            ExplainedError: explained,
            HTTPException: unrouted,
            Exception: unexpected,
        }
        for kind, handler in handlers.items():
            app.add_exception_handler(kind, handler)


def address_of(request: Request) -> str | None:
    """The address that a request comes from."""
    return request.client.host if request.client else None
