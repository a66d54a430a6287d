"""Bundles and NDJSON of exported resources, one piece after the other, so that no file need fit into memory.

Owns what each form asks for. A collection says nothing but what there is. A transaction puts each resource under its
own id, so that sending it twice changes nothing. A document begins with a Composition and holds what that refers to,
directly or through others, with its Provenance, and nothing else. NDJSON has no addresses: what is ours refers by type
and id there. Pure.

Source: FHIR R4 sections 2.36 Bundle (bdl-3, bdl-7 to bdl-12), 2.42 Documents, 3.1.0.11 transaction; bulk data access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.exporting.identity import urn, uuid_of
from edge_runtime.fhir.exporting.scene import Made, instant
from edge_runtime.fhir.exporting.writing import to_bytes, to_text
from edge_runtime.fhir.reading.references import LOCAL
from edge_runtime.fhir.reading.strict_json import Json


class Form(StrEnum):
    """What kind of Bundle."""

    COLLECTION = "collection"
    DOCUMENT = "document"
    TRANSACTION = "transaction"


_COMPOSITION: Final = "Composition"


def bundle(made: Iterable[Made], form: Form, *, now_ms: int) -> Iterator[bytes]:
    """A Bundle, piece by piece.

    Args:
        made: in order; of a document, what `document` gave.
        form: which kind.
        now_ms: when it is made, milliseconds since 1970.
    """
    first = True
    for one in made:
        if first:
            yield _opening(one, form, now_ms)
        yield (b"" if first else b",\n") + _entry(one, form)
        first = False
    yield _opening(None, form, now_ms, empty=True) if first else b"\n]}\n"


def document(made: Sequence[Made], composition: Made | None = None) -> list[Made]:
    """What a document holds: a Composition, by default the newest, and what it refers to.

    Raises:
        RefusedError: there is no Composition: nothing was signed.
    """
    found = [one for one in made if one.type == _COMPOSITION]
    if not found:
        raise RefusedError(
            "nothing_signed",
            expected="a signed note, which becomes the Composition of a document",
            got="a chart in which nothing is signed",
            do="sign a note, or export a collection",
        )
    chosen = composition or max(found, key=lambda one: (str(one.content.get("date", "")), one.address))
    by_address = {one.address: one for one in made}
    reached = {chosen.address: chosen}
    waiting = [chosen]
    while waiting:
        for address in _references(waiting.pop().content):
            target = by_address.get(address)
            if target is not None and address not in reached:
                reached[address] = target
                waiting.append(target)
    said = [one for one in made if one.type == "Provenance" and not set(_targets(one)) - reached.keys()]
    others = [one for one in made if one.address in reached and one is not chosen]
    return [chosen, *others, *(one for one in said if one.address not in reached)]


def ndjson(made: Iterable[Made], names: Mapping[str, str], *, source: str) -> Iterator[tuple[str, bytes]]:
    """Each resource of a chart as its type and one line.

    Args:
        made: in order.
        names: what `names_of` gave of all resources of the export.
        source: what `identity.source_of` says of the chart. An imported resource that only its server makes unique
            names it as its `meta.source`, for without its address nobody could tell that it comes back.
    """
    for one in made:
        content = one.content if one.verbatim else _renamed(one.content, names)
        if one.verbatim and _needs_source(one):
            before = content.get("meta")
            content = content | {"meta": {**(before if isinstance(before, dict) else {}), "source": source}}
        yield one.type, to_bytes(content) + b"\n"


def names_of(made: Iterable[Made]) -> dict[str, str]:
    """Type and id of each resource that has one, by its address."""
    return {one.address: f"{one.type}/{identifier}" for one in made if (identifier := one.content.get("id"))}


def with_ids(made: Iterable[Made]) -> Iterator[Made]:
    """Each resource with an id: an imported one that had none gets one made of its address, as PUT needs one."""
    for one in made:
        identifier = one.content.get("id") or uuid_of(one.type, one.address)
        yield replace(one, content={"resourceType": one.type, "id": identifier, **_without_names(one.content)})


def _without_names(content: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in content.items() if name not in {"resourceType", "id"}}


def _opening(first: Made | None, form: Form, now_ms: int, *, empty: bool = False) -> bytes:
    head: dict[str, Json] = {"resourceType": "Bundle"}
    if form is Form.DOCUMENT and first is not None:
        name = uuid_of("Bundle", first.address, str(first.content.get("date", "")))
        head |= {"id": name, "identifier": {"system": "urn:ietf:rfc:3986", "value": urn(name)}}
    head |= {"type": form.value, "timestamp": instant(now_ms)}
    return to_text(head).encode() + b"\n" if empty else to_text(head)[:-1].encode() + b',"entry":[\n'


def _entry(made: Made, form: Form) -> bytes:
    entry: dict[str, Json] = {"fullUrl": made.address, "resource": dict(made.content)}
    if form is Form.TRANSACTION:
        entry["request"] = {"method": "PUT", "url": f"{made.type}/{made.content['id']}"}
    return to_bytes(entry)


def _needs_source(made: Made) -> bool:
    """Whether its address says more than its type and id do, and NDJSON would lose it."""
    web = made.address.startswith(("http://", "https://")) and not made.address.startswith(LOCAL)
    return web and made.address.endswith(f"/{made.type}/{made.content.get('id')}")


def _references(value: Json) -> Iterator[str]:
    """Every literal reference in a value."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            found = node.get("reference")
            if isinstance(found, str):
                yield found
            waiting.extend(node.values())


def _targets(made: Made) -> Iterator[str]:
    return _references(made.content.get("target"))


def _renamed(value: dict[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    found = {name: _renamed_value(one, names) for name, one in value.items()}
    written = found.get("reference")
    return found | {"reference": names[written]} if isinstance(written, str) and written in names else found


def _renamed_value(value: Json, names: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return _renamed(value, names)
    return [_renamed_value(one, names) for one in value] if isinstance(value, list) else value
