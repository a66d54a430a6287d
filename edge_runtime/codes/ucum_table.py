"""What a code of UCUM means: the grammar, the names, and the arithmetic over the published table.

Grammar and table come with ucumvert; pint computes, over a registry made of that table and in fractions, so that every
factor is the published one, exactly. Pint's own units are not used: it reads `[cft_i]` as a hundredth of a foot where
UCUM has a cubic foot, `g%` as grams times percent, `[Cal]` as the small calorie. Amounts of substance, equivalents and
osmoles are kept apart, although UCUM has all three as one number of particles: which charge, and how many parts,
depends on the substance.

This module loads pint and ucumvert: only `edge_runtime.codes.ucum` imports it, when a unit is first asked about.

Source: The Unified Code for Units of Measure 2.2 (ucum.org/ucum), sections 18 to 22 and 46.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import pint
from lark import Token, Tree
from lark.exceptions import LarkError
from pint.util import UnitsContainer
from ucumvert.parser import get_ucum_parser

from edge_runtime.codes.ucum_atoms import Atom, atoms, prefixes, version

TEMPERATURES: Final[Mapping[str, tuple[Fraction, Fraction]]] = MappingProxyType(
    {
        "Cel": (Fraction(1), Fraction(27315, 100)),
        "[degF]": (Fraction(5, 9), Fraction(45967, 180)),
        "[degRe]": (Fraction(5, 4), Fraction(27315, 100)),
    }
)
"""Of each temperature with a zero of its own: kelvins a degree, and the kelvins at its zero.

Source: UCUM section 46, class "heat"; BIPM, The International System of Units, 9th edition, section 2.3.1."""
PARTICLES: Final = frozenset({"mol", "eq", "osm"})
"""Kept apart from each other."""

_Node: TypeAlias = Tree[Token] | Token


class _Folded(NamedTuple):
    """Part of a code: its factor, the powers of its atoms, its name."""

    factor: Fraction = Fraction(1)
    powers: tuple[tuple[str, int], ...] = ()
    display: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a code means.

    Attributes:
        factor: by which its numbers are multiplied to be numbers of `units`.
        units: the product of its atoms, as pint has it.
        powers: the same, each atom once.
        mentioned: every atom that the code names, also where powers cancel out.
        display: its name.
    """

    factor: Fraction
    units: Any
    powers: tuple[tuple[str, int], ...]
    mentioned: frozenset[str]
    display: str


class Table:
    """The units of UCUM."""

    temperatures: Final = frozenset(TEMPERATURES)
    particles: Final = PARTICLES

    def __init__(self) -> None:
        """Read the table and make the registry of it: some hundredths of a second."""
        self.version = version()
        self.atoms: Mapping[str, Atom] = atoms()
        self.prefixes = prefixes()
        self._parser = get_ucum_parser()
        self._names = {code: f"u{number}_" for number, code in enumerate(self.atoms)}
        self._registry: Any = pint.UnitRegistry(None, non_int_type=Fraction)
        self._registry.load_definitions(list(self._definitions()))

    def unit(self, code: str) -> Unit | None:
        """Read a code of bounded length and depth; None for one that is not of the grammar."""
        try:
            tree = self._parser.parse(code)
        except LarkError:
            return None
        found = self._folded(tree)
        product = UnitsContainer({self._names[atom]: power for atom, power in found.powers})
        return Unit(
            found.factor, self._registry.Unit(product), found.powers, frozenset(_mentioned(tree)), found.display
        )

    def converted(self, value: Fraction, unit: Unit, to: Unit) -> Fraction | None:
        """The same quantity as a number of another unit; None where the two measure different things."""
        try:
            found = self._registry.Quantity(value * unit.factor, unit.units).to(to.units)
        except pint.PintError:
            return None
        return Fraction(found.magnitude) / to.factor

    def dimensions(self, unit: Unit) -> frozenset[tuple[str, Fraction]]:
        """What a unit measures: base units, and atoms that are defined by nothing, each with its power."""
        codes = {f"[{name}]": code for code, name in self._names.items()}
        return frozenset((codes[name], Fraction(power)) for name, power in unit.units.dimensionality.items())

    def _definitions(self) -> Iterator[str]:
        """The table in pint's words."""
        for code, atom in self.atoms.items():
            name = self._names[code]
            if code in TEMPERATURES:
                scale, zero = TEMPERATURES[code]
                yield f"{name} = {_written(scale)} * {self._names['K']}; offset: {_written(zero)}"
            elif atom.within is None or code in PARTICLES or (atom.arbitrary and atom.within not in self.atoms):
                yield f"{name} = [{name}]"
            else:
                found = self._folded(self._parser.parse(atom.within))
                powers = (f"{self._names[part]} ** ({power})" for part, power in found.powers)
                yield f"{name} = " + " * ".join((_written(atom.value * found.factor), *powers))

    def _folded(self, node: _Node) -> _Folded:
        if isinstance(node, Token):
            return _Folded()  # an annotation
        parts = node.children
        match node.data:
            case "main_term" if len(parts) > 1:
                return _joined(_Folded(), self._folded(parts[1]), -1)
            case "term":
                return _joined(self._folded(parts[0]), self._folded(parts[2]), 1 if parts[1] == "." else -1)
            case "annotatable":
                return _raised(self._folded(parts[0]), int(str(parts[1])))
            case "simple_unit":
                return self._simple(*map(str, parts))
        return self._folded(parts[0])

    def _simple(self, first: str, last: str = "") -> _Folded:
        if last:
            prefix = self.prefixes[first]
            return _Folded(prefix.factor, ((last, 1),), prefix.name + self.atoms[last].name)
        if first in self.atoms:
            return _Folded(powers=((first, 1),), display=self.atoms[first].name)
        return _Folded(Fraction(int(first)), display=first)


def _joined(left: _Folded, right: _Folded, sign: int) -> _Folded:
    powers = dict(left.powers)
    for atom, power in right.powers:
        powers[atom] = powers.get(atom, 0) + sign * power
    kept = tuple((atom, power) for atom, power in powers.items() if power)
    between = " " if sign > 0 else " per "
    display = f"{left.display}{between}{right.display}".strip() if right.display else left.display
    return _Folded(left.factor * right.factor**sign, kept, display)


def _raised(base: _Folded, power: int) -> _Folded:
    powers = tuple((atom, one * power) for atom, one in base.powers)
    return _Folded(base.factor**power, powers, f"{base.display}^{power}" if base.display else "")


def _mentioned(tree: Tree[Token]) -> Iterator[str]:
    for found in tree.find_data("simple_unit"):
        last = found.children[-1]
        if isinstance(last, Token) and last.type != "FACTOR":
            yield str(last)


def _written(number: Fraction) -> str:
    return f"({number.numerator} / {number.denominator})"
