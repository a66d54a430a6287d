"""Whether two identities under one id may be one person: two sources may number their patients alike.

Owns that comparison, for versions within one import and for an import over what is there. Pure.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.subjects import normalised, said
from edge_runtime.facts import Fact
from edge_runtime.fhir.importing.chart_facts import UNNAMED, UNRECORDED
from sync_protocol.encoding import Value

_NAMELESS: Final = frozenset(map(normalised, (UNNAMED, UNRECORDED)))


def same_person(one: Fact, other: Fact) -> bool:
    """Tell whether two identities of one id may be the same person: alike in an identifier, the name or the birth date.

    A name that is not known contradicts nothing. Where one system numbered both and no number is the same, name and
    birth date must both agree.
    """
    names = {normalised(said(identity, "name") or "") for identity in (one, other)}
    if not names.isdisjoint(_NAMELESS) or _identifiers(one) & _identifiers(other):
        return True
    born = said(one, "birth_date")
    likeness = len(names) == 1, born is not None and born == said(other, "birth_date")
    numbered = {system for system, _ in _identifiers(one)} & {system for system, _ in _identifiers(other)}
    return all(likeness) if numbered else any(likeness)


def _identifiers(identity: Fact) -> set[tuple[Value, Value]]:
    listed = identity.payload.get("identifiers")
    pairs = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {(str(item["system"]), str(item["value"])) for item in pairs if "system" in item and "value" in item}
