"""UCUM: whether a code is a unit, what it is called, and conversion between units, exactly.

Owns which conversions are refused, and why: between dimensions, from a mass to an amount of substance, between
arbitrary units such as [iU] and anything else, on logarithmic scales. Nothing heavy is loaded before the first unit is
asked about; pint and ucumvert come with the extra `units`.

Source: The Unified Code for Units of Measure 2.2 (ucum.org/ucum); its table by its terms of use (ucum.org/license).
"""

from __future__ import annotations

import importlib
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.codes import ucum_faults
from edge_runtime.codes.system import CodeSystem, Judgement
from edge_runtime.errors import InputError, RefusedError

if TYPE_CHECKING:
    from edge_runtime.codes.ucum_table import Table, Unit

DIGITS: Final = 18
"""Significant digits of a result that no finite decimal holds."""
VALUE_DIGITS_MAX: Final = 40
VALUE_EXPONENT_MAX: Final = 40
"""Of a value that is converted, either sign."""
_CACHED: Final = 4096
"""Codes whose judgement is kept: a bundle repeats a few dozen."""


class Ucum:
    """The units of UCUM as a code system."""

    name: Final = "ucum"
    title: Final = "UCUM"
    uri: Final = "http://unitsofmeasure.org"

    def check(self, code: str) -> Judgement:
        """Judge a code; any text gets an answer.

        Raises:
            RefusedError: the extra `units` is not installed.
        """
        fault = ucum_faults.before(code)
        return Judgement(valid=False, display=None, reason=fault) if fault else _judged(code)


SYSTEM: Final[CodeSystem] = Ucum()


def convert(value: Decimal, unit: str, to: str) -> Decimal:
    """Convert a value, rounded to `DIGITS` significant digits where no finite decimal is exact.

    Args:
        value: a finite number.
        unit: its unit, a UCUM code.
        to: the unit wanted, a UCUM code.

    Raises:
        InputError, RefusedError: as for `exactly`.
    """
    return rounded(exactly(value, unit, to))[0]


def exactly(value: Decimal, unit: str, to: str) -> Fraction:
    """Convert a value, exactly by the published factors.

    Args:
        value: a finite number of at most `VALUE_DIGITS_MAX` digits.
        unit: its unit, a UCUM code.
        to: the unit wanted, a UCUM code.

    Raises:
        InputError: no such number, or a code that is no unit.
        RefusedError: the units measure different things, or the extra `units` is not installed.
    """
    _check_value(value)
    left, right = _read(unit, "unit"), _read(to, "to")
    if unit == to:
        return Fraction(value)
    _check_scales(left, right)
    found = _table().converted(Fraction(value), left, right)
    if found is None:
        raise _different(left, right)
    return found


def rounded(value: Fraction) -> tuple[Decimal, bool]:
    """A fraction as a decimal, and whether it is exact."""
    for digits in (VALUE_DIGITS_MAX, DIGITS):
        context = Context(prec=digits)
        found = context.divide(Decimal(value.numerator), Decimal(value.denominator))
        if not context.flags[Inexact]:
            return found.normalize(context), True
    return found, False


@lru_cache(maxsize=_CACHED)
def _unit(code: str) -> Unit | None:
    return _table().unit(code)


def _judged(code: str) -> Judgement:
    table, unit = _table(), _unit(code)
    if unit is None:
        metric = {atom for atom, one in table.atoms.items() if one.metric}
        return Judgement(valid=False, display=None, reason=ucum_faults.after(code, table.atoms, table.prefixes, metric))
    if _special_in_product(code, unit):
        reason = "a unit on a scale of its own, such as Cel or B, stands in no product; a difference is given in K"
        return Judgement(valid=False, display=unit.display, reason=reason)
    return Judgement(valid=True, display=unit.display or "1", reason=f"a unit of UCUM {table.version}")


def _read(code: str, field: str) -> Unit:
    judged = SYSTEM.check(code)
    unit = _unit(code) if judged.valid else None
    if unit is None:
        raise InputError(
            "not_a_unit",
            expected=f"a UCUM code as {field}",
            got=f"something else: {judged.reason}",
            do="look the unit up at ucum.org, or try it with 'fieldward code check ucum'",
        )
    return unit


def _check_value(value: Decimal) -> None:
    sign, digits, exponent = value.as_tuple()
    del sign
    bounded = isinstance(exponent, int) and abs(exponent) <= VALUE_EXPONENT_MAX and len(digits) <= VALUE_DIGITS_MAX
    if not bounded:
        raise InputError(
            "not_a_value",
            expected=f"a number of at most {VALUE_DIGITS_MAX} digits, its exponent within {VALUE_EXPONENT_MAX}",
            got="another one" if value.is_finite() else "none",
            do="give a decimal number, such as 5.5",
        )


def _special_in_product(code: str, unit: Unit) -> bool:
    """Whether a special unit stands otherwise than alone with its prefix and annotation. Source: UCUM section 21."""
    table = _table()
    special = {atom for atom in unit.mentioned if table.atoms[atom].special}
    before, _, after = code.partition(next(iter(special), code))
    annotated = not after or (after[0] == "{" and after[-1] == "}" and after.count("{") == 1)
    return bool(special) and not (before in {"", *table.prefixes} and annotated)


def _check_scales(*units: Unit) -> None:
    """Refuse scales that are no multiples and no temperatures: logarithms, slopes, potencies."""
    table = _table()
    for unit in units:
        if any(table.atoms[atom].special and atom not in table.temperatures for atom in unit.mentioned):
            raise _refused("units on scales of multiples, or temperatures", "one on a scale of its own, as pH and bel")


def _different(left: Unit, right: Unit) -> RefusedError:
    """Why two units measure different things."""
    table = _table()
    both = dict(table.dimensions(left)), dict(table.dimensions(right))
    apart = {atom for atom in {*both[0], *both[1]} if both[0].get(atom) != both[1].get(atom)}
    if any(table.atoms[atom].arbitrary for atom in apart):
        return _refused(
            "arbitrary units, as [iU], among themselves", "an arbitrary unit beside another: its procedure defines it"
        )
    particles = apart & table.particles
    if len(particles) > 1:
        return _refused("two units of one sort", "amounts, equivalents, osmoles: the charge or the parts must be known")
    if particles and "g" in apart:
        return _refused("two units of one sort", "a mass and an amount: the molar mass of the substance must be known")
    return _refused("two units that measure the same", "units of different things")


def _refused(expected: str, got: str) -> RefusedError:
    return RefusedError(
        "not_convertible", expected=expected, got=got, do="convert by hand, by what is known of the substance or scale"
    )


@cache
def _table() -> Table:
    """The table, once.

    Raises:
        RefusedError: the extra `units` is not installed.
    """
    # pint and ucumvert are an extra and take some tenths of a second: a device that converts nothing pays nothing.
    try:
        module: Any = importlib.import_module("edge_runtime.codes.ucum_table")
    except ModuleNotFoundError as error:
        raise RefusedError(
            "extra_missing",
            expected="the extra 'units', which knows UCUM",
            got=f"an installation without {error.name}",
            do="install it: pip install 'fieldward[units]'",
        ) from None
    table: Table = module.Table()
    return table
