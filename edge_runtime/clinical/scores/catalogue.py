"""Every score and flow chart by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.apgar import APGAR
from edge_runtime.clinical.scores.gcs import GCS
from edge_runtime.clinical.scores.jumpstart import JUMPSTART
from edge_runtime.clinical.scores.news2 import NEWS2
from edge_runtime.clinical.scores.qsofa import QSOFA
from edge_runtime.clinical.scores.result import Result
from edge_runtime.clinical.scores.salt import SALT
from edge_runtime.clinical.scores.scale import Scale
from edge_runtime.clinical.scores.start import START
from edge_runtime.errors import InputError

SCALES: Final[Mapping[str, Scale]] = MappingProxyType(
    {scale.name: scale for scale in (NEWS2, QSOFA, GCS, APGAR, START, JUMPSTART, SALT)}
)


def score(name: str, given: Mapping[str, object]) -> Result:
    """Judge one patient by a score or flow chart.

    Args:
        name: one of `SCALES`.
        given: inputs by key, as docs/scores.md names them; None means not given.

    Raises:
        InputError: an unknown name or key, a value of another form, or inputs that contradict each other.
    """
    return scale(name).score(given)


def scale(name: str) -> Scale:
    """The score or flow chart of a name.

    Raises:
        InputError: there is none.
    """
    found = SCALES.get(name)
    if found is None:
        raise InputError(
            "unknown_score",
            expected="one of " + ", ".join(SCALES),
            got=f"text of {len(name)} characters",
            do="see 'fieldward score list'",
        )
    return found
