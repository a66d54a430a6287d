"""The payload of each kind of fact that this version writes, and the two ways to judge a fact by it.

Owns what an author may sign (`validate_fact`: strict, unknown keys refused, so that a typing error in a key is not
silently ignored) and what a reader can use (`flaw`: unknown keys are kept and shown). Refuses to drop anything: a
reader shows a flawed fact as unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.checks import (
    Check,
    Problem,
    Problems,
    Record,
    day,
    decimal,
    describe,
    listed,
    moment,
    one_of,
    plain,
    shape,
    text,
    truth,
    version,
    whole,
)
from edge_runtime.clinical.layout import (
    STATUS_ALIASES,
    Action,
    Category,
    Certainty,
    Kind,
    Priority,
    Severity,
    Sex,
    Status,
    Verification,
    WorkflowType,
)
from edge_runtime.facts import FACTS_MAX, SUPERSEDES_MAX, Fact
from sync_protocol.blob_sealing import FILE_BYTES_MAX

NAME_CHARS_MAX: Final = 255
REASON_CHARS_MAX: Final = 1000
CODE_CHARS_MAX: Final = 64
COMPONENTS_MAX: Final = 16
IDENTIFIERS_MAX: Final = 32
HEADS_MAX: Final = 256
"""Statements that one review may hold, and one decision may name."""

_name: Final = text(NAME_CHARS_MAX)
_reason: Final = text(REASON_CHARS_MAX)
_code: Final = text(CODE_CHARS_MAX)
_fact_id: Final = shape(r"[0-9a-f]{64}:(0|[1-9][0-9]{0,2})", "a fact id as <64 hexadecimal digits>:<index>")
_review_id: Final = shape(r"[0-9a-f]{64}", "a review id of 64 hexadecimal digits")
_digest: Final = shape(r"[0-9a-f]{64}", "64 hexadecimal digits")
_media_type: Final = shape(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}", "a media type such as image/png")
_size: Final = whole(FILE_BYTES_MAX)
_rxnorm: Final = shape(r"[1-9][0-9]{0,7}", "an RxNorm code of 1 to 8 digits")
_coded: Final[Mapping[str, Check]] = MappingProxyType({"code": _code, "system": _name})
_component: Final = Record({"code": _code}, {"system": _name, "text": _name, "value": decimal, "unit": _code})

SCHEMAS: Final[Mapping[str, Record]] = MappingProxyType(
    {
        Kind.IDENTITY: Record(
            {"name": _name},
            {
                "birth_date": day,
                "sex": one_of(Sex),
                "identifiers": listed(Record({"value": _name}, {"system": _name, "type": _name}), IDENTIFIERS_MAX),
                "contacts": listed(Record({"value": _name}, {"type": _name, "name": _name}), IDENTIFIERS_MAX),
            },
        ),
        Kind.DOCUMENT: Record({"schema": version, "workflow_type": one_of(WorkflowType)}, {"title": _name}),
        Kind.STATUS: Record({"to": one_of(Status, STATUS_ALIASES)}, {"reason": _reason}),
        Kind.PRIORITY: Record({"to": one_of(Priority)}, {"reason": _reason}),
        Kind.ALLERGY: Record(
            {"text": _name},
            {
                **_coded,
                "severity": one_of(Severity),
                "verification": one_of(Verification),
                "category": one_of(Category),
                "reaction": _reason,
                "reason": _reason,
            },
        ),
        Kind.MEDICATION: Record(
            {"text": _name, "action": one_of(Action)},
            {
                **_coded,
                "rxnorm": _rxnorm,
                "dose": _code,
                "unit": _code,
                "route": _name,
                "frequency": _name,
                "reason": _reason,
            },
        ),
        Kind.DIAGNOSIS: Record(
            {"text": _name}, {**_coded, "certainty": one_of(Certainty), "onset": moment, "reason": _reason}
        ),
        Kind.PROCEDURE: Record({"text": _name}, {**_coded, "performed": moment, "reason": _reason}),
        Kind.OBSERVATION: Record(
            {"code": _code, "text": _name},
            {
                "system": _name,
                "value": decimal,
                "unit": _code,
                "finding": _reason,
                "components": listed(_component, COMPONENTS_MAX, items_min=1),
                "effective": moment,
                "device": _name,
                "corrects": _fact_id,
                "confirmed": truth,
                "reason": _reason,
            },
        ),
        Kind.REVIEW_DECISION: Record(
            {
                "conflict": _review_id,
                "heads": listed(_fact_id, HEADS_MAX, items_min=1),
                "decision": _name,
                "reason": _reason,
            }
        ),
        Kind.ATTACHMENT: Record(
            {
                "blob": _digest,
                "key": _digest,
                "name": _name,
                "media_type": _media_type,
                "bytes": _size,
                "sha256": _digest,
            },
            {"title": _name},
        ),
        Kind.SOURCE: Record({}, opaque=True),
    }
)
"""Kinds that this version writes. `finding` is a result that is no number; `confirmed` says that an author was asked
about an implausible value and stands by it; `reason` beside an allergy or observation says why it was corrected."""


def _correction_is_supersession(fact: Fact) -> Problems:
    corrected = fact.payload.get("corrects")
    if corrected is not None and corrected not in [str(earlier) for earlier in fact.supersedes]:
        yield Problem("observation.corrects", "an id that `supersedes` names too", "one that it does not name")


def validate_fact(fact: Fact) -> None:
    """Judge a fact before it is signed.

    Raises:
        InputError: the first thing that is wrong, by path; never the value that is there.
    """
    for problem in _problems(fact):
        raise problem.error()


def flaw(fact: Fact) -> Problem | None:
    """What keeps a reader from using a fact that somebody signed; None where nothing does."""
    return next((problem for problem in _problems(fact) if problem.unknown_key is None), None)


def unknown_keys(fact: Fact) -> tuple[str, ...]:
    """Keys of a fact of a known kind that this version does not understand; they are kept and shown."""
    return tuple(problem.unknown_key for problem in _problems(fact) if problem.unknown_key is not None)


def _problems(fact: Fact) -> Problems:
    schema = SCHEMAS.get(fact.kind)
    if schema is None:
        yield Problem("kind", "one that this version writes: " + ", ".join(SCHEMAS), describe(fact.kind))
        return
    yield from schema(fact.kind, fact.payload)
    if fact.kind == Kind.OBSERVATION:
        yield from _correction_is_supersession(fact)
    if len(fact.supersedes) > SUPERSEDES_MAX:
        yield Problem("supersedes", f"at most {SUPERSEDES_MAX} facts", f"{len(fact.supersedes)}")
    if not all(0 <= earlier.index < FACTS_MAX for earlier in fact.supersedes):
        yield Problem("supersedes", f"indexes below {FACTS_MAX}", "another")


def payload_problems(kind: str, payload: Mapping[str, object]) -> Problems:
    """What of a payload could not travel at all, whatever its kind."""
    schema = SCHEMAS.get(kind, Record({}))
    for name, value in payload.items():
        known = name in schema.required or name in schema.optional
        yield from plain(f"{kind}.{name}" if known else "fact.(other)", {name: value}, depth=-1)
