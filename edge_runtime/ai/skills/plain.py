"""Abbreviations of the ward, spelled out for a patient by rule.

Owns the list. An abbreviation of capitals is one only in capitals; what means two things (OD, MS, D/C) is not here,
because a wrong guess is worse than a question. No number is changed.

Source: which abbreviations are misread: ISMP, List of Error-Prone Abbreviations, Symbols, and Dose Designations, 2021;
their meanings are the common ones, in our words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ANY_CASE: Final = """
b.i.d. = twice a day
bid = twice a day
t.i.d. = three times a day
tid = three times a day
q.i.d. = four times a day
qid = four times a day
qd = once a day
qhs = at bedtime
p.r.n. = as needed
prn = as needed
p.o. = by mouth
tabs = tablets
caps = capsules
mcg = micrograms
f/u = follow-up
w/o = without
w/ = with
appt = appointment
abx = antibiotics
hx = history
rx = prescription
temp = temperature
wks = weeks
hrs = hours
"""
_AS_WRITTEN: Final = """
PO = by mouth
IM = into the muscle
SC = under the skin
SL = under the tongue
BP = blood pressure
HR = heart rate
SOB = shortness of breath
UTI = urinary tract infection
URI = infection of the nose and throat
URTI = infection of the nose and throat
HTN = high blood pressure
T2DM = type 2 diabetes
COPD = chronic lung disease (COPD)
CXR = chest X-ray
ECG = heart tracing (ECG)
EKG = heart tracing (EKG)
DVT = blood clot in a deep vein (DVT)
GERD = acid reflux
CKD = chronic kidney disease
CHF = heart failure
TIA = mini-stroke (TIA)
NSAID = anti-inflammatory painkiller
NSAIDs = anti-inflammatory painkillers
OTC = without a prescription
NPO = nothing by mouth
"""


def _table(lines: str) -> Mapping[str, str]:
    pairs = (line.partition(" = ") for line in lines.strip().splitlines())
    return MappingProxyType({short: long for short, _, long in pairs})


_LONG: Final[Mapping[str, str]] = _table(_ANY_CASE)
_LONG_CAPITALS: Final[Mapping[str, str]] = _table(_AS_WRITTEN)


def _pattern(words: Mapping[str, str], flags: int = 0) -> re.Pattern[str]:
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w./(-])(?:{'|'.join(map(re.escape, ordered))})(?![\w/]|[-.]\w)", flags)


_ANY: Final = _pattern(_LONG, re.IGNORECASE)
_CAPITALS: Final = _pattern(_LONG_CAPITALS)
_EVERY: Final = re.compile(r"(?<!\w)q\s?(\d{1,2})\s?h(?:rs?|ours?)?(?!\w)", re.IGNORECASE)
_HOURS: Final = re.compile(r"(?<=\d)\s?h(?![\w/])")


def spelled(text: str) -> str:
    """The text with its abbreviations spelled out; a text without any is left as it is."""
    text = _EVERY.sub(lambda found: f"every {found[1]} hours", text)
    text = _HOURS.sub(" hours", text)
    text = _ANY.sub(lambda found: _as_begun(found, _LONG[found[0].lower()]), text)
    return _CAPITALS.sub(lambda found: _as_begun(found, _LONG_CAPITALS[found[0]]), text)


def _as_begun(found: re.Match[str], long: str) -> str:
    """A capital where the abbreviation begins a sentence."""
    before = found.string[: found.start()].rstrip(" ")
    return long[0].upper() + long[1:] if not before or before[-1] in ".?!\n" else long
