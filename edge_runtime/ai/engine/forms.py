"""What a form of an answer becomes before llguidance enforces it on a SentencePiece vocabulary.

Owns the translation. The library is given the vocabulary's pieces as they are spelled in the model's file: a space is
U+2581 there, and a character without a piece of its own is spelled byte by byte, `<0xC3><0xA9>`. A grammar that forces
a space or such a character finds no piece for it and fails, so literals are written as the vocabulary writes them; what
the engine hands back has the real characters again, since the pieces are decoded. Measured with litert-lm 0.18.1.

Pure: how a character is spelled is asked of the caller, who has the vocabulary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from edge_runtime.ai.engine.port import Form, JsonForm
from edge_runtime.clinical.fact_json import Json
from edge_runtime.errors import RefusedError

SPACE: Final = "\u2581"
"""What SentencePiece writes for a space."""
GUIDANCE: Final = "x-guidance"
Spelling = Callable[[str], str]
"""A character as the vocabulary spells it: itself, or its bytes."""

_KEPT: Final = frozenset({"$ref", "$schema", "$id", "type", "format", "title", "description"})
_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}")
_MARKER: Final = re.compile(r"<(?=[|/]?[A-Za-z][\w|]*>)")


def spelled_bytes(character: str) -> str:
    """A character as the vocabulary writes one that it has no piece for."""
    return "".join(f"<0x{byte:02X}>" for byte in character.encode())


def spelled(words: str, spelling: Spelling) -> str:
    """A literal as the vocabulary writes it. What JSON escapes is left to the grammar, which escapes it."""
    return "".join(
        SPACE if character == " " else character if character in '"\\' or character < " " else spelling(character)
        for character in words
    )


def spelled_schema(schema: Mapping[str, Json], spelling: Spelling) -> dict[str, Json]:
    """A schema for llguidance: literals as the vocabulary writes them, and no white space between tokens.

    Without the latter a model may write white space until it is stopped.
    """
    made: dict[str, Json] = {key: _keyword(key, value, spelling) for key, value in schema.items()}
    made[GUIDANCE] = {"whitespace_flexible": False}
    return made


def spelled_pattern(pattern: str, spelling: Spelling) -> str:
    """A regular expression for llguidance.

    Raises:
        RefusedError: a character class names a character that the vocabulary has no piece for (`form_unknown`).
    """
    made: list[str] = []
    depth, escaped = 0, False
    for character in pattern:
        if escaped:
            escaped = False
            made.append(f"[\\s{SPACE}]" if character == "s" else SPACE if character == " " else "\\" + character)
            continue
        if character == "\\":
            escaped = True
            continue
        if character == " ":
            made.append(SPACE)
            continue
        if character in _SPECIAL:
            depth = depth + (character == "[") - (character == "]" and depth > 0)
            made.append(character)
            continue
        spelling_of = spelling(character) if depth == 0 or not character.isascii() else character
        if depth and spelling_of != character:
            raise unknown_form("a class of characters that the model has no piece for")
        # As a group, so that what follows repeats the character and not its last byte.
        made.append(character if spelling_of == character else f"(?:{spelling_of})")
    return "".join(made) + ("\\" if escaped else "")


def is_whole(form: Form, text: str) -> bool:
    """Whether an answer can be all of its form: one JSON value, where one was asked for."""
    if not isinstance(form, JsonForm):
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def harmless_prompt(text: str) -> str:
    """Words that cannot end the user's turn, whatever they say: `<end_of_turn>` in them is text, no marker.

    The vocabulary knows the markers of the chat template wherever they stand in a prompt; a space after the bracket
    makes them words. NUL and halves of surrogate pairs do not travel and are replaced.
    """
    sound = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return _MARKER.sub("< ", sound)


def unknown_form(got: str) -> RefusedError:
    """The refusal of a form that the engine cannot enforce."""
    return RefusedError(
        "form_unknown",
        expected="a JSON Schema or pattern that the engine can enforce",
        got=got,
        do="report this as a bug of the skill that asked",
    )


_NAMED: Final[Mapping[str, Callable[[str, Spelling], str]]] = {
    "$defs": lambda name, _: name,
    "definitions": lambda name, _: name,
    "properties": spelled,
    "dependentSchemas": spelled,
    "patternProperties": spelled_pattern,
}
"""Keywords whose keys are names of the schema's own, and what becomes of these."""


def _schema(value: Json, spelling: Spelling) -> Json:
    match value:
        case bool():
            return value
        case Mapping():
            return {key: _keyword(key, each, spelling) for key, each in value.items()}
        case list() | tuple():
            return [_schema(each, spelling) for each in value]
        case _:
            return value


def _keyword(key: str, value: Json, spelling: Spelling) -> Json:
    if key in {"enum", "const", "default", "required"}:
        return _literal(value, spelling)
    if key == "pattern" and isinstance(value, str):
        return spelled_pattern(value, spelling)
    if key in _NAMED and isinstance(value, Mapping):
        name = _NAMED[key]
        return {name(each, spelling): _schema(schema, spelling) for each, schema in value.items()}
    return value if key in _KEPT else _schema(value, spelling)


def _literal(value: Json, spelling: Spelling) -> Json:
    match value:
        case str():
            return spelled(value, spelling)
        case Mapping():
            return {spelled(key, spelling): _literal(each, spelling) for key, each in value.items()}
        case list() | tuple():
            return [_literal(each, spelling) for each in value]
        case _:
            return value
