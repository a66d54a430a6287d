"""Required bindings: whether a code, a Coding, a CodeableConcept or a Quantity says what its value set holds.

Owns the four forms of that question. A wrong form of the element itself is the structure's to report; here it is
passed over.

Source: FHIR R4 section 4.1.5 using codes in resources, binding strength `required`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from edge_runtime.fhir.validation.codes import Codes
from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.primitives import Check
from edge_runtime.fhir.validation.problem import Code


def binding_check(kind: str, value_set: str, codes: Codes) -> Check | None:
    """The check of an element of type `kind` that is bound to `codes`; None for a type that names no code.

    Args:
        kind: the element's type.
        value_set: address of the value set.
        codes: what it holds.
    """
    holds = _HOLDS.get(kind)
    if holds is None:
        return None
    name = value_set.rpartition("/")[2].partition("#")[0]
    message = f"expected a code of the value set {name}; got another"

    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if not holds(value, codes):
            findings.error(Code.CODE_INVALID, message)

    return check


def is_held(kind: str, value: Any, codes: Codes) -> bool:  # noqa: ANN401 any JSON
    """Whether a value of type `kind` says what `codes` holds; true of a type that names no code."""
    holds = _HOLDS.get(kind)
    return holds is None or holds(value, codes)


def _code(value: Any, codes: Codes) -> bool:  # noqa: ANN401 any JSON
    return type(value) is not str or codes.holds(value)


def _coding(value: Any, codes: Codes) -> bool:  # noqa: ANN401 any JSON
    if not isinstance(value, Mapping):
        return True
    system, code = value.get("system"), value.get("code")
    return type(system) is str and type(code) is str and codes.has(system, code)


def _concept(value: Any, codes: Codes) -> bool:  # noqa: ANN401 any JSON
    """One Coding of the value set is enough; text alone is none."""
    if not isinstance(value, Mapping):
        return True
    codings = value.get("coding")
    if codings is None:
        return _is_absent(value)
    return type(codings) is not list or any(isinstance(each, Mapping) and _coding(each, codes) for each in codings)


def _quantity(value: Any, codes: Codes) -> bool:  # noqa: ANN401 any JSON
    return not isinstance(value, Mapping) or "code" not in value or _coding(value, codes)


def _is_absent(value: Mapping[str, Any]) -> bool:
    """Whether extensions stand in the place of the concept, as one that says why it is missing."""
    return "text" not in value and "extension" in value


_HOLDS: Final[Mapping[str, Callable[[Any, Codes], bool]]] = {
    "code": _code,
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Quantity": _quantity,
    "SimpleQuantity": _quantity,
    "Age": _quantity,
    "Duration": _quantity,
    "Distance": _quantity,
    "Count": _quantity,
    "MoneyQuantity": _quantity,
}
