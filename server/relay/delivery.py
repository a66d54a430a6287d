"""Delivering a feed over one exchange: page after page, live or as it is asked for.

Owns what the device was sent of its feed, and what it was told of backups; whoever carries out the exchange says which
feed it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from server.relay.fanout import Listener
from server.relay.feed import LogFeed
from server.relay.packing import backlog, messages, packed
from server.relay.services import Services
from server.relay.stretches import FeedPage, PageLimits
from server.relay.window import Absent, Source, Tip
from sync_protocol.backed_up import BackedUp
from sync_protocol.intake import Proofs
from sync_protocol.log_messages import Backed
from sync_protocol.relay_exchange import RelayExchange, note_size
from sync_protocol.signed import Verified
from sync_protocol.steps import Send

PAGE_BYTES_MAX: Final = 1024 * 1024
"""Entries on one page of a feed."""
_NO_PROOFS: Final = Proofs()

SendMessage = Callable[[bytes], Awaitable[None]]


class Delivery:
    """One exchange's. In the event loop's thread.

    Attributes:
        feed: what is delivered; None before the device said how far it is.
        listener: wakes it when something comes in.
        owes_page: whether a page was asked for and is not sent.
        told_backed: the statement of backups that the device has; empty where it has none.
    """

    def __init__(self, services: Services, exchange: RelayExchange, send: SendMessage) -> None:
        """Deliver by `send`, which waits where the device is slow to read; `exchange` says how a page ends."""
        self._services = services
        self._exchange = exchange
        self._send = send
        self.feed: LogFeed | None = None
        self.listener = Listener()
        self.owes_page = False
        self.told_backed = b""
        self._sending = asyncio.Lock()

    async def at_rest(self) -> None:
        """Wait until a page that is under way was sent whole; the exchange says whether another may begin."""
        async with self._sending:
            return

    def owe(self) -> None:
        """Hear that the device asks for a page."""
        self.owes_page = True
        self.listener.wake(0)

    async def live(self) -> None:
        """Send what comes in, for as long as the connection lasts.

        Raises:
            Ended: the exchange is over.
        """
        while True:
            first = await self.listener.wait()
            feed = self.feed
            if feed is not None:
                feed.advance(first)
                while feed is self.feed and await self._page(feed):
                    pass

    async def some(self) -> bool:
        """Send the next page, if one was asked for.

        Returns:
            Whether another one can follow.

        Raises:
            Ended: the exchange is over.
        """
        return self.owes_page and self.feed is not None and await self._page(self.feed)

    async def _page(self, feed: LogFeed) -> bool:
        """Send the next page of a feed; whether another one can follow."""
        services = self._services
        limits = PageLimits(entries=services.settings.page_entries_max, size_bytes=PAGE_BYTES_MAX)
        tip = services.window.tip
        try:
            page = feed.page(services.window, tip, limits)
            return await self._send_page(feed, page, services.fanout.packed(page, packed))
        except Absent:
            async with services.pages.entered(PAGE_BYTES_MAX):
                load = partial(_load, feed, services.archive, tip, limits)
                page, frames = await asyncio.get_running_loop().run_in_executor(services.readers, load)
                return await self._send_page(feed, page, frames)

    async def _send_page(self, feed: LogFeed, page: FeedPage, frames: tuple[bytes, ...]) -> bool:
        if feed is not self.feed:
            return False
        base = self._exchange.base if page.note is None else max(self._exchange.base, note_size(page.note))
        news = None if page.more else self._news(base)
        if not (frames or page.note or page.more or self.owes_page or news):
            return False
        growth = None
        if page.note is not None:
            growth = await self._services.growth.between(self._exchange.base, note_size(page.note))
        backed = None
        if news is not None:
            proof = await self._services.growth.between(base, news.value.size)
            backed = Backed(statement=news.wire, consistency=proof)
        if feed is not self.feed:
            return False
        ends = self._exchange.page(_NO_PROOFS, (), note=page.note, more=page.more, consistency=growth, backed=backed)
        if ends:
            self.told_backed = self.told_backed if news is None else news.wire
            self.owes_page = self.owes_page and page.more
            async with self._sending:
                for message in messages([*frames, *(step.frame for step in ends if isinstance(step, Send))]):
                    await self._send(message)
            if page.note is not None:
                self._exchange.sent(page.note)
        return page.more and bool(ends)

    def _news(self, base: int) -> Verified[BackedUp] | None:
        """What is backed up, if this connection has not heard and can follow: it knows the log up to `base`."""
        newest = self._services.backups.newest
        if newest is None or newest.wire == self.told_backed or not 0 < newest.value.size <= base:
            return None
        return newest


def _load(feed: LogFeed, source: Source, tip: Tip, limits: PageLimits) -> tuple[FeedPage, tuple[bytes, ...]]:
    """Read a page from the store and pack it; in a thread."""
    page = feed.page(source, tip, limits)
    return page, backlog(page)
