"""A section that several sessions write, each seeing what it happens to see, under verdicts that come and go.

Owns authors who edit through `SectionText` as the recorder does, what each of them had on their screen afterwards, and
sessions that become quarantined or void from some entry on. One text stream, one section; forks when asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge_runtime.text.draft import TextDraft, client_id
from edge_runtime.text.history import TextEntry
from edge_runtime.text.lineage import Written
from edge_runtime.text.section import Doc, SectionText, StartName
from edge_runtime.text.start import Start, opening, started_doc_id
from sync_protocol.ids import EntryHash
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict
from tests.unit.edge_runtime.text.histories import DOC, entry_hash, session

QUARANTINED = Verdict(Standing.QUARANTINED, Reason.REVOKED)
VOID = Verdict(Standing.VOID, Reason.ROLE)
WORDS = ["250 mg", "875", "rest", "5000", "\n", ".", "twice", "½ tab", "\n3 days", "😀", "\u0665"]


@dataclass(frozen=True, slots=True)
class Typed:
    """One entry: where it stands, what it says, and what its author then read; None for what nobody typed."""

    text: TextEntry
    doc: bytes
    start: Start | None
    past: frozenset[EntryHash]
    lamport: int
    read: str | None

    @property
    def name(self) -> EntryHash:
        """Its hash."""
        return self.text.entry


Verdicts = Mapping[EntryHash, Verdict]


def section(typed: Iterable[Typed], verdicts: Verdicts) -> SectionText:
    """The section that some entries make, in the order in which they are given: any causal one."""
    written: dict[bytes, list[Written]] = {}
    starts: dict[bytes, tuple[StartName, Start]] = {}
    for one in typed:
        verdict = verdicts.get(one.name, ACCEPTED)
        written.setdefault(one.doc, []).append(
            Written(text=one.text, lamport=one.lamport, wall_ms=one.lamport, epoch=None, verdict=verdict)
        )
        if one.start is not None:
            starts[one.doc] = (StartName(one.name, 0), one.start)
    docs = [
        Doc(
            id=name,
            start=starts[name][0] if name in starts else None,
            replaces=starts[name][1].replaces if name in starts else (),
            written=entries,
        )
        for name, entries in written.items()
    ]
    return SectionText("plan", DOC, docs)


def replay(doc: bytes, entries: Iterable[TextEntry]) -> str:
    """What the engine makes of some entries of one Doc."""
    draft = TextDraft(doc)
    for one in entries:
        draft.apply(one)
    text = draft.text()
    assert draft.complete
    assert not draft.forked
    return text


@dataclass
class Story:
    """A history and who saw what of it."""

    rng: random.Random
    authors: int = 4
    forks: float = 0.0
    forged: float = 0.0
    judged: float = 0.1
    typed: list[Typed] = field(default_factory=list)
    verdicts: dict[EntryHash, Verdict] = field(default_factory=dict)
    known: dict[EntryHash, Typed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nobody has seen anything."""
        self.seen: list[set[EntryHash]] = [set() for _ in range(self.authors)]

    def run(self, steps: int) -> Story:
        """Let somebody act at each step; now and then a session becomes quarantined or void from some entry on."""
        for _ in range(steps):
            actor = self.rng.randrange(self.authors)
            if self.rng.random() < 0.6:
                self.seen[actor] |= self.rng.choice(self.seen)
            if self.forks and self.typed and self.rng.random() < self.forks:
                self.seen[actor] = set(self.rng.choice(self.typed).past)
            if self.rng.random() < self.judged:
                self.judge_somebody()
            if self.rng.random() < self.forged:
                self.forge(actor)
            else:
                self.write(actor)
        return self

    def forge(self, actor: int) -> None:
        """Let one author follow all that they saw of one Doc, both branches of a fork included, with other bytes."""
        if self.seen[actor]:
            doc = self.known[min(self.seen[actor])].doc
            name, seen = entry_hash(actor, len(self.typed)), frozenset(self.seen[actor])
            follows = heads(self.known[one] for one in seen if self.known[one].doc == doc)
            text = TextEntry(entry=name, session=session(actor), parents=tuple(sorted(follows)), update=b"\xff")
            self._keep(actor, Typed(text, doc, None, seen, self._lamport(seen), None))

    def judge_somebody(self) -> None:
        """Quarantine or void what one session wrote from a random entry on, or accept it again."""
        number = self.rng.randrange(self.authors)
        own = [one.name for one in self.typed if one.text.session == session(number)]
        verdict = self.rng.choice((QUARANTINED, QUARANTINED, VOID, ACCEPTED))
        self.verdicts.update(dict.fromkeys(own[self.rng.randrange(len(own) + 1) :], verdict))

    def write(self, actor: int) -> Typed | None:
        """Let one author change what they see; None where nothing changed."""
        seen = [one for one in self.typed if one.name in self.seen[actor]]
        shown = section(seen, self.verdicts)
        new = self._changed(shown.text)
        return self.put(actor, shown, new)

    def put(self, actor: int, shown: SectionText, new: str) -> Typed | None:
        """Let one author make a section read `new`."""
        seen = frozenset(self.seen[actor])
        mine = session(actor)
        follows = heads(self.known[name] for name in seen if self.known[name].doc == shown.doc)
        made = shown.edit(mine, new, follows=follows, fresh=self.rng.random() < 0.02)
        if made is None:
            return None
        name = entry_hash(actor, len(self.typed))
        if isinstance(made, Start):
            doc = started_doc_id(DOC, name, 0)
            text = TextEntry(entry=name, session=mine, parents=(), update=opening(client_id(mine, doc), made.text))
            return self._keep(actor, Typed(text, doc, made, seen, self._lamport(seen), new))
        text = TextEntry(entry=name, session=mine, parents=tuple(sorted(follows)), update=made)
        return self._keep(actor, Typed(text, shown.doc, None, seen, self._lamport(seen), new))

    def causal(self) -> list[Typed]:
        """The entries in another causal order."""
        waiting, done, order = list(self.typed), set[EntryHash](), list[Typed]()
        while waiting:
            one = self.rng.choice([each for each in waiting if each.past <= done])
            waiting.remove(one)
            done.add(one.name)
            order.append(one)
        return order

    def _lamport(self, seen: frozenset[EntryHash]) -> int:
        return 1 + max((self.known[name].lamport for name in seen), default=0)

    def _keep(self, actor: int, one: Typed) -> Typed:
        self.typed.append(one)
        self.known[one.name] = one
        self.seen[actor].add(one.name)
        return one

    def _changed(self, text: str) -> str:
        at = self.rng.randint(0, len(text))
        cut = self.rng.choice((0, 0, 1, 3, 8))
        return text[:at] + self.rng.choice(WORDS) + text[at + cut :]


def heads(typed: Iterable[Typed]) -> frozenset[EntryHash]:
    """Those of some entries of one Doc that no other of them follows."""
    known = list(typed)
    return frozenset(one.name for one in known if not any(one.name in other.past for other in known))


def past_in_doc(known: Mapping[EntryHash, Typed], one: Typed) -> list[TextEntry]:
    """An entry and what precedes it in its Doc, parents first."""
    names = [name for name in known if name in one.past and known[name].doc == one.doc]
    return [*(known[name].text for name in names), one.text]
