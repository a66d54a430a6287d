"""Which units of facts are UCUM codes: by a short list, because a pure room loads no table of units.

Owns that list: the units of the vital signs and those of ordinary doses and laboratory results. A unit that is not in
it, such as "tablet", is exported for people only, never as a code that it may not be.

Source: UCUM (ucum.org), case sensitive codes, as FHIR R4's value set ucum-common uses them.
"""

from __future__ import annotations

import re
from typing import Final

_PREFIXED: Final = re.compile(r"([kcmunpdh]|da)?(g|L|l|mol|m|s|eq|U|osm)")
_PLAIN: Final = frozenset(
    {
        "%",
        "/min",
        "/h",
        "/d",
        "/uL",
        "/mm3",
        "10*3/uL",
        "10*6/uL",
        "10*9/L",
        "10*12/L",
        "mm[Hg]",
        "cm[H2O]",
        "Cel",
        "[degF]",
        "K",
        "kg",
        "cm",
        "bar",
        "kPa",
        "Pa",
        "J",
        "kcal",
        "cal",
        "[lb_av]",
        "[oz_av]",
        "[in_i]",
        "[ft_i]",
        "[iU]",
        "m[iU]",
        "k[iU]",
        "[drp]",
        "h",
        "min",
        "s",
        "d",
        "wk",
        "mo",
        "a",
        "mm/h",
        "mL/min/{1.73_m2}",
        "{score}",
        "1",
        "deg",
        "g/dL",
        "mL/min",
        "L/min",
        "{ratio}",
        "{INR}",
        "[pH]",
        "mOsm/kg",
        "{#}",
        "{puff}",
        "{tbl}",
        "/[HPF]",
        "fL",
        "pg",
        "mm[H2O]",
        "V",
        "mV",
        "Hz",
        "{beats}/min",
    }
)


def is_ucum(unit: str) -> bool:
    """Tell whether a unit is a UCUM code that this list knows: one, or a quotient of two."""
    if unit in _PLAIN:
        return True
    parts = unit.split("/")
    if len(parts) > 3 or not parts[0]:  # noqa: PLR2004 mg/kg/h is as far as doses go
        return False
    return all(part in _PLAIN or _PREFIXED.fullmatch(part) for part in parts)
