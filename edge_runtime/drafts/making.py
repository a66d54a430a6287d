"""From what a skill drafted to the fact that keeps it.

Owns what of a draft is kept: its parts, what it was made from, and where it came from. Refuses what does not fit into
one entry, and proposals that would end something: no model says that an allergy is none, or that a drug is stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from edge_runtime.ai.checking.findings import Unsupported
from edge_runtime.ai.drafting import Drafted
from edge_runtime.ai.skills.skill import DraftPart
from edge_runtime.clinical import allergies, diagnoses
from edge_runtime.clinical.draft_payloads import CITATIONS_MAX, DRAFT_BYTES_MAX, SEEN_MAX, UNSUPPORTED_MAX
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.layout import Action, Kind
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.subjects import said
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact
from sync_protocol.encoding import Value, encode
from sync_protocol.ids import EntryHash

_LANGUAGE: Final = "language"


def draft_fact(drafted: Drafted, seen: Iterable[EntryHash] = ()) -> Fact:
    """Make the fact that keeps a draft.

    Args:
        drafted: what a skill made.
        seen: the newest entries of the chart that it was made from; none for a transcript.

    Raises:
        InputError: it is larger than one entry, or has no part; or a part is none that a draft may hold.
        RefusedError: a part proposes what would end something.
    """
    payload: dict[str, Value] = {
        "skill": drafted.skill.value,
        "template": drafted.template,
        "parts": [_part(part) for part in drafted.sketch.parts],
        "source": drafted.source.text,
        **_origin(drafted),
    }
    language = drafted.source.options.get(_LANGUAGE)
    more: Mapping[str, Value] = {
        "language": language,
        "cut": drafted.sketch.cut or None,
        "warnings": [*drafted.sketch.warnings] or None,
        "seen": [name.hex() for name in sorted(seen)[:SEEN_MAX]] or None,
    }
    payload |= {name: value for name, value in more.items() if value}
    fact = Fact(kind=Kind.DRAFT, payload=payload, supersedes=())
    validate_fact(fact)
    for part in read_draft(fact).parts:
        if part.proposes is not None:
            check_proposal(part.proposes)
    size = len(encode(_plain(payload)))
    if size > DRAFT_BYTES_MAX:
        raise InputError(
            "draft_too_large",
            expected=f"a draft of at most {DRAFT_BYTES_MAX} bytes, with what it was made from",
            got=f"{size} bytes",
            do="draft from a shorter text, or in parts",
        )
    return fact


def _origin(drafted: Drafted) -> Mapping[str, Value]:
    """Which model answered; nothing where templates and rules did all of it."""
    engine = drafted.engine
    if engine is None:
        return {}
    known: Mapping[str, Value] = {
        "model": engine.model,
        "model_digest": engine.digest,
        "engine": engine.engine,
        "adapter": drafted.adapter,
        "demonstration": engine.demonstration,
    }
    return {name: value for name, value in known.items() if value} | {"seed": drafted.seed}


def _part(part: DraftPart) -> Value:
    made: dict[str, Value] = {"name": part.name, "kind": part.kind.value, "text": part.text}
    more: Mapping[str, Value] = {
        "section": part.section,
        "proposes": None if part.proposes is None else _plain(part.proposes),
        "citations": [[one.start, one.end, one.source_start, one.source_end] for one in part.citations[:CITATIONS_MAX]],
        "unsupported": [
            {"kind": one.kind.value, "start": one.start, "end": one.end} for one in _at_most(part.unsupported)
        ],
        "notes": [*part.notes],
    }
    return _plain(made | {name: value for name, value in more.items() if value})


def _at_most(marks: Sequence[Unsupported]) -> Sequence[Unsupported]:
    """As many marks as a part holds; the last one covers all that are left, so that none is lost."""
    if len(marks) <= UNSUPPORTED_MAX:
        return marks
    kept, rest = marks[: UNSUPPORTED_MAX - 1], marks[UNSUPPORTED_MAX - 1 :]
    start, end = min(one.start for one in rest), max(one.end for one in rest)
    return [*kept, Unsupported(kind=rest[0].kind, text="", start=start, end=end)]


def _plain(value: object) -> Value:
    """A proposal as it travels; what cannot is refused by the form of its kind."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value  # type: ignore[return-value]  # anything else is judged by `validate_fact`


def check_proposal(fact: Fact) -> None:
    """Judge what a part proposes as if its author stated it: when it is kept, and again when it is accepted.

    Raises:
        InputError: it is no valid fact of its kind.
        RefusedError: it would end something.
    """
    validate_fact(fact)
    refutes = (fact.kind == Kind.ALLERGY and allergies.refutes(fact)) or (
        fact.kind == Kind.DIAGNOSIS and diagnoses.refutes(fact)
    )
    stops = fact.kind == Kind.MEDICATION and said(fact, "action") == Action.STOP
    corrects = "corrects" in fact.payload or "confirmed" in fact.payload
    if refutes or stops or corrects:
        raise RefusedError(
            "draft_would_end",
            expected="a proposal that adds something",
            got=f"one of kind {fact.kind} that refutes, stops, corrects or confirms",
            do="state it yourself, if it is so: fieldward chart edit",
        )
