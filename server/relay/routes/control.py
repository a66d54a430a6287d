"""The organisation's control records for anybody, with what verifies them: the break-glass desk reads them here.

Whoever reaches the relay may ask, as the desk has no certificate: ids, roles, public keys and revocations are told so,
no name and nothing of a chart.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from server.relay.packing import packed
from server.relay.pages import PageDraft
from server.relay.rates import Desk
from server.relay.routes.requests import FRAMES
from server.relay.stretches import FeedPage, Holdings, PageLimits, Segment
from server.serving.answers import address_of
from sync_protocol.errors import malformed
from sync_protocol.limits import LOG_SIZE_MAX

if TYPE_CHECKING:
    from server.relay.services import Services

ENTRIES_MAX: Final = 512
"""Entries in one answer."""
BYTES_MAX: Final = 1024 * 1024
"""Of entries and proofs in one answer, but for the seals that its first entry takes."""
NEXT: Final = "Fieldward-Next"
"""From which log index on to ask next; that of the log's size where nothing is left."""
SIZE: Final = "Fieldward-Size"
_DIGITS_MAX: Final = 16


def control(services: Services) -> APIRouter:
    """The address."""
    router = APIRouter(prefix="/v1/organisation")

    @router.get("/control")
    async def records(request: Request) -> Response:
        """Entries of the organisation's control stream from a log index on, in frames, proofs before entries."""
        services.rates.check(Desk.LOG, address_of(request))
        after, size = _index(request.query_params.get("after", "0")), services.window.tip.size
        look = partial(read_control_page, services, after, size)
        frames, following = await asyncio.get_running_loop().run_in_executor(services.readers, look)
        headers = {NEXT: str(following), SIZE: str(size), "Cache-Control": "no-cache"}
        return Response(b"".join(frames), media_type=FRAMES, headers=headers)

    return router


def read_control_page(services: Services, after: int, size: int) -> tuple[tuple[bytes, ...], int]:
    """Read what an answer holds; in a reader's thread.

    Whoever asks from `after` on has everything before, proofs included.

    Returns:
        The frames, and the log index to go on from.

    Raises:
        StorageError: the store cannot be read.
    """
    stream = services.directory.organisation
    holdings = Holdings(streams=(stream,), below=min(after, size))
    rest = Segment(streams=(stream,), start=min(after, size), until=size)
    limits = PageLimits(entries=ENTRIES_MAX, size_bytes=BYTES_MAX)
    frames: list[bytes] = []
    found = False
    while rest.start < size and not found:  # an entry may take more seals than a page holds
        draft = PageDraft(holdings, services.archive, services.directory, services.trust, limits)
        rest = draft.fill(rest)
        draft.keep()
        frames += packed(FeedPage(proofs=draft.proofs, entries=tuple(draft.entries), note=None, more=False))
        found = bool(draft.entries)
    return tuple(frames), rest.start


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX and int(text) <= LOG_SIZE_MAX):
        raise malformed(f"after from 0 to {LOG_SIZE_MAX}", "something else")
    return int(text)
