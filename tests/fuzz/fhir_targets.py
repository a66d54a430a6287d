"""Targets of FHIR: files of other programs, judged.

Owns a mutation of what JSON says, so that most inputs get past the reader to the checks behind it. Whatever comes, the
validator never raises, and no problem repeats what a value says: each seed holds a word that must not come back.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Iterator
from copy import deepcopy
from importlib.resources import files
from typing import Any, Final

from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.validator import open_validator
from tests.fuzz.target import ACCEPTED, Target

_SECRET: Final = "Qxzwv"
_TYPES: Final = ("Patient", "Observation", "Encounter", "MedicationRequest", "Composition", "Provenance", "Procedure")
_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 2**70, "", " ", _SECRET, f"#{_SECRET}", f"urn:uuid:{_SECRET}", "2020-02-30", "\u0000", "\ud800",
    [], {}, [[]], [None], {"a": {}}, [_SECRET, _SECRET], {"resourceType": _SECRET}, {"resourceType": ["Patient"]},
    {"reference": f"Patient/{_SECRET}", "type": []}, {"url": _SECRET, "valueString": {}, "extension": 1}, "a" * 70_000,
)  # fmt: skip
_NAMES: Final = (
    "id",
    "resourceType",
    "extension",
    "contained",
    "value",
    "_status",
    "entry",
    "fullUrl",
    "reference",
    "?",
)
_UUID: Final = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def fhir_files() -> Target:
    """A file of any form: a resource or a Bundle after the byte `j`, NDJSON after `n`."""
    resources = list(_resources())
    documents = [*resources, _bundle(resources, "collection"), _bundle(resources, "transaction")]
    seeds = [b"j" + _packed(one) for one in documents]
    seeds += [b"n" + b"\n".join(map(_packed, resources[:3])), b"j" + gzip.compress(_packed(resources[0]), mtime=0)]
    validator, definitions = open_validator(), load_definitions()

    def run(data: bytes) -> str:
        check = FileCheck(validator, definitions)
        name = "x.ndjson" if data[:1] == b"n" else "x.json"
        for found in check.problems(io.BytesIO(data[1:]), name):
            assert _SECRET.lower() not in found.problem.message.lower(), "a problem repeats no value"
            json.dumps(found.problem.to_json())
        return ACCEPTED if check.valid else "found wrong"

    def make(rng: random.Random) -> bytes:
        document = json.loads(_packed(rng.choice(documents)))
        for _ in range(rng.choice((1, 1, 2, 5))):
            _change(rng, document)
        return b"j" + _packed(document)

    return Target(seeds=seeds, decode=run, refusals=(), prefix=1, make=make)


def _packed(document: object) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _resources() -> Iterator[dict[str, Any]]:
    """One small example of each of some types, with the word that must not come back."""
    packed = files("edge_runtime").joinpath("data/fhir_r4/examples.ndjson.gz").read_bytes()
    found: dict[str, dict[str, Any]] = {}
    for line in sorted(gzip.decompress(packed).splitlines(), key=len):
        resource = json.loads(line)
        found.setdefault(resource["resourceType"], resource)
    for kind in _TYPES:
        if kind in found:
            yield {**found[kind], "language": "en", "implicitRules": f"http://example.org/{_SECRET}"}


def _bundle(resources: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [
        {"fullUrl": f"http://x.org/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    entries.append({"fullUrl": _UUID, "resource": {"resourceType": "Patient", "name": [{"text": _SECRET}]}})
    entries[1]["resource"] = {**entries[1]["resource"], "subject": {"reference": _UUID}}
    if kind == "transaction":
        entries = [one | {"request": {"method": "POST", "url": one["resource"]["resourceType"]}} for one in entries]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def _change(rng: random.Random, document: Any) -> None:
    """Change one place of a tree: put a value of any kind there, take it away, double it, or put it under a name."""
    places = list(_places(document))
    if not places:
        return
    owner, key = rng.choice(places)
    way = rng.randrange(5)
    if way == 0:
        del owner[key]
    elif way == 1:
        owner[key] = [owner[key], deepcopy(owner[key])]
    elif way == 2 and isinstance(owner, dict):
        owner[rng.choice(_NAMES)] = deepcopy(rng.choice((owner[key], *_VALUES)))
    elif way == 3:
        other, place = rng.choice(places)
        owner[key] = deepcopy(other[place])
    else:
        owner[key] = deepcopy(rng.choice(_VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and element."""
    inside = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, child in inside:
        yield value, key
        yield from _places(child)
