"""Charts to export: statements as PlacedFacts, without a store, and what an import says of the result."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.layout import home
from edge_runtime.facts import Author, CausalGraph, Fact, FactId, PlacedFact
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.exporting.charts import resources
from edge_runtime.fhir.exporting.kept import kept_resources
from edge_runtime.fhir.exporting.scene import Made, Scene, scene_facts
from edge_runtime.fhir.importing.changes import changes, seen
from edge_runtime.fhir.importing.plan import ImportPlan
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.reading.records import Record, read_resources
from sync_protocol.ids import ChartId, DeviceId, DocumentId, EntryHash, OrganisationId, SessionId, UserId
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict

CHART: Final = ChartId(b"c" * 16)
DOCUMENT: Final = DocumentId(b"d" * 16)
ENCOUNTER: Final = DocumentId(b"e" * 16)
NOW_MS: Final = 1_760_000_000_000
QUARANTINED: Final = Verdict(Standing.QUARANTINED, Reason.REVOKED)


class Paper:
    """A chart written by hand: each statement is an entry of its own, and has seen all before it unless told not to."""

    def __init__(self, membership: Membership) -> None:
        self.membership = membership
        self.facts: list[PlacedFact] = []
        self.graphs: dict[tuple[DocumentId, Compartment], CausalGraph] = {}
        self._seqs: dict[SessionId, int] = {}
        self.state("document", document=DOCUMENT, schema=1, workflow_type="chart")

    def state(
        self,
        kind: str,
        *,
        document: DocumentId = DOCUMENT,
        replaces: Iterable[FactId] = (),
        role: str = "physician",
        verdict: Verdict = ACCEPTED,
        unseen: bool = False,
        **payload: Any,
    ) -> FactId:
        """State one fact; `unseen` by and of everything that another author wrote."""
        return self.put(
            document,
            home(kind) or Compartment.CLINICAL,
            [Fact(kind=kind, payload=payload, supersedes=tuple(replaces))],
            role=role,
            verdict=verdict,
            unseen=unseen,
        )[0]

    def put(
        self,
        document: DocumentId,
        compartment: Compartment,
        facts: Iterable[Fact],
        *,
        role: str = "physician",
        verdict: Verdict = ACCEPTED,
        unseen: bool = False,
    ) -> list[FactId]:
        """State the facts of one entry."""
        number = len(self.facts)
        entry = EntryHash(hashlib.sha256(b"entry %d" % number).digest())
        session = SessionId((b"t" if unseen else b"s") * 16)
        graph = self.graphs.setdefault((document, compartment), CausalGraph())
        seq = self._seqs[session] = self._seqs.get(session, -1) + 1
        graph.add(entry, session, seq, () if unseen else graph.heads)
        author = Author(user=UserId(b"u" * 16), device=DeviceId(b"v" * 16), session=session, role=role)
        made = [
            PlacedFact(
                id=FactId(entry, index),
                fact=fact,
                author=author,
                document=document,
                compartment=compartment,
                lamport=number + 1,
                wall_ms=NOW_MS + 1000 * number,
                verdict=verdict,
            )
            for index, fact in enumerate(facts)
        ]
        self.facts += made
        return [fact.id for fact in made]

    def take_in(self, *listed: Mapping[str, Any] | bytes) -> ImportPlan:
        """Import resources into this chart, as an import of a whole file does; all of one patient."""
        data = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in listed)
        plan = plan_import(read_resources(io.BytesIO(data), "in.ndjson"))
        for chart in plan.charts:
            for number, document in enumerate(chart.documents):
                place = DOCUMENT if number == 0 else DocumentId(hashlib.sha256(document.key.encode()).digest()[:16])
                for change in changes(document, seen(self.facts)):
                    self.put(change.document or place, change.compartment, change.facts)
        return plan

    def scene(self) -> Scene:
        """What an exporter sees."""
        facts = scene_facts(self.facts)
        return Scene(
            chart=CHART,
            organisation=OrganisationId(b"o" * 16),
            membership=self.membership,
            state=derive_chart(DOCUMENT, facts, self.graphs.values()),
            facts=facts,
            kept=kept_resources(facts),
            now_ms=NOW_MS,
        )

    def made(self) -> list[Made]:
        """Its resources."""
        return resources(self.scene())

    def only(self, type_: str) -> dict[str, Any]:
        """Its one resource of a type, as JSON reads it, decimals as text."""
        (found,) = self.all(type_)
        return found

    def all(self, type_: str) -> list[dict[str, Any]]:
        """Its resources of a type."""
        return [one["resource"] for one in self.bundle()["entry"] if one["resource"]["resourceType"] == type_]

    def written(self) -> bytes:
        """Its export as a collection."""
        return b"".join(bundle(self.made(), Form.COLLECTION, now_ms=NOW_MS))

    def bundle(self) -> dict[str, Any]:
        """The same, read by another reader than ours."""
        found: dict[str, Any] = json.loads(self.written(), parse_float=_Digits, parse_int=_Digits)
        return found


class _Digits(str):
    """A number's own characters."""

    __slots__ = ()


def read_back(data: bytes) -> ImportPlan:
    """What an importer elsewhere would make of an export."""
    return plan_import(read_resources(io.BytesIO(data), "export.json"))


def records_of(data: bytes) -> dict[str, Record]:
    """The resources of a file, by what they say."""
    found = read_resources(io.BytesIO(data), "export.json")
    return {one.content: one for one in found if isinstance(one, Record)}
