"""The drugs of a note with what is said of each: amounts with their units, and how often.

Owns what belongs to a drug's name: what follows it up to the end of its clause or to the next drug. Which words are
drugs, `checking.drugs` says. A drug that is named as an allergy, or as something not given, is found too, and marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from edge_runtime.ai.checking.drugs import mentions
from edge_runtime.ai.checking.page import page
from edge_runtime.ai.skills.remarks import quoted

LINES_MAX: Final = 100
"""Drugs of one note."""
_REACH: Final = 90
"""Characters behind a drug's name in which its amount and frequency stand."""
_FAR: Final = 200
"""Characters to either side that may be of the same clause."""
_AMOUNT: Final = re.compile(
    r"(?<![\d.,/])(\d{1,6}(?:[.,]\d{1,3})?)\s?"
    r"(mg|milligrams?|mcg|ug|\u00b5g|\u03bcg|micrograms?|grams?|g|ml|millilit(?:er|re)s?|units?|iu|puffs?|tablets?|"
    r"tabs?|capsules?|caps?|drops?|mmol|meq|%)?(?![\w/])",
    re.IGNORECASE,
)
_NO_AMOUNT_BEHIND: Final = re.compile(
    r"\s*(?:-?\s*(?:days?|weeks?|months?|years?|hours?|hrs?|h|times?|x|doses?|minutes?|mins?)\b|/\s?\d)", re.IGNORECASE
)
_NO_AMOUNT_BEFORE: Final = re.compile(
    r"(?:\bfor|\bx|\bevery|\bq|\bdays?|\bof|\bage|\baged|\bin|\bsince|\bscore)\s*\Z", re.IGNORECASE
)
_OFTEN: Final = re.compile(
    r"\b(?:once|twice|daily|nightly|weekly|monthly|bd|bid|b\.i\.d|tds|tid|t\.i\.d|qds|qid|q\.i\.d|od|qd|qhs|hs|prn|"
    r"stat|nocte|mane|every|each|as needed|as required|when needed|if needed|times|per day|a day|at night|"
    r"at bedtime|bedtime|in the (?:morning|evening)|on \w+days?|before|after|per hour|given|loading|bolus|over|"
    r"single dose|one dose|one-off|now|with meals|infusion|q ?\d{1,2} ?h|q ?\d{1,2} ?hours?|"
    r"\d{1,2} ?-? ?hourly|hourly)\b",
    re.IGNORECASE,
)
_AVERSE: Final = re.compile(
    r"\b(?:allerg\w*|anaphyla\w*|intoleran\w*|reaction|reacts|rash (?:to|with|from))\b", re.IGNORECASE
)
_ONCE: Final = re.compile(r"\b(?:given|gave|administered|loading|bolus|received|had)\b[^.;\n]{0,60}\Z", re.IGNORECASE)
"""Said before a drug that was given, not prescribed: how often is not asked."""
_REFUSED: Final = re.compile(
    r"\b(?:no|not|never|avoid|avoids|avoiding|stop|stopped|stopping|discontinue\w*|held|hold|instead of|without)\b"
    r"[^.;\n]{0,24}\Z",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[.!?](?:\s|$)|[;\n]")
_UNITS: Final = {"mcg": "mcg", "ug": "mcg", "\u00b5g": "mcg", "\u03bcg": "mcg", "g": "g", "mg": "mg"}
_MILLIGRAMS: Final = {"mcg": Decimal("0.001"), "mg": Decimal(1), "g": Decimal(1000)}


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount behind a drug's name.

    Attributes:
        value: as written.
        unit: as it is written shortest; empty where none is.
        start: in the note.
        end: in the note.
    """

    value: Decimal = field(repr=False)
    unit: str
    start: int
    end: int

    @property
    def milligrams(self) -> Decimal | None:
        """The same in milligrams; None where it is no mass."""
        factor = _MILLIGRAMS.get(self.unit)
        return None if factor is None else self.value * factor


@dataclass(frozen=True, slots=True)
class DrugLine:
    """A drug in a note.

    Attributes:
        keys: what it is, as `checking.drugs` has it.
        said: as written.
        start: of its name.
        end: of its name.
        amounts: behind it, in order.
        often: whether it is said how often.
        averse: it is named as something that the patient reacts to.
        refused: it is named as something that is not given, or no more.
        whole_class: a class of drugs, such as penicillin in the wide sense, and none of its members.
    """

    keys: frozenset[str] = field(repr=False)
    said: str = field(repr=False)
    start: int
    end: int
    amounts: tuple[Amount, ...]
    often: bool
    averse: bool
    refused: bool
    whole_class: bool

    @property
    def given(self) -> bool:
        """Whether it is given, as far as the note says."""
        return not self.averse and not self.refused


def drug_lines(text: str) -> tuple[DrugLine, ...]:
    """The drugs and classes of drugs of a note, in its order."""
    read = page(text)
    found = [(one, *read.span(one.first, one.behind)) for one in mentions(read)[:LINES_MAX]]
    starts = [*(start for _, start, _ in found), len(text)]
    return tuple(
        _line(text, one.keys, start, end, following, whole_class=one.is_class)
        for (one, start, end), following in zip(found, starts[1:], strict=True)
    )


def _line(text: str, keys: frozenset[str], start: int, end: int, following: int, *, whole_class: bool) -> DrugLine:
    clause_end = _CLAUSE.search(text, end)
    stop = min(following, end + _REACH, clause_end.start() if clause_end else len(text))
    begin = max((match.end() for match in _CLAUSE.finditer(text, max(0, start - _FAR), start)), default=start - _FAR)
    begin = max(0, begin)
    clause = text[begin : min(clause_end.start() if clause_end else len(text), end + _FAR)]
    behind = text[end:stop]
    return DrugLine(
        keys=keys,
        said=quoted(text, start, end),
        start=start,
        end=end,
        amounts=tuple(_amounts(text, end, stop)),
        often=_OFTEN.search(behind) is not None or _ONCE.search(text[begin:start]) is not None,
        averse=_AVERSE.search(clause) is not None,
        refused=_REFUSED.search(text[begin:start]) is not None,
        whole_class=whole_class,
    )


def _amounts(text: str, start: int, stop: int) -> Iterator[Amount]:
    for match in _AMOUNT.finditer(text, start, stop):
        if not match[2] and (
            _NO_AMOUNT_BEHIND.match(text, match.end()) or _NO_AMOUNT_BEFORE.search(text, start, match.start())
        ):
            continue
        yield Amount(Decimal(match[1].replace(",", ".")), _short((match[2] or "").lower()), match.start(), match.end())


def _short(unit: str) -> str:
    if unit.startswith("micro"):
        return "mcg"
    if unit.startswith("gram"):
        return "g"
    if unit.startswith("milligram"):
        return "mg"
    return _UNITS.get(unit, unit)
