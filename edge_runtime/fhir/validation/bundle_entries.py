"""What is wrong with one entry of a Bundle, whatever the others are: its address, its request, that it holds anything.

Owns rules bdl-5 and bdl-8 and the agreement of fullUrl, id and request. The structure of an entry is checked elsewhere.

Source: FHIR R4 section 2.36 (Bundle.entry.fullUrl, bdl-5, bdl-8); 3.1.0.11 transactions (request and resource).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from edge_runtime.fhir.reading.strict_json import Json
from edge_runtime.fhir.validation.bundle_addresses import RELATIVE, RESTFUL, wrong_form
from edge_runtime.fhir.validation.problem import Code, Problem, Severity

_NEEDS_RESOURCE: Final = frozenset({"POST", "PUT"})


def entry_rules(path: str, entry: Mapping[str, Json], resource: Mapping[str, Json]) -> Iterator[Problem]:
    """Check an entry by itself.

    Args:
        path: of the entry.
        entry: its members.
        resource: its resource; empty where it has none.
    """
    if all(entry.get(name) is None for name in ("resource", "request", "response")):
        words = "must be a resource unless there's a request or response"
        yield _error(Code.INVARIANT, path, words, rule="bdl-5")
    full_url = entry.get("fullUrl")
    if isinstance(full_url, str) and full_url:
        yield from _address(f"{path}.fullUrl", full_url, resource)
    request = entry.get("request")
    if isinstance(request, dict):
        yield from _request(path, request, entry.get("resource"), resource)


def _address(path: str, full_url: str, resource: Mapping[str, Json]) -> Iterator[Problem]:
    if wrong := wrong_form(full_url):
        yield _error(Code.VALUE, path, wrong)
        return
    if "/_history/" in full_url:
        yield _error(Code.INVARIANT, path, "fullUrl cannot be a version specific reference", rule="bdl-8")
        return
    found = RESTFUL.fullmatch(full_url)
    kind, identifier = resource.get("resourceType"), resource.get("id")
    if found is None or not isinstance(kind, str):
        return
    if isinstance(identifier, str) and found["id"] != identifier:
        yield _error(Code.VALUE, path, "expected an address that ends in the id of the resource; got another id")
    elif identifier is not None and found["type"] != kind:
        yield _error(Code.VALUE, path, "expected an address with the type of the resource; got another type")


def _request(path: str, request: Mapping[str, Json], held: Json, resource: Mapping[str, Json]) -> Iterator[Problem]:
    method, url = request.get("method"), request.get("url")
    if (
        isinstance(method, str)
        and method in _NEEDS_RESOURCE
        and held is None
        and not (isinstance(url, str) and "$" in url)
    ):
        yield _error(Code.REQUIRED, f"{path}.resource", f"expected the resource of a {method}; got none")
    named = RELATIVE.fullmatch(url) if method == "PUT" and isinstance(url, str) else None
    if named is None or not resource:
        return
    if named["type"] != resource.get("resourceType"):
        yield _error(Code.VALUE, f"{path}.request.url", "expected the type of the resource; got another")
    elif named["id"] != resource.get("id"):
        yield _error(Code.VALUE, f"{path}.request.url", "expected the id of the resource; got another")


def _error(code: Code, path: str, message: str, *, rule: str = "") -> Problem:
    return Problem(severity=Severity.ERROR, code=code, path=path, message=message, rule=rule)
