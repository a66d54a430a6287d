"""The forms of answers: pieces of JSON Schema, and an answer read by one.

Owns the few keywords that a skill's schema may use, which are those that the engines enforce while they decode. What
was cut by the limit of tokens keeps the fields that were finished and nothing of the one that was not. Anything else
that is no value of its schema is an `EngineError`: the engine did not keep the form, and no guess is made at what it
meant.

Source: JSON Schema 2020-12, validation vocabulary, sections 6.1 to 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills import answers
from edge_runtime.ai.skills.neutral import visible
from edge_runtime.ai.skills.skill import Reply
from edge_runtime.clinical.fact_json import Json

Schema: TypeAlias = dict[str, Json]

ITEMS_MAX: Final = 64
"""Items of a list in an answer."""


@dataclass(frozen=True, slots=True)
class Fields:
    """An answer by its form.

    Attributes:
        values: by name, in the order of the schema; a cut answer has only the finished ones.
        missing: names of the fields that a cut answer does not have.
    """

    values: Mapping[str, Json] = field(repr=False)
    missing: tuple[str, ...] = ()


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


def whole(properties: Mapping[str, Schema]) -> Schema:
    """An object of exactly these fields, in this order."""
    required: list[Json] = list(properties)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def read(reply: Reply, schema: Schema) -> Fields:
    """The fields of an answer, without what nobody could see in them.

    Args:
        reply: to an ask whose form was `schema`.
        schema: made by `whole`.

    Raises:
        EngineError: what came is no value of the schema, nor the beginning of one that was cut (`answer_malformed`).
    """
    properties = _properties(schema)
    values = answers.parse(reply.text)
    if values is None and reply.cut:
        values = answers.finished(reply.text, frozenset(properties))
        kept = {name: value for name, value in (values or {}).items() if name in properties}
    elif isinstance(values, dict):
        kept = values
    else:
        kept = None
    if kept is None or values is None:
        raise malformed(reply, "a JSON object of the skill's fields")
    missing = tuple(name for name in properties if name not in kept)
    if (missing and not reply.cut) or any(name not in properties for name in values):
        raise malformed(reply, "exactly the skill's fields")
    for name, value in kept.items():
        if not fits(value, properties[name]):
            raise malformed(reply, f"field {name} as its schema has it")
    return Fields({name: _shown(kept[name]) for name in properties if name in kept}, missing)
