"""Broken invariants of single resource types and of Bundles: each rule by its key, with a way to break it.

Source: the constraints of FHIR R4's StructureDefinitions, by the keys that they have there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.fhir.defects.defect import Maker, Spoilt
from tests.fhir.defects.rules import DATA_TYPE_RULES, RESOURCE_RULES, Change, at_resource, at_type, becomes, gets
from tests.fhir.defects.sites import Holder, Object, Sample

_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/"
_TEXT: Final = {"text": "something"}


def _content(change: Callable[[Object], bool]) -> Callable[[Holder], bool]:
    return lambda holder: change(holder.content)


def _status(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"{_SYSTEM}{system}", "code": code}]}


def _obs_7(content: Object) -> bool:
    value = any(name.startswith("value") for name in content)
    code = content["code"]
    if not value or not code.get("coding"):
        return False
    content["component"] = [{"code": code, "valueString": "twice"}]
    return True


def _obs_6(content: Object) -> bool:
    if not any(name.startswith("value") for name in content):
        return False
    content["dataAbsentReason"] = _status("data-absent-reason", "unknown")
    return True


def _ait_1(content: Object) -> bool:
    content.pop("clinicalStatus", None)
    content["verificationStatus"] = _status("allergyintolerance-verification", "confirmed")
    return True


_ENDED: Final = {"abatementDateTime", "abatementString", "abatementAge", "abatementPeriod", "abatementRange"}


def _con_4(content: Object) -> bool:
    if content.keys() & _ENDED:
        return False
    content["clinicalStatus"] = _status("condition-clinical", "active")
    content["abatementString"] = "last year"
    return True


def _con_5(content: Object) -> bool:
    content["clinicalStatus"] = _status("condition-clinical", "active")
    content["verificationStatus"] = _status("condition-ver-status", "entered-in-error")
    return True


def _ait_2(content: Object) -> bool:
    content["clinicalStatus"] = _status("allergyintolerance-clinical", "active")
    content["verificationStatus"] = _status("allergyintolerance-verification", "entered-in-error")
    return True


def _prr_1(content: Object) -> bool:
    content.pop("code", None)
    content["orderDetail"] = [_TEXT]
    return True


def _ppc_1(content: Object) -> bool:
    held = content.keys() & {"policy", "policyRule"}
    for name in held:
        del content[name]
    return bool(held)


def _without_patient(scope: str) -> Callable[[Object], bool]:
    def change(content: Object) -> bool:
        content["scope"] = _status("consentscope", scope)
        return content.pop("patient", None) is not None

    return change


def _cmp_2(content: Object) -> bool:
    content["entry"] = [{"reference": "Condition/17"}]
    content["emptyReason"] = _status("list-empty-reason", "unavailable")
    return True


def _cmp_1(content: Object) -> bool:
    for name in ("text", "entry", "section"):
        content.pop(name, None)
    content["title"] = "nothing"
    return True


def _element(name: str, key: str, member: str, value: Object) -> Maker:
    """A rule of a backbone element that is added where there is none."""

    def make(rng: random.Random, sample: Sample) -> Spoilt | None:
        holder = sample.resource_of(rng, name)
        if holder is None:
            return None
        place = len(holder.content.setdefault(member, []))
        holder.content[member].append(value)
        return Spoilt(f"{holder.path}.{member}[{place}]", key)

    return make


_ACTIVITY: Final = {"reference": {"reference": "Task/17"}, "detail": {"status": "unknown"}}
_ENTITY: Final = {"name": "a name", "query": "QUJD"}

TYPE_RULES: Final[Mapping[str, Maker]] = {
    "pat-1": _element("Patient", "pat-1", "contact", {"relationship": [_TEXT]}),
    "obs-3": _element("Observation", "obs-3", "referenceRange", {"type": _TEXT}),
    "obs-6": at_resource("obs-6", _content(_obs_6), "Observation"),
    "obs-7": at_resource("obs-7", _content(_obs_7), "Observation"),
    "ait-1": at_resource("ait-1", _content(_ait_1), "AllergyIntolerance"),
    "ait-2": at_resource("ait-2", _content(_ait_2), "AllergyIntolerance"),
    "con-1": _element("Condition", "con-1", "stage", {"type": _TEXT}),
    "con-2": _element("Condition", "con-2", "evidence", {"extension": [{"url": "http://x.org/x", "valueString": "x"}]}),
    "con-4": at_resource("con-4", _content(_con_4), "Condition"),
    "con-5": at_resource("con-5", _content(_con_5), "Condition"),
    "cpl-3": at_type("CarePlan.activity", "cpl-3", becomes(**_ACTIVITY)),
    "prr-1": at_resource("prr-1", _content(_prr_1), "ServiceRequest"),
    "ppc-1": at_resource("ppc-1", _content(_ppc_1), "Consent"),
    "ppc-2": at_resource("ppc-2", _content(_without_patient("patient-privacy")), "Consent"),
    "ppc-3": at_resource("ppc-3", _content(_without_patient("research")), "Consent"),
    "ppc-4": at_resource("ppc-4", _content(_without_patient("adr")), "Consent"),
    "ppc-5": at_resource("ppc-5", _content(_without_patient("treatment")), "Consent"),
    "sev-1": _element("AuditEvent", "sev-1", "entity", _ENTITY),
    "inv-1": at_resource(
        "inv-1", _content(gets(authoredOn="2020-02-01T10:00:00Z", lastModified="2020-01-01T10:00:00Z")), "Task"
    ),
    "cmp-1": at_type("Composition.section", "cmp-1", _cmp_1),
    "cmp-2": at_type("Composition.section", "cmp-2", _cmp_2),
}

# ------------------------------------------------------------------------------------------------------------ Bundle


def _of_type(*types: str) -> Callable[[Object], bool]:
    return lambda content: content.get("type") in types and bool(content.get("entry"))


def _bundle(key: str, types: tuple[str, ...], change: Callable[[Object], bool]) -> Maker:
    fits = _of_type(*types)
    return at_resource(key, lambda holder: fits(holder.content) and change(holder.content), "Bundle", alone=True)


def _bdl_7(content: Object) -> bool:
    entries = [entry for entry in content["entry"] if "fullUrl" in entry]
    if not entries or "meta" in entries[0].get("resource", {}):
        return False
    content["entry"].append(dict(entries[0]))
    return True


def _drops(member: str) -> Callable[[Object], bool]:
    return lambda content: content.pop(member, None) is not None


def _first_goes(content: Object) -> bool:
    content["entry"].reverse()
    return len(content["entry"]) > 1 and content["entry"][0]["resource"]["resourceType"] != "Composition"


def _bdl_12(content: Object) -> bool:
    content["entry"].reverse()
    return len(content["entry"]) > 1 and content["entry"][0]["resource"]["resourceType"] != "MessageHeader"


def _of_entry(key: str, types: tuple[str, ...], change: Change) -> Maker:
    """A rule of an entry, in a Bundle of some types."""

    def make(rng: random.Random, sample: Sample) -> Spoilt | None:
        if sample.resource.get("resourceType") != "Bundle" or sample.resource.get("type") not in types:
            return None
        places = [place for place, entry in enumerate(sample.resource.get("entry", [])) if "resource" in entry]
        if not places:
            return None
        place = rng.choice(places)
        return Spoilt(f"Bundle.entry[{place}]", key) if change(sample.resource["entry"][place]) else None

    return make


def _bdl_8(entry: Object) -> bool:
    entry["fullUrl"] = f"http://example.org/fhir/{entry['resource']['resourceType']}/17/_history/2"
    return True


_RESPONSE: Final = {"status": "200"}
_REQUEST: Final = {"method": "GET", "url": "Patient/17"}
_PLAIN: Final = ("collection", "document", "message")

BUNDLE_RULES: Final[Mapping[str, Maker]] = {
    "bdl-1": _bundle("bdl-1", (*_PLAIN, "transaction", "batch"), gets(total=3)),
    "bdl-2": _of_entry("bdl-2", (*_PLAIN, "history"), gets(search={"mode": "match"})),
    "bdl-3": _of_entry("bdl-3", (*_PLAIN, "searchset"), gets(request=_REQUEST)),
    "bdl-3, none": _of_entry("bdl-3", ("transaction", "batch", "history"), _drops("request")),
    "bdl-4": _of_entry("bdl-4", (*_PLAIN, "searchset"), gets(response=_RESPONSE)),
    "bdl-5": _of_entry("bdl-5", _PLAIN, becomes(fullUrl="urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0")),
    "bdl-7": _bundle("bdl-7", ("collection", "document", "searchset", "message"), _bdl_7),
    "bdl-8": _of_entry("bdl-8", (*_PLAIN, "searchset"), _bdl_8),
    "bdl-9": _bundle("bdl-9", ("document",), _drops("identifier")),
    "bdl-10": _bundle("bdl-10", ("document",), _drops("timestamp")),
    "bdl-11": _bundle("bdl-11", ("document",), _first_goes),
    "bdl-12": _bundle("bdl-12", ("message",), _bdl_12),
}

RULES: Final[Mapping[str, Maker]] = {**DATA_TYPE_RULES, **RESOURCE_RULES, **TYPE_RULES, **BUNDLE_RULES}
_ANYWHERE: Final = 0.15
"""How often a rule is broken that nearly every example can break; without this there would be no others."""


def broken_invariant(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Break a rule of the specification that the example can break."""
    names = sorted(RULES.keys() - RESOURCE_RULES.keys())
    rng.shuffle(names)
    if rng.random() < _ANYWHERE:
        names = [*RESOURCE_RULES]
        rng.shuffle(names)
    return next((spoilt for name in names if (spoilt := RULES[name](rng, sample))), None)
