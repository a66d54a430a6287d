"""The forms of answers: pieces of JSON Schema, and an answer read by one.

Owns the few keywords that a skill's schema may use, which are those that the engines enforce while they decode. What
was cut by the limit of tokens keeps the fields that were finished and nothing of the one that was not. Anything else
that is no value of its schema is an `EngineError`: the engine did not keep the form, and nobody guesses what it meant.

Source: JSON Schema 2020-12, validation vocabulary, sections 6.1 to 6.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills import answers
from edge_runtime.ai.skills.neutral import visible
from edge_runtime.ai.skills.skill import Reply
from edge_runtime.clinical.fact_json import Json

Schema: TypeAlias = dict[str, Json]

ITEMS_MAX: Final = 64
"""Items of a list in an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """An answer by its form.

    Attributes:
        values: by name, in the order of the schema; of a cut answer only what was finished.
        missing: names of the fields that are not there because the answer was cut.
        cut: the answer ended early and is not whole.
    """

    values: dict[str, Json] = field(repr=False)
    missing: tuple[str, ...] = ()
    cut: bool = False

    def words(self, name: str) -> str:
        """A field that is a string; empty where it is missing."""
        value = self.values.get(name, "")
        assert isinstance(value, str), "the skill's own schema says that it is a string"
        return value


def text(longest: int) -> Schema:
    """A string that is not empty, of so many characters at most."""
    return {"type": "string", "minLength": 1, "maxLength": longest}


def one_of(words: Iterable[str]) -> Schema:
    """One of a closed list of strings."""
    listed: list[Json] = list(dict.fromkeys(words))
    assert listed, "an enumeration names something"
    return {"type": "string", "enum": listed}


def many(item: Schema, *, most: int, least: int = 0) -> Schema:
    """A list of between `least` and `most` of the same."""
    assert 0 <= least <= most <= ITEMS_MAX, "a list has limits"
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def longest(schema: Schema) -> int:
    """Characters of the longest answer of a schema that is made of these pieces, as JSON without white space."""
    match schema:
        case {"enum": list(words)}:
            return max(len(str(word)) for word in words) + 3
        case {"type": "string", "maxLength": int(most)}:
            return most + 3
        case {"type": "array", "items": dict(item), "maxItems": int(most)}:
            return most * (longest(item) + 1) + 3
        case {"type": "object", "properties": dict(properties)}:
            return sum(len(name) + 4 + longest(one) for name, one in properties.items() if isinstance(one, dict)) + 3
        case _:
            raise AssertionError(schema)


def whole(properties: Mapping[str, Schema]) -> Schema:
    """An object of exactly these fields, in this order."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def read(reply: Reply, schema: Schema) -> Fields:
    """The fields of an answer, without what nobody could see in them.

    Args:
        reply: to an ask whose form was `schema`, or one that allows less.
        schema: made by `whole`.

    Raises:
        EngineError: what came is no value of the schema, nor the beginning of one that was cut (`answer_malformed`).
    """
    value = answers.parse(reply.text)
    cut = reply.cut and value is None
    if cut:
        value = answers.finished(reply.text)
    properties: dict[str, Schema] = _properties(schema)
    if not isinstance(value, dict) or any(name not in properties for name in value):
        raise malformed(reply, "a JSON object of the skill's fields and no others")
    last = next(reversed(value), None)
    for name in [name for name in value if not fits(value[name], properties[name])]:
        if not (cut and name == last and isinstance(value[name], list)):
            raise malformed(reply, f"a field {name} as its schema has it")
        del value[name]  # a list that was cut before it had the fewest items that it may have
    missing = tuple(name for name in properties if name not in value)
    if missing and not cut:
        raise malformed(reply, f"all of the fields, {', '.join(properties)}")
    return Fields(values={name: _seen(value[name]) for name in properties if name in value}, missing=missing, cut=cut)


def malformed(reply: Reply, expected: str) -> EngineError:
    """Make the error for an answer out of form; it says how long the answer was, and nothing of it."""
    return EngineError(
        "answer_malformed",
        expected=expected,
        got=f"an answer of {len(reply.text)} characters in another form",
        do="ask again; if it stays so, this engine does not enforce forms and cannot be used for this",
    )


def fits(value: Json, schema: Schema) -> bool:
    """Whether a value is one of a schema made of the pieces above."""
    check: Callable[[Any, Any], bool] = _CHECKS[str(schema["type"])]
    return check(value, schema)


def _properties(schema: Schema) -> dict[str, Any]:
    properties = schema["properties"]
    assert isinstance(properties, dict), "a form is made by `whole`"
    return properties


def _fits_text(value: Json, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, str):
        return False
    if "enum" in schema:
        return value in schema["enum"]
    longest: int = schema["maxLength"]
    shortest: int = schema["minLength"]
    return shortest <= len(value) <= longest


def _fits_list(value: Json, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, list) or not schema["minItems"] <= len(value) <= schema["maxItems"]:
        return False
    return all(fits(item, schema["items"]) for item in value)


def _fits_object(value: Json, schema: Mapping[str, Any]) -> bool:
    properties: dict[str, Schema] = schema["properties"]
    if not isinstance(value, dict) or value.keys() != properties.keys():
        return False
    return all(fits(value[name], piece) for name, piece in properties.items())


_CHECKS: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {"string": _fits_text, "array": _fits_list, "object": _fits_object}
)


def _seen(value: Json) -> Json:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_seen(item) for item in value]
    return {name: _seen(item) for name, item in value.items()} if isinstance(value, dict) else value
