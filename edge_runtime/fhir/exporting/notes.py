"""Signed notes as Compositions: one for each text that stands, with everybody who signed it.

Owns what a signature becomes. Only a signature that holds is exported as one: its text word for word, as narrative; who
signed, and when by their clock; the hash of the signed record as identifier, and the record itself beside it, so that
whoever has the organisation's file can verify it. A text in whose place another was signed goes out with the record
alone. Pure.

Source: FHIR R4 sections 2.20 Composition, 10.4 DocumentReference; value sets composition-status,
composition-attestation-mode.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.attested import SIGNING, claimed
from edge_runtime.clinical.layout import Status, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import grouped
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import coded, plain, without_empty
from edge_runtime.fhir.exporting.identity import SYSTEM, logical, practitioner, thread_id, urn, uuid_of
from edge_runtime.fhir.exporting.narrative import section, sections
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.reading.strict_json import Json, Number
from sync_protocol.attestation import TEXTS, Act, Attestation
from sync_protocol.ids import DocumentId, Hash
from sync_protocol.roles import Compartment

NOTE_MEDIA: Final = "application/vnd.fieldward.note"
"""A note file, as `fieldward note verify` reads it."""
TYPES: Final[Mapping[WorkflowType, tuple[str, str]]] = MappingProxyType(
    {
        WorkflowType.CARE_PLAN: ("18776-5", "Plan of care note"),
        WorkflowType.CONSULTATION: ("11488-4", "Consult note"),
        WorkflowType.DISCHARGE: ("18842-5", "Discharge summary"),
        WorkflowType.ENCOUNTER: ("11506-3", "Progress note"),
        WorkflowType.LAB_ORDER: ("11502-2", "Laboratory report"),
        WorkflowType.PROCEDURE: ("28570-0", "Procedure note"),
    }
)
"""LOINC codes of notes, by the type of the document; a note of any other type is `OTHER`."""
OTHER: Final = ("34109-9", "Note")

_LOINC: Final = "http://loinc.org"
_CONFIDENTIALITY: Final = MappingProxyType({True: "R", False: "N"})


@dataclass(frozen=True, slots=True)
class _Signed:
    """A signature that holds.

    Attributes:
        of: the signature to which it refers.
        hash: of the signed record.
    """

    fact: PlacedFact
    record: Attestation
    of: FactId | None
    hash: Hash


def compositions(scene: Scene) -> Iterator[Made]:
    """One for each signed text that nobody amended, and the signed records of each document."""
    listed = grouped([fact for fact in scene.facts if fact.fact.kind in SIGNING], lambda fact: fact.document)
    for state in scene.states():
        signed = [one for fact in listed.get(state.document, ()) if (one := _signed(scene, fact)) is not None]
        made = list(_texts(scene, state, signed))
        yield from made
        note = scene.notes.get(state.document)
        if note is not None and made:
            yield _record(scene, state.document, note, made)


def _signed(scene: Scene, fact: PlacedFact) -> _Signed | None:
    if fact.id not in scene.sound:
        return None
    record, wire, of = claimed(fact), fact.fact.payload.get("signed"), said(fact.fact, "of")
    if record is None or not isinstance(wire, bytes):
        return None
    return _Signed(fact, record, FactId.parse(of) if of else None, Hash.of(wire))


def _texts(scene: Scene, state: DocumentState, signed: Sequence[_Signed]) -> Iterator[Made]:
    by_name = {one.fact.id: one for one in signed}
    amended = {one.of for one in signed if one.record.act is Act.AMENDMENT}
    for one in signed:
        text = said(one.fact.fact, "text")
        if one.record.act in TEXTS and one.fact.id not in amended and text is not None:
            chain = _chain(one, by_name)
            beside = [
                other
                for other in signed
                if (other.record.act is Act.COSIGNATURE and other.of == one.fact.id)
                or (other.record.act is Act.ADDENDUM and _root(other, by_name) == chain[-1].fact.id)
            ]
            yield _composition(scene, state, chain, beside, text)


def _chain(one: _Signed, by_name: Mapping[FactId, _Signed]) -> list[_Signed]:
    """A text and those in whose place it stands, the newest first."""
    chain = [one]
    while (of := chain[-1].of) is not None and (before := by_name.get(of)) is not None:
        chain.append(before)
    return chain


def _root(one: _Signed, by_name: Mapping[FactId, _Signed]) -> FactId:
    return _chain(one, by_name)[-1].fact.id


def _composition(
    scene: Scene, state: DocumentState, chain: Sequence[_Signed], beside: Sequence[_Signed], text: str
) -> Made:
    one = chain[0]
    name = thread_id("Composition", one.fact.id)
    addenda = [other for other in beside if other.record.act is Act.ADDENDUM]
    code, display = TYPES.get(state.workflow_type or WorkflowType.ENCOUNTER, OTHER)
    kept_apart = one.fact.compartment is Compartment.SENSITIVE
    newest = max(one.record.signed_ms, *(other.record.signed_ms for other in addenda), 0)
    content: Content = {"resourceType": "Composition", "id": name}
    content |= without_empty(
        {
            "identifier": _identifier(one),
            "status": _status(state, one, addenda),
            "type": coded(_LOINC, code, display),
            "subject": references.patient(scene),
            "encounter": references.encounter(scene, state.document),
            "date": instant(newest),
            "author": [practitioner(one.fact.author)],
            "title": plain(state.title or display),
            "confidentiality": _CONFIDENTIALITY[kept_apart],
            "attester": [_attester(one, "legal"), *(_attester(other, "professional") for other in beside)],
            "custodian": logical("organisation", scene.organisation, "Organization"),
            "relatesTo": [{"code": "replaces", "targetIdentifier": _identifier(before)} for before in chain[1:]],
            "section": [*sections(text), *map(_addendum, addenda)],
        }
    )
    facts = (one.fact, *(other.fact for other in beside))
    return Made(content=content, address=urn(name), facts=facts)


def _status(state: DocumentState, one: _Signed, addenda: Sequence[_Signed]) -> str:
    if state.status.value is Status.ERROR and not state.status.disputed:
        return "entered-in-error"
    return "amended" if addenda or one.record.act is Act.AMENDMENT else "final"


def _identifier(one: _Signed) -> dict[str, Json]:
    return {"system": SYSTEM + "attestation", "value": one.hash.hex()}


def _attester(one: _Signed, mode: str) -> dict[str, Json]:
    return {"mode": mode, "time": instant(one.record.signed_ms), "party": practitioner(one.fact.author)}


def _addendum(one: _Signed) -> dict[str, Json]:
    text = said(one.fact.fact, "text") or ""
    return section("Addendum", text.splitlines()) | {"author": [practitioner(one.fact.author)]}


def _record(scene: Scene, document: DocumentId, note: bytes, made: Sequence[Made]) -> Made:
    """The note file, beside the Compositions that it proves."""
    name = uuid_of("DocumentReference note", str(document))
    attachment: dict[str, Json] = {
        "contentType": NOTE_MEDIA,
        "data": base64.b64encode(note).decode(),
        "size": Number(str(len(note))),
        "title": "Signed record",
    }
    related: list[Json] = [references.reference(one.address) for one in made]
    content: Content = {"resourceType": "DocumentReference", "id": name}
    content |= without_empty(
        {
            "status": "current",
            "type": {"text": "Signed record"},
            "subject": references.patient(scene),
            "content": [{"attachment": attachment}],
            "context": {"related": related},
        }
    )
    facts = tuple({fact.id: fact for one in made for fact in one.facts}.values())
    return Made(content=content, address=urn(name), facts=facts)
