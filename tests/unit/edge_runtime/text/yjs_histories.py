"""Random histories of several authors, some on pycrdt, some on Yjs, and what each implementation reads in the end.

Owns the comparison: every history goes through our draft in a random causal order, and through Yjs in another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_runtime.text.draft import Effect, TextDraft, client_id
from edge_runtime.text.history import TextEntry
from tests.support.yjs import Edit, Yjs
from tests.unit.edge_runtime.text.histories import (
    DOC,
    PIECES,
    Written,
    causal,
    entry_hash,
    heads,
    session,
    write_history,
)

SCRIPTS = [
    *PIECES,
    "שלום ",
    "مرحبا",
    "\u202eabc\u202c",
    "\u200f",
    "e\u0323\u0302",
    "👨🏽‍⚕️",
    "🏳️‍🌈",
    "👍🏿",
    "क्षि",
    "กำ",
    "ǅ",
    "ß",
    "\u1100\u1161\u11a8",
    "\U0001f468\u200d",
    "\r\n",
]
"""What is typed: accents composed and not, sequences of emoji, marks on marks, scripts from right to left, Hangul."""
BATCH = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """One history: its number, and the text of both."""

    number: int
    ours: str
    theirs: str | None
    entries: list[TextEntry]


def compare(yjs: Yjs, seed: int, numbers: Sequence[int]) -> Iterator[Compared]:
    """Write histories and read them in both; each number makes the same history with the same seed."""
    for start in range(0, len(numbers), BATCH):
        part = numbers[start : start + BATCH]
        made = [_history(yjs, random.Random(f"{seed} {number}"), number) for number in part]
        orders = [causal(random.Random(f"{seed} {number} theirs"), one) for number, one in zip(part, made, strict=True)]
        theirs = yjs.texts([[each.update for each in order] for order in orders])
        for number, entries, text in zip(part, made, theirs, strict=True):
            yield Compared(number, _ours(random.Random(f"{seed} {number} ours"), entries), text, entries)


def _ours(rng: random.Random, entries: list[TextEntry]) -> str:
    draft = TextDraft(DOC)
    for each in causal(rng, entries):
        uptake = draft.apply(each)
        assert uptake.effect is Effect.APPLIED, f"{uptake} of what an honest author typed"
    text = draft.text()
    assert draft.complete, "pycrdt reads another text than our own order"
    return text


def _history(yjs: Yjs, rng: random.Random, number: int) -> list[TextEntry]:
    authors, entries = rng.randint(2, 5), rng.randint(6, 16)
    if number % 2:
        return _written_by_yjs(yjs, rng, authors=authors, entries=entries)
    written: Written = write_history(rng, authors=authors, entries=entries, actions=4, pieces=SCRIPTS)
    return written.entries


def _written_by_yjs(yjs: Yjs, rng: random.Random, *, authors: int, entries: int) -> list[TextEntry]:
    """Authors who type into Yjs, see each other's entries at random, and declare what they saw."""
    yjs.forget()
    seen: list[set[int]] = [set() for _ in range(authors)]
    texts = [""] * authors
    written: list[TextEntry] = []
    for _ in range(entries):
        me = rng.randrange(authors)
        news = sorted(rng.choice(seen) - seen[me]) if rng.random() < 0.5 else []
        client = client_id(session(me), DOC)
        _, texts[me] = yjs.write(str(me), client, [written[index].update for index in news], [])
        seen[me].update(news)
        update, texts[me] = yjs.write(str(me), client, [], list(_edits(rng, texts[me])))
        if update is None:
            continue
        entry = TextEntry(
            entry=entry_hash(len(written)), session=session(me), parents=heads(written, seen[me]), update=update
        )
        seen[me].add(len(written))
        written.append(entry)
    return written


def _edits(rng: random.Random, now: str) -> Iterator[Edit]:
    """Some changes of a text between its characters, one after the other."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(now))
        to = min(len(now), at + rng.randint(1, 6)) if rng.random() < 0.4 else at
        piece = "" if to > at and rng.random() < 0.5 else rng.choice(SCRIPTS)
        yield _units(now[:at]), _units(now[at:to]), piece
        now = now[:at] + piece + now[to:]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
