"""How words of a code system are folded, so that what is typed finds what is written; the build folds the same way.

Owns no table. Standard library only: the build of the package runs it before anything is installed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ICD10CM_FORM: Final = "1"
"""Of the compiled table: the build writes it, and what reads a table refuses another."""
_FILLERS: Final = (
    "a an and at by classified due elsewhere for from in nec nos not of on or organism part site specified the to "
    "type uncomplicated unspecified with without complications"
)
FILLERS: Final = frozenset(_FILLERS.split())
"""Words that say little: they do not count when it is asked how much of a term a query names."""
LINKS: Final = frozenset("an and at by due for from in of on or the to with".split())  # noqa: SIM905 as above
"""Words that need not be found where others were asked for: every title links its words in its own way."""
_WORD: Final = re.compile(r"[^\W_]+")
_ASIDE: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def words(text: str) -> list[str]:
    """Words of a text in their order, without accents and case."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))


def term(text: str) -> str:
    """A title as a term of a search: its words, less those in parentheses, which may be there or not.

    Source: ICD-10-CM Official Guidelines for Coding and Reporting, section I.A.7 (nonessential modifiers).
    """
    return " ".join(words(_ASIDE.sub(" ", text)))


def is_plain(folded: str) -> bool:
    """Whether a term means the thing itself, and no other form of it and nothing that comes with it."""
    return not {"other", "with"} & set(folded.split())


def weight(folded: str) -> int:
    """How many words of a term say something; one at least."""
    return sum(word not in FILLERS for word in folded.split()) or 1
