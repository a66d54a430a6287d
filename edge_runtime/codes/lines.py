"""One code a line: a JSON object with `code` in, a JSON object with the judgement out.

Owns how a line is answered. A bad line gets one line that says what is wrong with it and where, and touches no other.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.scores.lines import ID, error_json, own_id, read_object
from edge_runtime.codes.system import CODE_CHARS_MAX, CodeSystem, Judgement
from edge_runtime.errors import InputError

CODE: Final = "code"


class Answer(NamedTuple):
    """What is written for one line.

    Attributes:
        text: one JSON object, without a line end.
        answered: whether it holds a judgement; an error otherwise.
    """

    text: str
    answered: bool


def answer(system: CodeSystem, line: bytes, number: int) -> Answer:
    """Judge the code on one line.

    Args:
        system: by which.
        line: with or without its end.
        number: of the line, from 1.

    Raises:
        RefusedError: the table behind the system is not on this device, and so no line can be answered.
    """
    own: dict[str, object] = {}
    try:
        given = read_object(line)
        own = own_id(given.pop(ID, None))
        code = _code(given.get(CODE))
    except InputError as error:
        return Answer(json.dumps(own | {"error": error_json(error) | {"line": number}}), answered=False)
    return Answer(json.dumps(own | judged(code, system.check(code)), ensure_ascii=False), answered=True)


def judged(code: str, judgement: Judgement) -> dict[str, object]:
    """A code and what is said of it; `read_as` only where another form of it was read."""
    said = {CODE: code, "valid": judgement.valid, "display": judgement.display, "reason": judgement.reason}
    return said if judgement.read_as is None else {**said, "read_as": judgement.read_as}


def _code(value: object) -> str:
    if isinstance(value, str) and len(value) <= CODE_CHARS_MAX:
        return value
    got = describe(value) if not isinstance(value, str) else "longer text"
    raise InputError(
        "invalid_input",
        expected=f"{CODE}: text of at most {CODE_CHARS_MAX} characters",
        got=got if value is not None else "none",
        do=f"give {CODE}; this line was left out",
    )
