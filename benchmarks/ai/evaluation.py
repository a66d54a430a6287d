"""A skill over encounters with reference notes: what its drafts hold, what they make up, and what that cost.

What is counted comes from rules of the evaluation's own; beside it stands what the product's check marked before
anybody would have seen it.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.ai.clinical_facts import allergy_errors, facts_of, medication_errors, negation_errors
from benchmarks.ai.encounters import Encounter
from benchmarks.ai.listening import Heard, Listening
from benchmarks.ai.recall import holds
from benchmarks.ai.rouge_scores import Rouge, rouge
from edge_runtime.ai.drafting import Answering, Drafted, Drafting, Wishes
from edge_runtime.ai.engine.port import Ending, Timings
from edge_runtime.ai.skills.skill import Skill, Source
from edge_runtime.errors import EdgeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Whether the model kept to the form.

    Attributes:
        answers: of the model.
        valid: those that are whole and keep their schema.
        cut: those that ended early.
    """

    answers: int = 0
    valid: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One draft, in figures; nothing of what it says.

    Attributes:
        name: of the encounter.
        refused: the code of the error where there is no draft; empty otherwise.
        facts: of the reference, by kind.
        recalled: those of them that the draft holds.
        unsupported: what the product's check marked, by kind.
        medication: drugs and doses that neither source nor reference has.
        allergy: allergies that neither has, or a denial of one.
        negation: findings stated that the reference denies, or the other way round.
        rouge: against the reference note; None for a skill that writes no note.
        words: of the draft.
        form: of the model's answers.
        timings: of each answer.
    """

    name: str
    refused: str = ""
    facts: Counter[str] = field(default_factory=Counter)
    recalled: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    medication: int = 0
    allergy: int = 0
    negation: int = 0
    rouge: Rouge | None = None
    words: int = 0
    form: Form = Form()
    timings: tuple[Timings, ...] = ()

    @property
    def errors(self) -> int:
        """Of the three kinds that harm."""
        return self.medication + self.allergy + self.negation

    @property
    def recall(self) -> float:
        """Share of the reference's facts that the draft holds; 1 where it has none."""
        return self.recalled.total() / self.facts.total() if self.facts else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All drafts of one model.

    Attributes:
        skill: which skill, with its template.
        model: its name, or that there was none.
        digest: of its file.
        engine: the program.
        demonstration: our own toy.
        corpus: "repository" or "public".
        written_facts: the facts were written down with the set, not found by rules.
        results: one an encounter, refused ones among them.
        peak_mib: the most memory that the engine's process held; None where nobody can say.
    """

    skill: str
    model: str
    digest: str
    engine: str
    demonstration: bool
    corpus: str
    written_facts: bool
    results: tuple[Result, ...]
    peak_mib: float | None = None

    @property
    def drafts(self) -> tuple[Result, ...]:
        """Those that there is a draft of."""
        return tuple(one for one in self.results if not one.refused)

    def total(self, count: Callable[[Result], int]) -> int:
        """A count over all drafts."""
        return sum(count(one) for one in self.drafts)

    def all(self, count: Callable[[Result], int]) -> int:
        """A count over all encounters, those without a draft among them."""
        return sum(count(one) for one in self.results)

    def by_kind(self, counted: Callable[[Result], Counter[str]]) -> Counter[str]:
        """A count by kind over all drafts."""
        return sum((counted(one) for one in self.drafts), Counter())

    def median(self, figure: Callable[[Timings], float]) -> float | None:
        """Of all answers that have it; None where there is none."""
        found = [value for one in self.drafts for timing in one.timings if (value := figure(timing)) > 0]
        return statistics.median(found) if found else None

    def rouge(self, figure: Callable[[Rouge], float]) -> float | None:
        """Mean over the drafts; None for a skill that writes no note."""
        found = [figure(one.rouge) for one in self.drafts if one.rouge is not None]
        return statistics.fmean(found) if found else None


def evaluate(
    skill: Skill,
    encounters: Iterable[Encounter],
    engine: Answering | None,
    *,
    wishes: Wishes | None = None,
    against_note: bool = True,
    on_result: Callable[[Result], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Draft from each encounter and compare; an encounter that is refused is one result and stops nothing.

    Args:
        skill: which.
        encounters: with reference notes.
        engine: what answers; None for templates and rules alone.
        wishes: seed and temperature.
        against_note: whether the skill writes a note that can be compared word by word.
        on_result: told each result as it comes.
    """
    results: list[Result] = []
    for encounter in encounters:
        listening = Listening(engine) if engine is not None else None
        try:
            drafted = Drafting(skill, Source(text=encounter.source), listening, wishes).run()
        except EdgeError as error:
            heard = listening.heard if listening is not None else []
            result = Result(name=encounter.name, refused=error.code, form=_form(heard))
        else:
            result = judge(
                encounter, drafted, listening.heard if listening is not None else (), against_note=against_note
            )
        results.append(result)
        on_result(result)
    return tuple(results)


def judge(encounter: Encounter, drafted: Drafted, heard: Sequence[Heard], *, against_note: bool) -> Result:
    """One draft in figures."""
    draft = "\n".join(part.text for part in drafted.sketch.parts)
    reference, evidence = encounter.reference, f"{encounter.source}\n{encounter.reference}"
    facts = encounter.facts or facts_of(reference)
    return Result(
        name=encounter.name,
        facts=Counter(fact.kind for fact in facts),
        recalled=Counter(fact.kind for fact in facts if holds(draft, fact)),
        unsupported=Counter(str(one.kind) for part in drafted.sketch.parts for one in part.unsupported),
        medication=medication_errors(draft, evidence),
        allergy=allergy_errors(draft, evidence),
        negation=negation_errors(draft, reference),
        rouge=rouge(draft, reference) if against_note else None,
        words=len(draft.split()),
        timings=drafted.timings,
        form=_form(heard),
    )


def _form(heard: Sequence[Heard]) -> Form:
    return Form(
        answers=len(heard),
        valid=sum(one.valid for one in heard),
        cut=sum(one.answer.ending is Ending.CUT for one in heard),
    )
