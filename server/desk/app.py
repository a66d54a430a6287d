"""The composition root of the desk: reads the clock, draws entropy, opens its home, and answers over HTTP.

Requests are carried out one after another, in one thread of their own: the journal is one file.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from server.desk.desk import Desk
from server.desk.errors import DeskError, SlowError, StartError, headers_of, status_of
from server.desk.following import Following
from server.desk.journal import JOURNAL, Journal
from server.desk.keys import KEY_FILE, DeskKeys, load_keys, make_keys
from server.desk.organisation_book import ORGANISATION_RECORDS, OrganisationBook
from server.desk.rates import Rates
from server.desk.relay_reader import RelayReader
from server.serving.answers import CBOR, Answers, address_of
from sync_protocol.certificates import Trust
from sync_protocol.errors import PeerError
from sync_protocol.ids import RootHash
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.records import pack

if TYPE_CHECKING:
    T = TypeVar("T")

ORGANISATION_FILE: Final = "organisation.cbor"
ANSWERS: Final = Answers(
    server="break-glass desk",
    log=logging.getLogger("fieldward.desk"),
    error=DeskError,
    slow=SlowError,
    status_of=status_of,
    headers_of=headers_of,
)


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """A desk, opened: the application that a server runs, and what it works with."""

    desk: Desk
    app: FastAPI


def found_desk(home: Path, organisation_file: bytes, *, root: RootHash | None) -> DeskKeys:
    """Make a desk's keys in its home, and keep whom it serves.

    Args:
        home: exists.
        organisation_file: the organisation's, whose root everything is judged by.
        root: its hash, where it came out of band.

    Raises:
        StartError: the organisation file is not sound, or there is a desk in this home already.
    """
    _trust(organisation_file, root)
    keys = make_keys(home / KEY_FILE, os.urandom)
    (home / ORGANISATION_FILE).write_bytes(organisation_file)
    return keys


def open_desk(home: Path, *, relay: str | None = None, offline: bool = False) -> OpenDesk:
    """Open a desk's home.

    Args:
        home: where its keys and files are.
        relay: the organisation's relay, asked for control records before each request is judged; None for none.
        offline: go on though that relay does not answer.

    Raises:
        StartError: no desk was made there, or its files are not what it wrote; or that is no relay's address.
    """
    reader = None if relay is None else RelayReader(relay)
    keys = load_keys(home / KEY_FILE)
    book = OrganisationBook(home / ORGANISATION_RECORDS, kept_trust(home))
    journal = Journal(home / JOURNAL)
    if reader is None:
        desk = Desk(keys, book, journal, rates=Rates(), now_ms=_now_ms)
    else:
        following = Following(reader, book, offline=offline, elapsed_ms=_elapsed_ms)
        desk = Desk(keys, book, journal, rates=Rates(), now_ms=_now_ms, catch_up=following.catch_up)
    return OpenDesk(desk, application(desk))


def kept_trust(home: Path) -> Trust:
    """The root that a desk serves, and the administrator whom it certified.

    Raises:
        StartError: no desk was made there, or the organisation file is not sound.
    """
    try:
        organisation_file = (home / ORGANISATION_FILE).read_bytes()
    except OSError as error:
        raise _unsound(f"{error.strerror}") from None
    return _trust(organisation_file, None)


def application(desk: Desk) -> FastAPI:
    """The desk's addresses."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="fieldward-desk")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.shutdown()
        desk.book.close()
        desk.journal.close()

    # No generated documentation pages: they load scripts from elsewhere.
    app = FastAPI(title="Fieldward break-glass desk", lifespan=lifespan, openapi_url=None)

    async def carry_out(work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(worker, work)

    @app.get("/v1/desk")
    async def about() -> JSONResponse:
        """Tell the public keys: what the root signs once people compared the fingerprint."""
        keys = desk.keys
        told = {
            "organisation": desk.book.root.value.organisation.hex(),
            "desk": keys.wrap.public.hex(),
            "signer": keys.signer.public.hex(),
            "fingerprint": keys.fingerprint,
        }
        return JSONResponse(told)

    @app.get("/v1/desk/control")
    async def frontier() -> Response:
        """Tell how far the organisation's control records are known here."""
        return Response(pack(await carry_out(desk.book.frontier)), media_type=CBOR)

    @app.post("/v1/desk/control")
    async def news(request: Request) -> JSONResponse:
        """Take control records of the organisation; anybody may bring them."""
        desk.rates.news(address_of(request))
        data = await ANSWERS.read_body(request, bytes_max=RECORD_BYTES_MAX)
        return JSONResponse({"new": await carry_out(lambda: desk.book.take(data))})

    @app.post("/v1/desk/open")
    async def open_chart(request: Request) -> Response:
        """Answer a request."""
        desk.rates.asked(address_of(request))
        wire = await ANSWERS.read_body(request, bytes_max=RECORD_BYTES_MAX)
        return Response(await carry_out(lambda: desk.answer(wire)), media_type=CBOR)

    @app.get("/v1/health")
    async def health() -> JSONResponse:
        """Tell that it is there, and how many requests it wrote down."""
        return JSONResponse({"status": "ok", "journal_lines": desk.journal.lines, "journal_head": desk.journal.head})

    ANSWERS.install(app)
    return app


def _trust(organisation_file: bytes, root: RootHash | None) -> Trust:
    try:
        found, administrator = open_organisation_file(organisation_file, expected=root)
    except PeerError as error:
        raise _unsound(error.got) from None
    trust = Trust(found)
    trust.restore(administrator)
    return trust


def _unsound(got: str) -> StartError:
    return StartError(
        "organisation_file",
        expected="an organisation file as `fieldward org init` wrote it, of the root that was named",
        got=got,
        do="copy the file again from an administrator's device, and compare the root's hash",
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _elapsed_ms() -> int:
    return time.monotonic_ns() // 1_000_000
