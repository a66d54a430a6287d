"""References and canonical addresses: their form, and whether they lead to a type that the element allows.

Owns what can be known from within one resource: the type in an address, the type that the reference states, and the
contained resource that `#x` names. Whether a resource elsewhere exists is asked of a Bundle, not here. Refuses to
guess a type from an address of another form.

Source: FHIR R4 section 2.3.0 resource references; 2.3.0.4 contained references; 2.24.0.1 canonical.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.primitives import Check
from edge_runtime.fhir.validation.problem import Code

_RESTFUL: Final = re.compile(r"(?:.*/)?([A-Za-z]{3,64})/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?(?:#.*)?")
_RELATIVE: Final = re.compile(
    r"([A-Z][A-Za-z]{2,63})(?:/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?(?:#.*)?|\?.+)"
)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_UUID: Final = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:#.*)?")
_OID: Final = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+(?:#.*)?")
_DEFINITIONS: Final = "http://hl7.org/fhir/StructureDefinition/"
ITSELF: Final = "#"
"""How a contained resource refers to its container."""


def reference_check(targets: frozenset[str], resource_types: frozenset[str]) -> Check:
    """The check of a Reference.

    Args:
        targets: the types that the element allows; empty for any.
        resource_types: all that there are.
    """
    expected = f"a reference to {_either(targets)}"

    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is not dict:
            return
        stated = _stated(value.get("type"), resource_types)
        if targets and stated and stated not in targets:
            findings.error(Code.STRUCTURE, f"expected {expected}; got one that states another type")
            return
        address = value.get("reference")
        if type(address) is not str or not address:
            return
        inside = address[0] == "#"
        found = _contained(address, findings) if inside else _led_to(address, findings, resource_types)
        if found is None or found not in resource_types:
            return
        if targets and found not in targets:
            findings.error(Code.STRUCTURE, f"expected {expected}; got one to another type")
        elif stated and stated != found:
            findings.error(Code.STRUCTURE, "expected a reference to the type that it states; got one to another type")

    return check


def canonical_check(targets: frozenset[str]) -> Check:
    """The check of a canonical address: only what it contains can be known to be of a wrong type.

    Args:
        targets: the types that the element allows; empty for any.
    """
    expected = f"the address of {_either(targets)}"

    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is str and value.startswith("#"):
            found = _contained(value, findings)
            if found and targets and found not in targets:
                findings.error(Code.STRUCTURE, f"expected {expected}; got that of another type")

    return check


def contained_types(container: Mapping[str, Any]) -> Mapping[str, str]:
    """The contained resources' types by id."""
    inner = container.get("contained")
    if not isinstance(inner, list):
        return _NOTHING
    return {
        each["id"]: str(each.get("resourceType", ""))
        for each in inner
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }


_NOTHING: Final[Mapping[str, str]] = {}


def _contained(address: str, findings: Findings) -> str | None:
    if address == ITSELF:
        return None
    found = findings.contained.get(address[1:])
    if found is None:
        findings.error(Code.NOT_FOUND, "expected a contained resource of this id; got none")
    return found


def _led_to(address: str, findings: Findings, resource_types: frozenset[str]) -> str | None:
    """The type in an address; None where it says none."""
    if _ABSOLUTE.fullmatch(address) is None:
        relative = _RELATIVE.fullmatch(address)
        if relative is None:
            findings.error(Code.VALUE, "expected a reference as Type/id, #id or an absolute address; got another form")
            return None
        if relative[1] not in resource_types:
            findings.error(Code.VALUE, "expected a reference to a resource type of R4; got one to another name")
        return relative[1]
    if address.startswith("urn:"):
        form = {"urn:uuid": _UUID, "urn:oid:": _OID}.get(address[:8])
        if form and form.fullmatch(address) is None:
            findings.error(Code.VALUE, "expected a UUID or OID of the form that its URN has; got another")
        return None
    restful = _RESTFUL.fullmatch(address)
    return restful[1] if restful and restful[1] in resource_types else None


def _stated(kind: Any, resource_types: frozenset[str]) -> str | None:  # noqa: ANN401 any JSON
    if type(kind) is not str:
        return None
    name = kind.removeprefix(_DEFINITIONS)
    return name if name in resource_types else None


def _either(targets: frozenset[str]) -> str:
    names = sorted(targets)
    return " or ".join(names) if names else "a resource"
