"""Laboratory results that nobody may learn of only tomorrow: when they are critical, and in which units.

Owns the table. A result at or beyond a limit is critical. One in a unit that the table does not convert is not judged,
and `alerts.unjudged` names it: no result is silently taken for harmless.

Sources: Royal College of Pathologists, "The communication of critical and unexpected pathology results", G158, London
2017 (potassium, sodium, glucose, adjusted calcium, magnesium, phosphate; limits for under 16 years). Haemoglobin: NICE
NG24 "Blood transfusion", 2015, the threshold at which a transfusion is considered. Lactate: Levy, Evans, Rhodes, "The
Surviving Sepsis Campaign Bundle: 2018 Update", Intensive Care Med 2018;44:925-928. They are defaults of this version: a
laboratory's own limits may differ. Molar masses: CIAAW standard atomic weights.

LOINC codes are used under the LOINC licence (loinc.org/license); copyright Regenstrief Institute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

CHILD_END_YEARS: Final = 16
"""Below this age the limits for children hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyte:
    """Something that a laboratory measures.

    Attributes:
        name: a word.
        codes: in LOINC.
        unit: in which the limits are.
        factors: from each unit that is understood to `unit`.
        low: critical at or below; None where low is not.
        high: critical at or above; None where high is not.
        child_low: in place of `low` for a child.
        child_high: in place of `high` for a child.
    """

    name: str
    codes: tuple[str, ...]
    unit: str
    factors: Mapping[str, Decimal]
    low: Decimal | None = None
    high: Decimal | None = None
    child_low: Decimal | None = None
    child_high: Decimal | None = None

    def limits(self, *, child: bool) -> tuple[Decimal | None, Decimal | None]:
        """The limits, low and high."""
        return (self.child_low if child else None) or self.low, (self.child_high if child else None) or self.high


def _factors(**_units: str) -> Mapping[str, Decimal]:
    return MappingProxyType({_UNITS[name]: Decimal(factor) for name, factor in _units.items()})


_UNITS: Final = {
    "mmol_l": "mmol/L",
    "meq_l": "meq/L",
    "mg_dl": "mg/dL",
    "g_dl": "g/dL",
    "g_l": "g/L",
}

ANALYTES: Final = (
    Analyte(
        name="potassium",
        codes=("2823-3", "6298-4"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", meq_l="1"),
        low=Decimal("2.5"),
        high=Decimal("6.5"),
    ),
    Analyte(
        name="sodium",
        codes=("2951-2", "2947-0"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", meq_l="1"),
        low=Decimal(120),
        high=Decimal(160),
        child_low=Decimal(130),
    ),
    Analyte(
        name="glucose",
        codes=("14749-6", "15074-8", "14743-9", "2345-7", "2339-0", "41653-7"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", mg_dl="0.05551"),  # 180.16 g/mol
        low=Decimal("2.5"),
        high=Decimal(25),
        child_high=Decimal(15),
    ),
    Analyte(
        name="adjusted_calcium",
        codes=("29265-6",),
        unit="mmol/L",
        factors=_factors(mmol_l="1"),
        low=Decimal("1.8"),
        high=Decimal("3.5"),
    ),
    Analyte(
        name="magnesium",
        codes=("2601-3", "19123-9"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", mg_dl="0.4114"),  # 24.305 g/mol
        low=Decimal("0.4"),
    ),
    Analyte(
        name="phosphate",
        codes=("14879-1", "2777-1"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", mg_dl="0.3229"),  # as phosphorus, 30.974 g/mol
        low=Decimal("0.3"),
    ),
    Analyte(
        name="lactate",
        codes=("2524-7", "32693-4", "2518-9"),
        unit="mmol/L",
        factors=_factors(mmol_l="1", mg_dl="0.1110"),  # 90.08 g/mol
        high=Decimal(4),
    ),
    Analyte(
        name="haemoglobin",
        codes=("718-7",),
        unit="g/L",
        factors=_factors(g_dl="10", g_l="1"),
        low=Decimal(70),
    ),
)

BY_CODE: Final[Mapping[str, Analyte]] = MappingProxyType({code: one for one in ANALYTES for code in one.codes})
"""Every analyte by each of its codes."""
