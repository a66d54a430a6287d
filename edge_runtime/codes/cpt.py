"""CPT: the shape of a code. Its content belongs to the American Medical Association, and none of it is here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.codes.system import Judgement

_SHAPE: Final = re.compile(r"[0-9]{4}[0-9A-Z]", re.ASCII)
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "F": "category II, a performance measure",
        "T": "category III, a new procedure",
        "U": "a proprietary laboratory analysis",
        "M": "an administrative code of a multianalyte assay",
        "A": "category I, the administration of a COVID-19 vaccine",
    }
)
"""By the last character. Source: AMA, CPT code set, overview of its categories."""


class _Cpt:
    """The code system."""

    name: Final = "cpt"
    title: Final = "CPT"
    uri: Final = "http://www.ama-assn.org/go/cpt"

    def check(self, code: str) -> Judgement:
        """Judge a code by its shape alone: valid means well formed."""
        form = code.upper() if code.isascii() else code
        if _SHAPE.fullmatch(form) is None:
            reason = "not the shape of a CPT code: four digits, then a digit or a letter"
            return Judgement(valid=False, display=None, reason=reason)
        kind = "category I" if form[-1].isdigit() else _KINDS.get(form[-1], "a letter we know no use of")
        reason = f"well formed ({kind}); whether it exists is not checked, as its list is licensed"
        return Judgement(valid=True, display=None, reason=reason, read_as=form if form != code else None)


SYSTEM: Final = _Cpt()
