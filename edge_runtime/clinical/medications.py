"""Medications: threads of statements about one substance, shown whole where they contradict each other.

Facts form one medication when one supersedes the other or when they share a subject key (the same code, or the same
text). Its heads are its lines; heads that say the same are one line. A fact that leaves out dose, route or frequency
keeps what it replaced, unless it starts the medication anew. Heads that differ and were written without knowledge of
each other (a stop beside a dose change, two doses) are all shown and are a review: a list that silently lacks an
anticoagulant kills. Heads that differ in knowledge of each other are several lines by intent.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Final

from edge_runtime.clinical.layout import Action
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import normalised, said, same_number, subject_keys, text_key
from edge_runtime.clinical.succession import Scope, fold, links, parted, threads
from edge_runtime.facts import FactId, PlacedFact

_PARTS: Final = (("dose", "unit"), ("route",), ("frequency",))
"""What a regimen consists of; a dose and its unit are kept or replaced together."""
_TOLD: Final = tuple(name for part in _PARTS for name in part)


@dataclass(frozen=True, slots=True)
class Regimen:
    """How a medication is taken.

    Attributes:
        stopped: it is not taken.
        stated: dose, unit, route and frequency, as far as they are known.
        kept: those of them that come from what the fact replaced.
        unclear: those that the fact leaves out while the statements that it replaced disagree.
    """

    stopped: bool
    stated: Mapping[str, str]
    kept: frozenset[str]
    unclear: frozenset[str]

    def same_as(self) -> tuple[Hashable, ...]:
        """Equal for regimens that say the same."""
        if self.stopped:
            return ("stopped",)
        unit = self.stated.get("unit", "").strip()  # UCUM tells upper case from lower: Mg is not mg
        words = (normalised(self.stated.get(name, "")) for name in ("route", "frequency"))
        return (same_number(self.stated.get("dose", "")), unit, *words, self.unclear)


@dataclass(frozen=True, slots=True)
class Line:
    """One way in which a medication is taken, or that it is stopped.

    Attributes:
        regimen: what the facts say.
        facts: the heads that say it, in order.
    """

    regimen: Regimen
    facts: tuple[PlacedFact, ...]

    @property
    def words(self) -> str:
        """How it is taken, for a person; what is not known is said to be unclear or not stated."""
        if self.regimen.stopped:
            return "stopped"
        told = (self.regimen.stated[name] for name in _TOLD if self.regimen.stated.get(name))
        unclear = f" ({' and '.join(sorted(self.regimen.unclear))} unclear)" if self.regimen.unclear else ""
        return (" ".join(told) or "dose not stated") + unclear

    @property
    def reasons(self) -> str:
        """Why, as far as somebody said so: also what its source said besides, such as that it is in dispute."""
        said = (fact.fact.payload.get("reason") for fact in self.facts)
        return "; ".join(dict.fromkeys(one for one in said if isinstance(one, str) and one))


@dataclass(frozen=True, slots=True)
class Medication:
    """One substance.

    Attributes:
        subject: names it within the document, the same on every device.
        keys: every key by which its facts name it.
        lines: what stands, in order; more than one is shown whole.
        history: what was superseded, in order.
        disputed: lines contradict each other, or one leaves unclear what it replaced, and nobody has decided yet.
    """

    subject: str
    keys: frozenset[str]
    lines: tuple[Line, ...]
    history: tuple[PlacedFact, ...]
    disputed: bool

    @property
    def heads(self) -> tuple[PlacedFact, ...]:
        """The facts that stand."""
        return tuple(chain.from_iterable(line.facts for line in self.lines))

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called by what stands, each name once."""
        return tuple({text_key(fact.fact): said(fact.fact, "text") or "" for fact in self.heads}.values())

    @property
    def status(self) -> str:
        """Disputed, active or stopped."""
        if self.disputed:
            return "disputed"
        return "stopped" if all(line.regimen.stopped for line in self.lines) else "active"


def derive_medications(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Medication, ...], tuple[Review, ...]]:
    """Derive the list from the readable medication facts of the scope, in order."""
    regimens = fold(facts, _regimen)
    items, reviews = [], []
    for thread in threads(facts, tokens):
        standing, history = parted(thread)
        disputed = {fact.id: fact for fact in _disputed(scope, standing, regimens)}
        items.append(
            Medication(
                subject=text_key(thread[0].fact),
                keys=frozenset().union(*(subject_keys(fact.fact) for fact in thread)),
                lines=_lines(standing, regimens),
                history=history,
                disputed=bool(disputed),
            )
        )
        if disputed:
            reason = _reason([regimens[fact] for fact in disputed])
            subject = items[-1].subject
            reviews.append(
                raise_review(scope, ReviewKind.MEDICATION, subject, disputed.values(), display=display, reason=reason)
            )
    return tuple(items), tuple(reviews)


def tokens(fact: PlacedFact) -> frozenset[Hashable]:
    """What ties a fact to others: its keys, and the ids in `links`."""
    return links(fact) | subject_keys(fact.fact)


def _regimen(fact: PlacedFact, replaced: Sequence[Regimen], missing: int) -> Regimen:
    """What a fact says, with what it keeps of the facts that it replaced."""
    action = said(fact.fact, "action")
    if action == Action.START or not (replaced or missing):
        named = {name: value for name in chain.from_iterable(_PARTS) if (value := said(fact.fact, name)) is not None}
        return Regimen(action == Action.STOP, named, frozenset(), frozenset())
    stated: dict[str, str] = {}
    kept: set[str] = set()
    unclear: set[str] = set()
    for part in _PARTS:
        own = {name: value for name in part if (value := said(fact.fact, name)) is not None}
        choices = {tuple(source.stated.get(name) for name in part) for source in replaced}
        doubtful = any(not source.unclear.isdisjoint(part) for source in replaced)
        if own:
            stated |= own
        elif len(choices) > 1 or doubtful or missing:
            unclear |= set(part)
        else:
            found = zip(part, next(iter(choices), ()), strict=False)
            stated |= {name: value for name, value in found if value is not None}
            kept |= stated.keys() & set(part)
    return Regimen(action == Action.STOP, stated, frozenset(kept), frozenset(unclear))


def _lines(standing: Sequence[PlacedFact], regimens: Mapping[FactId, Regimen]) -> tuple[Line, ...]:
    same: dict[tuple[Hashable, ...], list[PlacedFact]] = {}
    for fact in standing:
        same.setdefault(regimens[fact.id].same_as(), []).append(fact)
    return tuple(Line(regimens[facts[0].id], tuple(facts)) for facts in same.values())


def _disputed(scope: Scope, standing: Sequence[PlacedFact], regimens: Mapping[FactId, Regimen]) -> Iterator[PlacedFact]:
    for fact in standing:
        # A fact beside itself: what one statement leaves unclear concerns its own document, not the chart.
        if regimens[fact.id].unclear and not regimens[fact.id].stopped and scope.beside(fact, fact):
            yield fact
    if len(standing) > 1:
        facing = scope.concurrent.facing(standing, [regimens[fact.id].same_as() for fact in standing])
        yield from compress(standing, facing)


def _reason(regimens: Sequence[Regimen]) -> str:
    if len({regimen.stopped for regimen in regimens}) > 1:
        return "It was stopped and continued without knowledge of each other; both are shown."
    if len(regimens) > 1:
        return "It was changed differently without knowledge of each other; all are shown."
    return "A statement replaces several that differ and leaves out in what; that is shown as unclear."


def display(fact: PlacedFact) -> str:
    """What a medication fact says, in a few words."""
    names = ("text", "dose", "unit", "route", "frequency", "action", "reason")
    return " ".join(part for name in names if (part := said(fact.fact, name)))
