"""The forms that inputs of a score may have: amounts, whole grades, yes or no, words.

Owns what each form accepts. A boolean is no number; a decimal may be text, as facts hold it. Nothing is refused for
being implausible: each form says what to ask instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol, TypeAlias

from edge_runtime.clinical.checks import decimal as decimal_text
from edge_runtime.clinical.scores.result import Given
from edge_runtime.clinical.vitals import VITALS

DIGITS_MAX: Final = 18
"""Digits of a number before its point, and after it."""
AGE_PLAUSIBLE_YEARS: Final = Decimal(120)


class Field(Protocol):
    """One input of a score."""

    @property
    def name(self) -> str:
        """Its key."""

    @property
    def about(self) -> str:
        """What it is, for documents and help."""

    @property
    def form(self) -> str:
        """The form that it is expected in."""

    def read(self, value: object) -> Given | None:
        """The value as it is judged; None for one of another form."""

    def question(self, value: Given) -> str | None:
        """What to ask about an implausible value."""


Fields: TypeAlias = tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """A measured number.

    Attributes:
        name: its key.
        about: what it is.
        unit: in which unit, for a person.
        plausible: lowest and highest value that nobody is asked about.
        negative: whether it may be below zero.
    """

    name: str
    about: str
    unit: str
    plausible: tuple[Decimal, Decimal]
    negative: bool = False

    @property
    def form(self) -> str:
        """The form that it is expected in."""
        return f"a number of {self.unit}" if self.negative else f"a number of {self.unit}, from 0"

    def read(self, value: object) -> Given | None:
        """The number; None for another form."""
        found = number(value)
        return None if found is None or (found < 0 and not self.negative) else found

    def question(self, value: Given) -> str | None:
        """What to ask about a value outside the plausible range."""
        low, high = self.plausible
        assert isinstance(value, Decimal), "an amount is a number"
        return (
            None if low <= value <= high else f"{self.name} is outside {low} to {high} {self.unit}: was this measured?"
        )


@dataclass(frozen=True, slots=True)
class Grade:
    """A whole number of a scale, where no other exists; optionally the mark for one that could not be tested.

    Attributes:
        name: its key.
        about: what it is.
        low: the lowest grade.
        high: the highest.
        mark: a word that may stand in its place; none where empty.
    """

    name: str
    about: str
    low: int
    high: int
    mark: str = ""

    @property
    def form(self) -> str:
        """The form that it is expected in."""
        return f"a whole number from {self.low} to {self.high}" + (f', or "{self.mark}"' if self.mark else "")

    def read(self, value: object) -> Given | None:
        """The grade, or the mark; None for another form."""
        if self.mark and value == self.mark:
            return self.mark
        found = number(value)
        whole = found is not None and found == found.to_integral_value() and self.low <= found <= self.high
        return found if whole else None

    def question(self, value: Given) -> str | None:
        """Nothing: each grade of a scale is plausible."""
        del value
        return None


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no.

    Attributes:
        name: its key.
        about: what it is.
    """

    name: str
    about: str

    @property
    def form(self) -> str:
        """The form that it is expected in."""
        return "true or false"

    def read(self, value: object) -> Given | None:
        """True or false; None for another form."""
        return value if isinstance(value, bool) else None

    def question(self, value: Given) -> str | None:
        """Nothing: either is plausible."""
        del value
        return None


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a closed list.

    Attributes:
        name: its key.
        about: what it is.
        words: the list.
    """

    name: str
    about: str
    words: tuple[str, ...]

    @property
    def form(self) -> str:
        """The form that it is expected in."""
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, value: object) -> Given | None:
        """The word; None for another form."""
        return value if isinstance(value, str) and value in self.words else None

    def question(self, value: Given) -> str | None:
        """Nothing: each word is plausible."""
        del value
        return None


def vital(name: str, about: str, loinc: str, ucum: str, unit: str, *, negative: bool = False) -> Amount:
    """An amount whose plausible range is that of a vital sign."""
    return Amount(name, about, unit, VITALS[loinc].ranges[ucum], negative)


AGE: Final = Amount(
    "age_years",
    "age in years; optional, and what the rule is not for is refused",
    "years",
    (Decimal(0), AGE_PLAUSIBLE_YEARS),
)
RESPIRATORY_RATE: Final = vital("respiratory_rate", "breaths a minute", "9279-1", "/min", "breaths a minute")
SYSTOLIC_BP: Final = vital("systolic_bp", "systolic blood pressure", "8480-6", "mm[Hg]", "mmHg")


def number(value: object) -> Decimal | None:
    """A finite number, or a decimal written as text as facts hold it; None for anything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = Decimal(repr(value)) if math.isfinite(value) else None
    elif isinstance(value, int):
        value = Decimal(value) if abs(value) < 10**DIGITS_MAX else None
    elif isinstance(value, str):
        value = None if any(decimal_text("", value)) else Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    digits, exponent = value.as_tuple().digits, value.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number"
    return value if exponent >= -DIGITS_MAX and len(digits) + exponent <= DIGITS_MAX else None
