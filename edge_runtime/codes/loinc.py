"""LOINC: a small part of it by name, the check digit of everything else.

Owns the reading of `edge_runtime/data/codes/loinc.tsv`, which says beside each code where it was read; the file is
loaded when a code is first asked for. LOINC is used under its licence (loinc.org/license); the notice stands in the
file and in docs/codes.md. What is well formed and not in our part is said to be that, and may exist or not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from edge_runtime.codes.check_digits import mod10
from edge_runtime.codes.system import Judgement

SUBSET: Final = Path(__file__).resolve().parent.parent / "data" / "codes" / "loinc.tsv"
_SHAPE: Final = re.compile(r"(?P<kind>|LA|LP)(?P<number>[1-9][0-9]{0,6})-(?P<check>[0-9])", re.ASCII)
"""A LOINC number, an answer (LA) or a part (LP). Source: LOINC Users' Guide, sections 2.2 and 5."""
_KINDS: Final[Mapping[str, str]] = MappingProxyType({"": "code", "LA": "answer", "LP": "part"})


@functools.cache
def subset() -> Mapping[str, str]:
    """The codes that we carry, and their names."""
    lines = SUBSET.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return MappingProxyType({code: name for code, name, _ in rows})


class _Loinc:
    """The code system."""

    name: Final = "loinc"
    title: Final = "LOINC"
    uri: Final = "http://loinc.org"

    def check(self, code: str) -> Judgement:
        """Judge a code: by our part of LOINC, and else by its check digit."""
        shape = _SHAPE.fullmatch(code)
        if shape is None:
            reason = "not the shape of a LOINC code: one to seven digits, a hyphen, one check digit"
            return Judgement(valid=False, display=None, reason=reason)
        if mod10(shape["kind"] + shape["number"]) != int(shape["check"]):
            reason = "the check digit after the hyphen is wrong: a digit was mistyped or two changed places"
            return Judgement(valid=False, display=None, reason=reason)
        name = subset().get(code)
        if name is not None:
            return Judgement(valid=True, display=name, reason="in our part of LOINC")
        reason = f"a well-formed LOINC {_KINDS[shape['kind']]}, not in our part of LOINC: it may exist or not"
        return Judgement(valid=True, display=None, reason=reason)


SYSTEM: Final = _Loinc()
