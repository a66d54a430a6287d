"""What a fact is about: the keys by which two facts name the same allergy or the same substance.

Two facts are about the same thing when they share a key: the same code in the same system, or the same text after
Unicode normalisation, case folding and collapsing of spaces. Nothing cleverer: a wrong "the same" is worse than two
lines, and a rule never hides a statement because another is about the same thing.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.facts import Fact

_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,17})?", re.ASCII)


def said(fact: Fact, key: str) -> str | None:
    """The text under a payload key; None where there is none, or something else than text."""
    value = fact.payload.get(key)
    return value if isinstance(value, str) else None


def counted(fact: Fact, key: str) -> int | None:
    """The whole number under a payload key; None where there is none, or something else."""
    value = fact.payload.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def normalised(text: str) -> str:
    """The text as it is compared."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)  # which leaves ASCII as it is
    return " ".join(plain.casefold().split())


def number(text: object) -> Decimal | None:
    """A decimal written as text; None for anything else."""
    plain = text.strip() if isinstance(text, str) else ""
    return Decimal(plain) if _DECIMAL.fullmatch(plain) else None


def same_number(text: str) -> str:
    """A decimal without the zeros that change nothing; anything else normalised as text."""
    value = number(text)
    return normalised(text) if value is None else format(value.normalize(), "f")


def text_key(fact: Fact) -> str:
    """The key that the fact's text makes."""
    return "text:" + normalised(said(fact, "text") or "")


def subject_keys(fact: Fact) -> frozenset[str]:
    """Every key by which the fact names what it is about."""
    keys = {text_key(fact)} if said(fact, "text") else set()
    system, code, rxnorm = said(fact, "system") or "", said(fact, "code"), said(fact, "rxnorm")
    if code is not None:
        keys.add(f"code:{SYSTEMS.get(system, normalised(system))}:{code.strip()}")
    if rxnorm is not None:
        keys.add(f"code:rxnorm:{rxnorm.strip()}")
    return frozenset(keys)
