"""A draft as it is read: the payload of a readable `draft` fact as values, for whoever shows or accepts it.

Owns that reading. Refuses nothing: what is not of the form was judged before, and is with what is unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as hidden
from typing import Any

from edge_runtime.clinical.draft_payloads import Doubt, DraftPartKind
from edge_runtime.clinical.layout import Section
from edge_runtime.facts import Fact
from sync_protocol.ids import EntryHash


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A place in a part that its source does not bear out; positions are code points of the part's text."""

    kind: Doubt
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cited:
    """Where words of a part come from: positions in the part's text, and in the source."""

    start: int
    end: int
    source_start: int
    source_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One statement of a draft.

    Attributes:
        name: unique in the draft.
        kind: what can be done with it.
        text: what it says.
        section: where it belongs; None for nowhere.
        proposes: the fact that it would be; None but of kind FACT.
        citations: where it comes from.
        unsupported: what of it the source does not bear out.
        notes: what else a reader must know.
    """

    name: str
    kind: DraftPartKind
    text: str = hidden(repr=False)
    section: Section | None
    proposes: Fact | None = hidden(repr=False)
    citations: tuple[Cited, ...]
    unsupported: tuple[Doubtful, ...]
    notes: tuple[str, ...] = hidden(repr=False)

    @property
    def field(self) -> str:
        """Of which field of the answer it is a part: what stands before the dot of its name."""
        return self.name.partition(".")[0]

    @property
    def supported(self) -> bool:
        """Whether the source bears out all of it that can be checked."""
        return not self.unsupported

    def doubted(self) -> Iterator[tuple[Doubt, str]]:
        """Each doubt with the words that it is about."""
        for doubt in self.unsupported:
            yield doubt.kind, self.text[doubt.start : doubt.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftText:
    """What a draft says, and where it came from; the attributes are the payload's keys.

    Attributes:
        source: what it was made from.
        model, model_digest, engine, seed: None where templates and rules did all of it.
        seen: the newest entries of the chart that it was made from; empty where it was made from something else.
    """

    skill: str
    template: str
    parts: tuple[Part, ...]
    source: str = hidden(repr=False)
    model: str | None
    model_digest: str | None
    engine: str | None
    seed: int | None
    demonstration: bool
    adapter: str | None
    language: str | None
    cut: bool
    warnings: tuple[str, ...] = hidden(repr=False)
    seen: tuple[EntryHash, ...]

    def part(self, name: str) -> Part | None:
        """The part of that name."""
        return next((one for one in self.parts if one.name == name), None)

    def quoted(self, cited: Cited) -> str:
        """The words of the source that a citation names."""
        return self.source[cited.source_start : cited.source_end]


def read_draft(fact: Fact) -> DraftText:
    """Read a `draft` fact that has no flaw."""
    payload: Mapping[str, Any] = fact.payload
    return DraftText(
        skill=payload["skill"],
        template=payload["template"],
        parts=tuple(_part(part) for part in payload["parts"]),
        source=payload["source"],
        model=payload.get("model"),
        model_digest=payload.get("model_digest"),
        engine=payload.get("engine"),
        seed=payload.get("seed"),
        demonstration=payload.get("demonstration", False),
        adapter=payload.get("adapter"),
        language=payload.get("language"),
        cut=payload.get("cut", False),
        warnings=tuple(payload.get("warnings", ())),
        seen=tuple(EntryHash.parse(name) for name in payload.get("seen", ())),
    )


def _part(part: Mapping[str, Any]) -> Part:
    proposed = part.get("proposes")
    return Part(
        name=part["name"],
        kind=DraftPartKind(part["kind"]),
        text=part["text"],
        section=Section(part["section"]) if "section" in part else None,
        proposes=None if proposed is None else Fact(kind=proposed["kind"], payload=proposed["payload"], supersedes=()),
        citations=tuple(Cited(*cited) for cited in part.get("citations", ())),
        unsupported=tuple(
            Doubtful(Doubt(doubt["kind"]), doubt["start"], doubt["end"]) for doubt in part.get("unsupported", ())
        ),
        notes=tuple(part.get("notes", ())),
    )
