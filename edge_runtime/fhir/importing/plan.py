"""The plan of an import: charts, their documents, and what each resource would write. Values only.

Owns the form in which a resource is kept: `source` facts, in parts that fit an entry. Their head names the resource's
`key` (who it is) and `content` (what it said), and how many facts right before it in the same entry the resource
stated, so that a later import finds all of it again from the facts themselves. What it states besides has a head
without text, that names the resource (`of`). Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import Kind, WorkflowType
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import Content, Fact, pack_content
from edge_runtime.fhir.importing.stated import Stated
from edge_runtime.fhir.reading.records import Refusal
from sync_protocol.encoding import Value
from sync_protocol.roles import Compartment

PART_BYTES_MAX: Final = 48 * 1024
"""Text of a resource in one `source` fact: three fit one entry."""
FORMAT: Final = "fhir-r4"

_CONTINUES: Final = 0x80
_CONTINUES_MASK: Final = 0xC0


def key_of(purpose: str, source: str, name: str) -> str:
    """The key of something in a source, 64 hexadecimal digits."""
    parts = ("fieldward", FORMAT, purpose, source, name)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def part_key(name: str, key: str) -> str:
    """The key of a part of the resource that has `key`; of the part without a name, the resource itself."""
    return key_of("part", name, key) if name else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One resource, or something that a chart needs and no resource says.

    Attributes:
        record: where it came from; empty for what no resource says.
        type: its resource type.
        key: who it is, 64 hexadecimal digits: the same in every import.
        content: what it says, 64 hexadecimal digits.
        stated: its facts, and when they are written; every one is valid.
        compartment: where they stand, and the head of the source.
        source_compartment: where the text stands: the same, or a closed one if the text tells more than the facts.
        text: the resource verbatim; empty for what no resource says.
        address: its address in a Bundle.
        within: keys of what opens the document where it belongs, the preferred first; empty for the chart document.
        of: the key of the resource of which this is a part; empty for a resource.
        about: the key under which the fact stands that its facts name; empty where they name none.
        older: a newer version of the resource is known.
        updated: when its source last changed it, an instant; empty where it does not say.
    """

    record: str
    type: str
    key: str
    content: str
    stated: Stated
    compartment: Compartment
    source_compartment: Compartment
    text: bytes = b""
    address: str = ""
    within: tuple[str, ...] = ()
    of: str = ""
    about: str = ""
    older: bool = False
    updated: str = ""

    @property
    def mapped(self) -> bool:
        """Whether it states anything of its own."""
        return self.stated.says

    @property
    def opens(self) -> bool:
        """Whether it opens a document, unless it belongs to one that another opens."""
        return self.stated.opens

    def parts(self) -> Iterator[Item]:
        """What the resource states besides, each as an item of its own, without text."""
        for part in self.stated.parts:
            about = "" if part.about is None else part_key(part.about, self.key)
            yield Item(
                record=self.record,
                type=self.type,
                key=part_key(part.name, about or self.key),
                content=hashlib.sha256(pack_content(Content(facts=part.stated.facts, text=None))).hexdigest(),
                stated=part.stated,
                compartment=self.source_compartment,
                source_compartment=self.source_compartment,
                within=self.within,
                of=self.key,
                updated=self.updated,
                about=about,
            )

    def source(self, states: int) -> Iterator[tuple[Compartment, Fact]]:
        """The head and the resource itself, each with the compartment where it stands.

        Args:
            states: facts of this resource that stand right before the head, in the same entry.
        """
        texts = list(enumerate(_parts(self.text), start=1))
        named: dict[str, Value] = {"format": FORMAT, "key": self.key, "content": self.content}
        head = named | {"type": self.type, "states": states, "parts": len(texts)}
        if self.address:
            head["address"] = self.address
        if self.of:
            head["of"] = self.of
        if self.older:
            head["older"] = 1
        if self.updated:
            head["updated"] = self.updated
        if texts and self.source_compartment is self.compartment:
            number, data = texts.pop(0)
            head |= {"part": number, "data": data}
        yield self.compartment, Fact(kind=Kind.SOURCE, payload=head, supersedes=())
        for number, data in texts:
            payload = named | {"part": number, "data": data}
            yield self.source_compartment, Fact(kind=Kind.SOURCE, payload=payload, supersedes=())


def _parts(text: bytes) -> Iterator[str]:
    """Cut at characters, never within one."""
    start = 0
    while start < len(text):
        end = min(start + PART_BYTES_MAX, len(text))
        while end < len(text) and text[end] & _CONTINUES_MASK == _CONTINUES:
            end -= 1
        yield text[start:end].decode()
        start = end


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPlan:
    """A document, found again by the key of its first item, which opens it."""

    items: tuple[Item, ...]

    @property
    def workflow_type(self) -> WorkflowType:
        """What its first item says that it is for."""
        return WorkflowType(said(self.items[0].stated.facts[0], "workflow_type") or "")

    @property
    def key(self) -> str:
        """The key that finds it."""
        return self.items[0].key


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPlan:
    """A chart: first its chart document, then one document for each resource that opens one.

    Attributes:
        key: finds it again: the key of its chart document.
        documents: the chart document first.
        placeholder: the import held no Patient resource for it.
        assigned: it belongs to a patient; False for the one chart that holds resources of no patient.
    """

    documents: tuple[DocumentPlan, ...]
    placeholder: bool
    assigned: bool

    @property
    def key(self) -> str:
        """The key that finds it."""
        return self.documents[0].key


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import would write.

    Attributes:
        charts: one for each patient, in the order of the input; the one of no patient last, if there is any.
        mapped: by type, resources that state facts.
        kept_types: by type, resources that are kept verbatim only.
        refused: records and elements that were not taken.
    """

    charts: tuple[ChartPlan, ...]
    mapped: Mapping[str, int]
    kept_types: Mapping[str, int]
    refused: tuple[Refusal, ...]

    @property
    def kept(self) -> int:
        """Resources that are kept verbatim only."""
        return sum(self.kept_types.values())

    def report(self) -> dict[str, object]:
        """The plan in numbers, ready for JSON."""
        refused = [
            {"record": refusal.record, "path": refusal.path, "reason": refusal.reason} for refusal in self.refused
        ]
        return {
            "charts": len(self.charts),
            "mapped": dict(self.mapped),
            "kept": self.kept,
            "kept_types": dict(self.kept_types),
            "refused": refused,
        }
