"""What was measured and when, from the observations of one document.

Owns which observations a score may use: current ones, coded in LOINC or in a code of its own, placed in time by their
`effective`, or without one by the clock of whoever wrote them. A value that is corrected in different ways is disputed
until somebody decides, and so is one that somebody rejected. Quarantined facts are no observations and never get here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from edge_runtime.clinical.layout import Validation
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.subjects import number, said
from edge_runtime.clinical.validations import Release
from edge_runtime.clinical.vitals import Observation, is_loinc, parts
from edge_runtime.facts import FactId, PlacedFact

SPO2_SCALE_SYSTEM: Final = "fieldward"
SPO2_SCALE_CODE: Final = "spo2-scale"
"""An observation with this code and the value "1" or "2" states which saturation scale of NEWS2 holds; no code system
has a code for it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement.

    Attributes:
        code: in LOINC, or one of this module.
        value: the number; None for a result in words.
        unit: in UCUM; empty where none was stated.
        finding: the result in words; empty where there is none.
        at_ms: when, in milliseconds since 1970; None where only a day is stated.
        written_ms: when it was written, by its author's clock.
        fact: the observation that states it.
        disputed: whether it is one of several corrections that differ, or was rejected.
        confirmed: whether its author was asked about it, and stands by it.
    """

    code: str
    value: Decimal | None
    unit: str
    finding: str
    at_ms: int | None
    written_ms: int
    fact: FactId
    disputed: bool
    confirmed: bool


class Measurements:
    """The measurements of one document, by code and time."""

    def __init__(
        self, observations: Iterable[Observation], reviews: Iterable[Review], validations: Iterable[Release] = ()
    ) -> None:
        """Sort them."""
        disputed = _disputed(reviews) | _rejected(validations)
        self._all: dict[str, list[Measured]] = {}
        for observation in observations:
            if not observation.corrected_by:
                for found in _measured(observation.fact, disputed=observation.fact.id in disputed):
                    self._all.setdefault(found.code, []).append(found)
        self._timed = {
            code: sorted((one for one in found if one.at_ms is not None), key=_order)
            for code, found in self._all.items()
        }
        self._times = {code: [_at(one) for one in found] for code, found in self._timed.items()}

    def of(self, codes: Iterable[str]) -> Iterator[Measured]:
        """Every measurement of some codes, those without a time included."""
        return (found for code in codes for found in self._all.get(code, ()))

    def times(self, codes: Iterable[str]) -> tuple[int, ...]:
        """When any of these codes was measured, each time once, in order."""
        return tuple(sorted({at for code in codes for at in self._times.get(code, ())}))

    def newest(self, codes: Sequence[str], until_ms: int) -> tuple[Measured, ...]:
        """Everything that was measured last up to a time, in the order of the codes."""
        times = {code: self._times.get(code, []) for code in codes}
        ends = {code: bisect_right(found, until_ms) for code, found in times.items()}
        at = max((times[code][end - 1] for code, end in ends.items() if end), default=until_ms)
        return tuple(one for code in codes for one in self._slice(code, bisect_left(times[code], at), ends[code]))

    def _slice(self, code: str, start: int, end: int) -> Sequence[Measured]:
        return self._timed[code][start:end] if start < end else ()


def _at(one: Measured) -> int:
    assert one.at_ms is not None, "only those with a time are sorted by it"
    return one.at_ms


def _order(one: Measured) -> tuple[int, FactId]:
    return _at(one), one.fact


def _disputed(reviews: Iterable[Review]) -> frozenset[FactId]:
    return frozenset(
        value.fact
        for review in reviews
        if review.open and review.kind is ReviewKind.OBSERVATION_CORRECTION
        for value in review.values
    )


def _rejected(validations: Iterable[Release]) -> frozenset[FactId]:
    """What somebody rejected, and nobody who saw that released."""
    return frozenset(one.observation for one in validations if one.value is not Validation.VALIDATED)


def _measured(fact: PlacedFact, *, disputed: bool) -> Iterator[Measured]:
    at_ms, confirmed = _moment_ms(fact), fact.fact.payload.get("confirmed") is True
    for part in parts(fact.fact):
        if not is_loinc(part) and not _is_scale(part):
            continue
        yield Measured(
            code=part["code"],
            value=number(part.get("value")),
            unit=part.get("unit", ""),
            finding=part.get("finding", ""),
            at_ms=at_ms,
            written_ms=fact.wall_ms,
            fact=fact.id,
            disputed=disputed,
            confirmed=confirmed,
        )


def _is_scale(part: Mapping[str, str]) -> bool:
    return (part.get("system"), part.get("code")) == (SPO2_SCALE_SYSTEM, SPO2_SCALE_CODE)


def _moment_ms(fact: PlacedFact) -> int | None:
    """When it was measured; None where only a day is stated."""
    written = said(fact.fact, "effective")
    if written is None:
        return fact.wall_ms
    if "T" not in written:
        return None
    return (datetime.fromisoformat(written) - _EPOCH) // timedelta(milliseconds=1)
