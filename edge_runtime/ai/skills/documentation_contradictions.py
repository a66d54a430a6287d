"""What a note says twice in two ways: a drug beside its allergy, "no fever" beside 39.2, left and right, two ages.

Owns those rules. Each shows both places; which of them is right, a person knows. What changed over time is no
contradiction: words such as "repeat", "increased to" or a clock time between two figures keep a rule silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import combinations
from typing import Final

from edge_runtime.ai.skills.drug_lines import DrugLine
from edge_runtime.ai.skills.headings import heading_at, headings
from edge_runtime.ai.skills.mentions import Phrases, Words
from edge_runtime.ai.skills.readings import PULSE, RESPIRATION, SATURATION, TEMPERATURE, Reading
from edge_runtime.ai.skills.remarks import Remark, RemarkKind, quoted
from edge_runtime.clinical.drugs.cross_check import Subject, cross_check
from edge_runtime.clinical.drugs.table import Degree
from edge_runtime.clinical.vitals import SYSTOLIC

_FEVER_CELSIUS, _FEVER_FAHRENHEIT = Decimal("38.0"), Decimal("100.4")
_CHANGED: Final = re.compile(
    r"\b(?:repeat\w*|re-?check\w*|again|later|then|after|before|initial\w*|previous\w*|last|earlier|first|second|now|"
    r"increas\w*|decreas\w*|reduc\w*|rais\w*|from|to|lying|standing|sitting|home|usual\w*|baseline|max\w*|min\w*|peak|"
    r"target|goal|normal|range|per|lost|gained|was|dropped|rose|up|down|birth|breakthrough|rescue|needed|prn|loading|"
    r"morning|noon|evening|night|bedtime|weekdays?|slow|modified|release|acting)\b|\d{1,2}[:.]\d{2}\b|tmax",
    re.IGNORECASE,
)
_NO_ALLERGY: Final = re.compile(
    r"\b(?:nkda|nka|no known (?:drug |medication )?allerg(?:y|ies)|no allergies)\b", re.IGNORECASE
)
_AROUND: Final = 24
"""Characters to either side of two figures in which time may be said to have passed."""
_ASKED: Final = frozenset({Degree.SAME, Degree.LIKELY, Degree.POSSIBLE})


def _over(limit: str) -> Callable[[Reading], bool]:
    return lambda one: one.value > Decimal(limit)


def _under(limit: str) -> Callable[[Reading], bool]:
    return lambda one: one.value < Decimal(limit)


def _feverish(one: Reading) -> bool:
    if one.unit == "[degF]" or (not one.unit and one.value > 50):  # noqa: PLR2004 no living body has 50 Celsius
        return one.value >= _FEVER_FAHRENHEIT
    return one.value >= _FEVER_CELSIUS


_DENIED: Final[tuple[tuple[tuple[str, ...], str, Callable[[Reading], bool], str], ...]] = (
    (("fever", "febrile", "pyrexia"), TEMPERATURE, _feverish, "a temperature of fever"),
    (("tachycardia", "tachycardic"), PULSE, _over("100"), "a heart rate above 100"),
    (("bradycardia", "bradycardic"), PULSE, _under("50"), "a heart rate below 50"),
    (("tachypnea", "tachypnoea", "tachypneic", "tachypnoeic"), RESPIRATION, _over("24"), "a rate above 24"),
    (("hypoxia", "hypoxic", "hypoxemia"), SATURATION, _under("90"), "a saturation below 90"),
    (("hypotension", "hypotensive"), SYSTOLIC, _under("90"), "a systolic pressure below 90"),
)
"""What is denied, and the vital sign that says otherwise."""
_DENIALS: Final = Phrases([(said, row) for row, (words, _, _, _) in enumerate(_DENIED) for said in words])
_WELL: Final = Phrases([("afebrile", 0), ("apyrexial", 0)])
"""Words that deny by themselves, and which row."""
_BODY: Final = (
    "ear|eye|arm|leg|knee|hip|shoulder|hand|foot|ankle|wrist|elbow|breast|lung|kidney|flank|thigh|calf|shin|thumb|"
    "finger|toe|groin|radius|ulna|tibia|femur|heel|cheek|testicle|ovary|forearm"
)
_SIDE: Final = re.compile(rf"\b(left|right|bilateral|both)\b(?: \w+){{0,2}}? ({_BODY})s?\b", re.IGNORECASE)
_AGE: Final = re.compile(r"\b(\d{1,3})[ -]?(?:years?|yrs?|y)[ -]?(?:old\b|/?o\b)", re.IGNORECASE)
_SEX: Final = re.compile(
    r"\b(?:years?|yrs?|y)[ -/]?o(?:ld)?[ ,]{1,2}(?:\w+ )?(man|male|boy|gentleman|woman|female|girl|lady)\b",
    re.IGNORECASE,
)
_MALE: Final = frozenset({"man", "male", "boy", "gentleman"})
_OF_ONE_SEX: Final = Phrases(
    [
        *(
            (said, "female")
            for said in ("pregnan*", "menstrua*", "uterus", "uterine", "ovar*", "vaginal", "hysterectomy")
        ),
        *((said, "male") for said in ("prostat*", "testic*", "scrotal", "scrotum", "vasectomy")),
    ]
)


def contradictions(
    read: Words, found: tuple[Reading, ...], lines: tuple[DrugLine, ...], *, age: int | None, sex: str | None
) -> Iterator[Remark]:
    """What a note contradicts itself in.

    Args:
        read: the note.
        found: its vital signs.
        lines: its drugs.
        age: of the patient in years, where the chart knows it.
        sex: of the patient, where the chart knows it.
    """
    yield from _allergies(read.text, lines)
    yield from _denials(read, found)
    yield from _sides(read.text)
    yield from _ages(read.text, age)
    yield from _sexes(read, sex)
    yield from _twice(read.text, found)
    yield from _two_doses(read.text, lines)


def _allergies(text: str, lines: tuple[DrugLine, ...]) -> Iterator[Remark]:
    averse = {line.said: line for line in lines if line.averse and not line.refused}
    given = {line.said: line for line in lines if line.given and not line.whole_class}
    check = cross_check([Subject(name, (name,)) for name in given], [Subject(name, (name,)) for name in averse])
    for one in check.found:
        if one.degree in _ASKED:
            drug, allergy = given[one.medication.name], averse[one.allergy.name]
            yield _both(f"{one.words}.", (drug.start, drug.end), (allergy.start, allergy.end))
    denial = _NO_ALLERGY.search(text)
    if denial is not None and averse:
        allergy = next(iter(averse.values()))
        yield _both(
            f"No known allergies, and an allergy to {allergy.said}.", denial.span(), (allergy.start, allergy.end)
        )


def _denials(read: Words, found: tuple[Reading, ...]) -> Iterator[Remark]:
    denied = {one.told: one for one in _DENIALS.within(read) if one.denied and not one.family}
    denied |= {one.told: one for one in _WELL.within(read) if not one.denied}
    for row, mention in denied.items():
        _, code, says, words = _DENIED[row]
        reading = next((one for one in found if one.code == code and says(one)), None)
        if reading is not None:
            said = quoted(read.text, mention.start, mention.end)
            yield _both(
                f"The note says that it is not so, or not there (“{said}”), and there is {words}.",
                (mention.start, mention.end),
                (reading.start, reading.end),
            )


def _sides(text: str) -> Iterator[Remark]:
    """A part of the body that is on one side under one heading, and on the other side under another."""
    parts = headings(text)
    named: dict[str, list[tuple[str, int, int]]] = {}
    for match in _SIDE.finditer(text):
        named.setdefault(match[2].lower(), []).append((match[1].lower(), match.start(), match.end()))
    for part, places in named.items():
        if {side for side, _, _ in places} != {"left", "right"}:
            continue
        one, other = places[0], next(place for place in places if place[0] != places[0][0])
        # One part of a note compares both sides; two parts that each know one side only were mixed up.
        if heading_at(parts, one[1]) != heading_at(parts, other[1]):
            yield _both(f"The {part} is once the {one[0]} and once the {other[0]} one.", one[1:], other[1:])


def _ages(text: str, age: int | None) -> Iterator[Remark]:
    told = [(int(match[1]), match.span()) for match in _AGE.finditer(text)][:2]
    if len(told) > 1 and told[0][0] != told[1][0]:
        yield _both("Two ages are given.", told[0][1], told[1][1])
    elif told and age is not None and told[0][0] != age:
        yield Remark(RemarkKind.CONTRADICTION, "The age is another than the chart's.", (told[0][1],))


def _sexes(read: Words, sex: str | None) -> Iterator[Remark]:
    match = _SEX.search(read.text)
    said = None if match is None else "male" if match[1].lower() in _MALE else "female"
    if match is not None and sex in {"male", "female"} and said != sex:
        yield Remark(RemarkKind.CONTRADICTION, "The sex is another than the chart's.", (match.span(1),))
    known = said or sex
    if known is None:
        return
    for mention in _OF_ONE_SEX.within(read):
        if mention.stands and mention.told != known:
            words = quoted(read.text, mention.start, mention.end)
            place = ((mention.start, mention.end),)
            yield Remark(RemarkKind.CONTRADICTION, f"“{words}” does not fit the patient's sex as it is given.", place)
            return


def _twice(text: str, found: tuple[Reading, ...]) -> Iterator[Remark]:
    """One vital sign with two values and nothing that says that time passed."""
    by_code: dict[str, list[Reading]] = {}
    for one in found:
        by_code.setdefault(one.code, []).append(one)
    for several in by_code.values():
        for one, other in combinations(several, 2):
            if one.said[:2] != other.said[:2] and not _moved(text, one.start, other.end):
                said = f"The {one.name} is given twice with different values."
                yield _both(said, (one.start, one.end), (other.start, other.end))
                break


def _two_doses(text: str, lines: tuple[DrugLine, ...]) -> Iterator[Remark]:
    """One drug with two amounts and nothing that says that it was changed."""
    dosed = [(line, line.amounts[0]) for line in lines if line.given and line.amounts and line.amounts[0].unit]
    for (one, first), (other, second) in combinations(dosed, 2):
        same = one.keys == other.keys and first.unit == second.unit and first.value != second.value
        if same and not _moved(text, one.start, second.end):
            said = f"{one.said} is given with two different doses."
            yield _both(said, (one.start, first.end), (other.start, second.end))
            return


def _moved(text: str, start: int, end: int) -> bool:
    return _CHANGED.search(text, max(0, start - _AROUND), end + _AROUND) is not None


def _both(text: str, one: tuple[int, int], other: tuple[int, int]) -> Remark:
    return Remark(RemarkKind.CONTRADICTION, text, tuple(sorted((one, other))))
