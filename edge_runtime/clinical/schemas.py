"""The two ways to judge a fact by the payload that its kind has in this version.

Owns what an author may sign (`validate_fact`: strict, unknown keys refused, so that a typing error in a key is not
silently ignored) and what a reader can use (`flaw`: unknown keys are kept and shown). Refuses to drop anything: a
reader shows a flawed fact as unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge_runtime.clinical.checks import Problem, Problems, Record, describe, plain
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.facts import FACTS_MAX, SUPERSEDES_MAX, Fact


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
    schema = SCHEMAS.get(fact.kind)
    if schema is not None and schema.holds(fact.payload):  # as nearly always
        names_none = not fact.supersedes and "corrects" not in fact.payload
        if names_none or not any(_names_wrongly(fact)):
            return None
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
    yield from _names_wrongly(fact)


def _names_wrongly(fact: Fact) -> Problems:
    """What is wrong with the other facts that it names."""
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
