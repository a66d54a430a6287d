"""What resources refer to that stands in another chart: the practitioners and organisations of no patient.

Owns the search along references. Refuses nothing: a reference that leads nowhere in either stays as it came. Pure.

Source: FHIR R4 section 2.3.0.1 literal references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from edge_runtime.fhir.exporting.scene import Made
from edge_runtime.fhir.reading.strict_json import Json


def referenced(made: Iterable[Made], others: Sequence[Made]) -> list[Made]:
    """Those of `others` to which `made` refer, directly or through each other, in the order of `others`.

    Args:
        made: resources of a chart.
        others: of a chart of no patient.
    """
    by_name = {name: one for one in others for name in _names(one)}
    found: dict[str, Made] = {}
    waiting = list(made)
    while waiting:
        for name in _references(waiting.pop().content):
            one = by_name.get(name.split("/_history/")[0])
            if one is not None and one.address not in found:
                found[one.address] = one
                waiting.append(one)
    return [one for one in others if one.address in found]


def _names(one: Made) -> Iterator[str]:
    yield one.address
    name = one.content.get("id")
    if isinstance(name, str):
        yield f"{one.type}/{name}"


def _references(content: Mapping[str, Json]) -> Iterator[str]:
    level: list[Json] = [dict(content)]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            name = node.get("reference")
            if isinstance(name, str):
                yield name
            level.extend(node.values())
        elif isinstance(node, list):
            level.extend(node)
