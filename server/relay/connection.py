"""One device's exchange with this relay: carries out what the machine asks, whatever the transport.

A transport hands in messages of whole frames and a way to send; over WebSocket it runs the delivery's `live` beside,
over HTTP it asks that for pages within a request. Messages are handled one after the other; entries that came together
are stored together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, TypeVar

from server.relay.blob_talk import BlobTalk
from server.relay.comparison import Named, compare, find, first_index, holdings
from server.relay.delivery import PAGE_BYTES_MAX, Delivery, SendMessage
from server.relay.errors import RelayError, revoked
from server.relay.feed import LogFeed
from server.relay.ingest import weight_of
from server.relay.locating import located
from server.relay.packing import merged, messages
from server.relay.services import Services
from server.relay.window import Tip
from sync_protocol.certificates import Certificate
from sync_protocol.errors import ExplainedError, PeerError, over_limit
from sync_protocol.frames import FrameReader, pack_frame
from sync_protocol.ids import CertificateHash, SessionId, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.relay_exchange import RelayExchange, note_size
from sync_protocol.signed import Verified
from sync_protocol.steps import (
    BlobSaid,
    Close,
    Compare,
    Feed,
    FeedAgain,
    Greet,
    Hold,
    Locate,
    Peer,
    RelayStep,
    Send,
    Take,
)

FRAMES_MAX: Final = 1024
"""Frames in one message."""
_INLINE_BYTES_MAX: Final = 4096
"""A frame up to this size is decoded in the event loop; a larger one would hold that up."""

Admit = Callable[[Verified[Certificate]], tuple[bytes | None, int | None]]
"""Lets a device in, and says which token stands for that, until when: none over WebSocket. May raise RelayError."""
T = TypeVar("T")


class Ended(Exception):  # noqa: N818 - the way in which every exchange ends
    """The exchange is over; what was to be sent has been sent."""

    def __init__(self, error: ExplainedError | None) -> None:
        """Keep why; None where all is well."""
        super().__init__("the exchange is over")
        self.error = error


class Connection:
    """One exchange. In the event loop's thread; not for two messages at once."""

    def __init__(self, services: Services, *, send: SendMessage, admit: Admit) -> None:
        """Prepare an exchange.

        Args:
            services: the relay.
            send: sends a message, and waits where the device is slow to read.
            admit: called when the device has proved who it is.

        Raises:
            UnclaimedError: this relay cannot prove who it is.
        """
        self._services = services
        self.send = send
        self.admit = admit
        self._exchange = RelayExchange(
            record=services.identity.record,
            signer=services.identity.key,
            trust=services.trust,
            addresses=services.addresses,
            nonce=services.entropy(32),
        )
        self._takes: list[Take] = []
        self._named: list[Named] = []
        self._compared: tuple[Tip, Collection[StreamId]] | None = None
        self._blobs: BlobTalk | None = None
        self.peer: Verified[Certificate] | None = None
        self.delivery = Delivery(
            services,
            self._exchange,
            lambda message: self.send(message),  # noqa: PLW0108 each request over HTTP has a way of its own
        )
        self.in_order = True
        """Whether what was sent has arrived: then a repeated cursor does not begin the feed anew."""

    async def accept(self, message: bytes) -> None:
        """Handle one message of whole frames. Entries in it wait for `flush`, so that more can join them.

        Raises:
            Ended: the exchange is over.
        """
        reader = FrameReader()
        self._exchange.arrived(everything=self.in_order)
        if not self.in_order:
            self.delivery.told_backed = b""
        if self._blobs is not None:
            self._blobs.begin_message()
        try:
            for number, frame in enumerate(reader.feed(message)):
                if number == FRAMES_MAX:
                    raise over_limit("a message", FRAMES_MAX, number + 1, "frames")
                await self._carry_out(await self._receive(frame))
            reader.end()
        except (PeerError, RelayError) as error:
            await self.fail(error)

    async def flush(self) -> None:
        """Store what waits, and answer for it.

        Raises:
            Ended: the exchange is over.
        """
        try:
            await self._store()
        except RelayError as error:
            await self.fail(error)

    async def fail(self, error: ExplainedError) -> None:
        """End the exchange because of an error, telling the device.

        Raises:
            Ended: always.
        """
        await self._carry_out(self._exchange.fail(error))

    async def _receive(self, frame: bytes) -> Sequence[RelayStep]:
        receive = partial(self._exchange.receive, frame, now_ms=self._services.now_ms())
        if self.peer is not None and len(frame) <= _INLINE_BYTES_MAX:
            return receive()
        return await self._in(self._services.verifiers, receive)

    async def _carry_out(self, steps: Iterable[RelayStep]) -> None:
        for step in steps:
            match step:
                case Send():
                    await self.send(step.frame)
                case Close():
                    raise Ended(step.error)
                case Greet() | Peer():
                    await self._meet(step)
                case Take():
                    self._takes.append(step)
                    if sum(len(take.entries) for take in self._takes) >= BATCH_ENTRIES_MAX:
                        await self._store()
                case Locate() | Hold() | Compare() | FeedAgain() | BlobSaid():
                    await self._store()  # a fact goes before its blob, and may open the chart for it
                    await self._reply(step)
                case Feed():
                    self.delivery.owe()

    async def _reply(self, step: Locate | Hold | Compare | FeedAgain | BlobSaid) -> None:
        match step:
            case Locate():
                await self._locate(step)
            case Hold():
                await self._hold()
            case FeedAgain():
                await self._feed_again(step)
            case Compare():
                await self._compare(step)
            case BlobSaid():
                await self._answer(step)

    async def _meet(self, step: Greet | Peer) -> None:
        if isinstance(step, Greet):
            note, paths = await self._in(self._services.readers, self._services.growth.answer, step.shown)
            await self._carry_out(self._exchange.greeted(note=note, paths=paths))
            return
        name = CertificateHash(step.certificate.hash)
        if await self._in(self._services.readers, self._services.revocations.covers, name):
            raise revoked()
        token, expires_ms = self.admit(step.certificate)
        self.peer = step.certificate
        await self._carry_out(self._exchange.ready(token=token, expires_ms=expires_ms))

    @property
    def _reader(self) -> CertificateHash:
        assert self.peer is not None, "only an authenticated device is located"
        return CertificateHash(self.peer.hash)

    async def _store(self) -> None:
        while self._takes:
            proofs, entries = merged(self._takes)
            self._takes = []
            self._services.disk.check()
            self._services.budgets.spend(
                self._services.directory.principal(self._reader),
                entries=len(entries),
                size_bytes=weight_of(proofs, entries),
            )
            done = await self._services.ingest.take(proofs, entries, stored=self._stored)
            size = note_size(done.note)
            growth = await self._services.growth.between(self._exchange.base, size) if done.leaves else None
            answer = partial(
                self._exchange.ingested, note=done.note, leaves=done.leaves, refused=done.refused, consistency=growth
            )
            steps = await self._in(self._services.readers, answer)
            for message in messages([step.frame for step in steps if isinstance(step, Send)]):
                await self.send(message)
            if done.leaves:
                self._exchange.sent(done.note)

    def _stored(self, indices: Sequence[int]) -> None:
        if self.delivery.feed is not None:
            self.delivery.feed.own(indices)

    async def _answer(self, step: BlobSaid) -> None:
        if self._blobs is None:
            self._blobs = BlobTalk(self._services.blobs, self._reader)
        async with self._services.pages.entered(PAGE_BYTES_MAX):  # about a window of chunks, loaded and not yet sent
            for message in await self._in(self._services.readers, self._blobs.answer, step.message):
                await self.send(pack_frame(message))

    async def _locate(self, step: Locate) -> None:
        valid, seals = await self._in(
            self._services.readers, located, step, self._services.store, self._services.growth
        )
        lost: Sequence[tuple[StreamId, SessionId, int]] = ()
        if valid and step.beyond:
            services = self._services
            look = partial(find, step.beyond, services.store)
            named = await self._in(services.readers, look)
            lost = named.lost
            self._named.append(named)
            if self.delivery.feed is not None:
                self.delivery.feed.holds(named)
        if not valid:
            self.delivery.feed, self._named = None, []
        elif not (self.delivery.feed is not None and self.in_order and step.size >= self.delivery.feed.start):
            services = self._services
            self.delivery.feed = LogFeed(
                self._reader, directory=services.directory, trust=services.trust, cursor=step.size
            )
            for named in self._named:
                self.delivery.feed.holds(named)
        note = None if valid else self._services.window.tip.note
        await self._carry_out(self._exchange.located(note=note, seals=seals, lost=lost))

    async def _hold(self) -> None:
        """Say what the log holds; what comes in later than that is fed in any case."""
        services = self._services
        await self.delivery.at_rest()  # what the device asks for of its own accord may cross a page
        readable = services.directory.readable(self._reader)
        self._compared = services.window.tip, readable
        found = await self._in(services.readers, holdings, readable, services.store)
        await self._carry_out(await self._in(services.verifiers, self._exchange.holding, found))

    async def _compare(self, step: Compare) -> None:
        assert self._compared is not None, "a comparison begins with what the log holds"
        services = self._services
        (tip, compared), self._compared = self._compared, None
        look = partial(
            compare,
            step.frontiers,
            step.differing,
            self._reader,
            directory=services.directory,
            store=services.store,
        )
        wanted, missing = await self._in(services.readers, look)
        feed = LogFeed(self._reader, directory=services.directory, trust=services.trust, cursor=0)
        feed.resync(wanted, tip, compared)
        told = partial(find, step.frontiers, services.store)
        feed.holds(await self._in(services.readers, told))
        self.delivery.feed = feed
        await self._carry_out(self._exchange.compared(missing))

    async def _feed_again(self, step: FeedAgain) -> None:
        wanted: dict[StreamId, dict[SessionId, int]] = {}
        for stream, session, first in step.chains:
            wanted.setdefault(stream, {})[session] = first
        services, feed = self._services, self.delivery.feed
        start = await self._in(services.readers, first_index, wanted, services.store)
        if feed is not None and start is not None:
            feed.again(wanted, start=start, until=services.window.tip.size)

    @staticmethod
    async def _in(pool: Executor, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
