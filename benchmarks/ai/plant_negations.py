"""What was denied is stated, what was stated is denied, and what nobody asked is denied."""

from __future__ import annotations

import random
import re
from itertools import takewhile
from typing import Final

from benchmarks.ai.lexicon import FINDINGS, finding_pattern
from benchmarks.ai.planting import Change, Page, added, shuffled
from benchmarks.ai.statements import statements

_DENIES: Final = re.compile(
    r"\b(?P<cue>(?:he |she |the patient |patient )?(?:denies|denied)|negative for|no)(?P<any> (?:having |any |a ))?[ ]*"
    r"(?P<list>(?:[a-z][\w'-]*)(?:[ ,]+[a-z][\w'-]*)*)(?=[.;\n]|$)",
    re.IGNORECASE,
)
_REPORTS: Final = re.compile(r"\b(?P<cue>reports|endorses|complains of|admits to|positive for|has)(?= )", re.IGNORECASE)
_CUES: Final = re.compile(
    r"\b(?:no|not|non|denie[sd]|deny|without|never|negative|none|neither|nor|absent|free of|resolved|stopped|declines?|"
    r"if|for|call|return|sooner|watch|risk|avoid\w*|unless|until)\b|n't\b",
    re.IGNORECASE,
)
"""In a statement with one of these, a finding is denied, awaited or hypothetical."""
_SPLIT: Final = re.compile(r",? (?:and|or|nor) |, ")
_STATES: Final = ("Reports {}.", "Endorses {}.", "Positive for {}.", "Complains of {}.", "Has {}.")
_DENIALS: Final = ("Denies {}.", "No {}.", "The patient denies any {}.", "Negative for {}.")
_POLES: Final = (
    (r"\bnon-?tender\b", "tender"), (r"\bnot tender\b", "tender"),
    (r"(?<!not )(?<!non-)(?<!non)\btender\b", "non-tender"),
    (r"(?<!to be )\bnegative\b", "positive"), (r"(?<!blood group )(?<!group [ABO] )\bpositive\b", "negative"),
    (r"\b(has|have) not (?=\w+ed\b)", r"\1 "), (r"\b(is|are|was|were) not (?=\w)", r"\1 "),
    (r"\bdoes not smoke\b", "smokes"), (r"\bnever (?=had|broken|smoked|fainted)", ""),
    (r"\bwithout (?!food)(?=\w)", "with "),
    (r"\bnot pregnant\b", "pregnant"), (r"\bnot (?=drowsy|confused|infected|vomiting|perforated|circumferential)", ""),
    (r"\bnon-(?=smoker|diabetic)", ""),
)  # fmt: skip
_ASKED_MAX: Final = 3
_ITEM_WORDS: Final = 4


def stated(page: Page, chance: random.Random) -> Change | None:
    """One finding of a list of denials, or the only one, is stated."""
    for match in shuffled(chance, _DENIES.finditer(page.text)):
        items = [item for item in _SPLIT.split(match["list"]) if item]
        listed = list(takewhile(_finding_alone, items))
        if not listed or re.search(r"allerg|change|need", match["list"]):
            continue
        words = match["list"][: match["list"].index(listed[-1]) + len(listed[-1])]
        chosen = chance.choice(listed)
        named = finding_pattern().search(chosen)
        if named is not None and not _affirmed(page.source, named[0]):
            make = _stated_alone if len(listed) == 1 else _stated_of
            return make(match, words, chosen, chance)
    return None


def _finding_alone(item: str) -> bool:
    """Whether an item of a list is one finding, and nothing that was said after the list."""
    found = finding_pattern().search(item)
    return found is not None and len(item.split()) <= _ITEM_WORDS and not re.match(r"(?:no|not|has|is|in|on) ", item)


def _stated_alone(match: re.Match[str], words: str, _: str, chance: random.Random) -> Change:
    """Make "reports cough" of "no cough"."""
    new = chance.choice((words, f"reports {words}", f"has {words}"))
    new = new[0].upper() + new[1:] if match[0][0].isupper() else new
    return _denied_now_stated(match, words, new, (0, len(new)))


def _stated_of(match: re.Match[str], words: str, chosen: str, chance: random.Random) -> Change:
    """Make "denies A and C. Reports B" of "denies A, B and C"."""
    left = [item for item in _SPLIT.split(words) if item != chosen]
    kept = " and ".join(([", ".join(left[:-1])] if left[1:] else []) + left[-1:])
    said = chance.choice(_STATES).format(chosen)[:-1]
    new = f"{match['cue']}{(match['any'] or ' ').rstrip()} {kept}. {said}"
    return _denied_now_stated(match, words, new, (len(new) - len(said), len(new)))


def _denied_now_stated(match: re.Match[str], words: str, new: str, mark: tuple[int, int]) -> Change:
    end = match.start("list") + len(words)
    return Change(kind="negation", way="denied, now stated", start=match.start(), end=end, new=new, mark=mark)


def negated(page: Page, chance: random.Random) -> Change | None:
    """Make "denies fever" of "reports fever", and "no oedema" of "oedema"."""
    for match in shuffled(chance, _stated(page)):
        at = match.start()
        cue = next((one for one in _REPORTS.finditer(page.text, max(0, at - 20), at) if one.end() + 1 == at), None)
        denial = chance.choice(("denies", "reports no"))
        if cue is not None:
            new = f"{denial.capitalize() if cue[0][0].isupper() else denial} {match[0]}"
            return Change(kind="negation", way="stated, now denied", start=cue.start(), end=match.end(), new=new)
        lead = re.search(r"(?:^|[.;:,] |\n|\bwith |\band )$", page.text[:at])
        if lead is not None and re.match(r"[ ,.;:\n]|$", page.text[match.end() : match.end() + 1]):
            new = f"No {match[0].lower()}" if match[0][0].isupper() else f"no {match[0]}"
            return Change(kind="negation", way="stated, now denied", start=at, end=match.end(), new=new)
    return None


def turned(page: Page, chance: random.Random) -> Change | None:
    """A word becomes its opposite: "tender", "negative", "without", "has not"."""
    for pattern, new in shuffled(chance, _POLES):
        for match in shuffled(chance, re.finditer(pattern, page.text, re.IGNORECASE)):
            after = re.match(r"\w*(?: \w+)?", page.text[match.end() :])
            tail = after[0] if after is not None and new[-1:] in {" ", ""} else ""
            words = match.expand(new) + tail
            around = page.text[max(0, match.start() - 60) : match.end() + 60]
            if "allerg" in around.lower() or page.source.lower().count(match[0].lower()) == 0 or not words:
                continue
            words = words[0].upper() + words[1:] if match[0][0].isupper() else words
            end = match.end() + len(tail)
            return Change(kind="negation", way="word turned", start=match.start(), end=end, new=words)
    return None


def unasked(page: Page, chance: random.Random) -> Change | None:
    """A denial of something that nobody spoke of."""
    never = [one for one in FINDINGS if not any(_stem(word) in page.source.lower() for word in one.split())]
    if len(never) < _ASKED_MAX:
        return None
    words = chance.choice(_DENIALS).format(chance.choice(never))
    return added(page, chance, "negation", "denied unasked", words, near=r"\bden(?:ies|ied)\b|\bno\b")


def _stated(page: Page) -> list[re.Match[str]]:
    """Findings that note and source state, and never deny."""
    found: list[re.Match[str]] = []
    for start, end in page.statements:
        if _CUES.search(page.text, start, end) or re.search("allerg", page.text[start:end], re.IGNORECASE):
            continue
        matches = finding_pattern().finditer(page.text, start, end)
        found += [match for match in matches if _everywhere(page.source, match[0], denied=False)]
    return found


def _affirmed(source: str, finding: str) -> bool:
    """Whether some statement of the source states a finding."""
    return not _everywhere(source, finding, denied=True)


def _everywhere(source: str, finding: str, *, denied: bool) -> bool:
    """Whether every statement with the finding's last word is of one kind; in a dialogue a question is neither."""
    word = _stem(finding.rsplit(maxsplit=1)[-1])
    spans = [source[start:end] for start, end in statements(source)]
    about = [said for said in spans if word in said.lower() and not said.endswith("?")]
    return all((_CUES.search(said) is not None) == denied for said in about)


def _stem(word: str) -> str:
    return word.lower()[: max(4, len(word) - 2)]
