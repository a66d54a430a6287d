"""What a form of an answer becomes before llguidance enforces it on a SentencePiece vocabulary.

Owns the translation. The library is given the vocabulary's pieces as they are spelled in the model's file, where a
space is U+2581: a grammar that forces a real space finds no piece for it and fails. So literals are written as the
vocabulary writes them; what the engine hands back has real spaces again, since the pieces are decoded. A character
without a piece of its own, which the vocabulary spells byte by byte, cannot be forced at all: such a form is refused.
Measured with litert-lm 0.18.1.

Pure: whether a character has a piece is asked of the caller, who has the vocabulary.
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
HasPiece = Callable[[str], bool]
"""Whether a character has a piece of its own in the vocabulary."""

_KEPT: Final = frozenset({"$ref", "$schema", "$id", "type", "format", "title", "description"})
_LITERAL: Final = frozenset({"enum", "const", "required"})
_SPECIAL: Final = frozenset("^$.|?*+()[]{}-")
_MARKER: Final = re.compile(r"<(?=[|/]?[A-Za-z][\w|]*>)")


def spelled(words: str, has_piece: HasPiece) -> str:
    """A literal as the vocabulary writes it.

    Raises:
        RefusedError: it holds a character without a piece (`form_unknown`).
    """
    if not all(character == " " or has_piece(character) for character in words):
        raise unknown_form("a word with a character that the model has no piece for")
    return words.replace(" ", SPACE)


def spelled_schema(schema: Mapping[str, Json], has_piece: HasPiece) -> dict[str, Json]:
    """A schema for llguidance: literals as the vocabulary writes them, and no white space between tokens.

    Without the latter a model may write white space until it is stopped.

    Raises:
        RefusedError: a literal holds a character without a piece (`form_unknown`).
    """
    made = {key: _keyword(key, value, has_piece) for key, value in schema.items()}
    made[GUIDANCE] = {"whitespace_flexible": False}
    return made


def spelled_pattern(pattern: str, has_piece: HasPiece) -> str:
    """A regular expression for llguidance.

    Raises:
        RefusedError: it names a character without a piece (`form_unknown`).
    """
    made: list[str] = []
    escaped = False
    for character in pattern:
        if escaped:
            made.append(f"[\\s{SPACE}]" if character == "s" else SPACE if character == " " else "\\" + character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            made.append(character if character in _SPECIAL else spelled(character, has_piece))
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


_NAMED: Final[Mapping[str, Callable[[str, HasPiece], str]]] = {
    "$defs": lambda name, _: name,
    "definitions": lambda name, _: name,
    "properties": spelled,
    "dependentSchemas": spelled,
    "patternProperties": spelled_pattern,
}
"""Keywords whose keys are names of the schema's own, and what becomes of these."""


def _schema(value: Json, has_piece: HasPiece) -> Json:
    match value:
        case Mapping():
            return {key: _keyword(key, each, has_piece) for key, each in value.items()}
        case list() | tuple():
            return [_schema(each, has_piece) for each in value]
        case _:
            return value


def _keyword(key: str, value: Json, has_piece: HasPiece) -> Json:
    if key in _LITERAL:
        return _literal(value, has_piece)
    if key == "pattern" and isinstance(value, str):
        return spelled_pattern(value, has_piece)
    if key in _NAMED and isinstance(value, Mapping):
        name = _NAMED[key]
        return {name(each, has_piece): _schema(schema, has_piece) for each, schema in value.items()}
    return value if key in _KEPT else _schema(value, has_piece)


def _literal(value: Json, has_piece: HasPiece) -> Json:
    match value:
        case str():
            return spelled(value, has_piece)
        case Mapping():
            return {spelled(key, has_piece): _literal(each, has_piece) for key, each in value.items()}
        case list() | tuple():
            return [_literal(each, has_piece) for each in value]
        case _:
            return value
