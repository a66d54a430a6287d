"""What the rules left unresolved, as a receiver must see it: open reviews, and lists that are not complete.

Owns the DetectedIssue of each open review, the mark on every resource of ours that one concerns, and the two lists. A
receiver that reads neither still meets the status `unknown` and the notes of the resources themselves. Pure.

Source: FHIR R4 sections 9.6 DetectedIssue, 2.43 List (lst-1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.facts import FactId
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import annotation, coded, ours, plain, without_empty
from edge_runtime.fhir.exporting.identity import EXTENSIONS, urn, uuid_of
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.importing.stated import UNRESOLVED_EXTENSION
from edge_runtime.fhir.reading.strict_json import Json

INCOMPLETE: Final = EXTENSIONS + "incomplete"
"""On a List: true where it must not be relied on as complete."""

_USES: Final = "http://terminology.hl7.org/CodeSystem/list-example-use-codes"
_HIGH: Final = frozenset(
    {
        ReviewKind.ALLERGY_REFUTED,
        ReviewKind.ALLERGY_NONE_KNOWN,
        ReviewKind.MEDICATION,
        ReviewKind.TRIAGE,
        ReviewKind.UNVERIFIED,
        ReviewKind.REPLACED_UNVERIFIED,
    }
)


def marked(scene: Scene, made: Sequence[Made]) -> list[Made]:
    """The resources, those of ours that an open review concerns marked, and the DetectedIssues and Lists after them."""
    places = addresses_of(scene, made)
    concerned: dict[str, list[str]] = {}
    issues: list[Made] = []
    for review in scene.state.reviews:
        if not review.open:
            continue
        found = dict.fromkeys(chain.from_iterable(places.get(value.fact, ()) for value in review.values))
        issue = _issue(scene, review, tuple(found))
        issues.append(issue)
        for address in found:
            concerned.setdefault(address, []).append(issue.address)
    return [*(_with_marks(one, concerned) for one in made), *issues, *_lists(scene, places)]


def addresses_of(scene: Scene, made: Sequence[Made]) -> Mapping[FactId, tuple[str, ...]]:
    """Under which addresses the statements of a chart are exported."""
    found: dict[FactId, tuple[str, ...]] = {}
    for one in made:
        stated = chain.from_iterable((*scene.kept[key].stated, *scene.kept[key].earlier) for key in one.keys)
        for fact in (*one.facts, *stated):
            if one.address not in found.get(fact.id, ()):
                found[fact.id] = (*found.get(fact.id, ()), one.address)
    return found


def _with_marks(made: Made, concerned: Mapping[str, Sequence[str]]) -> Made:
    issues = concerned.get(made.address, ())
    if made.verbatim or not issues:
        return made
    before = made.content.get("extension")
    marks: list[Json] = [
        {"url": UNRESOLVED_EXTENSION, "valueReference": references.reference(issue)} for issue in issues
    ]
    return replace(made, content=made.content | {"extension": [*(before if isinstance(before, list) else []), *marks]})


def _issue(scene: Scene, review: Review, implicated: Sequence[str]) -> Made:
    name = uuid_of("DetectedIssue", str(review.id))
    said = "; ".join(value.display for value in review.values)
    content: Content = {
        "resourceType": "DetectedIssue",
        "id": name,
        "status": "preliminary",
        "code": ours("review", review.kind.value) | {"text": review.kind.value.replace("_", " ")},
        "severity": "high" if review.kind in _HIGH else "moderate",
        "patient": references.patient(scene),
        "identifiedDateTime": instant(max((value.wall_ms for value in review.values), default=scene.now_ms)),
        "implicated": [references.reference(address) for address in implicated],
        "detail": plain(f"{review.reason} Stated: {said}" if said else review.reason),
    }
    wanted = {value.fact for value in review.values}
    facts = tuple(fact for fact in scene.facts if fact.id in wanted)
    return Made(content=without_empty(content), address=urn(name), facts=facts)


def _lists(scene: Scene, places: Mapping[FactId, tuple[str, ...]]) -> Iterator[Made]:
    state = scene.state
    live = [fact for item in state.allergies.items for fact in item.live]
    taken = [fact for item in state.medications if item.status != "stopped" for fact in item.heads]
    lists = (
        ("allergies", "Allergies", [*live, *state.allergies.none_known], state.allergies_incomplete),
        ("medications", "Medications", taken, state.medications_incomplete),
    )
    for code, title, facts, incomplete in lists:
        entries = dict.fromkeys(chain.from_iterable(places.get(fact.id, ()) for fact in facts))
        if not entries and not incomplete:
            continue
        name = uuid_of("List", code, str(scene.chart))
        words = f"INCOMPLETE: do not rely on this list of {code} as complete. See the DetectedIssues with it."
        marks: list[Json] = [{"url": INCOMPLETE, "valueBoolean": True}]
        content: Content = {
            "resourceType": "List",
            "id": name,
            "extension": marks if incomplete else None,
            "status": "current",
            "mode": "snapshot",
            "title": title,
            "code": coded(_USES, code),
            "subject": references.patient(scene),
            "note": [annotation(words)] if incomplete else None,
            "entry": [{"item": references.reference(address)} for address in entries],
            "emptyReason": None if entries else coded(_EMPTY, "unavailable"),
        }
        yield Made(content=without_empty(content), address=urn(name), facts=())


_EMPTY: Final = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
