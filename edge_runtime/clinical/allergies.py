"""Allergies: a union that only an informed refutation may hide.

Facts form one allergy when one supersedes the other or when they share a subject key (the same code, or the same text).
What stands is shown with the highest severity of its live heads. A refutation (`refuted`, `entered-in-error`) hides
only the heads that it supersedes; one that was written without knowledge of a live head of the same allergy is a
review. "No known allergies" is a statement of its own: it never hides an allergy, even one that it names, and it is a
review while it stands beside one; an allergy recorded in knowledge of it supersedes it. So it is with "no known latex
allergy", beside an allergy to latex.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Final

from edge_runtime.clinical.allergy_denials import contradicts, denied_groups, denies, denies_group
from edge_runtime.clinical.layout import Severity, Verification
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said, subject_keys, text_key
from edge_runtime.clinical.succession import Scope, fold, links, opposed, parted, successors, threads
from edge_runtime.facts import Fact, FactId, PlacedFact

_SEVERITIES: Final = tuple(Severity)
_REFUTING: Final = frozenset({Verification.REFUTED, Verification.ENTERED_IN_ERROR})


@dataclass(frozen=True, slots=True)
class Allergy:
    """One allergy.

    Attributes:
        subject: names it within the document, the same on every device.
        keys: every key by which its facts name it.
        live: heads that assert it, in order; empty for a refuted allergy, which is still listed.
        refutations: heads that refute it.
        history: what was superseded, in order.
        severity: the highest of the live heads; a head that states none keeps what it replaced.
    """

    subject: str
    keys: frozenset[str]
    live: tuple[PlacedFact, ...]
    refutations: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]
    severity: Severity | None

    @property
    def heads(self) -> tuple[PlacedFact, ...]:
        """The facts that stand."""
        return (*self.live, *self.refutations)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called by what stands, each name once."""
        return _names(self.live or self.refutations)

    @property
    def formerly(self) -> tuple[str, ...]:
        """Names that only its history has: a correction of the name stays visible."""
        current = {text_key(fact.fact) for fact in self.heads}
        return _names([fact for fact in self.history if text_key(fact.fact) not in current])


@dataclass(frozen=True, slots=True)
class AllergyList:
    """What is known of a patient's allergies.

    Attributes:
        items: every allergy that was ever stated, refuted ones included.
        none_known: statements that deny allergies, or an allergy to one substance, and stand.
        none_known_history: those that were superseded or refuted.
    """

    items: tuple[Allergy, ...]
    none_known: tuple[PlacedFact, ...]
    none_known_history: tuple[PlacedFact, ...]

    @property
    def groups_denied(self) -> tuple[PlacedFact, ...]:
        """Those that deny all allergies, or a category: they answer the question for allergies."""
        return tuple(fact for fact in self.none_known if denies_group(fact.fact))

    @property
    def substances_denied(self) -> tuple[PlacedFact, ...]:
        """Those that deny an allergy to one substance, and answer no other question."""
        return tuple(fact for fact in self.none_known if not denies_group(fact.fact))


def derive_allergies(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[AllergyList, tuple[Review, ...]]:
    """Derive the list from the readable allergy facts of the scope, in order."""
    denials = tuple(fact for fact in facts if denies(fact.fact))
    named = frozenset((fact.document, fact.id) for fact in denials)
    asserting = [fact for fact in facts if not denies(fact.fact)] if denials else facts
    found = [derive_asserted(scope, thread) for thread in threads(asserting, lambda fact: tokens(fact, named))]
    items = tuple(chain.from_iterable(made for made, _ in found))
    listed, reviews = beside_denials(scope, items, denials, successors(facts) if denials else {})
    return listed, (*chain.from_iterable(raised for _, raised in found), *reviews)


def tokens(fact: PlacedFact, denials: AbstractSet[Hashable]) -> AbstractSet[Hashable]:
    """What ties an allergy to others: its keys, and the ids in `links` but those of denials, which many replace."""
    return (links(fact) - denials) | subject_keys(fact.fact)


def derive_asserted(scope: Scope, thread: Sequence[PlacedFact]) -> tuple[tuple[Allergy, ...], tuple[Review, ...]]:
    """Derive one allergy from the facts that assert or refute it, in order."""
    item = _allergy(thread, fold(thread, _severity))
    return (item,), tuple(_refuted_reviews(scope, [item]))


def beside_denials(
    scope: Scope, items: tuple[Allergy, ...], denials: Sequence[PlacedFact], replaced: Collection[FactId]
) -> tuple[AllergyList, tuple[Review, ...]]:
    """Put allergies beside the statements that deny them.

    Args:
        scope: where the rule is applied.
        items: the allergies.
        denials: every such statement, in order.
        replaced: those of them, and maybe others, that another fact replaces.
    """
    none_known = tuple(fact for fact in denials if fact.id not in replaced and not refutes(fact.fact))
    kept = {fact.id for fact in none_known}
    listed = AllergyList(items, none_known, tuple(fact for fact in denials if fact.id not in kept))
    return listed, tuple(_none_known_reviews(scope, listed))


def refutes(fact: Fact) -> bool:
    """Tell whether a fact takes back what it is about."""
    return said(fact, "verification") in _REFUTING


def _allergy(thread: Sequence[PlacedFact], severities: Mapping[FactId, Severity | None]) -> Allergy:
    standing, history = parted(thread)
    live = tuple(fact for fact in standing if not refutes(fact.fact))
    return Allergy(
        subject=text_key(thread[0].fact),
        keys=frozenset().union(*(subject_keys(fact.fact) for fact in thread)),
        live=live,
        refutations=tuple(fact for fact in standing if refutes(fact.fact)),
        history=history,
        severity=_highest(severities[fact.id] for fact in live),
    )


def _severity(fact: PlacedFact, replaced: Sequence[Severity | None], _missing: int) -> Severity | None:
    """A fact's own severity, or the highest of what it replaced: an omission lowers nothing."""
    stated = said(fact.fact, "severity")
    return Severity(stated) if stated else _highest(replaced)


def _highest(severities: Iterable[Severity | None]) -> Severity | None:
    return max(filter(None, severities), key=_SEVERITIES.index, default=None)


def _refuted_reviews(scope: Scope, items: Sequence[Allergy]) -> Iterator[Review]:
    reason = "It was refuted without knowledge of a statement that stands; it is shown as an allergy."
    for item in items:
        facts = opposed(item.refutations, item.live, scope.concurrent)
        if facts:
            yield raise_review(scope, ReviewKind.ALLERGY_REFUTED, item.subject, facts, display=display, reason=reason)


def _none_known_reviews(scope: Scope, listed: AllergyList) -> Iterator[Review]:
    live = tuple(chain.from_iterable(item.live for item in listed.items)) if listed.none_known else ()
    denied = {fact.id: denied_groups(fact.fact) for fact in listed.none_known}
    facts: list[PlacedFact] = []
    for category in frozenset().union(*denied.values()):
        denials = [fact for fact in listed.none_known if category in denied[fact.id]]
        meant = [fact for fact in live if category is None or said(fact.fact, "category") in {None, category}]
        facts += opposed(denials, meant, scope.beside)
    for denial in listed.substances_denied:
        meant = [fact for fact in live if contradicts(denial.fact, fact.fact)]
        facts += opposed([denial], meant, scope.beside)
    if facts:
        reason = "Absence of allergies is stated beside an allergy; the allergy is kept."
        subject = "no known allergies"
        yield raise_review(scope, ReviewKind.ALLERGY_NONE_KNOWN, subject, facts, display=display, reason=reason)


def display(fact: PlacedFact) -> str:
    """What an allergy fact says, in a few words."""
    parts = (said(fact.fact, key) for key in ("text", "severity", "verification"))
    return ", ".join(part for part in parts if part)


def _names(facts: Sequence[PlacedFact]) -> tuple[str, ...]:
    by_key = {text_key(fact.fact): said(fact.fact, "text") or "" for fact in facts}
    return tuple(by_key.values())
