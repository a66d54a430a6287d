"""`python -m benchmarks.ai check`: the unsupported-content check against planted fabrications.

Notes against themselves show what the check is worth: every planted fabrication is one, and every other statement is
true. Notes against their dialogues show how it fares in use; what a reference note says beyond its dialogue is then
marked with reason, so that share stands apart.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from benchmarks.ai.encounters import Encounter, own, public
from benchmarks.ai.fabrications import pairs
from benchmarks.ai.scoring import FOUND_MIN, MARKED_MAX, Check, Score, score, score_references

if TYPE_CHECKING:
    from rich.console import Console

AGAINST: Final = ("note", "dialogue")
REFERENCES_MAX: Final = 300
"""Reference notes of a set that are checked as they are; a sample by the seed of a larger set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row of the result.

    Attributes:
        corpus: "repository" or "public".
        against: "note" or "dialogue".
        score: over drafts with fabrications.
        references: over the reference notes as they are; only against the dialogue.
    """

    corpus: str
    against: str
    score: Score
    references: Score | None


def measure(check: Check, *, data: Path | None, plants: int, seed: int) -> tuple[Outcome, ...]:
    """Plant this many fabrications in each set, for each kind of source, and see what becomes of them.

    Raises:
        EncounterError: a set cannot be read.
        TooFewPlacesError: a set has no place for so many.
    """
    corpora = {"repository": own()} | ({"public": public(data)} if data is not None else {})
    return tuple(
        _outcome(check, corpus, encounters, against, plants=plants, seed=seed)
        for corpus, encounters in corpora.items()
        for against in AGAINST
    )


def _outcome(
    check: Check, corpus: str, encounters: Sequence[Encounter], against: str, *, plants: int, seed: int
) -> Outcome:
    references = None
    if against == "dialogue":
        sample = random.Random(seed).sample(encounters, k=min(REFERENCES_MAX, len(encounters)))
        references = score_references(sample, check)
    found = score(pairs(encounters, plants=plants, seed=seed, against=against), check)
    return Outcome(corpus=corpus, against=against, score=found, references=references)


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print a table for each row, and whether it is what is asked of the check."""
    for outcome in outcomes:
        total = outcome.score
        table = Table(title=f"{outcome.corpus}: draft against its {outcome.against}", title_justify="left", box=None)
        for heading in ("kind", "way"):
            table.add_column(heading, no_wrap=True)
        for heading in ("planted", "found", "of the right kind"):
            table.add_column(heading, justify="right")
        for key, planted in sorted(total.planted.items()):
            table.add_row(*key, str(planted), _share(total.found[key], planted), _share(total.right[key], planted))
        console.print(table)
        for line in lines(outcome):
            console.print(f"  {line}", highlight=False, soft_wrap=True)


def lines(outcome: Outcome) -> list[str]:
    """What a row comes to, in sentences."""
    total = outcome.score
    asked = f"asked for: at least {FOUND_MIN:.0%} found and at most {MARKED_MAX:.0%} of true statements marked"
    said = [
        f"found: {_share(total.found.total(), total.planted.total())}",
        f"found, of the right kind: {_share(total.right.total(), total.planted.total())}",
        f"true statements marked: {_share(total.marked, total.true)}{_kinds(total)}",
    ]
    if outcome.references is not None:
        marked = outcome.references
        said.append(f"reference notes as they are: {_share(marked.marked, marked.true)} marked{_kinds(marked)}")
    if outcome.against == "note":
        said.append(f"{asked}: {'met' if total.accepted else 'NOT MET'}")
    return said


def to_json(outcome: Outcome) -> dict[str, object]:
    """A row as plain values."""
    total, references = outcome.score, outcome.references
    row: dict[str, object] = {
        "corpus": outcome.corpus,
        "against": outcome.against,
        "planted": total.by_kind(total.planted),
        "found": total.by_kind(total.found),
        "found_right_kind": total.by_kind(total.right),
        "found_share": round(total.found_share, 4),
        "ways": [
            {"kind": kind, "way": way, "planted": count, "found": total.found[kind, way]}
            for (kind, way), count in sorted(total.planted.items())
        ],
        "true_statements": total.true,
        "marked": total.marked,
        "marked_share": round(total.marked_share, 4),
        "marks": dict(sorted(total.marks.items())),
    }
    if outcome.against == "note":
        row["accepted"] = total.accepted
    if references is not None:
        row["references"] = {
            "statements": references.true,
            "marked": references.marked,
            "marked_share": round(references.marked_share, 4),
            "marks": dict(sorted(references.marks.items())),
        }
    return row


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none"


def _kinds(total: Score) -> str:
    words = ", ".join(f"{kind} {count}" for kind, count in total.marks.most_common())
    return f" ({words})" if words else ""
