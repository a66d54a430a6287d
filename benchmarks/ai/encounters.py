"""Encounters to draft from: the set in this repository, and the public sets in their own files.

Owns reading and validating them. A span always points at the words that it names, or the file is refused.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

OWN: Final = Path(__file__).resolve().parent / "dialogues"
"""One JSON file an encounter, made up, without a name of any person or place."""
SECTIONS: Final = ("subjective", "objective", "assessment", "plan")
CSV_FIELD_MAX: Final = 1 << 20
"""Characters of one cell of a public set; the longest dialogue there has about 30,000."""
_SPAN: Final = 2


class EncounterError(Exception):
    """A file is none of ours, or contradicts itself; the message is one line that names the file and the key."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What a note of this encounter must hold.

    Attributes:
        kind: "number", "finding", "problem", "history", "plan", "medication", "allergy" or "negation".
        words: as a note would say it; for a negation, what is absent.
        start: of its words in the source, in code points.
        end: of them, exclusive.
    """

    kind: str
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """A source with its reference note.

    Attributes:
        name: of the file or row; all that a report says of it.
        source: the dictation or dialogue.
        note: the reference note, by section; a public set's whole note stands under "note".
        facts: what the note must hold; empty where nobody wrote them down.
        setting: where it happens, such as "telemedicine".
        form: "dictation" or "dialogue".
        hostile: what the text in it tries with the model; empty for an ordinary encounter.
    """

    name: str
    source: str = field(repr=False)
    note: Mapping[str, str] = field(repr=False)
    facts: tuple[Fact, ...] = field(default=(), repr=False)
    setting: str = ""
    form: str = "dialogue"
    hostile: str = ""

    @property
    def reference(self) -> str:
        """The reference note as one text, a section a line."""
        return "\n".join(text for text in self.note.values() if text)


def own(folder: Path = OWN) -> tuple[Encounter, ...]:
    """The set in this repository, by name.

    Raises:
        EncounterError: a file does not hold what an encounter is.
    """
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def public(folder: Path) -> tuple[Encounter, ...]:
    """The rows of the public sets under a folder: `aci-bench/*.csv` and `mts-dialog/*.csv`, in order of file and row.

    Source: ACI-BENCH (Yim et al., Scientific Data 2023) and MTS-Dialog (Ben Abacha et al., EACL 2023), CC BY 4.0.

    Raises:
        EncounterError: there is none.
    """
    files = [path for name in ("aci-bench", "mts-dialog") for path in sorted((folder / name).glob("*.csv"))]
    if not files:
        raise EncounterError(f"expected aci-bench/*.csv or mts-dialog/*.csv; {folder} has neither: give their parent")
    return tuple(row for path in files for row in _rows(path))


def _rows(path: Path) -> Iterator[Encounter]:
    csv.field_size_limit(CSV_FIELD_MAX)
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            note = row.get("note") or row.get("section_text") or ""
            source = row.get("dialogue") or ""
            if note.strip() and source.strip():
                yield Encounter(
                    name=f"{path.parent.name}/{path.stem}#{row.get('encounter_id') or row.get('ID') or number}",
                    source=_plain(source),
                    note={"note": _plain(note)},
                )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _read(path: Path) -> Encounter:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        source = "\n".join(raw["source"])
        encounter = Encounter(
            name=raw["name"],
            source=source,
            note={section: raw["note"][section] for section in SECTIONS},
            facts=tuple(_facts(raw)),
            setting=raw["setting"],
            form=raw["form"],
            hostile=raw.get("hostile", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EncounterError(f"{path.name}: expected an encounter; it lacks or spoils {error}") from None
    if encounter.name != path.stem:
        raise EncounterError(f"{path.name}: expected the name of the file as `name`")
    for fact in encounter.facts:
        if not 0 <= fact.start < fact.end <= len(source):
            raise EncounterError(f"{path.name}: expected spans within the source; one of kind {fact.kind} is not")
    return encounter


def _facts(raw: Mapping[str, list[dict[str, object]]]) -> Iterator[Fact]:
    for row in raw["facts"]:
        yield _fact(str(row["kind"]), str(row["words"]), row)
    for row in raw["allergies"]:
        yield _fact("allergy", str(row["substance"]), row)
    for row in raw["medications"]:
        yield _fact("medication", f"{row['drug']} {row['dose']}".strip(), row)
    for row in raw["negations"]:
        yield _fact("negation", str(row["words"]), row)


def _fact(kind: str, words: str, row: Mapping[str, object]) -> Fact:
    span = row["source"]
    if not isinstance(span, list) or len(span) != _SPAN or not all(isinstance(one, int) for one in span):
        raise TypeError("source")
    return Fact(kind, words, span[0], span[1])
