"""Times that cannot be right: what to ask an author before a statement is signed.

Owns the questions, never a refusal: a clock may be wrong, and what happened may be stranger than this knows. The clock
of the author and what the document says already are arguments. A time without an hour is judged by all of its period.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, SpecimenStatus
from edge_runtime.clinical.specimens import subject_of
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import Fact, PlacedFact

_DAY: Final = timedelta(days=1)
"""How far ahead of the author's clock a time may lie unasked, since days begin at other times elsewhere."""
_NEARLY_A_DAY: Final = timedelta(hours=23, minutes=59, seconds=59)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHEN: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        Kind.DIAGNOSIS: ("onset", "this problem began"),
        Kind.PROCEDURE: ("performed", "this was done"),
        Kind.OBSERVATION: ("effective", "this was measured"),
        Kind.TRIAGE: ("effective", "this person was triaged"),
        Kind.SPECIMEN: ("effective", "this happened to the specimen"),
        Kind.IDENTITY: ("birth_date", "the patient was born"),
    }
)
"""The time that a kind of fact may state, and what it says."""
_WAY: Final = tuple(SpecimenStatus)


def question(
    fact: Fact, *, now_ms: int, state: DocumentState | None = None, identity: Iterable[Statement] = ()
) -> str | None:
    """What to ask about the time that a fact states; None where nothing needs asking.

    Args:
        fact: as its author gave it, valid or not.
        now_ms: the author's clock, in milliseconds since 1970.
        state: of the document that it goes into, as its author sees it; None where there is none yet.
        identity: the patient as stated in any document of the chart; who the patient is stands in the chart document,
            and what was measured in another.
    """
    key, words = _WHEN.get(fact.kind, ("", ""))
    period = _period(said(fact, key) or "")
    if period is None or fact.payload.get("confirmed") is True:
        return None
    births = tuple(_births(chain(identity, () if state is None else state.identity)))
    return next(_questions(fact, period, words, now_ms=now_ms, state=state, births=births), None)


def _questions(
    fact: Fact,
    period: tuple[datetime, datetime],
    words: str,
    *,
    now_ms: int,
    state: DocumentState | None,
    births: Iterable[datetime],
) -> Iterator[str]:
    begins, ends = period
    if begins - _EPOCH > timedelta(milliseconds=now_ms) + _DAY:
        yield f"the time when {words} lies more than a day ahead: is the date right?"
    if fact.kind != Kind.IDENTITY and any(born - ends > _DAY for born in births):
        yield f"the time when {words} lies before the patient's birth: is the date right?"
    if state is None:
        return
    if fact.kind == Kind.IDENTITY and any(begins - then > _DAY for then in _stated(state)):
        yield "the patient was born after something that this document says was done: is the date right?"
    if fact.kind == Kind.SPECIMEN:
        yield from _out_of_turn(fact, period, state)


def _out_of_turn(fact: Fact, period: tuple[datetime, datetime], state: DocumentState) -> Iterator[str]:
    """A later station of a specimen's way at an earlier time."""
    here = said(fact, "to") or ""
    if here not in _WAY:
        return
    place = _WAY.index(SpecimenStatus(here))
    for item in state.specimens:
        if item.subject != subject_of(fact):
            continue
        for other in (*item.heads, *item.history):
            station, then = said(other.fact, "to") or "", _period(said(other.fact, "effective") or "")
            apart = place - _WAY.index(SpecimenStatus(station))
            if then and ((apart > 0 and period[1] < then[0]) or (apart < 0 and then[1] < period[0])):
                stations = f"{here} and {station}".replace("_", " ")
                yield f"the times when this specimen was {stations} are in the wrong order: is this one right?"


def _births(identity: Iterable[Statement]) -> Iterator[datetime]:
    standing = (item.fact for item in identity if not item.superseded_by)
    return (period[0] for period in _periods(standing, "birth_date"))


def _stated(state: DocumentState) -> Iterator[datetime]:
    done = (item.fact for item in state.procedures if not item.superseded_by)
    measured = (item.fact for item in state.observations if not item.corrected_by)
    for facts, key in ((done, "performed"), (measured, "effective")):
        yield from (period[1] for period in _periods(facts, key))


def _periods(facts: Iterator[PlacedFact], key: str) -> Iterator[tuple[datetime, datetime]]:
    return (period for fact in facts if (period := _period(said(fact.fact, key) or "")))


def _period(written: str) -> tuple[datetime, datetime] | None:
    """First and last instant of a year, month, day or time; None for what is no time."""
    try:
        if "T" in written:
            moment = datetime.fromisoformat(written)
            return (moment, moment) if moment.tzinfo else None
        return _FORMS[len(written)](written)
    except (ValueError, KeyError, OverflowError):
        return None


def _year(written: str) -> tuple[datetime, datetime]:
    year = int(written)
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)


def _month(written: str) -> tuple[datetime, datetime]:
    first = datetime.fromisoformat(written + "-01").replace(tzinfo=UTC)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return first, last + _NEARLY_A_DAY


def _day(written: str) -> tuple[datetime, datetime]:
    first = datetime.fromisoformat(written).replace(tzinfo=UTC)
    return first, first + _NEARLY_A_DAY


_FORMS: Final[Mapping[int, Callable[[str], tuple[datetime, datetime]]]] = MappingProxyType(
    {len("1980"): _year, len("1980-05"): _month, len("1980-05-17"): _day}
)
