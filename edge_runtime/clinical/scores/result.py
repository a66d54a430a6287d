"""What a score or a flow chart says: one shape for all of them.

Owns the shape, and how it is written as JSON. A result has a score or category only where the published rule gives
one; what is missing is named, and nothing is assumed in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.triage import COLOURS
from edge_runtime.errors import RefusedError
from sync_protocol.encoding import Value

Given: TypeAlias = Decimal | str | bool
"""An input as it is judged: numbers are decimals."""
Json: TypeAlias = int | float | str | bool | None
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score.

    Attributes:
        name: the input that it comes from.
        points: what it adds; None where that cannot be said.
    """

    name: str
    points: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the published rule does not speak about this patient.

    Attributes:
        code: a stable word.
        expected: for whom the rule is.
        got: what was said of this patient.
        do: the way out.
    """

    code: str
    expected: str
    got: str
    do: str

    def error(self) -> RefusedError:
        """The refusal as an error."""
        return RefusedError(self.code, expected=self.expected, got=self.got, do=self.do)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a score or flow chart says about its inputs.

    Attributes:
        name: which one.
        rule: the rule that fired, `<name>.<word>`; None where none did.
        meaning: the same in words, for a tired reader.
        inputs: what was given, as it was given.
        score: the score; None where something is missing, and for flow charts.
        band: the published band that the score falls into.
        category: the category in the flow chart's own word; None where something is missing, and for scores.
        triage: the same in the word that a `triage` fact holds.
        parts: what each part adds to the score.
        missing: inputs without which the rule says nothing; of a flow chart, those that it asks for next.
        at_least: what the known parts of an incomplete score add up to, where parts only add; never a score.
        questions: implausible or contradictory values, to be confirmed; the result holds if they are true.
        notes: limits of the rule that could not be checked, and advice of its publisher.
        refused: why the rule is not for this patient; nothing else is said then.
    """

    name: str
    rule: str | None
    meaning: str
    inputs: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    score: int | None = None
    band: str | None = None
    category: str | None = None
    triage: Triage | None = None
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()
    at_least: int | None = None
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: Refusal | None = None

    @property
    def complete(self) -> bool:
        """Whether there is a score or a category."""
        return self.score is not None or self.category is not None

    @property
    def part_of_three(self) -> bool:
        """Whether a single part scores 3."""
        return any(part.points == 3 for part in self.parts)  # noqa: PLR2004 the most that a part can score

    def to_json(self) -> dict[str, object]:
        """The result as JSON; a flow chart has `category`, any other `score`, null where there is none.

        Raises:
            RefusedError: the rule is not for this patient.
        """
        if self.refused is not None:
            raise self.refused.error()
        verdict: dict[str, object] = {"name": self.name}
        if self.parts:
            verdict |= {"score": self.score, "band": self.band}
        else:
            colour = None if self.triage is None else COLOURS[self.triage]
            verdict |= {"category": self.category, "triage": self.triage, "colour": colour}
        verdict |= {"rule": self.rule, "meaning": self.meaning}
        if self.parts:
            verdict["parts"] = {part.name: part.points for part in self.parts}
        if self.at_least is not None:
            verdict["at_least"] = self.at_least
        verdict["inputs"] = {name: as_json(value) for name, value in self.inputs.items()}
        lists = {"missing": self.missing, "questions": self.questions, "notes": self.notes}
        return verdict | {name: list(items) for name, items in lists.items()}

    def triage_payload(self) -> dict[str, Value]:
        """The payload of a `triage` fact that says the same: category, system, rule and inputs as text.

        Only for a flow chart that gave a category.
        """
        assert self.triage is not None, "a category"
        inputs: list[Value] = [{"name": name, "value": _text(value)} for name, value in self.inputs.items()]
        return {"to": self.triage.value, "system": self.name, "rule": self.rule, "inputs": inputs}


def as_json(value: object) -> Json:
    """An input as JSON: a decimal as the number that was written."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    assert isinstance(value, (int, float, str, bool)), "inputs were checked"
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(as_json(value))
