"""Provenance of what is exported: one resource for each signed entry that it rests on.

Owns who is named. The author of an entry is named by the id that certificates give, with the role that bound then, on
behalf of the organisation; the entry's hash is the identifier by which the statement can be proven against the chart's
own signatures. Of an imported resource the same says who took it in, and from where. Pure.

Source: FHIR R4 section 6.3 Provenance; value sets provenance-agent-type, provenance-entity-role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import coding
from edge_runtime.fhir.exporting.identity import SYSTEM, logical, practitioner, urn, uuid_of
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.ids import EntryHash

_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_AUTHOR: Final = ("author", "Author")
_ENTERER: Final = ("enterer", "Enterer")


class _Act(NamedTuple):
    """What one entry did: stated, or took in."""

    entry: EntryHash
    imported: bool


def provenances(scene: Scene, made: Sequence[Made]) -> Iterator[Made]:
    """The Provenance of some resources, by the order of what each first concerns."""
    targets: dict[_Act, dict[str, None]] = {}
    witness: dict[_Act, PlacedFact] = {}
    bases: dict[_Act, dict[str, Kept]] = {}
    for one in made:
        taken = [scene.kept[key] for key in one.keys]
        stated = {fact.id for kept in taken for fact in (*kept.stated, *kept.earlier, kept.head)}
        acts = [(_Act(kept.head.id.entry, imported=True), kept.head) for kept in taken]
        acts += [(_Act(fact.id.entry, imported=False), fact) for fact in one.facts if fact.id not in stated]
        for act, fact in acts:
            targets.setdefault(act, {})[one.address] = None
            witness.setdefault(act, fact)
            bases.setdefault(act, {}).update((kept.key, kept) for kept in taken)
    for act, found in targets.items():
        yield _provenance(scene, act, witness[act], tuple(found), tuple(bases[act].values()))


def _provenance(scene: Scene, act: _Act, fact: PlacedFact, targets: Sequence[str], bases: Sequence[Kept]) -> Made:
    name = uuid_of("Provenance import" if act.imported else "Provenance", str(act.entry))
    signed: list[Json] = [{"role": "source", "what": logical("entry", act.entry)}]
    content: Content = {
        "resourceType": "Provenance",
        "id": name,
        "target": [references.reference(address) for address in targets],
        "recorded": instant(fact.wall_ms),
        "agent": _agents(scene, fact, _ENTERER if act.imported else _AUTHOR),
        "entity": [*signed, *_entities(act, bases)],
    }
    return Made(content=content, address=urn(name), facts=())


def _agents(scene: Scene, fact: PlacedFact, part: tuple[str, str]) -> list[Json]:
    """The person, in the role that bound, and the device."""
    author = fact.author
    roles: list[Json] = [
        {"coding": [coding(SYSTEM + "role", role)], "text": role.replace("_", " ")}
        for role in author.role.split(" and ")
    ]
    person: dict[str, Json] = {
        "type": {"coding": [coding(_PARTICIPANT, *part)]},
        "role": roles,
        "who": practitioner(author),
        "onBehalfOf": logical("organisation", scene.organisation, "Organization"),
    }
    return [person, {"who": logical("device", author.device, "Device")}]


def _entities(act: _Act, bases: Sequence[Kept]) -> Iterator[Json]:
    """What was taken in, as its source named it; of a later statement, the imported version that it revises."""
    for kept in bases:
        if not act.imported:
            yield {"role": "revision", "what": logical("entry", kept.head.id.entry)}
        elif kept.address.startswith(("http://", "https://")):
            yield {"role": "quotation", "what": references.reference(kept.address)}
        else:
            value = f"{kept.type}/{kept.id}" if kept.id else kept.key
            yield {"role": "quotation", "what": {"identifier": {"system": SYSTEM + "imported", "value": value}}}
