"""Which figure belongs to which drug, and whether a source gives that drug that figure.

Owns the attachment. In a sentence a dose follows its drug ("lisinopril 40 mg") or stands right before it ("20 mg of
Lasix"); in talk it may come a sentence later. A draft's dose must be one that the source gives to the same drug: the
right figure at the wrong drug is found too. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.drugs import Mention, members
from edge_runtime.ai.checking.evidence import Evidence
from edge_runtime.ai.checking.figures import Figure, Form
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.units import DOSES, TIME

AFTER_WORDS_MAX: Final = 16
"""Words from a drug to its figure in one sentence."""
_FOR: Final = (["for"], ["x"], ["times"], ["next"], ["additional"], ["over"])
BEFORE_WORDS_MAX: Final = 3
"""Words from a figure to the drug behind it."""
LATER_WORDS_MAX: Final = 60
"""Words from a drug to a figure in a later sentence of the source."""
BABY_ASPIRIN_MG: Final = 81.0
"""What "a baby aspirin" holds in the United States."""
_ASPIRIN: Final = frozenset({"acetylsalicylic acid"})
_OFTEN: Final = "often"
_LASTS: Final = "lasts"
_ROUTES: Final = {
    **dict.fromkeys(("po", "oral", "orally", "mouth"), "oral"),
    **dict.fromkeys(("iv", "intravenous", "intravenously", "ivp", "ivpb"), "iv"),
    **dict.fromkeys(("im", "intramuscular", "intramuscularly"), "im"),
    **dict.fromkeys(("sc", "sq", "subq", "subcut", "subcutaneous", "subcutaneously"), "sc"),
    **dict.fromkeys(("pr", "rectally", "rectal", "suppository"), "pr"),
    **dict.fromkeys(("sublingual", "sublingually", "sl"), "sl"),
    **dict.fromkeys(("intranasal", "intranasally"), "nasal"),
}


@dataclass(frozen=True, slots=True)
class Dose:
    """A figure and the drug that it belongs to.

    Attributes:
        drug: that it belongs to.
        figure: the amount, how often, or how long.
        kind: of the amount's unit, or that it says how often or how long; empty where no unit was written.
        value: in the first unit of its kind.
        sure: whether it stands in the drug's own sentence.
    """

    drug: Mention
    figure: Figure
    kind: str
    value: float
    sure: bool


def doses(page: Page, drugs: list[Mention], found: list[Figure], *, loose: bool) -> Iterator[Dose]:
    """The doses of a text; `loose` also looks for the drug in earlier sentences."""
    starts = [one.first for one in drugs]
    for figure in found:
        kind, value = _kind(figure)
        if kind is None:
            continue
        place = bisect_left(starts, figure.first)
        before = drugs[place - 1] if place else None
        after = drugs[place] if place < len(drugs) else None
        own = _own(page, before, figure, AFTER_WORDS_MAX)
        next_own = _following(page, figure, after)
        if kind == _LASTS and page.texts[figure.first - 1 : figure.first] not in _FOR:
            continue
        if kind == "" and not (own and before is not None and figure.first - before.behind <= BEFORE_WORDS_MAX):
            continue
        if next_own is not None and (not own or (before is not None and figure.first - before.behind > 1)):
            yield Dose(next_own, figure, kind, value, sure=True)
            if loose and own and before is not None:
                yield Dose(before, figure, kind, value, sure=False)
        elif own and before is not None:
            yield Dose(before, figure, kind, value, sure=True)
        elif loose and before is not None and figure.first - before.behind <= LATER_WORDS_MAX:
            yield Dose(before, figure, kind, value, sure=False)


def _kind(figure: Figure) -> tuple[str | None, float]:
    """What a figure may say of a drug; None for one that says nothing."""
    if figure.form is Form.OFTEN:
        return _OFTEN, figure.values[0]
    if figure.form is not Form.PLAIN:
        return None, 0
    if figure.unit is None:
        return "", figure.values[0]
    value = round(figure.values[0] * figure.unit.scale, 4)
    if figure.unit.kind == TIME:
        return _LASTS, value
    kind = figure.unit.kind.partition("/")[0]
    return (kind if kind in DOSES or kind == "share" else None), value


def _own(page: Page, drug: Mention | None, figure: Figure, far: int) -> bool:
    if drug is None or page.line_of[drug.first] != page.line_of[figure.first]:
        return False
    return figure.first - drug.behind <= far


def _following(page: Page, figure: Figure, drug: Mention | None) -> Mention | None:
    """The drug that a figure stands right before."""
    if drug is None or drug.first - figure.behind > BEFORE_WORDS_MAX or figure.unit is None or figure.unit.kind == TIME:
        return None
    between = page.texts[figure.behind : drug.first]
    return (
        None
        if {",", ".", ";", "and", "\u2022"} & set(between) or page.line_of[figure.first] != page.line_of[drug.first]
        else drug
    )


@dataclass(frozen=True, slots=True)
class Prescribed:
    """The doses of a source, to be asked.

    Attributes:
        page: the source.
        evidence: its figures.
        sure: for each drug and kind, the values in its own sentences.
        loose: the same, in sentences after it.
        owned: values by kind that belong to some drug for sure.
        routes: for each drug.
    """

    page: Page = field(repr=False)
    evidence: Evidence = field(repr=False)
    sure: dict[tuple[str, str], set[float]] = field(repr=False)
    loose: dict[tuple[str, str], set[float]] = field(repr=False)
    owned: dict[str, set[float]] = field(repr=False)
    routes: dict[str, set[str]] = field(repr=False)

    def gives(self, one: Dose) -> bool:
        """Whether the source gives a draft's drug a draft's figure."""
        keys = _wide(one.drug)
        sure = set().union(*(self.sure.get((key, one.kind), ()) for key in keys))
        bare = set().union(*(self.sure.get((key, ""), ()) for key in keys))
        if one.value in sure or one.figure.values[0] in bare:
            return True
        loose = set().union(*(self.loose.get((key, one.kind), ()) for key in keys))
        borne = self.evidence.bears(one.figure)
        if one.value in loose:
            return True
        if one.kind == _LASTS:
            return borne
        if one.kind == _OFTEN:
            return (borne or one.value == 1) and not sure
        return borne and not sure and one.value not in self.owned[one.kind]

    def takes(self, drug: Mention, route: str) -> bool:
        """Whether the source gives a draft's drug by a draft's route, or leaves it open."""
        given = set().union(*(self.routes.get(key, ()) for key in drug.keys))
        return route in given or (not given and (route == "oral" or route in self.routes[""]))


def prescribed(evidence: Evidence, drugs: list[Mention]) -> Prescribed:
    """Lay out the doses of a source."""
    page = evidence.page
    ways = list(routes(page, drugs))
    found = Prescribed(
        page, evidence, defaultdict(set), defaultdict(set), defaultdict(set), {"": {route for _, _, route in ways}}
    )
    for one in doses(page, drugs, evidence.figures, loose=True):
        values = one.figure.readings or {one.value}
        scale = one.figure.unit.scale if one.figure.unit is not None and one.kind != _OFTEN else 1.0
        for key in one.drug.keys:
            side = found.sure if one.sure else found.loose
            side[key, one.kind] |= {round(value * scale, 4) for value in values}
        if one.sure:
            found.owned[one.kind].add(one.value)
    if any(page.texts[one.first - 1 : one.first] == ["baby"] for one in drugs if one.keys == _ASPIRIN):
        found.sure[next(iter(_ASPIRIN)), "mass"].add(BABY_ASPIRIN_MG)
    for drug, _, route in ways:
        for key in drug.keys if drug is not None else ():
            found.routes.setdefault(key, set()).add(route)
    return found


def _wide(drug: Mention) -> set[str]:
    return {*drug.keys, *(one for key in drug.keys for one in members(key))}


def routes(page: Page, drugs: list[Mention]) -> Iterator[tuple[Mention | None, int, str]]:
    """Each way of giving that a text names: the drug before it in the sentence, the place of the word, the way."""
    starts = [one.first for one in drugs]
    for place, word in enumerate(page.texts):
        route = _ROUTES.get(word)
        if route is None:
            continue
        before = bisect_left(starts, place)
        drug = drugs[before - 1] if before else None
        near = drug is not None and page.line_of[drug.first] == page.line_of[place]
        yield drug if near else None, place, route
