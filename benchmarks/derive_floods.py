"""Floods: thousands of statements of one kind about one thing, as somebody hostile or a program gone wrong may write.

Owns the shapes, from all in knowledge of each other to none. What it costs to derive them must not grow with the square
of their number: whoever may write could otherwise stop every device that opens the chart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from time import process_time
from typing import Final

from benchmarks.derive_facts import DOCUMENT
from benchmarks.measuring import Options
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.layout import Kind
from edge_runtime.facts import Author, CausalGraph, Fact, FactId, PlacedFact
from sync_protocol.encoding import Value
from sync_protocol.ids import DeviceId, EntryHash, SessionId, UserId
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict

_FACTS: Final = 2_000
_SESSIONS: Final = 16
_QUARANTINED: Final = Verdict(Standing.QUARANTINED, Reason.ROLE)
_MEMBERS: Final = 2
Payload = Callable[[int], dict[str, Value]]


def floods(options: Options) -> dict[str, str | int | float]:
    """How long each takes to derive, once, as a chart, in milliseconds of one core."""
    count = options.size(_FACTS, 50)
    return {f"flood: {name}, ms": _took(count, *shape) for name, shape in _SHAPES.items()}


def _took(count: int, kind: str, payload: Payload, seen: int, verdict: Verdict = ACCEPTED) -> float:
    facts, graph = _written(count, kind, payload, seen, verdict)
    began = process_time()
    derive_chart(DOCUMENT, facts, [graph])
    return round(1e3 * (process_time() - began), 1)


def _written(
    count: int, kind: str, payload: Payload, seen: int, verdict: Verdict
) -> tuple[list[PlacedFact], CausalGraph]:
    """Statements of which each follows what was there at the last multiple of `seen`; replacing nothing."""
    facts: list[PlacedFact] = []
    graph, parents, sequence = CausalGraph(), tuple[EntryHash, ...](), [0] * count
    for number in range(count):
        session = number % max(_SESSIONS, seen)
        if number % seen == 0:
            parents = tuple(fact.id.entry for fact in facts[-seen:])
        name = EntryHash(hashlib.sha256(number.to_bytes(8, "big")).digest())
        tag = session.to_bytes(16, "big")
        graph.add(name, SessionId(tag), sequence[session], parents)
        sequence[session] += 1
        placed = PlacedFact(
            id=FactId(name, 0),
            fact=Fact(kind=kind, payload=payload(number), supersedes=()),
            author=Author(user=UserId(tag), device=DeviceId(tag), session=SessionId(tag), role="nurse"),
            document=DOCUMENT,
            compartment=Compartment.SAFETY,
            lamport=1 + number // seen,
            wall_ms=0,
            verdict=ACCEPTED if number < _MEMBERS else verdict,
        )
        facts.append(placed)
    return facts, graph


def _doses(number: int) -> dict[str, Value]:
    return {"text": "Warfarin", "action": "start", "dose": str(number), "unit": "mg"}


def _refuted(number: int) -> dict[str, Value]:
    return {"text": "Latex", "verification": "refuted" if number % 2 else "confirmed"}


def _denied(number: int) -> dict[str, Value]:
    return {"text": f"Allergen {number}" if number % 2 else "NKA"}


def _triaged(number: int) -> dict[str, Value]:
    return {"to": "deceased" if number % 2 else "minor"}


_SHAPES: Final[dict[str, tuple[str, Payload, int] | tuple[str, Payload, int, Verdict]]] = {
    "medications of one text, each seen by the next": (Kind.MEDICATION, _doses, 1),
    "medications of one text, 16 at once": (Kind.MEDICATION, _doses, _SESSIONS),
    "medications of one text, none seen by another": (Kind.MEDICATION, _doses, _FACTS),
    "an allergy stated and refuted, each seen by the next": (Kind.ALLERGY, _refuted, 1),
    "no known allergies beside allergies": (Kind.ALLERGY, _denied, _SESSIONS),
    "triage, dead and alive": (Kind.TRIAGE, _triaged, _SESSIONS),
    "quarantined medications": (Kind.MEDICATION, _doses, 1, _QUARANTINED),
}
