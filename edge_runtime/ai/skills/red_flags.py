"""Red flags: findings beside a complaint for which guidelines ask that something dangerous be thought of.

Owns the table, which is short, and no substitute for a clinician's own list: what is not here was not looked for. Each
row names where it is taken from. A finding that the text denies is no flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from edge_runtime.ai.skills.mentions import Mention, Phrases, read_words

_TABLE: Final = "data/red_flags.txt"
"""A complaint's names behind `#`; then a row for each thing to think of: `thing = finding | finding || source`."""


class _Row(NamedTuple):
    """One row: what to think of, beside which complaint, and who says so."""

    number: int
    complaint: int
    consider: str
    source: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to think of.

    Attributes:
        consider: what.
        complaint: where the text names the complaint.
        finding: where it names what leads to it.
        source: who says so.
    """

    consider: str
    complaint: Mention[int]
    finding: Mention[_Row]
    source: str


@cache
def _phrases() -> tuple[Phrases[int], Phrases[_Row]]:
    """The names of complaints, and of findings."""
    table = files("edge_runtime").joinpath(_TABLE).read_text(encoding="utf-8")
    complaints: list[tuple[str, int]] = []
    findings: list[tuple[str, _Row]] = []
    complaint = 0
    for number, line in enumerate(table.strip().splitlines()):
        if line.startswith("# "):
            complaint += 1
            complaints += [(said.strip(), complaint) for said in line[2:].split("|")]
        else:
            said, _, source = line.partition(" || ")
            consider, _, phrases = said.partition(" = ")
            row = _Row(number, complaint, consider.strip(), source.strip())
            findings += [(one.strip(), row) for one in phrases.split(" | ")]
    return Phrases(complaints), Phrases(findings)


def red_flags(text: str) -> tuple[Flag, ...]:
    """The flags of a text, each row once, in the order in which their findings come."""
    return tuple(_flags(text))


def complaints_known(text: str) -> bool:
    """Whether a text names a complaint of the table at all."""
    return any(mention.stands for mention in _phrases()[0].within(read_words(text)))


def _flags(text: str) -> Iterator[Flag]:
    read = read_words(text)
    complaints: dict[int, Mention[int]] = {}
    for mention in _phrases()[0].within(read):
        if mention.stands:
            complaints.setdefault(mention.told, mention)
    seen: set[str] = set()
    for finding in _phrases()[1].within(read):
        row = finding.told
        complaint = complaints.get(row.complaint)
        if complaint is not None and finding.stands and row.consider not in seen:
            seen.add(row.consider)
            yield Flag(row.consider, complaint, finding, row.source)
