"""Clocks that contradict the order of entries: somebody wrote after what they had seen, and their clock says before.

Nothing is ordered by a clock here, so nothing is wrong but the times that are shown. A session whose clock lies more
than `CLOCK_SKEW_MS` before one that its entry follows is one review, about the widest gap of it; which of the two
clocks is wrong, the entries cannot tell. Facts and graphs alone decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.succession import Scope, place
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import EntryHash, SessionId

CLOCK_SKEW_MS: Final = 10 * 60 * 1000
"""Ten minutes: what phones that were offline for weeks drift, and less than changes what a time says of a patient."""
_MINUTE_MS: Final = 60_000
Widest: TypeAlias = dict[SessionId, tuple[PlacedFact, PlacedFact]]
"""By session, the entry whose clock lies furthest before one that it follows, and that one before it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def derive_clock(scope: Scope, facts: Sequence[PlacedFact], graphs: Iterable[CausalGraph]) -> tuple[Review, ...]:
    """The reviews that clocks call for, one a session.

    Args:
        scope: whose reviews these are.
        facts: those that count, readable or not, in order.
        graphs: the causal graph of each of their streams, in any order.
    """
    if not suspicious(facts):
        return ()  # as nearly always: what an entry follows stands before it in order
    widest: Widest = {}
    for earlier, fact in _apart(facts, tuple(graphs)):
        _widen(widest, earlier, fact)
    return tuple(_review(scope, *pair) for pair in widest.values())


class ClockWatch:
    """The same, as one fact after the other comes."""

    def __init__(self, scope: Scope, graphs: Iterable[CausalGraph]) -> None:
        """Start with no fact."""
        self._scope = scope
        self._latest = [_Latest(graph, ()) for graph in graphs]
        self._entries: dict[EntryHash, int] = {}
        self._widest: Widest = {}

    def add(self, fact: PlacedFact) -> bool:
        """Take a fact that counts; false where it must be looked at with all others: one of them follows it."""
        name, index = fact.id
        if name in self._entries:
            return index > self._entries[name]  # an entry has one clock, told by its first fact
        self._entries[name] = index
        for latest in self._latest:
            if name not in latest.graph or latest.graph.is_forked(name):
                continue
            if not latest.add(fact):
                return False
            earlier = latest.before(fact)
            if earlier is not None and _gap(earlier, fact) > CLOCK_SKEW_MS:
                if place(earlier) > place(fact):
                    return False
                _widen(self._widest, earlier, fact)
        return True

    def reviews(self) -> tuple[Review, ...]:
        """One a session."""
        return tuple(_review(self._scope, *pair) for pair in self._widest.values())


def _widen(widest: Widest, earlier: PlacedFact, fact: PlacedFact) -> None:
    """Keep a gap if it is the widest of its session."""
    known = widest.get(fact.author.session)
    if known is None or (_gap(earlier, fact), fact.id) > (_gap(*known), known[1].id):
        widest[fact.author.session] = earlier, fact


def suspicious(facts: Iterable[PlacedFact], latest_ms: int = 0) -> bool:
    """Whether a clock reads much less than one before it in order: only then may it contradict one that it follows.

    Args:
        facts: in order.
        latest_ms: the latest clock of those that stand before them.
    """
    for fact in facts:
        if fact.wall_ms < latest_ms - CLOCK_SKEW_MS:
            return True
        latest_ms = max(latest_ms, fact.wall_ms)
    return False


def display(fact: PlacedFact) -> str:
    """What the clock of a fact's author read."""
    try:
        moment = _EPOCH + timedelta(milliseconds=fact.wall_ms)
    except OverflowError:
        return "its clock read a time that no calendar has"
    return f"its clock read {moment:%Y-%m-%d %H:%M} UTC"


def _gap(earlier: PlacedFact, fact: PlacedFact) -> int:
    return earlier.wall_ms - fact.wall_ms


def _review(scope: Scope, earlier: PlacedFact, fact: PlacedFact) -> Review:
    minutes = _gap(earlier, fact) // _MINUTE_MS
    reason = (
        f"Two clocks disagree: what was written later is stamped {minutes} minutes earlier. "
        "The times shown for one of these devices are wrong; the order of what was written is not. Check both clocks."
    )
    subject = str(fact.author.session)
    return raise_review(scope, ReviewKind.CLOCK_SKEW, subject, (earlier, fact), display=display, reason=reason)


def _apart(facts: Sequence[PlacedFact], graphs: Sequence[CausalGraph]) -> Iterator[tuple[PlacedFact, PlacedFact]]:
    """Each entry whose clock lies too far before one that it follows, by its first fact; with the latest of these."""
    firsts: dict[bytes, PlacedFact] = {}
    for fact in facts:
        firsts.setdefault(fact.id.entry, fact)
    for graph in graphs:
        own = [firsts[entry] for entry in graph if entry in firsts and not graph.is_forked(entry)]
        latest = _Latest(graph, own)
        for fact in own:
            earlier = latest.before(fact)
            if earlier is not None and _gap(earlier, fact) > CLOCK_SKEW_MS:
                yield earlier, fact


class _Latest:
    """What has the latest clock in the past of each entry of one graph."""

    def __init__(self, graph: CausalGraph, facts: Iterable[PlacedFact]) -> None:
        self.graph = graph
        self._numbers: dict[SessionId, list[int]] = {}
        self._latest: dict[SessionId, list[PlacedFact]] = {}
        self._of_others: dict[int, PlacedFact | None] = {}
        self._followed: dict[SessionId, int] = {}
        for fact in sorted(facts, key=lambda fact: graph.place(fact.id.entry)[1]):
            self.add(fact)

    def add(self, fact: PlacedFact) -> bool:
        """Take the first fact of one more entry; false where one that was taken before follows it."""
        session, number, others = self.graph.place(fact.id.entry)
        fresh = self._followed.get(session, -1) < number
        for other, reached in ((session, number), *others.items()):
            self._followed[other] = max(reached, self._followed.get(other, -1))
        latest = self._latest.setdefault(session, [])
        self._numbers.setdefault(session, []).append(number)
        latest.append(fact if not latest or fact.wall_ms > latest[-1].wall_ms else latest[-1])
        return fresh

    def before(self, fact: PlacedFact) -> PlacedFact | None:
        """The fact with the latest clock that an entry follows; None where it follows none."""
        session, number, others = self.graph.place(fact.id.entry)
        name = id(others)  # entries that saw no more of others share one mapping, which the graph keeps alive
        if name not in self._of_others:
            self._of_others[name] = self._of_many(others)
        return _later(self._through(session, number - 1), self._of_others[name])

    def _of_many(self, reached: Mapping[SessionId, int]) -> PlacedFact | None:
        found = None
        for session in sorted(reached):
            found = _later(found, self._through(session, reached[session]))
        return found

    def _through(self, session: SessionId, number: int) -> PlacedFact | None:
        place = bisect_right(self._numbers.get(session, ()), number)
        return self._latest[session][place - 1] if place else None


def _later(one: PlacedFact | None, other: PlacedFact | None) -> PlacedFact | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda fact: (fact.wall_ms, fact.id))
