"""Histories of several authors, written by the real engine, for tests that replay them in other orders.

Owns authors who type into their own pycrdt Docs, see each other's entries at random, and declare what they saw. One
entry of a history comes after its parents in the list, so the list is one causal order.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from pycrdt import Doc, Text

from edge_runtime.text.draft import client_id
from edge_runtime.text.history import TextEntry
from sync_protocol.ids import EntryHash, SessionId

DOC = b"d" * 16
PIECES = [
    "a",
    "bc",
    "500 mg",
    " ",
    "\n",
    "é",
    "e\u0301",
    "😀",
    "👩‍👩‍👧",
    "🇩🇪",
    "\ufeff",
    "\0",
    "漢字",
    "नि",
    "x😀y\U0001d4b3z",
]


def entry_hash(*parts: object) -> EntryHash:
    """A made-up entry hash."""
    return EntryHash(hashlib.sha256(repr(parts).encode()).digest())


def session(number: int) -> SessionId:
    """A made-up session."""
    return SessionId(hashlib.sha256(b"session %d" % number).digest()[:16])


@dataclass
class Author:
    """One session with its own Doc; `seen` are indices into the history."""

    number: int
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Open the Doc under the session's client id."""
        self.session = session(self.number)
        self.client = client_id(self.session, DOC)
        self.doc: Doc[Text] = Doc(client_id=self.client)
        self.text = self.doc.get("text", type=Text)

    def write(self, rng: random.Random, actions: int, pieces: Sequence[str] = PIECES) -> bytes | None:
        """Insert and delete at random in one transaction; None if nothing changed."""
        made: list[bytes] = []
        subscription = self.doc.observe(lambda event: made.append(event.update))
        now = str(self.text)
        with self.doc.transaction():
            for _ in range(actions):
                at = rng.randint(0, len(now))
                if now and rng.random() < 0.4:
                    to = min(len(now), at + rng.randint(1, 6))
                    if to > at:
                        start = len(now[:at].encode())
                        del self.text[start : start + len(now[at:to].encode())]
                        now = now[:at] + now[to:]
                else:
                    piece = rng.choice(pieces)
                    self.text.insert(len(now[:at].encode()), piece)
                    now = now[:at] + piece + now[at:]
        self.doc.unobserve(subscription)
        assert str(self.text) == now
        return made[0] if made else None


@dataclass
class Written:
    """A history: entries in one causal order, and what each author reads in the end."""

    entries: list[TextEntry]
    authors: list[Author]

    def past(self, index: int) -> set[int]:
        """Indices of the entries that precede one."""
        places = {entry.entry: place for place, entry in enumerate(self.entries)}
        found: set[int] = set()
        todo = [places[parent] for parent in self.entries[index].parents]
        while todo:
            place = todo.pop()
            if place not in found:
                found.add(place)
                todo += [places[parent] for parent in self.entries[place].parents]
        return found


def heads(entries: list[TextEntry], seen: set[int]) -> tuple[EntryHash, ...]:
    """Those of the seen entries that no other seen entry follows."""
    followed = {parent for index in seen for parent in entries[index].parents}
    return tuple(entries[index].entry for index in sorted(seen) if entries[index].entry not in followed)


def write_history(
    rng: random.Random, *, authors: int = 3, entries: int = 12, actions: int = 3, pieces: Sequence[str] = PIECES
) -> Written:
    """Let `authors` write about `entries` entries of up to `actions` changes each, inserting `pieces`."""
    written = Written([], [Author(number) for number in range(authors)])
    for _ in range(entries):
        author = rng.choice(written.authors)
        if rng.random() < 0.5:
            news = rng.choice(written.authors).seen - author.seen
            for index in sorted(news):
                author.doc.apply_update(written.entries[index].update)
            author.seen |= news
        update = author.write(rng, rng.randint(1, actions), pieces)
        if update is None:
            continue
        index = len(written.entries)
        parents = heads(written.entries, author.seen)
        written.entries.append(
            TextEntry(entry=entry_hash(index), session=author.session, parents=parents, update=update)
        )
        author.seen.add(index)
    return written


def shuffled(rng: random.Random, entries: list[TextEntry]) -> list[TextEntry]:
    """The entries in any order."""
    return rng.sample(entries, len(entries))


def causal(rng: random.Random, entries: list[TextEntry]) -> list[TextEntry]:
    """The entries in another causal order."""
    done: set[EntryHash] = set()
    waiting, out = list(entries), []
    while waiting:
        entry = rng.choice([each for each in waiting if done.issuperset(each.parents)])
        waiting.remove(entry)
        done.add(entry.entry)
        out.append(entry)
    return out


seeds = st.integers(min_value=0, max_value=2**32 - 1)
"""Seeds of histories: Hypothesis shows the one that fails, `random.Random(seed)` replays it."""
