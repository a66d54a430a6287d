"""NEWS2, qSOFA and GCS from a document's observations, at one time and over time.

An input is the newest measurement within `WINDOW_MS` before the time asked about. What is older is missing, never used
again; so is what is disputed, and what has a unit that nobody converts: each is named with the reason. The newest one
counts even where it cannot be read: an older value in its place would hide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.catalogue import scale
from edge_runtime.clinical.scores.gcs import GCS, PARTS
from edge_runtime.clinical.scores.measured import Measured, Measurements
from edge_runtime.clinical.scores.news2 import NEWS2
from edge_runtime.clinical.scores.patient import NOBODY, Patient
from edge_runtime.clinical.scores.qsofa import ALERT_GCS, QSOFA
from edge_runtime.clinical.scores.result import Given, Result
from edge_runtime.clinical.scores.scale import Scale
from edge_runtime.clinical.scores.sources import SOURCES, Source
from edge_runtime.clinical.state import DocumentState
from edge_runtime.facts import FactId

WINDOW_MS: Final = 60 * 60 * 1000
"""One hour: measurements further apart are not one assessment."""
ALTERED: Final = "altered_mentation"
_CHART_INPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        NEWS2.name: tuple(field.name for field in NEWS2.fields if field.name in SOURCES),
        QSOFA.name: ("respiratory_rate", ALTERED, "systolic_bp"),
        GCS.name: PARTS,
    }
)
"""What each score takes from a chart."""
_MENTATION: Final = ("gcs", "consciousness")
"""Each says that mentation is altered: a coma scale below 15, a patient who is not alert."""


class Why(StrEnum):
    """Why an input is missing."""

    ABSENT = "absent"
    TOO_OLD = "too_old"
    DISPUTED = "disputed"
    """People differ on it, or somebody rejected it."""
    UNREADABLE = "unreadable"
    """Its newest measurement has no value, a unit that is not converted, or a value that the score cannot take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charted:
    """A score from a chart.

    Attributes:
        result: the score, with the inputs that were found.
        at_ms: the time that it is about, in milliseconds since 1970.
        facts: the observations that each input came from.
        lacking: why each missing input is missing.
    """

    result: Result
    at_ms: int
    facts: Mapping[str, tuple[FactId, ...]]
    lacking: Mapping[str, Why]

    @property
    def fact_ids(self) -> tuple[FactId, ...]:
        """Every observation that was used, once, in order of ids."""
        return tuple(sorted({fact for facts in self.facts.values() for fact in facts}))


def charted(name: str, state: DocumentState, *, at_ms: int, patient: Patient = NOBODY) -> Charted:
    """A score as of one time.

    Args:
        name: "news2", "qsofa" or "gcs".
        state: the document whose observations are used.
        at_ms: the time asked about; later observations are not looked at.
        patient: what else is known.
    """
    measurements = Measurements(state.observations, state.reviews, state.validations)
    return from_measurements(name, measurements, at_ms=at_ms, patient=patient)


def trend(name: str, state: DocumentState, *, patient: Patient = NOBODY) -> tuple[Charted, ...]:
    """A score over time: a point for each time at which something was measured and a full set existed."""
    measurements = Measurements(state.observations, state.reviews, state.validations)
    points = (
        from_measurements(name, measurements, at_ms=at, patient=patient) for at in measurements.times(codes(name))
    )
    return tuple(point for point in points if point.result.complete)


def codes(name: str) -> tuple[str, ...]:
    """The codes of all measurements that a score looks at, and that have a time of their own."""
    names = [part for one in _CHART_INPUTS[name] for part in ((*_MENTATION, *PARTS) if one == ALTERED else (one,))]
    return tuple(code for one in names if not SOURCES[one].standing for code in SOURCES[one].codes)


def from_measurements(name: str, measurements: Measurements, *, at_ms: int, patient: Patient) -> Charted:
    """A score as of one time, from measurements that were sorted already."""
    chosen, given = scale(name), _of_patient(name, patient)
    found = {one: _input(one, chosen, measurements, at_ms) for one in _CHART_INPUTS[name]}
    used = {one: item for one, item in found.items() if isinstance(item, _Found)}
    given |= {one: item.value for one, item in used.items()}
    confirmed = frozenset(one for one, item in used.items() if item.confirmed)
    lacking = {one: item for one, item in found.items() if isinstance(item, Why) and one not in given}
    return Charted(
        result=chosen.score(given, confirmed=confirmed),
        at_ms=at_ms,
        facts=MappingProxyType({one: item.facts for one, item in used.items()}),
        lacking=MappingProxyType(lacking),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """An input that a chart gives."""

    value: Given
    facts: tuple[FactId, ...]
    confirmed: bool


def _of_patient(name: str, patient: Patient) -> dict[str, object]:
    known: dict[str, object] = {"age_years": patient.age_years}
    if name == NEWS2.name:
        known |= {"pregnant": patient.pregnant, "spo2_scale": patient.spo2_scale}
    return {one: value for one, value in known.items() if value is not None}


def _input(name: str, chosen: Scale, measurements: Measurements, at_ms: int) -> _Found | Why:
    if name == ALTERED:
        return _altered(measurements, at_ms)
    found = _sourced(SOURCES[name], measurements, at_ms)
    field = next(field for field in chosen.fields if field.name == name)
    return Why.UNREADABLE if isinstance(found, _Found) and field.read(found.value) is None else found


def _sourced(source: Source, measurements: Measurements, at_ms: int) -> _Found | Why:
    newest = measurements.newest(source.codes, at_ms)
    if not newest:
        return Why.ABSENT
    if not source.standing and newest[0].at_ms is not None and newest[0].at_ms < at_ms - WINDOW_MS:
        return Why.TOO_OLD
    own = newest if source.any_true else tuple(one for one in newest if one.code == newest[0].code)
    if any(one.disputed for one in own):
        return Why.DISPUTED
    return _agreed(own, source)


def _agreed(own: tuple[Measured, ...], source: Source) -> _Found | Why:
    """The one value of measurements with one time."""
    values = [value for one in own if (value := source.read(one)) is not None]
    if len(values) < len(own):
        return Why.UNREADABLE
    value = any(values) if source.any_true else values[0]
    if not source.any_true and any(other != value for other in values):
        return Why.DISPUTED
    return _Found(value, tuple(sorted({one.fact for one in own})), all(one.confirmed for one in own))


def _altered(measurements: Measurements, at_ms: int) -> _Found | Why:
    """Whether mentation is altered: one sign of it is enough; without one, no sign may be in doubt."""
    signs = [_sourced(SOURCES[name], measurements, at_ms) for name in _MENTATION]
    signs.append(_coma_total([_sourced(SOURCES[name], measurements, at_ms) for name in PARTS]))
    known = [(_is_altered(sign.value), sign) for sign in signs if isinstance(sign, _Found)]
    doubts = [sign for sign in signs if isinstance(sign, Why)]
    for altered, sign in known:
        if altered:
            return _Found(value=True, facts=sign.facts, confirmed=sign.confirmed)
    if not known or Why.DISPUTED in doubts or Why.UNREADABLE in doubts:
        return _worst(doubts)
    facts = tuple(sorted({fact for _, sign in known for fact in sign.facts}))
    return _Found(value=False, facts=facts, confirmed=all(sign.confirmed for _, sign in known))


def _is_altered(value: Given) -> bool:
    return value < ALERT_GCS if isinstance(value, Decimal) else value != "A"


def _coma_total(signs: Iterable[_Found | Why]) -> _Found | Why:
    """The total of a coma scale whose three parts are there."""
    total, facts, confirmed = Decimal(0), set[FactId](), True
    for sign in signs:
        if not isinstance(sign, _Found):
            return sign if sign in {Why.DISPUTED, Why.TOO_OLD} else Why.ABSENT
        if not isinstance(sign.value, Decimal):
            return Why.ABSENT  # a part that cannot be tested: there is no total
        total, confirmed = total + sign.value, confirmed and sign.confirmed
        facts |= set(sign.facts)
    return _Found(total, tuple(sorted(facts)), confirmed)


def _worst(doubts: Iterable[Why]) -> Why:
    present = set(doubts)
    return next(why for why in (Why.DISPUTED, Why.UNREADABLE, Why.TOO_OLD, Why.ABSENT) if why in present)
