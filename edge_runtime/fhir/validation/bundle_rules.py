"""The rules of Bundles: as functions over one entry and a Bundle's type, and over a whole Bundle that is in memory.

Owns what each type of Bundle demands of its entries. The functions over single values are for a reader that never holds
a Bundle whole; the others are judged where a whole one is checked. Refuses elements of a wrong form by TypeError.

Source: FHIR R4 section 2.36 Bundle, constraints bdl-1 to bdl-12 (there is no bdl-6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_runtime.fhir.validation.native_parts import Element, Rule, items, one_of, text, there
from edge_runtime.fhir.validation.scope import Scope

TOTALLED: Final = frozenset({"searchset", "history"})
"""Types whose Bundles may have a total: bdl-1."""
SEARCHED: Final = frozenset({"searchset"})
"""Types whose entries may have `search`: bdl-2."""
REQUESTED: Final = frozenset({"batch", "transaction", "history"})
"""Types whose entries must have `request`, and whose alone: bdl-3."""
ANSWERED: Final = frozenset({"batch-response", "transaction-response", "history"})
"""Types whose entries must have `response`, and whose alone: bdl-4."""
FIRST: Final[Mapping[str, str]] = {"document": "Composition", "message": "MessageHeader"}
"""The type of the first resource, by type of Bundle: bdl-11, bdl-12."""


def full_url_unversioned(entry: Element, _: Scope | None = None) -> bool:
    """bdl-8: a fullUrl names no version."""
    address = text(entry, "fullUrl")
    return address is None or "/_history/" not in address


def identity(entry: Element) -> tuple[str, str] | None:
    """What must be unique in a Bundle that is no history (bdl-7): fullUrl and version; None without a fullUrl.

    Raises:
        TypeError: a fullUrl or version that is no text.
    """
    address = text(entry, "fullUrl")
    if address is None:
        return None
    versions = [
        text(meta, "versionId") or "" for resource in items(entry, "resource") for meta in items(resource, "meta")
    ]
    return address, versions[0] if versions else ""


def entry_has_request_as(entry: Element, bundle_type: object) -> bool:
    """bdl-3, of one entry."""
    return there(entry, "request") == (bundle_type in REQUESTED)


def entry_has_response_as(entry: Element, bundle_type: object) -> bool:
    """bdl-4, of one entry."""
    return there(entry, "response") == (bundle_type in ANSWERED)


def entry_has_search_as(entry: Element, bundle_type: object) -> bool:
    """bdl-2, of one entry."""
    return bundle_type in SEARCHED or not there(entry, "search")


def starts_as(bundle_type: object, first: str | None) -> bool:
    """bdl-11 and bdl-12.

    Args:
        bundle_type: as in `Bundle.type`.
        first: resource type of the first entry; None where it has no resource, or there is no entry.
    """
    return not isinstance(bundle_type, str) or FIRST.get(bundle_type, first) == first


def _total(bundle: Element, _: Scope) -> bool:
    """bdl-1."""
    return not there(bundle, "total") or bundle.get("type") in TOTALLED


def _searches(bundle: Element, _: Scope) -> bool:
    """bdl-2."""
    return all(entry_has_search_as(entry, bundle.get("type")) for entry in items(bundle, "entry"))


def _requests(bundle: Element, _: Scope) -> bool:
    """bdl-3."""
    return all(entry_has_request_as(entry, bundle.get("type")) for entry in items(bundle, "entry"))


def _responses(bundle: Element, _: Scope) -> bool:
    """bdl-4."""
    return all(entry_has_response_as(entry, bundle.get("type")) for entry in items(bundle, "entry"))


def _distinct(bundle: Element, _: Scope) -> bool:
    """bdl-7."""
    found = [identity(entry) for entry in items(bundle, "entry") if "fullUrl" in entry]
    return bundle.get("type") == "history" or len(found) == len(set(found))


def _identified(bundle: Element, _: Scope) -> bool:
    """bdl-9."""
    return bundle.get("type") != "document" or any(
        there(each, "system") and there(each, "value") for each in items(bundle, "identifier")
    )


def _dated(bundle: Element, _: Scope) -> bool:
    """bdl-10."""
    return bundle.get("type") != "document" or text(bundle, "timestamp") is not None


def _starts(bundle_type: str) -> Rule:
    """bdl-11 and bdl-12."""

    def keeps(bundle: Element, _: Scope) -> bool:
        entry = next(items(bundle, "entry"), {})
        first = next((resource.get("resourceType") for resource in items(entry, "resource")), None)
        return bundle.get("type") != bundle_type or starts_as(bundle_type, first)

    return keeps


BUNDLE_RULES: Final[Mapping[str, Rule]] = {
    "total.empty() or (type = 'searchset') or (type = 'history')": _total,
    "entry.search.empty() or (type = 'searchset')": _searches,
    "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction'"
    " or %resource.type = 'history'))": _requests,
    "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type = 'transaction-response'"
    " or %resource.type = 'history'))": _responses,
    "resource.exists() or request.exists() or response.exists()": one_of("resource", "request", "response"),
    "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId).isDistinct()": (
        _distinct
    ),
    "fullUrl.contains('/_history/').not()": full_url_unversioned,
    "type = 'document' implies (identifier.system.exists() and identifier.value.exists())": _identified,
    "type = 'document' implies (timestamp.hasValue())": _dated,
    "type = 'document' implies entry.first().resource.is(Composition)": _starts("document"),
    "type = 'message' implies entry.first().resource.is(MessageHeader)": _starts("message"),
}
"""By the expression of R4 that the function embodies."""
