"""Asking the relay again for what is lacking: fairly, and less and less often for what does not come.

Whoever may write can name entries that nobody ever wrote, so what is lacking is a claim. A chain that was asked for in
vain is asked for again after one more connection, then after two, four and so on; at once when it has grown, or when
there is room again for what was deferred of it. So a fiction costs a relay and a device little, and nothing is
forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_runtime.identity import Values
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.deferred import deferred, forget_unnamed, unnamed
from edge_runtime.sync.lacking import lacks
from edge_runtime.sync.progress import CURSOR
from sync_protocol.ids import SessionId, StreamId
from sync_protocol.limits import AGAIN_CHAINS_MAX, SEQ_MAX
from sync_protocol.records import identifier, key, many, nested, pack, uint, unpack

ASKED: Final = "deferred/asked"
ASKED_MAX: Final = 16_384
"""Chains of which it is kept how often they were asked for in vain; others count as never asked for."""
WAIT_MAX: Final = 32
"""Connections between two askings, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A chain that was asked for from a number on, `vain` connections apart the last time, and when it is again."""

    stream: StreamId = key(1, identifier(StreamId))
    session: SessionId = key(2, identifier(SessionId))
    first: int = key(3, uint(SEQ_MAX))
    pause: int = key(4, uint(WAIT_MAX))
    due: int = key(5, uint(SEQ_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """ASKED: how many connections have asked, and for what."""

    turn: int = key(1, uint(SEQ_MAX))
    chains: tuple[_Asked, ...] = key(2, many(nested(_Asked), ASKED_MAX))


_NONE: Final = _Book(turn=0, chains=())


def ask_again(store: DeviceStore) -> list[tuple[StreamId, SessionId, int]]:
    """What to ask for on this connection, each chain from a number on; at most AGAIN_CHAINS_MAX.

    Raises:
        StoreError: it cannot be noted.
    """
    lacking = lacks(store)
    book = _load(store)
    if not lacking and book == _NONE:
        return []
    turn = book.turn + 1
    known = {(one.stream, one.session, one.first): one for one in book.chains}
    chosen: dict[tuple[StreamId, SessionId, int], None] = {}
    for one in lacking:
        before = known.get(one.chain)
        if len(chosen) < AGAIN_CHAINS_MAX and (before is None or one.hopeful or before.due <= turn):
            chosen[one.chain] = None
    kept: dict[tuple[StreamId, SessionId, int], _Asked] = {}
    for chain in (one.chain for one in lacking):
        before = known.get(chain)
        if len(kept) >= ASKED_MAX or (before is None and chain not in chosen):
            continue
        pause = 0 if before is None else before.pause
        due = 0 if before is None else before.due
        if chain in chosen:
            pause = min(max(1, 2 * pause), WAIT_MAX)
            due = turn + pause
        stream, session, first = chain
        kept[chain] = _Asked(stream=stream, session=session, first=first, pause=pause, due=due)
    after = _Book(turn=turn, chains=tuple(kept.values())) if lacking else _NONE
    with store.writing() as writer:
        writer.put_value(ASKED, None if after == _NONE else pack(after))
    return list(chosen)


def begin_anew(store: DeviceStore) -> bool:
    """Let the relay feed everything once more, where chains beyond those named were not kept; whether it shall.

    Before a connection, and once what is named is here: then there is room for the others.

    Raises:
        StoreError: it cannot be noted.
    """
    if not unnamed(store) or deferred(store):
        return False
    with store.writing() as writer:
        forget_unnamed(writer)
        writer.put_value(CURSOR, None)
    return True


def _load(values: Values) -> _Book:
    data = values.get_value(ASKED)
    return _NONE if data is None else unpack(_Book, data, bytes_max=len(data))
