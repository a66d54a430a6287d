"""Codes of ICD-10-CM with their titles, a sample of the shipped table, as words that a model must copy.

Source: ICD-10-CM, Centers for Disease Control and Prevention, National Center for Health Statistics; public domain.
"""

from __future__ import annotations

import functools
from typing import Final

from edge_runtime.codes.icd10cm_table import table

_CHARS_MAX: Final = 60
_KEPT: Final = 31
"""One code in so many: enough titles that none is learnt by heart."""


@functools.cache
def titles() -> tuple[tuple[str, str], ...]:
    """Complete codes and their titles, the short ones, in the order of the codes."""
    held = table()
    rows = [held.row(code) for code in list(held.codes())[::_KEPT]]
    return tuple((row.code, row.display) for row in rows if row is not None and len(row.display) <= _CHARS_MAX)
