"""How values are packed for the local cache: by their types, one plan a type, each made once.

Owns the packing of frozen values: dataclasses as lists of their fields, ids as bytes, enumerations by value, and facts
by their number in a list of their own, because a chart shows each in many places. Refuses types that it has no plan
for: what cannot be kept is a bug of this room, found by its tests.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

from edge_runtime.clinical.chart import ChartState
from edge_runtime.facts import Fact, FactId, PlacedFact
from edge_runtime.text.section import StartName
from edge_runtime.text.sides import Contested
from edge_runtime.text.view import View
from sync_protocol.ids import EntryHash, FixedBytes, Hash

FORMAT: Final = 1
"""Raised whenever what lies in the store is laid out otherwise."""


class Facts(Protocol):
    """The facts of a chart, by number."""

    def __getitem__(self, number: int, /) -> PlacedFact:
        """The fact of that number."""
        ...


class Plan(NamedTuple):
    """How one type is packed and unpacked; packed values are what CBOR holds."""

    pack: Callable[[Any, Mapping[FactId, int]], Any]
    unpack: Callable[[Any, Facts], Any]


_PLAIN: Final = Plan(lambda value, _: value, lambda raw, _: raw)
_FACT_ID: Final = Plan(
    lambda fact, _: [bytes(fact.entry), fact.index], lambda raw, _: FactId(EntryHash(raw[0]), raw[1])
)
_FACT_NUMBER: Final = Plan(lambda fact, numbers: numbers[fact.id], lambda raw, facts: facts[raw])


@cache
def plan_of(hint: Any) -> Plan:
    """The plan of a type as it stands in an annotation."""
    origin = typing.get_origin(hint)
    if hint is PlacedFact:
        return _FACT_NUMBER
    if hint is FactId:
        return _FACT_ID
    if origin is tuple or origin is frozenset:
        return _many(plan_of(typing.get_args(hint)[0]), origin)
    if origin is not None and issubclass(origin if isinstance(origin, type) else object, Mapping):
        return _map(*map(plan_of, typing.get_args(hint)))
    if isinstance(hint, types.UnionType) or origin is typing.Union:
        return _union([one for one in typing.get_args(hint) if one is not types.NoneType])
    return _simple(hint)


def payloads_of(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's fields, in the order in which they are packed."""
    return tuple(field.name for field in fields(kind) if field.init)


def hints_of(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(kind)


def _simple(kind: type) -> Plan:
    if kind in {int, str, bool, bytes}:
        return _PLAIN
    if issubclass(kind, Enum):
        members = {member.value: member for member in kind}
        return Plan(lambda value, _: value.value, lambda raw, _: members[raw])
    if issubclass(kind, FixedBytes):
        return Plan(lambda value, _: bytes(value), lambda raw, _: kind(raw))
    if is_dataclass(kind):
        return _fields(kind)
    raise TypeError(f"no plan for {kind}")


def _fields(kind: type) -> Plan:
    names, hints = payloads_of(kind), hints_of(kind)
    plans = [plan_of(hints[name]) for name in names]

    def pack(value: Any, numbers: Mapping[FactId, int]) -> list[Any]:
        return [plan.pack(getattr(value, name), numbers) for name, plan in zip(names, plans, strict=True)]

    def unpack(raw: Sequence[Any], facts: Facts) -> Any:
        found = (plan.unpack(item, facts) for item, plan in zip(raw, plans, strict=True))
        return kind(**dict(zip(names, found, strict=True)))

    return Plan(pack, unpack)


def _many(plan: Plan, kind: type) -> Plan:
    return Plan(
        lambda value, numbers: [plan.pack(item, numbers) for item in value],
        lambda raw, facts: kind([plan.unpack(item, facts) for item in raw]),
    )


def _map(keys: Plan, values: Plan) -> Plan:
    return Plan(
        lambda value, numbers: [[keys.pack(k, numbers), values.pack(v, numbers)] for k, v in value.items()],
        lambda raw, facts: {keys.unpack(k, facts): values.unpack(v, facts) for k, v in raw},
    )


def _union(kinds: Sequence[type]) -> Plan:
    """One of several types, by its place among them; None for None."""
    plans = [plan_of(kind) for kind in kinds]

    def pack(value: Any, numbers: Mapping[FactId, int]) -> Any:
        if value is None:
            return None
        place = next(number for number, kind in enumerate(kinds) if isinstance(value, kind))
        return [place, plans[place].pack(value, numbers)]

    def unpack(raw: Any, facts: Facts) -> Any:
        return None if raw is None else plans[raw[0]].unpack(raw[1], facts)

    return Plan(pack, unpack)


def _shape(kind: Any, known: dict[str, list[str]]) -> None:
    """Note the fields of a type, and of all that it is made of."""
    for part in typing.get_args(kind):
        _shape(part, known)
    name = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        known[name] = [str(member.value) for member in kind]
    if not (isinstance(kind, type) and is_dataclass(kind)) or name in known:
        return
    hints = hints_of(kind)
    known[name] = [f"{field}: {hints[field]}" for field in payloads_of(kind)]
    for field in payloads_of(kind):
        _shape(hints[field], known)


def _shape_of(*kinds: type) -> Hash:
    known: dict[str, list[str]] = {}
    for kind in kinds:
        _shape(kind, known)
    return Hash.of(repr((FORMAT, sorted(known.items()))).encode())


SHAPE: Final = _shape_of(ChartState, Fact, View, Contested, StartName)
"""Names the layout of everything that is kept: a program that changed one of these types keeps under another."""
