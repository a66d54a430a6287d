"""The rules of a Bundle, checked while it streams by: only keys of its entries are held, never the entries.

Owns references between entries and duplicates. References within one resource are not its business, nor is whether a
resource elsewhere exists: a relative or an absolute reference may lead out of the Bundle, a `urn:uuid:` or `urn:oid:`
cannot, and what the Composition of a document refers to must be in the document. Chains and circles of references are
allowed, as the specification allows them.

Source: FHIR R4 sections 2.36.4 Resolving references in Bundles, 2.36.5 uniqueness (bdl-7), 3.3.1 document content,
3.1.0.11.2 transaction processing (an identity stands once).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.fhir.reading.pieces import Entry, Head
from edge_runtime.fhir.reading.resource_types import R4_TYPES
from edge_runtime.fhir.reading.strict_json import Json
from edge_runtime.fhir.validation.bundle_addresses import RESTFUL, Pointer, Targets, addressed, pointers
from edge_runtime.fhir.validation.bundle_entries import entry_rules
from edge_runtime.fhir.validation.bundle_types import PLACES_MAX, Seen
from edge_runtime.fhir.validation.problem import Code, Problem, Severity

KEYS_MAX: Final = 2_000_000
"""Addresses that are held, some 150 bytes each, and references that wait for one."""

_KEY_BYTES: Final = 16
_TRANSIENT: Final = frozenset({"batch", "transaction", "batch-response", "transaction-response", "history"})
"""Types in which an id says little: the server gives it, or a resource comes in many versions."""
_CHANGES: Final = frozenset({"PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class _Waiting:
    """References to what has not come yet: their places, what they may lead to, and how many more there are."""

    places: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    more: int = 0


class BundleCheck:
    """One Bundle on its way past."""

    def __init__(self, path: str, targets: Targets) -> None:
        """Start before the first entry.

        Args:
            path: of the Bundle: `Bundle`, `Bundle.entry[3].resource`.
            targets: what references may lead to; shared by all Bundles.
        """
        self._path = path
        self._targets = targets
        self._index: dict[bytes, int] = {}
        self._types: list[str] = []
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._alike: list[tuple[int, int, str]] = []
        self._whole = True
        self._full = False
        self._seen = Seen()

    def lost(self) -> None:
        """Take note of an entry that cannot be read: what is not found may have been it."""
        self._whole = False
        self._types.append("")

    def entry(self, entry: Entry) -> Iterator[Problem]:
        """Check an entry, as far as it can be told at once."""
        values = {name: part.value for name, part in entry.parts.items()}
        held, full_url = values.get("resource"), values.get("fullUrl")
        resource = held if isinstance(held, dict) else {}
        full_url = full_url if isinstance(full_url, str) else ""
        kind = resource.get("resourceType")
        self._types.append(kind if isinstance(kind, str) and kind in R4_TYPES else "")
        self._seen.take(entry.index, values, self._types[-1])
        yield from entry_rules(entry.path, values, resource)
        if len(self._index) >= KEYS_MAX:
            self._full, self._whole = True, False
        else:
            self._file(entry.index, full_url, resource, values.get("request"))
        if resource and not entry.nested and (kind == "Composition" or "urn:" in entry.parts["resource"].text):
            for pointer in pointers(resource):
                yield from self._reference(f"{entry.path}.resource{pointer.path}", pointer, full_url, resource)

    def end(self, head: Head) -> Iterator[Problem]:
        """Check what can be told only when all entries have come."""
        content = {name: part.value for name, part in head.parts.items()}
        said = content.get("type")
        kind = said if isinstance(said, str) else ""
        for pointer in pointers(content):
            yield from self._reference(f"{self._path}{pointer.path}", pointer, "", {"resourceType": "Bundle"})
        yield from self._seen.rules(self._path, content, len(self._types))
        for (address, version), waiting in self._waiting.items():
            yield from self._settled(address, version, waiting, document=kind == "document")
        for index, first, sort in self._alike:
            yield from self._duplicate(index, first, sort, kind)
        if self._full:
            message = f"expected at most {KEYS_MAX} addresses; got more: references and duplicates are checked in part"
            yield Problem(severity=Severity.WARNING, code=Code.TOO_COSTLY, path=self._path, message=message)

    def _file(self, index: int, full_url: str, resource: Mapping[str, Json], request: Json) -> None:
        """Keep the keys of an entry, and note those that are there already."""
        meta, identifier = resource.get("meta"), resource.get("id")
        version = str(meta.get("versionId") or "") if isinstance(meta, dict) else ""
        if full_url:
            self._note(index, "address", full_url, version)
            if version:
                self._index.setdefault(_key("any", full_url), index)
        if isinstance(identifier, str) and full_url != f"urn:uuid:{identifier}" and not RESTFUL.fullmatch(full_url):
            self._note(index, "named" if full_url else "bare", f"{self._types[index]}/{identifier}", version)
        method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
        if isinstance(method, str) and method in _CHANGES and isinstance(url, str):
            self._note(index, "request", url)

    def _note(self, index: int, sort: str, *words: str) -> None:
        first = self._index.setdefault(_key(sort, *words), index)
        if first != index and len(self._alike) < KEYS_MAX:
            self._alike.append((index, first, sort))

    def _reference(
        self, place: str, pointer: Pointer, full_url: str, resource: Mapping[str, Json]
    ) -> Iterator[Problem]:
        """Follow a reference that must lead to an entry, or would in a document."""
        composed = resource.get("resourceType") == "Composition" and pointer.steps[:1] != ("contained",)
        if pointer.address.startswith("#") or not (composed or pointer.address.startswith("urn:")):
            return
        address, version = addressed(pointer.address, full_url)
        found, allowed = self._find(address, version), self._targets.of(resource, pointer)
        if found is not None:
            yield from self._reached(place, allowed, found)
            return
        key = (address, version) if address else ("", pointer.address)
        if key not in self._waiting and len(self._waiting) >= KEYS_MAX:
            self._full = True
            return
        waiting = self._waiting.setdefault(key, _Waiting())
        if len(waiting.places) < PLACES_MAX:
            waiting.places.append((place, allowed))
        else:
            waiting.more += 1

    def _find(self, address: str, version: str) -> int | None:
        found = self._index.get(_key("address", address, version)) if address else None
        return found if found is not None or version or not address else self._index.get(_key("any", address))

    def _settled(self, address: str, version: str, waiting: _Waiting, *, document: bool) -> Iterator[Problem]:
        """Say what became of references to what had not come."""
        found = self._find(address, version)
        if found is not None:
            for place, allowed in waiting.places:
                yield from self._reached(place, allowed, found)
        elif document or address.startswith("urn:"):
            message = "expected an entry of the Bundle under this address; got none"
            message += "" if self._whole else ", but some entries could not be read"
            last = len(waiting.places) - 1
            for number, (place, _) in enumerate(waiting.places):
                more = f" (and {waiting.more} more)" if waiting.more and number == last else ""
                severity = Severity.ERROR if self._whole else Severity.WARNING
                yield Problem(severity=severity, code=Code.NOT_FOUND, path=place, message=message + more)

    def _reached(self, place: str, allowed: frozenset[str], index: int) -> Iterator[Problem]:
        kind = self._types[index]
        if allowed and kind and kind not in allowed:
            expected = " or ".join(sorted(allowed))
            message = f"expected a reference to {expected}; got one to entry[{index}], a {kind}"
            yield Problem(severity=Severity.ERROR, code=Code.STRUCTURE, path=place, message=message)

    def _duplicate(self, index: int, first: int, sort: str, kind: str) -> Iterator[Problem]:
        path, severity, rule = f"{self._path}.entry[{index}]", Severity.ERROR, ""
        if sort == "address" and kind != "history":
            path, rule = f"{path}.fullUrl", "bdl-7"
            message = f"expected an address that no other entry has in this version; got that of entry[{first}]"
        elif sort == "request" and kind == "transaction":
            path, message = f"{path}.request.url", f"expected each resource once; got that of entry[{first}] again"
        elif sort in {"named", "bare"} and kind not in _TRANSIENT:
            severity = Severity.ERROR if sort == "bare" else Severity.WARNING
            path, message = f"{path}.resource.id", f"expected each id once in its type; got that of entry[{first}]"
        else:
            return
        yield Problem(severity=severity, code=Code.DUPLICATE, path=path, message=message, rule=rule)


def _key(*words: str) -> bytes:
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()
