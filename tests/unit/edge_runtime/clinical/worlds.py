"""A small world for the rules: authors who write facts into documents and learn of each other only when they read.

Owns the way from "who saw what" to placed facts and causal graphs. No clock and no entropy: entry hashes are counted.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import Any

from edge_runtime.clinical.authoring import prepare
from edge_runtime.clinical.chart import ChartState, derive_chart
from edge_runtime.clinical.document import derive
from edge_runtime.clinical.layout import home
from edge_runtime.clinical.state_json import chart_to_json, document_to_json
from edge_runtime.facts import Author, CausalGraph, Fact, FactId, PlacedFact
from sync_protocol.ids import DeviceId, DocumentId, EntryHash, SessionId, UserId
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED

CHART = DocumentId(b"chart".ljust(16, b"\0"))
ENCOUNTER = DocumentId(b"encounter".ljust(16, b"\0"))


def fact(kind, /, *supersedes, **payload):
    """A fact; what it supersedes is given as placed facts or ids."""
    ids = (item.id if isinstance(item, PlacedFact) else item for item in supersedes)
    return Fact(kind=kind, payload=payload, supersedes=tuple(ids))


def a_draft(*parts, **payload):
    """A draft of some parts, each with its name, text and what else is given; of one sentence for the plan if none."""
    known = parts or ({"name": "plan.1", "kind": "text", "text": "Rest for two days.", "section": "plan"},)
    base = {
        "skill": "soap",
        "template": "soap/1",
        "source": "Rest for two days.",
        "parts": [dict(one) for one in known],
    }
    return fact("draft", **{**base, **payload})


@dataclass(frozen=True)
class Entry:
    """One entry: its place, what its author had seen, and its facts."""

    hash: EntryHash
    session: SessionId
    seq: int
    parents: frozenset[EntryHash]
    facts: tuple[PlacedFact, ...]


@dataclass
class Writer:
    """One author's device."""

    world: World
    author: Author
    seen: dict[EntryHash, Entry] = field(default_factory=dict)

    def write(self, *facts, document=CHART):
        """Write one entry; returns its placed fact, or a tuple of several."""
        world, own = self.world, [e for e in self.seen.values() if e.session == self.author.session]
        entry_hash = EntryHash(hashlib.sha256(f"{world.seed}/{len(world.entries)}".encode()).digest())
        lamport = 1 + max((f.lamport for e in self.seen.values() for f in e.facts), default=0)
        placed = tuple(
            PlacedFact(
                id=FactId(entry_hash, index),
                fact=item,
                author=self.author,
                document=document,
                compartment=home(item.kind) or Compartment.CLINICAL,
                lamport=lamport,
                wall_ms=1_700_000_000_000 + lamport,
                verdict=ACCEPTED,
            )
            for index, item in enumerate(facts)
        )
        entry = Entry(entry_hash, self.author.session, len(own), frozenset(self.seen), placed)
        world.entries[entry_hash] = self.seen[entry_hash] = entry
        return placed[0] if len(placed) == 1 else placed

    def record(self, item, document=CHART):
        """Prepare a fact against what this device sees, as the runtime does, and write it."""
        return self.write(prepare(self.state(document), item), document=document)

    def read(self, other):
        """Receive all that `other` has."""
        self.seen.update(other.seen)

    def facts(self):
        """Every fact that has arrived here."""
        return [item for entry in self.seen.values() for item in entry.facts]

    def state(self, document=CHART):
        """The document as this device shows it."""
        return derive(document, self.facts(), [self.world.graph(self.seen.values())])


class World:
    """All entries, and who has which."""

    def __init__(self, seed=0):
        """Start empty; the seed changes every entry hash, and so every tie."""
        self.seed = seed
        self.entries = {}
        self.writers = []

    def writer(self, role="physician"):
        """A new device with its own user."""
        tag = bytes([len(self.writers) + 1]) * 16
        author = Author(user=UserId(tag), device=DeviceId(tag), session=SessionId(tag), role=role)
        self.writers.append(Writer(self, author))
        return self.writers[-1]

    def sync(self):
        """Everybody receives everything."""
        for writer in self.writers:
            writer.seen = dict(self.entries)

    def facts(self):
        """Every fact."""
        return [item for entry in self.entries.values() for item in entry.facts]

    def graph(self, entries=None, rng=None):
        """The causal graph of some entries, built in one of the orders that put parents first."""
        waiting = list(self.entries.values() if entries is None else entries)
        if rng is not None:
            rng.shuffle(waiting)
        graph = CausalGraph()
        while waiting:
            later = []
            for entry in waiting:
                if all(parent in graph for parent in entry.parents):
                    graph.add(entry.hash, entry.session, entry.seq, entry.parents)
                else:
                    later.append(entry)
            waiting = later
        return graph

    def state(self, document=CHART, seed=None):
        """A document once everything has arrived; with a seed, in another order and with duplicates."""
        rng = None if seed is None else random.Random(seed)
        facts = self.facts()
        if rng is not None:
            facts += rng.choices(facts, k=len(facts)) if facts else []
            rng.shuffle(facts)
        return derive(document, iter(facts), iter([CausalGraph(), self.graph(rng=rng)]))

    def chart(self):
        """The whole chart once everything has arrived."""
        return derive_chart(CHART, self.facts(), [self.graph()])


def as_json(state) -> Any:
    """What a script reads of a document or chart; a float anywhere fails."""
    written = chart_to_json(state) if isinstance(state, ChartState) else document_to_json(state)
    return json.loads(json.dumps(written), parse_float=_no_float)


def _no_float(_):
    raise AssertionError


def two():
    """A world with two devices that have not met."""
    world = World()
    return world, world.writer("physician"), world.writer("nurse")


def since(first):
    """A world where two devices share `first`, a fact that the first of them wrote, and have not met since."""
    world, left, right = two()
    placed = left.write(first)
    world.sync()
    return world, left, right, placed


def ids(facts):
    """The ids of placed facts."""
    return {item.id for item in facts}


def review_facts(review):
    """The ids of the facts that a review holds."""
    return {value.fact for value in review.values}
