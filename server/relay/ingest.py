"""From received bytes to receipts: verify off the event loop, store in group commits, prove inclusion.

A batch counts when its transaction has committed; its leaves are proved in the checkpoint of that commit, those of
duplicates too. What waits is bounded in bytes: a sender whose batch finds no room is not read from until there is some.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from server.relay.batches import Batch, Written
from server.relay.committer import Committer, Done, Result
from server.relay.errors import RelayError
from server.relay.fanout import Fanout
from server.relay.gate import Gate
from server.relay.store import SqlStore
from server.relay.window import Commit, SealPlace, Tip, Window
from sync_protocol.certificates import Certificate, Session, Trust, open_relay
from sync_protocol.control import AnnounceRelay, Certify, unpack_control
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    open_break_glass,
    open_recovery,
)
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import SessionId
from sync_protocol.intake import Checked, Intake, Proofs, Refusal
from sync_protocol.limits import SEAL_FORKS_MAX, SEQ_MAX
from sync_protocol.log_messages import Leaf
from sync_protocol.revocation import Revoke, open_revocation
from sync_protocol.signed import Signed, Verified

IN_FLIGHT_BYTES_MAX: Final = 64 * 1024 * 1024
"""Received and not yet committed, of all connections together."""
_SESSIONS_KEPT: Final = 16_384
_SEALS_AT_FIRST: Final = SEAL_FORKS_MAX + 2
"""Of one session, read when a batch first asks: more than one number can have."""
_SEALS_AT_ONCE_MAX: Final = 512
"""Of one session, as more and more are asked for in order."""
_ENTRY_BYTES: Final = 512
"""What an entry takes beside header and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a batch.

    Attributes:
        note: the checkpoint in which the leaves stand.
        leaves: every entry of the batch that is durable here now, with its path.
        refused: what was not taken, and why.
    """

    note: bytes
    leaves: tuple[Leaf, ...]
    refused: tuple[Refusal, ...]


class Ingest:
    """Takes batches from every connection."""

    def __init__(
        self, *, store: SqlStore, trust: Trust, window: Window, fanout: Fanout, verifiers: Executor, readers: Executor
    ) -> None:
        """Take in what `store` then holds.

        Args:
            store: the relay's store; read here, written by the committer.
            trust: the organisation's certificates.
            window: extended at each commit.
            fanout: woken after it.
            verifiers: threads for cryptography.
            readers: threads for reading the store.
        """
        self._store = store
        self._trust = trust
        self._window = window
        self._fanout = fanout
        self._verifiers = verifiers
        self._readers = readers
        self._gate = Gate(IN_FLIGHT_BYTES_MAX)
        self._sessions: dict[SessionId, Verified[Session]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._committer: Committer | None = None

    def start(self, committer: Committer) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._committer = committer
        committer.start()

    async def stop(self) -> None:
        """Commit what was taken, then end."""
        assert self._committer is not None, "it was started"
        await asyncio.to_thread(self._committer.stop)

    @property
    def state(self) -> str:
        """How the writer is: ok, or a word for what is wrong."""
        if self._committer is None or not self._committer.alive:
            return "stopped"
        return "ok" if self._committer.trouble is None else self._committer.trouble.code

    async def take(
        self, proofs: Proofs, entries: Sequence[WireEntry], *, stored: Callable[[Sequence[int]], None]
    ) -> Ingested:
        """Verify a batch and store it durably.

        Args:
            proofs: what came with it.
            entries: what came.
            stored: told the log indices after the commit, before anybody is woken.

        Raises:
            StorageError: nothing was stored.
            BusyError: the relay stops.
        """
        assert self._loop is not None, "it was started"
        async with self._gate.entered(weight_of(proofs, entries)):
            batch = await self._loop.run_in_executor(self._verifiers, self._verify, proofs, entries)
            tip, written = await self._commit(batch, stored)
        indices = [index for _, index in written.places]
        paths = await self._loop.run_in_executor(self._readers, self._store.inclusion_paths, indices, tip.size)
        leaves = tuple(
            Leaf(entry=name, index=index, path=path) for (name, index), path in zip(written.places, paths, strict=True)
        )
        return Ingested(note=tip.note, leaves=leaves, refused=tuple(written.refused))

    def published(self, commit: Commit | None, settled: Sequence[tuple[Done, Result]]) -> None:
        """Called by the committer in its thread: show a commit in the event loop's."""
        assert self._loop is not None, "it was started"
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._show, commit, settled)

    def judged(self) -> None:
        """Called after a judgement of who is revoked, in any thread: end their connections in the event loop's."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fanout.enforce)

    def destroyed(self, indices: Collection[int]) -> None:
        """Called when entries lost their bodies, in any thread: let go of copies in the event loop's."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._forget, indices)

    def _forget(self, indices: Collection[int]) -> None:
        self._window.forget(indices)
        self._fanout.forget()

    def _show(self, commit: Commit | None, settled: Sequence[tuple[Done, Result]]) -> None:
        """In this order: whoever is woken finds the window ready and knows its own entries."""
        if commit is not None:
            self._window.extend(commit)
        for done, result in settled:
            done(result)
        if commit is not None:
            self._fanout.wake(commit)

    async def _commit(self, batch: Batch, stored: Callable[[Sequence[int]], None]) -> tuple[Tip, Written]:
        assert self._loop is not None, "it was started"
        assert self._committer is not None, "it was started"
        checked = batch.checked
        if not (checked.entries or checked.certificates or checked.sessions or checked.seals):
            return self._window.tip, Written(refused=list(checked.refused))
        settled: asyncio.Future[tuple[Tip, Written]] = self._loop.create_future()

        def done(result: Result) -> None:
            if isinstance(result, RelayError):
                if not settled.done():
                    settled.set_exception(result)
                return
            stored([item.index for item in result[1].arrived])
            if not settled.done():
                settled.set_result(result)

        self._committer.submit(batch, done)
        return await settled

    def _verify(self, proofs: Proofs, entries: Sequence[WireEntry]) -> Batch:
        """Check signatures and paths; in a verifier's thread."""
        known = _Known(self._store, self._sessions)
        checked = Intake(self._trust, known).check(proofs, entries)
        self._check_organisation(checked)
        seals = {place: tuple(found) for place, found in known.found.items() if found}
        for seal in checked.seals:
            place = (seal.value.session, seal.value.number)
            seals[place] = (*seals.get(place, ()), seal)
        brought = {session.value.session: session for session in checked.sessions}
        needed = {entry.header.session for entry in checked.entries}
        return Batch(checked=checked, sessions={n: brought.get(n) or known.met[n] for n in needed}, seals=seals)

    def _check_organisation(self, checked: Checked) -> None:
        """Verify what stands signed inside the organisation's control records, before they are stored."""
        kept: list[VerifiedEntry] = []
        for entry in checked.entries:
            try:
                if entry.header.stream == self._trust.root.value.control:
                    checked.certificates.extend(self._inside(entry))
                kept.append(entry)
            except PeerError as error:
                checked.refused.append(Refusal(entry.hash, error))
        checked.entries[:] = kept

    def _inside(self, entry: VerifiedEntry) -> tuple[Verified[Certificate], ...]:
        """The certificates that a control record of the organisation brings."""
        match unpack_control(entry.body):
            case AnnounceRelay(record=wire):
                open_relay(wire, self._trust.root)
            case AnnounceBreakGlass(record=wire):
                open_break_glass(wire, self._trust.root)
            case AnnounceRecovery(record=wire):
                open_recovery(wire, self._trust.root)
            case Revoke(record=wire):
                open_revocation(wire, self._trust)
            case Certify(certificate=wire):
                return self._trust.chain(self._trust.admit(Signed(Certificate, wire)).hash)
            case _:
                pass
        return ()


class _Known:
    """What the store knows, asked as seldom as can be; remembers for a batch what it answered."""

    def __init__(self, store: SqlStore, sessions: dict[SessionId, Verified[Session]]) -> None:
        self._store = store
        self._kept = sessions
        self._pages: dict[SessionId, _Page] = {}
        self.met: dict[SessionId, Verified[Session]] = {}
        self.found: dict[SealPlace, tuple[Verified[Seal], ...]] = {}

    def session(self, name: SessionId) -> Verified[Session] | None:
        found = self._kept.get(name) or self._store.session(name)
        if found is not None:
            self.met[name] = found
            if len(self._kept) >= _SESSIONS_KEPT:
                self._kept.clear()
            self._kept[name] = found
        return found

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        page = self._pages.get(session)
        if page is None or page.end <= number < page.end + page.limit:
            limit = _SEALS_AT_FIRST if page is None else min(page.limit * 2, _SEALS_AT_ONCE_MAX)
            page = self._pages[session] = self._page(session, max(number - 1, 0), limit)
        # A jump is looked up by itself: whoever sends one for each entry must not have a page read for it.
        known = page.first <= number < page.end
        found = page.seals.get(number, ()) if known else self._store.seals(session, number)
        self.found[session, number] = found
        return found

    def _page(self, session: SessionId, first: int, limit: int) -> _Page:
        """Read on from a number: a batch's seals mostly follow each other, and each names the one before it."""
        read = self._store.seals_from(session, first, limit=limit)
        seals: dict[int, tuple[Verified[Seal], ...]] = {}
        for seal in read:
            seals[seal.value.number] = (*seals.get(seal.value.number, ()), seal)
        cut_off = len(read) >= limit  # there may be more of the last number
        return _Page(limit, first, read[-1].value.number if cut_off else SEQ_MAX + 1, seals)


@dataclass(frozen=True, slots=True)
class _Page:
    """A session's seals of the numbers from `first` on, below `end`, read with at most `limit` at once."""

    limit: int
    first: int
    end: int
    seals: Mapping[int, tuple[Verified[Seal], ...]]


def weight_of(proofs: Proofs, entries: Sequence[WireEntry]) -> int:
    """What a batch takes in memory, in bytes."""
    carried = sum(len(entry.header) + len(entry.body) + _ENTRY_BYTES for entry in entries)
    return carried + sum(map(len, (*proofs.certificates, *proofs.sessions, *proofs.seals)))
