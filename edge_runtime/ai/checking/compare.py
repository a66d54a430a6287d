"""The check in both directions: what a translation's way back lost, and what it added.

Owns no rule: a translation keeps what a text says only if each of the two bears the other out. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.findings import Unsupported


@dataclass(frozen=True, slots=True)
class Compared:
    """How two texts that should say the same differ.

    Attributes:
        lost: what the source says and the other text does not; positions in the source.
        added: what the other text says and the source does not; positions in the other text.
    """

    lost: tuple[Unsupported, ...]
    added: tuple[Unsupported, ...]


def compare(source: str, back: str) -> Compared:
    """Compare a text with its translation back into its own language.

    Args:
        source: the text that was translated.
        back: the translation, translated back.

    Returns:
        What the way there and back lost, and what it added.
    """
    return Compared(lost=unsupported(back, source), added=unsupported(source, back))
