"""Mutates honest updates and puts each through screen, admission and the engine; run in a process that may die.

`python -m tests.unit.edge_runtime.text.mutants SEED FIRST COUNT` prints how many were admitted and why others were
refused, as JSON. Each mutant has its own seed, SEED with its number, so one alone is replayed with FIRST and COUNT 1.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace

from edge_runtime.text.changes import ItemId, Struct
from edge_runtime.text.draft import Effect, TextDraft, Uptake
from edge_runtime.text.history import TextEntry
from edge_runtime.text.screen import screen
from tests.unit.edge_runtime.text.encoder import edit, gone, typed, update
from tests.unit.edge_runtime.text.histories import DOC, write_history

HISTORIES = 12


@dataclass
class Case:
    """One honest entry after its past."""

    past: list[TextEntry]
    entry: TextEntry


def cases(seed: int) -> list[Case]:
    """All entries of some histories."""
    found = []
    for number in range(HISTORIES):
        written = write_history(random.Random(f"{seed} {number}"), authors=4, entries=12)
        for index, entry in enumerate(written.entries):
            found.append(Case([written.entries[earlier] for earlier in sorted(written.past(index))], entry))
    return found


def mutant(rng: random.Random, found: list[Case], original: bytes) -> bytes:
    """Change bytes, or parts of what the bytes say."""
    if rng.random() < 0.4:
        return reworded(rng, original)
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.choice((0, 1, 2, 0x44, 0x7F, 0x80, 0xC4, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del data[at : at + rng.randint(1, 4)]
        elif kind == 3:
            data[at:at] = rng.choice((b"\0", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x08", b"\xed\xa0\xbd"))
        elif kind == 4:
            other = rng.choice(found).entry.update
            cut = rng.randrange(len(other))
            data[at:at] = other[cut : cut + rng.randint(1, 12)]
        elif kind == 5:
            data = data[:at]
        else:
            data += data[at : at + 8]
    return bytes(data)


def reworded(rng: random.Random, original: bytes) -> bytes:
    """The same update with one part of one item or range changed."""
    screened = screen(original)
    structs = list(screened.structs)
    ranges: dict[int, list[tuple[int, int]]] = {}
    for deleted in screened.deletes:
        clock, length = deleted.clock, deleted.length
        if rng.random() < 0.3:
            clock, length = max(0, clock + rng.randint(-2, 2)), max(0, length + rng.randint(-2, 2))
        ranges.setdefault(deleted.client, []).append((clock, length))
    if not structs:
        return update([], ranges)
    first = structs[0]
    place = rng.randrange(len(structs))
    structs[place] = _reworded(rng, structs[place])
    if rng.random() < 0.2:
        rng.shuffle(structs)
    clock = first.clock + rng.choice((0, 0, 0, 0, 1, -1)) if first.clock else 0
    return edit(first.client, clock, *map(_encoded, structs), ranges=ranges)


def _encoded(struct: Struct) -> bytes:
    root = struct.root or "text"
    if struct.text is None:
        return gone(struct.length, struct.origin, struct.right_origin, root)
    return typed(struct.text, struct.origin, struct.right_origin, root)


def _reworded(rng: random.Random, struct: Struct) -> Struct:
    def moved(unit: ItemId | None) -> ItemId | None:
        return unit and rng.choice((None, ItemId(unit.client, max(0, unit.clock + rng.randint(-2, 2)))))

    kind = rng.randrange(5)
    if kind == 0:
        return struct._replace(origin=moved(struct.origin))
    if kind == 1:
        return struct._replace(right_origin=moved(struct.right_origin))
    if kind == 2:
        return struct._replace(origin=struct.right_origin, right_origin=struct.origin)
    if kind == 3:
        return struct._replace(text=None, length=rng.randint(1, 5))
    return struct._replace(text=rng.choice(("x", "😀", "\ufeff", "a\0b", "")))


def judge(each: Case, data: bytes) -> Uptake:
    """The uptake on the mutant after the honest past; engine and model must read the same."""
    draft = TextDraft(DOC)
    for entry in each.past:
        assert draft.apply(entry).effect is Effect.APPLIED
    before = draft.text()
    uptake = draft.apply(replace(each.entry, update=data))
    text = draft.text()
    assert draft.complete, "the engine failed, or reads other text than the model"
    assert text == before or uptake.effect is Effect.APPLIED
    return uptake


def main(seed: int, first: int, count: int) -> None:
    """Judge mutants `first` to `first + count`."""
    found = cases(seed)
    tally: Counter[str] = Counter()
    for number in range(first, first + count):
        rng = random.Random(f"{seed}/{number}")
        each = rng.choice(found)
        data = mutant(rng, found, each.entry.update)
        try:
            uptake = judge(each, data)
        except BaseException:
            sys.stderr.write(f"python -m tests.unit.edge_runtime.text.mutants {seed} {number} 1\n")
            raise
        tally[uptake.reason or uptake.effect] += 1
    sys.stdout.write(json.dumps(tally))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
