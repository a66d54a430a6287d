"""Adoption: a member vouches for what was quarantined, and it counts from then on, for everybody.

Owns what waits for a reviewer in one opened chart, who may adopt it, and the refusal, before anything is written, of
adoptions that no reader would let count. Refusing something needs no record. Source: `docs/protocol.md`, section
Verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from edge_runtime.clinical.marks import why
from edge_runtime.clinical.standing import display
from edge_runtime.documents import OpenDocument
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Author, PlacedFact
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import ROLE, check_consent
from edge_runtime.recorder.naming import one_named
from edge_runtime.recorder.record import Recorder
from edge_runtime.sections import START, TEXT
from edge_runtime.text.section import SectionText
from sync_protocol.chart_records import Adopt
from sync_protocol.ids import CertificateHash, DocumentId, EntryHash, UserId
from sync_protocol.limits import ADOPTED_MAX
from sync_protocol.roles import TEXT as WRITTEN
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Standing

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that waits for a reviewer: the facts of one entry, or a text as its author saw it.

    Attributes:
        entry: names it: the entry, of a text the newest one.
        compartment: in which it stands.
        wall_ms: its author's clock in milliseconds since 1970; display only.
        why: why it is quarantined, in words, each once.
        says: what it states, a line each; of a text the section, then the whole text.
        kinds: the kinds of fact that an adopter must be allowed to write, and `roles.TEXT`.
        adopts: the entries that adopting it adopts: of a text its quarantined past in the same Doc too.
        users: who wrote those.
    """

    entry: EntryHash
    document: DocumentId
    compartment: Compartment
    author: Author
    wall_ms: int
    why: tuple[str, ...]
    says: tuple[str, ...]
    kinds: frozenset[str]
    adopts: tuple[EntryHash, ...]
    users: frozenset[UserId]


class Adoption:
    """What one device can adopt in one chart, as it was opened."""

    def __init__(self, opened: OpenChart, identity: Identity, keyring: Keyring, recorder: Recorder) -> None:
        """Look through what was opened.

        Raises:
            RefusedError: the patient does not permit that the chart is opened.
        """
        check_consent(opened.chart, opened.lacks)
        self._opened = opened
        self._identity = identity
        self._keyring = keyring
        self._recorder = recorder
        found = (one for document in opened.documents.values() for one in _of_document(document))
        self.waiting: Final = tuple(sorted(found, key=lambda one: (one.wall_ms, one.entry)))
        """Everything that waits, oldest first."""

    def adopters(self, one: Waiting) -> tuple[CertificateHash, ...]:
        """The members whose adoption would count, by everything known here."""
        members = self._opened.membership.members
        return tuple(sorted(name for name in members if self._lacks(name, one) is None))

    def why_not(self, one: Waiting) -> RefusedError | None:
        """Why this device's user may not adopt something; None where it may."""
        return self._lacks(self._identity.principal, one)

    def find(self, text: str) -> Waiting:
        """What waits under the entry whose hash begins with `text`; an entry within a text names the text.

        Raises:
            RefusedError: none, or several.
        """
        names = {one.entry: one for one in reversed(self.waiting)}
        within = {name: one for one in reversed(self.waiting) for name in one.adopts}
        known = within | names
        name = one_named(text, known, "quarantined_entry", "list them with 'fieldward chart adopt CHART'")
        return known[name]

    def adopt(self, chosen: Sequence[Waiting]) -> tuple[EntryHash, ...]:
        """Vouch for what was chosen, in as few records as it takes.

        Returns:
            The entries that were adopted.

        Raises:
            RefusedError: nothing was chosen, or no reader would let the adoption of one count. Nothing was written.
        """
        for one in chosen:
            refusal = self.why_not(one)
            if refusal is not None:
                raise refusal
        names = sorted({name for one in chosen for name in one.adopts})
        if not names:
            raise RefusedError(
                "nothing_to_adopt",
                expected="something quarantined in this chart that this device's user may adopt",
                got=f"{len(self.waiting)} entries that others may adopt" if self.waiting else "nothing quarantined",
                do="list what waits, and for whom, with 'fieldward chart adopt CHART'",
            )
        batch = self._recorder.begin()
        for start in range(0, len(names), ADOPTED_MAX):
            batch.say(self._opened.chart, Adopt(entries=tuple(names[start : start + ADOPTED_MAX])))
        self._recorder.write(batch)
        return tuple(names)

    def _lacks(self, name: CertificateHash, one: Waiting) -> RefusedError | None:
        """What a member lacks for its adoption to count; the same that every reader will judge by."""
        view, history = self._keyring.organisation().now, self._keyring.history(self._opened.chart)
        if history.user(name) in one.users:
            return _refused("own_entries", "entries of other users", f"entry {one.entry.short}, with own ones in it")
        if one.compartment not in self._opened.membership.members.get(name, frozenset()):
            return _refused(
                "not_a_reader", f"a member who reads the {one.compartment.name.lower()} compartment", "none"
            )
        if history.only_by_glass(name):
            return _refused("by_broken_glass", "a member by another's word", "one who broke the glass")
        wanting = sorted(kind for kind in one.kinds if not view.writes(name, kind))
        if wanting:
            return _refused(ROLE, f"a role that may state {', '.join(wanting)}", "one that may not")
        return None


def _of_document(found: OpenDocument) -> Iterator[Waiting]:
    """What waits in one document: facts by entry, then texts."""
    facts: dict[EntryHash, list[PlacedFact]] = {}
    for fact in found.facts:
        if fact.verdict.standing is Standing.QUARANTINED:
            facts.setdefault(fact.id.entry, []).append(fact)
    kept = {name: _of_facts(name, some) for name, some in facts.items()}
    for text in found.texts.values():
        for one in _of_text(found, text):
            beside = kept.pop(one.entry, None)
            yield one if beside is None else _joined(one, beside)
    yield from kept.values()


def _of_facts(name: EntryHash, facts: Sequence[PlacedFact]) -> Waiting:
    first = facts[0]
    return Waiting(
        entry=name,
        document=first.document,
        compartment=first.compartment,
        author=first.author,
        wall_ms=first.wall_ms,
        why=_each(why(fact.verdict) for fact in facts),
        says=tuple(display(fact) for fact in facts),
        kinds=frozenset(fact.fact.kind for fact in facts),
        adopts=(name,),
        users=frozenset({first.author.user}),
    )


def _of_text(found: OpenDocument, text: SectionText) -> Iterator[Waiting]:
    """The views of a section in whose past something is quarantined; others wait for an edit, not for an adoption."""
    starts = {start.entry for start in text.starts}
    for view in text.views:
        adopted = text.quarantined(view.head)
        if not adopted:
            continue
        authors: Mapping[EntryHash, Author] = {one.text.entry: found.authors[one.text.session] for one in adopted}
        yield Waiting(
            entry=view.head,
            document=found.document,
            compartment=TEXT,
            author=found.authors[view.session],
            wall_ms=view.wall_ms,
            why=_each(why(one.verdict) for one in adopted),
            says=(f"text of section {text.section}:", *view.text.split("\n")),
            kinds=frozenset(START if name in starts else WRITTEN for name in authors),
            adopts=tuple(authors),
            users=frozenset(author.user for author in authors.values()),
        )


def _joined(text: Waiting, facts: Waiting) -> Waiting:
    """One entry that holds both: who adopts the one adopts the other."""
    return replace(
        text,
        why=_each((*text.why, *facts.why)),
        says=(*facts.says, *text.says),
        kinds=text.kinds | facts.kinds,
        adopts=_each((*text.adopts, *facts.adopts)),
        users=text.users | facts.users,
    )


def _each(some: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(some))


def _refused(code: str, expected: str, got: str) -> RefusedError:
    return RefusedError(code, expected=expected, got=got, do="ask a member who may; 'fieldward chart adopt' says who")
