"""What somebody must be told at once: a high early warning score, coma, a critical laboratory result.

Owns the rules and the identity of an alert: the rule that fired and the fact that made it fire, so that one alert has
one id on every device and is told once. An alert holds codes and fact ids, no value and no text of the patient. Alerts
speak of one document as it stands; who is told, and whether they were told before, is their host's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.charted import Charted, codes, from_measurements
from edge_runtime.clinical.scores.gcs import GCS, SEVERE_MAX
from edge_runtime.clinical.scores.laboratory import ANALYTES, BY_CODE, CHILD_END_YEARS, Analyte
from edge_runtime.clinical.scores.measured import Measured, Measurements
from edge_runtime.clinical.scores.news2 import EMERGENCY, NEWS2, URGENT
from edge_runtime.clinical.scores.patient import NOBODY, Patient
from edge_runtime.clinical.scores.result import Given, Result
from edge_runtime.clinical.scores.sources import GCS_TOTAL, SOURCES
from edge_runtime.clinical.state import DocumentState
from edge_runtime.facts import FactId


class Severity(StrEnum):
    """How soon, the soonest first."""

    CRITICAL = "critical"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that somebody must be told.

    Attributes:
        id: `<rule>:<fact id>`; the same on every device. Derived from clinical content: it stays in the sealed room.
        severity: how soon.
        rule: which rule fired; one of `RULES`.
        facts: the observations that it follows from, the one in its id among them.
        at_ms: when the last of these was measured, in milliseconds since 1970.
    """

    id: str
    severity: Severity
    rule: str
    facts: tuple[FactId, ...]
    at_ms: int


RULES: Final = MappingProxyType(
    {
        "news2.high": Severity.CRITICAL,
        "news2.medium": Severity.URGENT,
        "news2.single_3": Severity.URGENT,
        "gcs.severe": Severity.CRITICAL,
        **{
            f"{one.name}.{side}": Severity.CRITICAL
            for one in ANALYTES
            for side in ("low", "high")
            if (one.low if side == "low" else one.high) is not None
        },
    }
)
"""Every rule, and how soon somebody must be told."""
_WORDS: Final = MappingProxyType(
    {
        "news2.high": "NEWS2 of 7 or more",
        "news2.medium": "NEWS2 of 5 or 6",
        "news2.single_3": "one part of NEWS2 at its worst",
        "gcs.severe": "coma scale of 8 or less",
    }
)
LOOK_BACK_MS: Final = 24 * 60 * 60 * 1000
"""One day before the newest measurement: an older score calls for a new one, not for an alert. NEWS2 is taken every 12
hours at least."""
_NEWS2_RULES: Final = ("news2.high", "news2.medium", "news2.single_3")
_END_MS: Final = 2**63
"""After every time."""


def alerts(
    state: DocumentState, *, patient: Patient = NOBODY, since_ms: int | None = None, now_ms: int = _END_MS
) -> tuple[Alert, ...]:
    """The alerts of a document: the most severe first, then by time, then by id.

    The newest complete score counts until the next one, for up to a day of further measurements. An incomplete NEWS2
    raises an alert where what is known of it is enough for one, since the rest can only add to it. Each current
    laboratory result is judged by itself.

    Args:
        state: the document.
        patient: what else is known; a NEWS2 that is not for this patient raises nothing.
        since_ms: leave out what was measured before this time.
        now_ms: what is dated later, by a slip or a wrong clock, ends no alert and makes no score old.
    """
    measurements = Measurements(state.observations, state.reviews, state.validations)
    found = [*_news2(measurements, patient, now_ms), *_coma(measurements, now_ms), *_results(measurements, patient)]
    order = {severity: number for number, severity in enumerate(Severity)}
    recent = (alert for alert in found if since_ms is None or alert.at_ms >= since_ms)
    return tuple(sorted(recent, key=lambda alert: (order[alert.severity], alert.at_ms, alert.id)))


def unjudged(state: DocumentState) -> tuple[FactId, ...]:
    """Laboratory results of the table that could not be judged: no number, or a unit that is not converted."""
    measurements = Measurements(state.observations, state.reviews, state.validations)
    found = measurements.of(BY_CODE)
    return tuple(sorted({one.fact for one in found if one.value is None or one.unit not in BY_CODE[one.code].factors}))


def words_of(rule: str) -> str:
    """A rule in the words of a ward."""
    analyte, _, side = rule.partition(".")
    return _WORDS.get(rule) or f"{analyte.replace('_', ' ')} critically {side}"


def _alert(rule: str, facts: tuple[FactId, ...], *, last: FactId, at_ms: int) -> Alert:
    return Alert(id=f"{rule}:{last}", severity=RULES[rule], rule=rule, facts=facts, at_ms=at_ms)


def _news2(measurements: Measurements, patient: Patient, now_ms: int) -> Iterator[Alert]:
    """The most severe since the newest complete score, that one included: a lone pulse later on does not end it."""
    worst: tuple[str, Charted] | None = None
    for point in _back(NEWS2.name, measurements, patient, now_ms):
        rule = _fired(point.result)
        if rule and (worst is None or _NEWS2_RULES.index(rule) < _NEWS2_RULES.index(worst[0])):
            worst = rule, point
        if point.result.complete and point.at_ms <= now_ms:
            break
    if worst is not None:
        rule, point = worst
        last = _last(measurements, codes(NEWS2.name), point)
        yield _alert(rule, point.fact_ids, last=last, at_ms=point.at_ms)


def _fired(result: Result) -> str:
    """The rule that a NEWS2 is enough for, complete or not; empty for none."""
    known = result.at_least or 0 if result.score is None else result.score
    if known >= EMERGENCY:
        return "news2.high"
    if known >= URGENT:
        return "news2.medium"
    return "news2.single_3" if result.part_of_three else ""


def _coma(measurements: Measurements, now_ms: int) -> Iterator[Alert]:
    """The newest coma scale, be it a total that was written or the sum of its parts; and one that is dated later."""
    told: set[str] = set()
    for until_ms in dict.fromkeys((now_ms, _END_MS)):
        for alert in _coma_until(measurements, until_ms):
            if alert.id not in told:
                told.add(alert.id)
                yield alert


def _coma_until(measurements: Measurements, until_ms: int) -> Iterator[Alert]:
    found: list[tuple[int, FactId, tuple[FactId, ...], Given | None]] = [
        (total.at_ms or 0, total.fact, (total.fact,), SOURCES["gcs"].read(total))
        for total in measurements.newest((GCS_TOTAL,), until_ms)
    ]
    points = (point for point in _back(GCS.name, measurements, NOBODY, until_ms) if point.at_ms <= until_ms)
    point = next((point for point in points if point.result.complete), None)
    if point is not None and point.result.score is not None:
        last = _last(measurements, codes(GCS.name), point)
        found.append((point.at_ms, last, point.fact_ids, Decimal(point.result.score)))
    newest = max((at for at, *_ in found), default=0)
    for at, last, facts, value in found:
        if at == newest and isinstance(value, Decimal) and value <= SEVERE_MAX:
            yield _alert("gcs.severe", facts, last=last, at_ms=at)


def _results(measurements: Measurements, patient: Patient) -> Iterator[Alert]:
    child = patient.age_years is not None and patient.age_years < CHILD_END_YEARS
    for found in measurements.of(BY_CODE):
        side = _beyond(BY_CODE[found.code], found, child=child)
        if side:
            at_ms = found.written_ms if found.at_ms is None else found.at_ms
            yield _alert(f"{BY_CODE[found.code].name}.{side}", (found.fact,), last=found.fact, at_ms=at_ms)


def _beyond(analyte: Analyte, found: Measured, *, child: bool) -> str:
    """Which limit a result has reached; empty for none."""
    factor = analyte.factors.get(found.unit)
    if found.value is None or factor is None:
        return ""
    value, (low, high) = found.value * factor, analyte.limits(child=child)
    if low is not None and value <= low:
        return "low"
    return "high" if high is not None and value >= high else ""


def _back(name: str, measurements: Measurements, patient: Patient, now_ms: int) -> Iterator[Charted]:
    """A score as of each of its measurements, the newest first, as far back as anybody looks from now."""
    times = measurements.times(codes(name))
    newest = max((at for at in times if at <= now_ms), default=times[-1] if times else 0)
    for at in reversed(times):
        if at < newest - LOOK_BACK_MS:
            return
        yield from_measurements(name, measurements, at_ms=at, patient=patient)


def _last(measurements: Measurements, wanted: tuple[str, ...], point: Charted) -> FactId:
    """The newest measurement that a score used."""
    used = set(point.fact_ids)
    return max((one.at_ms or 0, one.fact) for one in measurements.of(wanted) if one.fact in used)[1]
