"""FHIRPath behind one function: the library fhirpathpy, with what it lacks and what it has otherwise than R4 means.

Owns the only import of that library. What is given here in place of its own:

- `hasValue()`, which it lacks: FHIR's own addition, true for a primitive with a value.
- `resolve()`, which it lacks: only a contained resource, or the container, can be looked up without a server.
- `matches()` over the whole text. R4's rules leave out the anchors and mean the whole (R5 writes them); the library
  searches.
- `<`, `<=`, `>`, `>=` on dates by precision and zone, and on quantities of one unit; the library compares the letters
  of two dates, and cannot compare two quantities.
- `trace()` is silent: the library prints what it is given, which may be a patient's.
- A primitive with extensions is one item, not two; see `Scope.joined`.

Refuses an expression that holds a function which is nowhere here (`memberOf`, `conformsTo`, `htmlChecks`), so that no
rule passes by not having been judged.

Source: FHIRPath N1 (2.0.0); FHIR R4 section 2.9.1 use of FHIRPath in FHIR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.validation import moments
from edge_runtime.fhir.validation.scope import Scope

Judge = Callable[[object, Scope], bool | None]
"""Judges an element: what the expression comes to there, None for empty."""
NODES_MAX: Final = 100_000
"""Values of a resource whose rules FHIRPath judges: the library goes over some paths once for every item before."""
_scope: ContextVar[Scope] = ContextVar("_scope")


class UnjudgedError(Exception):
    """An expression that cannot be judged; not an error of the resource, and never shown with its content."""


class TooLargeError(UnjudgedError):
    """A resource with more values than `NODES_MAX`."""


@cache
def compiled(expression: str, type_name: str) -> Judge:
    """An expression, ready to be judged at elements of one type.

    Args:
        expression: FHIRPath.
        type_name: the data type, resource type or backbone path of the elements.

    Raises:
        RefusedError: the library is not installed.
        UnjudgedError: the expression holds what is no word of FHIRPath, or needs a function that cannot be given here.
            The library passes over other faults of grammar; a test reads R4's own expressions to their ends.
    """
    library = _library()
    try:
        program = library.compile(expression, library.model, _options())
    except Exception as error:  # the library's own, without a base class
        raise UnjudgedError("an expression that does not parse") from error
    missing = set(_functions(program.parsedPath)) - library.known - set(_FUNCTIONS)
    if missing:
        raise UnjudgedError(f"functions that are not given here: {', '.join(sorted(missing))}")

    def judge(element: object, scope: Scope) -> bool | None:
        if scope.nodes > NODES_MAX:
            raise TooLargeError("more values than the library can go through in good time")
        at = scope.joined_resource if element is scope.resource else scope.joined(element)
        node = at if isinstance(at, Mapping) and "resourceType" in at else library.node(at, type_name)
        said = {"resource": scope.joined_resource, "rootResource": scope.joined_root, "context": at}
        token = _scope.set(scope)
        try:
            return _truth(program(node, said))
        finally:
            _scope.reset(token)

    return judge


def _truth(result: object) -> bool | None:
    """What a collection means as a truth: FHIRPath's singleton evaluation, None for empty.

    Raises:
        UnjudgedError: several items, which are no truth.
    """
    items = result if isinstance(result, list) else [result]
    if not items:
        return None
    if len(items) > 1:
        raise UnjudgedError("several items where a truth was expected")
    return items[0] if isinstance(items[0], bool) else True


@cache
def _library() -> SimpleNamespace:
    """What is used of fhirpathpy.

    Raises:
        RefusedError: it is not installed.
    """
    try:
        # 0.1 s and an extra: loaded when a rule is first judged.
        import fhirpathpy  # noqa: PLC0415 an extra, and slow to load
        from fhirpathpy.engine.invocations import invocation_registry  # noqa: PLC0415 an extra, and slow to load
        from fhirpathpy.engine.nodes import ResourceNode  # noqa: PLC0415 an extra, and slow to load
        from fhirpathpy.models import models  # noqa: PLC0415 an extra, and slow to load
    except ImportError:
        raise RefusedError(
            "extra_missing",
            expected="the extra 'fhir', by whose package fhirpathpy the rules of FHIR are judged",
            got="an installation without it",
            do="install it: pip install 'fieldward[fhir]'",
        ) from None
    return SimpleNamespace(
        compile=fhirpathpy.compile,
        model=models["r4"],
        node=ResourceNode.create_node,
        plain=ResourceNode,
        known=frozenset(invocation_registry),
    )


def _functions(parsed: object) -> Iterator[str]:
    """The names of the functions that a parsed expression calls."""
    if isinstance(parsed, Mapping):
        if parsed.get("type") == "Functn":
            yield parsed["children"][0]["text"].replace("`", "")
        for child in parsed.get("children", ()):
            yield from _functions(child)


def _options() -> dict[str, Any]:
    return {"traceFn": _silent, "userInvocationTable": {**_FUNCTIONS, **_COMPARISONS}}


def _silent(_label: str, _items: object) -> None:
    """Say nothing of what a rule looks at."""


def _has_value(items: list[Any]) -> bool:
    return len(items) == 1 and isinstance(items[0], str | int | Decimal)


def _matches(items: list[Any], pattern: str) -> list[bool]:
    return [re.fullmatch(pattern, item, re.DOTALL) is not None for item in items if isinstance(item, str)]


def _resolve(items: list[Any]) -> list[Any]:
    scope, node = _scope.get(), _library().node
    addresses = [item.get("reference") if isinstance(item, Mapping) else item for item in items]
    found = [scope.found(address) for address in addresses]
    return [node(each) for each in found if each is not None]


def _compared(accepted: frozenset[int]) -> Callable[[list[Any], list[Any]], list[bool]]:
    def compare(left: list[Any], right: list[Any]) -> list[bool]:
        plain = _library().plain
        if len(left) != 1 or len(right) != 1:
            raise UnjudgedError("several items on a side of a comparison")
        placed = ordered(left[0], right[0].data if isinstance(right[0], plain) else right[0])
        return [] if placed is None else [placed in accepted]

    return compare


def ordered(one: object, other: object) -> int | None:
    """-1, 0 or 1 as the first value is less than, equal to or greater than the second; None where that is open.

    Args:
        one: a number, a date or time as text, or a Quantity.
        other: the same.

    Raises:
        UnjudgedError: the two have no order.
    """
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return (one > other) - (one < other)
    if isinstance(one, str) and isinstance(other, str):
        if moments.is_moment(one) and moments.is_moment(other):
            return moments.order(one, other)
        return (one > other) - (one < other)
    if any(isinstance(each, Mapping) and "value" not in each for each in (one, other)):
        return None  # a primitive that has extensions and no value, or a quantity of no value
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return ordered(one["value"], other["value"]) if _unit(one) == _unit(other) else None
    raise UnjudgedError("values that have no order")


def _unit(quantity: Mapping[str, Any]) -> tuple[object, object]:
    """What two quantities must share to be compared without conversion: system and code, else the unit as written."""
    code = quantity.get("code")
    return (quantity.get("system"), code) if code is not None else (None, quantity.get("unit"))


_FUNCTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "hasValue": {"fn": _has_value, "arity": {0: []}},
    "matches": {"fn": _matches, "arity": {1: ["String"]}, "nullable_input": True},
    "resolve": {"fn": _resolve, "arity": {0: []}},
}
_SIDES: Final = {"arity": {2: ["Any", "Any"]}, "nullable": True}
_COMPARISONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "<": {"fn": _compared(frozenset({-1})), **_SIDES},
    "<=": {"fn": _compared(frozenset({-1, 0})), **_SIDES},
    ">": {"fn": _compared(frozenset({1})), **_SIDES},
    ">=": {"fn": _compared(frozenset({0, 1})), **_SIDES},
}
