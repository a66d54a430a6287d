"""The quality of a document's record, 0 to 100: of its record, not of the care, and not of whoever gave it.

    score = 100 x (sum of weight x share, of the parts that can be judged) / (sum of their weights), rounded down

A part that has nothing to judge by is left out, with its reason; where no part can be judged there is no score. Each
part's share is a whole number of hundredths, so that every device computes the same. More of what a document asks for
never lowers the score. The weights are a decision of this project: no standard gives any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.workflows.durations import Durations
from edge_runtime.clinical.workflows.needs import Completeness, Signed
from edge_runtime.facts import PlacedFact

COMPLETE: Final = "complete"
IN_TIME: Final = "in_time"
CODED: Final = "coded"
CONFIRMED: Final = "confirmed"
DECIDED: Final = "decided"
SIGNED: Final = "signed"
WEIGHTS: Final = {COMPLETE: 40, IN_TIME: 10, CODED: 15, CONFIRMED: 10, DECIDED: 10, SIGNED: 15}
"""The parts, and how much each counts."""
_PART: Final = 50


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the score.

    Attributes:
        name: which.
        weight: how much it counts.
        share: how much of it is there, in hundredths; None where there is nothing to judge by.
        reason: what that rests on, for a person: counts, no word of the document.
    """

    name: str
    weight: int
    share: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a document's record.

    Attributes:
        parts: every part, in the order of `WEIGHTS`.
    """

    parts: tuple[Part, ...]

    @property
    def score(self) -> int | None:
        """0 to 100; None where nothing can be judged."""
        judged = [(part.weight, part.share) for part in self.parts if part.share is not None]
        weights = sum(weight for weight, _ in judged)
        return sum(weight * share for weight, share in judged) // weights if weights else None


def quality(state: DocumentState, done: Completeness, times: Durations, *, signed: Signed) -> Quality:
    """Judge a document's record.

    Args:
        state: what its facts say.
        done: how complete it is.
        times: how long its steps took.
        signed: whether somebody answers for all of it.
    """
    return Quality(
        (
            _complete(done),
            _ratio(
                IN_TIME,
                [time.in_time for time in times.steps if time.in_time is not None],
                "{0} of {1} steps whose minutes were stated took no longer than estimated",
                "of no step are both the estimated and the actual minutes stated",
            ),
            _ratio(
                CODED,
                [_coded(item.live) for item in state.diagnoses if item.live],
                "{0} of {1} diagnoses have a code",
                "no diagnosis is stated",
            ),
            _ratio(
                CONFIRMED,
                [item.question is None for item in state.observations if not item.corrected_by],
                "{0} of {1} findings are plausible or confirmed",
                "no finding is stated",
            ),
            _ratio(
                DECIDED,
                [not review.open for review in state.reviews],
                "{0} of {1} conflicts are decided",
                "there was no conflict",
            ),
            _signed(signed, asked=any(need.item == "signed" for need in done.needs)),
        )
    )


def _complete(done: Completeness) -> Part:
    there = len(done.needs) - len(done.lacking)
    reason = f"{there} of {len(done.needs)} things that it needs are there" if done.needs else "nothing is asked for"
    return Part(COMPLETE, WEIGHTS[COMPLETE], done.percentage, reason)


def _ratio(name: str, found: list[bool], reason: str, nothing: str) -> Part:
    if not found:
        return Part(name, WEIGHTS[name], None, nothing)
    good = sum(found)
    return Part(name, WEIGHTS[name], 100 * good // len(found), reason.format(good, len(found)))


def _coded(live: Iterable[PlacedFact]) -> bool:
    return any(said(fact.fact, "code") for fact in live)


def _signed(signed: Signed, *, asked: bool) -> Part:
    shares = {Signed.YES: 100, Signed.CHANGED: _PART, Signed.PART: _PART}
    reasons = {
        Signed.YES: "it is signed, and nothing was written since",
        Signed.CHANGED: "it was signed, and something was written since",
        Signed.PART: "sections of it are signed",
        Signed.NO: "nobody signed it",
    }
    if signed is Signed.NO and not asked:
        return Part(SIGNED, WEIGHTS[SIGNED], None, "nobody signed it, and it does not ask for that")
    return Part(SIGNED, WEIGHTS[SIGNED], shares.get(signed, 0), reasons[signed])
