"""Two honest authors and one attacker who edit one section, each on a device of their own.

Owns the attacker, who sees what honest authors see, forges bytes, replays others' updates, deletes what is not there,
and forks.
"""

from __future__ import annotations

import random

from edge_runtime.text.draft import TextDraft
from edge_runtime.text.errors import DraftUnavailableError
from edge_runtime.text.history import TextEntry
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.text.drafts import MINE, YOURS
from tests.unit.edge_runtime.text.encoder import update
from tests.unit.edge_runtime.text.histories import DOC, PIECES, entry_hash, session


class Simulation:
    """Honest authors and one attacker who sees everything, forges, replays and forks."""

    def __init__(self, seed: int) -> None:
        """Start three drafts."""
        self.rng = random.Random(seed)
        self.drafts = [TextDraft(DOC) for _ in range(3)]
        self.entries: list[TextEntry] = []
        self.seen: list[set[int]] = [set() for _ in self.drafts]

    def run(self, steps: int) -> list[TextEntry]:
        """Let somebody act at each step."""
        for _ in range(steps):
            actor = self.rng.randrange(3)
            draft, seen = self.drafts[actor], self.seen[actor]
            for index in sorted(self.rng.choice(self.seen) - seen):
                draft.apply(self.entries[index])
                seen.add(index)
            data = self._typed(draft, actor)
            if data is None:
                continue
            parents = draft.heads
            if actor == 2:
                data, parents = self._forged(data, parents)
            written = TextEntry(
                entry=entry_hash(len(self.entries)), session=session(actor), parents=parents, update=data
            )
            draft.apply(written)
            seen.add(len(self.entries))
            self.entries.append(written)
        return self.entries

    def _typed(self, draft: TextDraft, actor: int) -> bytes | None:
        text = draft.text()
        at = self.rng.randint(0, len(text))
        cut = self.rng.randint(0, 3)
        try:
            return draft.edit(session(actor), text[:at] + self.rng.choice(PIECES) + text[at + cut :])
        except DraftUnavailableError:
            return self.rng.choice(self.entries).update if actor == 2 else None

    def _forged(self, data: bytes, parents: tuple[EntryHash, ...]) -> tuple[bytes, tuple[EntryHash, ...]]:
        kind = self.rng.randrange(6)
        if kind == 0:
            place = self.rng.randrange(len(data))
            data = data[:place] + bytes([self.rng.randrange(256)]) + data[place + 1 :]
        elif kind == 1 and self.entries:
            data = self.rng.choice(self.entries).update
        elif kind == 2:
            data = update([], {self.rng.choice((MINE, YOURS)): [(self.rng.randrange(8), self.rng.randint(1, 9))]})
        elif kind == 3 and self.entries and self.rng.random() < 0.2:
            parents = self.rng.choice(self.entries).parents
        return data, parents
