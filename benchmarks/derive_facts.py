"""What the derivation benchmark derives: a document in which six people write of everything, often at once.

Owns the mix of kinds and the concurrency: in every turn some write with what all had at the last one, so that they
meet each other's statements, and somebody decides some of what that leaves open. The same facts on every machine.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.layout import Kind, home
from edge_runtime.facts import Author, CausalGraph, Fact, FactId, PlacedFact
from sync_protocol.encoding import Value, decode, encode
from sync_protocol.ids import DeviceId, DocumentId, EntryHash, SessionId, UserId
from sync_protocol.records import from_map, to_map
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED

CHART: Final = DocumentId(b"chart".ljust(16, b"\0"))
DOCUMENT: Final = DocumentId(b"encounter".ljust(16, b"\0"))
_AUTHORS: Final = 6
_WRITERS: Final = 3
"""How many write in one turn, not knowing of each other."""
_BEGAN_MS: Final = 1_767_225_600_000
_TURN_MS: Final = 60_000
_DECIDING: Final = 100
"""Turns after which somebody decides what is open."""
_DECIDED_MAX: Final = 3
_VITALS: Final = (
    ("8867-4", "Heart rate", "/min", 60, 110),
    ("8480-6", "Systolic blood pressure", "mm[Hg]", 90, 160),
    ("9279-1", "Respiratory rate", "/min", 10, 26),
    ("59408-5", "Oxygen saturation", "%", 90, 100),
    ("8310-5", "Body temperature", "Cel", 35, 40),
)
_MIX: Final = (
    (Kind.OBSERVATION, 60),
    (Kind.MEDICATION, 8),
    (Kind.STEP_EVENT, 7),
    (Kind.DIAGNOSIS, 5),
    (Kind.PROCEDURE, 4),
    (Kind.ALLERGY, 3),
    (Kind.STEP, 3),
    (Kind.STATUS, 2),
    (Kind.TRIAGE, 2),
    (Kind.PLACE, 2),
    (Kind.SPECIMEN, 1),
    (Kind.VALIDATION, 1),
    (Kind.PRIORITY, 1),
    (Kind.LINK, 1),
)
"""Kinds, and of a hundred facts how many they are."""
_CORRECTED: Final = 0.05
_MEETING: Final = 0.2
"""Turns in which all who write are about the same."""
_SUBJECTS: Final = 40
_CHOICES: Final = {
    Kind.STATUS: ("active", "paused", "active", "completed"),
    Kind.TRIAGE: ("minor", "delayed", "immediate"),
    Kind.PRIORITY: ("routine", "urgent"),
    Kind.PLACE: ("Ward 4", "Theatre 2", "Bay 7"),
}


@dataclass(slots=True)
class Written:
    """A document, or a chart of two, as it was written.

    Attributes:
        facts: every fact, in causal order, those of one entry together.
        parents: of each entry, by the order in which it was written.
        graph: the causal graph of all.
    """

    facts: list[PlacedFact] = field(default_factory=list)
    parents: dict[EntryHash, tuple[EntryHash, ...]] = field(default_factory=dict)
    graph: CausalGraph = field(default_factory=CausalGraph)

    def grown(self, count: int) -> CausalGraph:
        """The graph as it was when the first `count` facts were there, to be grown by `place`."""
        graph = CausalGraph()
        for fact in self.facts[:count]:
            self.place(graph, fact)
        return graph

    def place(self, graph: CausalGraph, fact: PlacedFact) -> None:
        """Put the entry of a fact into a graph, once."""
        if (name := fact.id.entry) not in graph:
            session, seq, _ = self.graph.place(name)
            graph.add(name, session, seq, self.parents[name])


def written(count: int, document: DocumentId = DOCUMENT) -> Written:
    """A document of so many facts, one an entry.

    Args:
        count: how many.
        document: whose id.
    """
    pen = _Pen(count, document)
    for turn in range(count):
        pen.turn(turn)
        if len(pen.made.facts) == count:
            break
    return pen.made


class _Pen:
    """Writes turn by turn."""

    def __init__(self, count: int, document: DocumentId) -> None:
        self.made = Written()
        self._count = count
        self._document = document
        self._rng = random.Random(document)
        tags = [bytes([number + 1]) * 16 for number in range(_AUTHORS)]
        self._authors = [Author(user=UserId(t), device=DeviceId(t), session=SessionId(t), role="nurse") for t in tags]
        self._seqs = dict.fromkeys(self._authors, 0)
        self._heads: dict[tuple[str, str], tuple[FactId, ...]] = {}
        self._named: dict[str, list[FactId]] = {Kind.STEP: [], Kind.OBSERVATION: []}
        self._seen: tuple[EntryHash, ...] = ()

    def turn(self, number: int) -> None:
        """Let some write what they see, then let all see it."""
        rng, before = self._rng, len(self.made.facts)
        heads, lamport = dict(self._heads), 1 + number
        theme = (self._kind(), rng.randrange(_SUBJECTS)) if rng.random() < _MEETING else None
        stated = [self._stated(heads, *(theme or (self._kind(), rng.randrange(_SUBJECTS)))) for _ in range(_WRITERS)]
        if number % _DECIDING == _DECIDING - 1:
            stated = [*self._decisions()] or stated
        for author, (subject, fact) in zip(rng.sample(self._authors, len(stated)), stated, strict=True):
            if len(self.made.facts) < self._count:
                self._write(author, subject, fact, lamport)
        self._seen = tuple(fact.id.entry for fact in self.made.facts[before:]) or self._seen

    def _write(self, author: Author, subject: tuple[str, str] | None, fact: Fact, lamport: int) -> None:
        made = self.made
        name = EntryHash(hashlib.sha256(self._document + len(made.facts).to_bytes(8, "big")).digest())
        made.graph.add(name, author.session, self._seqs[author], self._seen)
        made.parents[name] = self._seen
        self._seqs[author] += 1
        own = from_map(Fact, decode(encode(to_map(fact))))  # as it is read: no id or text is shared with another fact
        placed = PlacedFact(
            id=FactId(name, 0),
            fact=own,
            author=author,
            document=self._document,
            compartment=home(fact.kind) or Compartment.CLINICAL,
            lamport=lamport,
            wall_ms=_BEGAN_MS + lamport * _TURN_MS,
            verdict=ACCEPTED,
        )
        made.facts.append(placed)
        if subject is not None:
            kept = [earlier for earlier in self._heads.get(subject, ()) if earlier not in fact.supersedes]
            self._heads[subject] = (*kept, placed.id)[-8:]
        if fact.kind in self._named:
            self._named[fact.kind].append(placed.id)

    def _decisions(self) -> Iterator[tuple[None, Fact]]:
        state = derive(self._document, self.made.facts, [self.made.graph])
        for review in [review for review in state.reviews if review.open][:_DECIDED_MAX]:
            payload: dict[str, Value] = {
                "conflict": str(review.id),
                "heads": [str(value.fact) for value in review.values],
                "decision": "as shown",
                "reason": "asked the patient",
            }
            yield None, Fact(kind=Kind.REVIEW_DECISION, payload=payload, supersedes=())

    def _kind(self) -> Kind:
        return self._rng.choices([kind for kind, _ in _MIX], [share for _, share in _MIX])[0]

    def _stated(
        self, heads: dict[tuple[str, str], tuple[FactId, ...]], kind: Kind, number: int
    ) -> tuple[tuple[str, str] | None, Fact]:
        if kind in {Kind.STEP_EVENT, Kind.VALIDATION} and not all(self._named.values()):
            kind = Kind.OBSERVATION
        if kind is Kind.OBSERVATION:
            return self._observation()
        subject, payload = self._payload(kind, number)
        replaced = heads.get((kind, subject), ()) if kind not in {Kind.PROCEDURE, Kind.STEP} else ()
        return (kind, subject), Fact(kind=kind, payload=payload, supersedes=replaced)

    def _observation(self) -> tuple[None, Fact]:
        rng = self._rng
        code, name, unit, low, high = rng.choice(_VITALS)
        payload: dict[str, Value] = {"code": code, "system": "http://loinc.org", "text": name, "unit": unit}
        payload |= {"value": f"{rng.randint(low, high)}", "effective": f"2026-01-{rng.randint(1, 28):02}T09:30Z"}
        known = self._named[Kind.OBSERVATION]
        corrected: tuple[FactId, ...] = ()
        if known and rng.random() < _CORRECTED:
            corrected = (known[-rng.randint(1, min(9, len(known)))],)
            payload |= {"corrects": str(corrected[0]), "reason": "read wrongly"}
        return None, Fact(kind=Kind.OBSERVATION, payload=payload, supersedes=corrected)

    def _payload(self, kind: str, number: int) -> tuple[str, dict[str, Value]]:  # noqa: PLR0911 one for each kind
        """A subject and a payload of one kind."""
        rng = self._rng
        if kind == Kind.MEDICATION:
            payload: dict[str, Value] = {"text": f"Drug {number}", "action": rng.choice(["change", "continue", "stop"])}
            return f"{number}", payload | {"dose": f"{rng.randint(1, 9)}", "unit": "mg", "frequency": "daily"}
        if kind == Kind.ALLERGY:
            return f"{number}", {"text": f"Allergen {number}", "severity": rng.choice(["mild", "severe"])}
        if kind == Kind.DIAGNOSIS:
            return f"{number}", {"text": f"Problem {number}", "certainty": rng.choice(["confirmed", "refuted"])}
        if kind == Kind.STEP:
            return "", {"fraction": f"V{len(self._named[kind]):04}", "name": f"Step {len(self._named[kind])}"}
        if kind in {Kind.STEP_EVENT, Kind.VALIDATION}:
            named, key = (Kind.STEP, "step") if kind == Kind.STEP_EVENT else (Kind.OBSERVATION, "observation")
            about = str(self._named[named][-1 - number % len(self._named[named])])
            words = ["in_progress", "completed"] if kind == Kind.STEP_EVENT else ["validated", "rejected"]
            return about, {key: about, "to": rng.choice(words)}
        if kind == Kind.SPECIMEN:
            return f"{number}", {"specimen": f"A{number}", "to": rng.choice(["collected", "received", "rejected"])}
        if kind == Kind.LINK:
            return f"{number}", {
                "relation": rng.choice(["same_patient", "not_same_patient"]),
                "chart": f"{number:032x}",
            }
        if kind == Kind.PROCEDURE:
            return "", {"text": "Dressing changed", "performed": "2026-01-01"}
        return "", {"location" if kind == Kind.PLACE else "to": rng.choice(_CHOICES[Kind(kind)])}
