"""What is known of a patient beside the observations, and how old the patient is.

Owns the reading of birth dates. An age is known only where it is beyond doubt on which side of every age limit it lies:
a year alone is enough for a patient of 40, and not for one of 15 or 16.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from edge_runtime.clinical.scores import gcs, jumpstart, laboratory, news2, qsofa, start
from edge_runtime.clinical.state import Statement
from edge_runtime.clinical.subjects import said

AGE_LIMITS_YEARS: Final = tuple(
    sorted(
        {
            jumpstart.AGE_MIN_YEARS,
            gcs.ADULT_SCALE_YEARS,
            start.AGE_MIN_YEARS,
            jumpstart.AGE_END_YEARS,
            news2.AGE_MIN_YEARS,
            laboratory.CHILD_END_YEARS,
            qsofa.AGE_MIN_YEARS,
        }
    )
)
"""Every age at which something changes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is known of the patient beside the observations; None for what is not known.

    Attributes:
        age_years: age at the time asked about.
        pregnant: whether pregnant.
        spo2_scale: which saturation scale of NEWS2 a clinician decided on, where the document does not say it.
    """

    age_years: Decimal | None = None
    pregnant: bool | None = None
    spo2_scale: int | None = None


NOBODY: Final = Patient()
"""A patient of whom nothing is known."""


def age_at(identity: Iterable[Statement], at_ms: int) -> Decimal | None:
    """The age in completed years; None where it is unknown or in doubt.

    Args:
        identity: the patient as stated; where several statements stand, all of them count.
        at_ms: the time asked about, in milliseconds since 1970.
    """
    written = (said(item.fact.fact, "birth_date") for item in identity if not item.superseded_by)
    try:
        day = (_EPOCH + timedelta(milliseconds=at_ms)).date()
    except OverflowError:
        return None
    ages = [_age(born, day) for stated in written if stated for born in _days(stated)]
    if not ages or min(ages) < 0:
        return None
    sides = {bisect_right(AGE_LIMITS_YEARS, age) for age in ages}
    return Decimal(min(ages)) if len(sides) == 1 else None


def _days(written: str) -> tuple[date, date]:
    """The first and the last day that a birth date may mean."""
    year, month, day = ([int(part) for part in written.split("-")] + [0, 0])[:3]
    last_day = day or monthrange(year, month or 12)[1]
    return date(year, month or 1, day or 1), date(year, month or 12, last_day)


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
