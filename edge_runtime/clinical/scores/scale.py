"""What every score and flow chart is made of: its inputs, its rules, its source, and the function that judges.

Owns the order of work: inputs are read, then judged, then everything that is to be asked stands beside the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.scores.fields import Fields
from edge_runtime.clinical.scores.inputs import read_inputs
from edge_runtime.clinical.scores.result import Given, Part, Refusal, Result

Read: TypeAlias = Mapping[str, Given]


class Form(StrEnum):
    """What comes out."""

    SCORE = "score"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that can fire.

    Attributes:
        meaning: the rule in words.
        gives: the band of a score, or the category in the flow chart's own word.
        triage: the category in the word of a `triage` fact; None for scores.
    """

    meaning: str
    gives: str
    triage: Triage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One score or flow chart.

    Attributes:
        name: the word by which it is called.
        title: its name for people.
        whom: for whom it is, and for whom not.
        source: where it was published.
        form: whether a score or a category comes out.
        fields: its inputs, in the order in which they are shown.
        rules: by the word of `<name>.<word>`.
        judge: from the inputs that were read to a result, without its inputs.
    """

    name: str
    title: str
    whom: str
    source: str
    form: Form
    fields: Fields
    rules: Mapping[str, Rule]
    judge: Callable[[Read], Result]

    def score(self, given: Mapping[str, object], *, confirmed: Collection[str] = ()) -> Result:
        """Judge one patient.

        Args:
            given: inputs by key; None means not given.
            confirmed: inputs whose author was asked about an implausible value already, and stands by it.

        Raises:
            InputError: an unknown key, a value of another form, or inputs that contradict each other.
        """
        read, asked = read_inputs(self.name, self.fields, given, confirmed)
        found = self.judge(read)
        inputs = {name: given[name] for name in read}
        return replace(found, inputs=inputs, questions=(*asked, *found.questions))


def reached(name: str, rules: Mapping[str, Rule], word: str, *, questions: Iterable[str] = ()) -> Result:
    """A category that a rule of a flow chart gives."""
    rule = rules[word]
    return Result(
        name=name,
        rule=f"{name}.{word}",
        meaning=rule.meaning,
        category=rule.gives,
        triage=rule.triage,
        questions=tuple(questions),
    )


def halted(name: str, *missing: str) -> Result:
    """A flow chart that cannot go on before something is known."""
    words = " or ".join(missing)
    return Result(name=name, rule=None, meaning=f"No category: {words} is needed next.", missing=missing)


def refused(name: str, refusal: Refusal) -> Result:
    """A rule that is not for this patient."""
    return Result(name=name, rule=None, meaning=f"Not for this patient: {refusal.got}.", refused=refusal)


def lacking(name: str, parts: tuple[Part, ...], missing: Iterable[str], *, at_least: int | None, words: str) -> Result:
    """A score that has none, because something is missing.

    Args:
        name: of the score.
        parts: what is known of them.
        missing: inputs that are not there.
        at_least: what the known parts add up to; None where a sum of some says nothing.
        words: what can be said all the same.
    """
    absent = tuple(missing)
    meaning = " ".join(filter(None, (f"No score: {', '.join(absent)} missing.", words)))
    return Result(name=name, rule=None, meaning=meaning, parts=parts, missing=absent, at_least=at_least)


def age_refusal(whom: str, got: str, do: str) -> Refusal:
    """A refusal because of age."""
    return Refusal("age", expected=whom, got=got, do=do)
