"""Targets behind the signature: what a hostile member states, through the rules, as JSON and on a terminal.

Owns a small chart. Whoever may write can state anything that decodes; a chart must be shown all the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

from edge_runtime.cli.chart_text import chart_json, print_chart
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.documents import OpenDocument
from edge_runtime.facts import Author, CausalGraph, Content, Fact, FactId, PlacedFact, pack_content, unpack_content
from edge_runtime.opened import OpenChart
from sync_protocol.ids import ChartId, DeviceId, DocumentId, EntryHash, SessionId, UserId
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.verdicts import ACCEPTED
from tests.fuzz.target import ACCEPTED as TAKEN
from tests.fuzz.target import Target

CHART: Final = DocumentId(b"chart".ljust(16, b"\0"))
ENCOUNTER: Final = DocumentId(b"encounter".ljust(16, b"\0"))
_AUTHORS: Final = tuple(
    Author(
        user=UserId(bytes([number]) * 16),
        device=DeviceId(bytes([number]) * 16),
        session=SessionId(bytes([number]) * 16),
        role="nurse",
    )
    for number in (1, 2)
)
_STATED: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("identity", {"name": "Ana Lima", "birth_date": "1980-02-29", "sex": "female"}),
    ("document", {"type": "encounter", "title": "Ward"}),
    ("status", {"to": "in_progress"}),
    ("status", {"to": "completed"}),
    ("priority", {"to": "urgent"}),
    ("assignment", {"user": "01" * 16}),
    ("place", {"text": "Room 3"}),
    ("triage", {"category": "red", "text": "chest pain"}),
    ("allergy", {"text": "Penicillin", "severity": "severe", "category": "medication", "status": "active"}),
    ("allergy", {"text": "Latex", "severity": "mild", "status": "refuted", "code": "1003754000"}),
    ("allergy", {"text": "no known allergy"}),
    ("medication", {"text": "Warfarin", "action": "start", "dose": "5", "unit": "mg", "code": "11289"}),
    ("medication", {"text": "Warfarin", "action": "stop"}),
    ("diagnosis", {"text": "Angina", "code": "I20", "system": "http://hl7.org/fhir/sid/icd-10", "status": "active"}),
    ("procedure", {"text": "ECG", "code": "29303009", "done": "2026-11-22T10:00"}),
    ("observation", {"code": "8867-4", "system": "http://loinc.org", "text": "Pulse", "value": "80.5", "unit": "/min"}),
    ("observation", {"code": "85354-9", "components": [{"code": "8480-6", "value": "120", "unit": "mmHg"}]}),
    ("step", {"text": "Give fluids", "order": 1}),
    ("step_event", {"step": "00" * 32 + ":9", "to": "done"}),
    ("attestation", {"heads": [bytes(32)], "text": "I attest"}),
    ("addendum", {"text": "late"}),
    ("review_decision", {"review": bytes(32), "choice": "keep", "subject": "penicillin"}),
    ("draft", {"model": "m", "text": "draft", "section": "plan"}),
    ("draft_decision", {"draft": "00" * 32 + ":0", "accepted": True}),
    ("attachment", {"name": "scan.png", "media_type": "image/png", "size": 5}),
    ("link", {"document": bytes(16), "text": "see"}),
    ("source", {"resource": "{}", "digest": bytes(32)}),
    ("genome", {"sequence": "01", "deep": [[[1]], {"a": None}]}),
)


def charts() -> Target:
    """Facts of two authors who write in turn, each having seen everything before."""
    stated = [Fact(kind=kind, payload=payload, supersedes=()) for kind, payload in _STATED]
    seeds = [
        pack_content(Content(facts=tuple(_linked(stated[start : start + size])), text=None))
        for size in (2, 7, len(stated))
        for start in range(0, len(stated), size)
    ]

    def run(data: bytes) -> str:
        facts = unpack_content(data).facts or ()
        opened = _opened(facts)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            print_chart(opened)
        assert "\x1b]" not in out.getvalue(), "no control sequence reaches a terminal"
        json.dumps(chart_json(opened))
        return TAKEN

    return Target(seeds=seeds, decode=run)


def _linked(facts: Sequence[Fact]) -> list[Fact]:
    """The same facts, each of which supersedes the one before."""
    return [
        Fact(kind=fact.kind, payload=fact.payload, supersedes=(FactId(_name(place - 1), 0),) if place % 3 == 2 else ())
        for place, fact in enumerate(facts)
    ]


def _name(place: int) -> EntryHash:
    return EntryHash(hashlib.sha256(b"entry %d" % place).digest())


def _opened(facts: Sequence[Fact]) -> OpenChart:
    graph, placed = CausalGraph(), []
    for place, fact in enumerate(facts):
        author = _AUTHORS[place % 2]
        graph.add(_name(place), author.session, place // 2, [_name(place - 1)] if place else [])
        placed.append(
            PlacedFact(
                id=FactId(_name(place), 0),
                fact=fact,
                author=author,
                document=CHART if place % 2 else ENCOUNTER,
                compartment=Compartment.CLINICAL,
                lamport=place + 1,
                wall_ms=1_700_000_000_000 + place,
                verdict=ACCEPTED,
            )
        )
    membership: Any = SimpleNamespace(
        broken=(), documents=(CHART, ENCOUNTER), chart_document=CHART, members={}, consents=()
    )
    documents = {name: OpenDocument(name) for name in (CHART, ENCOUNTER)}
    for one in placed:
        documents[one.document].facts.append(one)
    state = derive_chart(CHART, placed, [graph])
    return OpenChart(ChartId(bytes(16)), membership, frozenset(CONTENT), documents, state)
