"""FHIR inputs for tests, and the way from them to a plan or into a world."""

from __future__ import annotations

import gzip
import io
import json
from importlib.resources import files

from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.importing.changes import changes, following, place_of_plan, seen
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.reading.records import Record, Refusal, read_resources
from sync_protocol.ids import DocumentId
from tests.unit.edge_runtime.clinical.worlds import CHART, World

EXAMPLES = files("edge_runtime") / "data" / "fhir_r4" / "examples.ndjson.gz"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PETER = {"reference": "Patient/peter"}


def coded(system, code, text=""):
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def patient(**more):
    """A Patient."""
    name = [{"family": "Núñez", "given": ["Péter"]}]
    return {"resourceType": "Patient", "id": "peter", "name": name, "birthDate": "1980-05-17"} | more


def visit(**more):
    """An Encounter."""
    kind = {"code": "EMER", "display": "emergency"}
    return {"resourceType": "Encounter", "id": "v1", "status": "in-progress", "class": kind, "subject": PETER} | more


def allergy(**more):
    """An AllergyIntolerance."""
    code = coded(SNOMED, "91936005", "Penicillin")
    return {"resourceType": "AllergyIntolerance", "id": "a1", "code": code, "patient": PETER} | more


def condition(**more):
    """A Condition."""
    code = coded(SNOMED, "195967001", "Asthma")
    return {"resourceType": "Condition", "id": "c1", "code": code, "subject": PETER} | more


def order(**more):
    """A MedicationRequest."""
    status = {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order"}
    return status | {"medicationCodeableConcept": coded(RXNORM, "11289", "Warfarin"), "subject": PETER} | more


def pulse(**more):
    """An Observation."""
    value = {"value": 72, "unit": "beats/minute", "system": "http://unitsofmeasure.org", "code": "/min"}
    observed = {"resourceType": "Observation", "id": "o1", "status": "final", "subject": PETER, "valueQuantity": value}
    return observed | {"code": coded(LOINC, "8867-4", "Heart rate")} | more


def operation(**more):
    """A Procedure."""
    code = coded(SNOMED, "80146002", "Appendectomy")
    return {"resourceType": "Procedure", "id": "p1", "status": "completed", "code": code, "subject": PETER} | more


def without(resource, *names):
    """A resource without some of its elements."""
    return {name: value for name, value in resource.items() if name not in names}


def bundle(*entries, **more):
    """A Bundle of resources, or of whole entries."""
    listed = [entry if "resourceType" not in entry else {"resource": entry} for entry in entries]
    return {"resourceType": "Bundle", "type": "collection", "entry": listed} | more


def read(data, name="file.json"):
    """Read bytes, text or a resource; a list of records and refusals."""
    if isinstance(data, dict):
        data = json.dumps(data)
    return list(read_resources(io.BytesIO(data.encode() if isinstance(data, str) else data), name))


def records(found):
    """The records among what was read."""
    return [item for item in found if isinstance(item, Record)]


def refusals(found):
    """The refusals among what was read."""
    return [item for item in found if isinstance(item, Refusal)]


def plan(*resources, source=""):
    """Plan the import of resources as one NDJSON file."""
    lines = "\n".join(map(json.dumps, resources))
    return plan_import(read(lines, "file.ndjson"), source=source)


def facts_of(planned, kind):
    """The payloads of one kind that a plan writes into charts where nothing is."""
    return [fact.payload for change in first_changes(planned) for fact in change.facts if fact.kind == kind]


def first_changes(planned):
    """Every change of a plan into charts where nothing is."""
    return [change for chart in planned.charts for document in chart.documents for change in changes(document, {})]


def refused(planned):
    """Path and reason of each refusal."""
    return [(refusal.path, refusal.reason) for refusal in planned.refused]


def examples():
    """The committed examples, as resources."""
    return [json.loads(line) for line in gzip.decompress(EXAMPLES.read_bytes()).decode().splitlines()]


class Importer:
    """One device that imports plans of one chart into a world."""

    def __init__(self):
        self.world = World()
        self.writer = self.world.writer()

    def take(self, planned):
        """Write what the plan of its first chart changes; the facts that were written."""
        chart = planned.charts[0]
        known = seen(self.world.facts())
        written: list[PlacedFact] = []
        for index, document in enumerate(chart.documents):
            own = CHART if index == 0 else DocumentId(bytes.fromhex(document.key)[:16])
            place = place_of_plan(document, known) or own
            steps: dict[str, FactId] = {}
            for change in changes(document, known):
                found = self._write(change, place)
                written += found
                steps |= {key: one.id for key, one in ((change.key, one) for one in found) if one.fact.kind == "step"}
            for change in following(document, known, steps):
                written += self._write(change, place)
        return [item.fact for item in written]

    def _write(self, change, place):
        placed = self.writer.write(*change.facts, document=change.document or place)
        return list(placed) if isinstance(placed, tuple) else [placed]

    def known(self):
        """What a later import would find."""
        return seen(self.world.facts())

    def chart(self):
        """The chart as the rules show it."""
        return self.world.chart()
