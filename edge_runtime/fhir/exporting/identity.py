"""Names of exported resources: the same on every device, in every export, however often a statement is corrected.

Owns ids, addresses and references. A resource of ours has a UUID that is made of what it is about (a chart, a document,
the first fact of a thread, an entry), so an export made twice is the same and a receiver updates instead of doubling.
What came by import keeps its own id and address; one that had no address gets one under `LOCAL`, so that relative
references beside it resolve, and the importer takes that address for none. Pure.

Source: FHIR R4 sections 2.36.4 Resolving references in Bundles, 2.3.0.5 Logical references; RFC 9562 section 5.8.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from uuid import UUID

from edge_runtime.facts import Author, FactId
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.reading.references import LOCAL
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.ids import FixedBytes

SYSTEM: Final = "urn:fieldward:"
"""Before the names of what is ours: codes, and what lies on no FHIR server: users, devices, entries, charts."""
EXTENSIONS: Final = "https://fieldward.org/fhir/StructureDefinition/"

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid_of(purpose: str, *names: str) -> str:
    """A UUID (version 8) of what a resource is about.

    Args:
        purpose: the resource type, and what tells two resources about the same thing apart.
        names: of what it is about, such as `str(fact_id)` or `str(document)`.
    """
    digest = hashlib.sha256("\0".join(("fieldward", "fhir-r4", "export", purpose, *names)).encode()).digest()
    octets = bytearray(digest[:16])
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(octets)))


def thread_id(type_: str, origin: FactId) -> str:
    """The id of the resource of a thread of statements, by its first fact."""
    return uuid_of(type_, str(origin))


def plain_uuid(name: FixedBytes) -> str:
    """The id of a chart (its Patient) or of a document, 16 bytes, in the form of a UUID: nothing is derived."""
    return str(UUID(bytes=bytes(name)))


def urn(identifier: str) -> str:
    """The `fullUrl` of a resource of ours."""
    return f"urn:uuid:{identifier}"


def source_of(chart: FixedBytes) -> str:
    """What `meta.source` says of what was written in a chart; see `is_own`."""
    return urn(plain_uuid(chart))


def address_of(kept: Kept) -> str:
    """The `fullUrl` of an imported resource: its own, the URN of an id that is a UUID, else one under `LOCAL`."""
    if kept.address:
        return kept.address
    if _UUID.fullmatch(kept.id):
        return urn(kept.id.lower())
    return f"{LOCAL}{kept.type}/{kept.id}" if kept.id else urn(uuid_of(kept.type, kept.key))


def logical(system: str, name: FixedBytes, type_: str | None = None) -> dict[str, Json]:
    """A reference by identifier to what lies on no FHIR server."""
    named: dict[str, Json] = {"type": type_} if type_ else {}
    return named | {"identifier": {"system": SYSTEM + system, "value": str(name)}}


def practitioner(author: Author) -> dict[str, Json]:
    """A reference to an author."""
    return logical("user", author.user, "Practitioner")
