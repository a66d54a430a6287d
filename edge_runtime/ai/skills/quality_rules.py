"""The expected quality of a document's record, 0 to 100, and what lowers it: a rule with open weights, nothing learned.

    expected = 100 - (sum over the features of the smaller of its weight times its count, and its most)

Owns the features, their weights and the words for each. It says how the record would stand if nothing more were done;
`clinical.workflows.quality` says how it stands in the parts that can be judged. The weights are a decision of this
project: no standard gives any. Nothing here is about the care, or about whoever gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.ai.skills.skill import Source
from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.workflows.needs import Signed, Why
from edge_runtime.errors import InputError

NEEDS_MAX: Final = 1024
COUNT_MAX: Final = 10_000
BEST: Final = 100


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that lowers the expected quality.

    Attributes:
        name: which; a key of the counts.
        weight: points that each of it costs.
        most: points that all of it costs together.
        one: what it is, for one.
        several: the same for several.
        because: why it counts so.
    """

    name: str
    weight: int
    most: int
    one: str
    several: str
    because: str


FEATURES: Final = (
    Feature(
        "steps_open", 8, 32, "required step is open", "required steps are open", "a step that is asked for was not done"
    ),
    Feature("sections_empty", 8, 32, "section is empty", "sections are empty", "the next reader has nothing to go by"),
    Feature(
        "needs_open", 6, 24, "other thing is lacking", "other things are lacking", "the document's own template asks it"
    ),
    Feature(
        "reviews_open", 8, 24, "conflict is undecided", "conflicts are undecided", "two statements cannot both hold"
    ),
    Feature("unsigned", 15, 15, "signature is missing", "signatures are missing", "nobody answers for it"),
    Feature(
        "signed_in_part",
        8,
        8,
        "signature does not cover all",
        "signatures do not cover all",
        "a part is unanswered for",
    ),
    Feature(
        "checks_failed", 5, 20, "check failed", "checks failed", "an implausible or contradictory statement stands"
    ),
    Feature(
        "drafts_open", 3, 9, "draft is undecided", "drafts are undecided", "what it proposes is neither in nor out"
    ),
    Feature(
        "uncoded", 4, 8, "list of diagnoses is not fully coded", "lists are not fully coded", "codes make it findable"
    ),
    Feature("late", 2, 4, "list of steps ran over time", "lists of steps ran over time", "it took longer than planned"),
)
"""Every feature, in the order in which ties are told."""
_SIGNATURES: Final = {Signed.NO: "unsigned", Signed.PART: "signed_in_part", Signed.CHANGED: "signed_in_part"}
_PARTS: Final = {"coded": "uncoded", "in_time": "late", "confirmed": "checks_failed"}
"""Parts of the record's own score that count here where their share is under a hundred."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What one feature costs.

    Attributes:
        feature: which.
        count: how many of it.
        points: that it costs.
    """

    feature: Feature
    count: int
    points: int

    @property
    def words(self) -> str:
        """For a person."""
        feature = self.feature
        what = feature.one if self.count == 1 else feature.several
        return f"{self.count} {what}: minus {self.points}, because {feature.because}."


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected quality.

    Attributes:
        score: 0 to 100.
        losses: what lowered it, the most first.
    """

    score: int
    losses: tuple[Loss, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The number, then what lowered it; the only source of every number."""
        head = f"Expected quality of the record if nothing more is done: {self.score} of {BEST}, by rule."
        return (head, *(loss.words for loss in self.losses))

    @property
    def told(self) -> str:
        """All of it."""
        return " ".join(self.sentences)


def source_of(document: Mapping[str, object], *, drafts_open: int = 0, checks_failed: int = 0) -> Source:
    """A source for the skill `quality`.

    Args:
        document: how a document stands, as `fieldward workflow show --json` prints each; what is not read is left out.
        drafts_open: drafts of it that nobody has decided.
        checks_failed: checks of it that failed, such as a drug beside an allergy.

    Raises:
        InputError: another form.
    """
    counts: dict[str, Json] = dict(_counted(document))
    counts["drafts_open"] = drafts_open
    failed = counts.get("checks_failed", 0)
    counts["checks_failed"] = checks_failed + (failed if isinstance(failed, int) else 0)
    facts: dict[str, Json] = {"document": counts}
    return Source(text=expected(facts).told, facts=facts)


def expected(facts: Mapping[str, Json]) -> Expected:
    """The expected quality of a document, from its counts.

    Raises:
        InputError: no counts, or other ones.
    """
    counts = facts.get("document")
    names = [feature.name for feature in FEATURES]
    if not isinstance(counts, dict) or not set(counts) <= set(names):
        raise _malformed("counts by the names " + ", ".join(names), describe(counts))
    losses = []
    for feature in FEATURES:
        count = counts.get(feature.name, 0)
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= COUNT_MAX:
            raise _malformed(f"{feature.name}: a whole number from 0 to {COUNT_MAX}", describe(count))
        if count:
            losses.append(Loss(feature, count, min(feature.weight * count, feature.most)))
    losses.sort(key=lambda loss: -loss.points)
    return Expected(max(0, BEST - sum(loss.points for loss in losses)), tuple(losses))


def _counted(document: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    needs, reviews = _rows(document, "needs"), _rows(document, "reviews")
    lacking = [str(need.get("item", "")) for need in needs if need.get("why") != Why.THERE]
    heads = [item.partition(":")[0] for item in lacking]
    yield "steps_open", heads.count("step")
    yield "sections_empty", heads.count("section")
    yield "needs_open", sum(head not in {"step", "section", "review", "signed"} for head in heads)
    yield "reviews_open", max(len(reviews), heads.count("review"))
    signed = document.get("signed")
    word = _SIGNATURES.get(Signed(signed)) if isinstance(signed, str) and signed in set(Signed) else None
    if word is not None and (word == "signed_in_part" or "signed" in lacking):
        yield word, 1
    quality = document.get("quality")
    for part in _rows(quality, "parts") if isinstance(quality, Mapping) else ():
        share, name = part.get("share"), _PARTS.get(str(part.get("name")))
        if name is not None and isinstance(share, int) and share < BEST:
            yield name, 1


def _rows(document: Mapping[Any, object], key: str) -> list[Mapping[str, object]]:
    rows = document.get(key, [])
    if not isinstance(rows, list) or len(rows) > NEEDS_MAX or not all(isinstance(row, Mapping) for row in rows):
        raise _malformed(f"{key}: a list of at most {NEEDS_MAX} objects", describe(rows))
    return rows


def _malformed(wanted: str, got: str) -> InputError:
    return InputError(
        "document_form", expected=wanted, got=got, do="hand in what 'fieldward workflow show --json' prints"
    )
