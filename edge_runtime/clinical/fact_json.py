"""Facts as JSON, for the command line's `--fact` and for `--json`.

Owns one form: an object with `kind`, optionally `supersedes` (fact ids as text), and beside them the payload's own
keys, as in `{"kind": "allergy", "text": "Penicillin", "severity": "severe"}`. Refuses floats: a decimal is text. It
judges the form only; `schemas.validate_fact` judges the content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, Union, cast

from edge_runtime.clinical.checks import Problem, describe
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.schemas import payload_problems
from edge_runtime.facts import KIND_BYTES_MAX, Fact, FactId
from sync_protocol.encoding import Value
from sync_protocol.errors import MalformedError

Json: TypeAlias = Union[str, int, bool, "list[Json]", "dict[str, Json]", None]

_RESERVED: Final = frozenset({"kind", "supersedes"})
_FORM: Final = 'an object such as {"kind": "allergy", "text": "Penicillin", "supersedes": ["<fact id>"]}'


def fact_from_json(raw: object) -> Fact:
    """Read a fact from decoded JSON.

    Raises:
        InputError: another form, a float, or deeper nesting than travels.
    """
    if not isinstance(raw, dict) or not all(isinstance(name, str) for name in raw):
        raise Problem("fact", _FORM, describe(raw)).error()
    kind = raw.get("kind")
    if not isinstance(kind, str) or not 0 < len(kind.encode(errors="replace")) <= KIND_BYTES_MAX:
        raise Problem("kind", f"text of 1 to {KIND_BYTES_MAX} bytes", describe(kind)).error()
    payload = {name: value for name, value in raw.items() if name not in _RESERVED}
    for problem in payload_problems(kind, payload):
        raise problem.error()
    return Fact(kind=kind, payload=payload, supersedes=_fact_ids(raw.get("supersedes", [])))


def _fact_ids(raw: object) -> tuple[FactId, ...]:
    if not isinstance(raw, list):
        raise Problem("supersedes", "a list of fact ids", describe(raw)).error()
    return tuple(parse_fact_id(item, "supersedes") for item in raw)


def parse_fact_id(raw: object, path: str) -> FactId:
    """Read `<64 hexadecimal digits>:<index>`.

    Raises:
        InputError: another form; it names `path`.
    """
    try:
        return FactId.parse(cast("str", raw))
    except (MalformedError, AttributeError):
        expected = "a fact id as <64 hexadecimal digits>:<index>"
        raise Problem(path, expected, describe(raw)).error() from None


def fact_to_json(fact: Fact) -> dict[str, Json]:
    """Write a fact in the same form.

    What only a foreign version writes is still shown: byte strings as hexadecimal, and payload keys that collide with
    the form's own as `payload.kind` and `payload.supersedes`. The key that opens an attachment is left out.
    """
    result: dict[str, Json] = {"kind": fact.kind}
    for name, value in fact.payload.items():
        if fact.kind == Kind.ATTACHMENT and name == "key":
            continue
        result[f"payload.{name}" if name in _RESERVED else name] = to_json(value)
    if fact.supersedes:
        result["supersedes"] = [str(earlier) for earlier in fact.supersedes]
    return result


def to_json(value: Value) -> Json:
    """Write a payload value as JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    return value
