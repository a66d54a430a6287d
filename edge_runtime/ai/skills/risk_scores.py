"""The results of scores as a skill takes them: computed anew from their inputs, and said in sentences of our own.

Owns the reading of `facts["scores"]`. Nothing of a result is believed but its name and its inputs: points, band and
meaning are the rule's, on every device. A result that says otherwise is refused, so that no level can be handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from edge_runtime.ai.skills.skill import Source
from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.scores.catalogue import SCALES, scale
from edge_runtime.clinical.scores.result import Result, as_json
from edge_runtime.clinical.scores.scale import Form
from edge_runtime.errors import InputError

SCORES_MAX: Final = 8
"""Results that are explained together."""
INPUTS_MAX: Final = 32
LEVELS: Final = frozenset(rule.gives for one in SCALES.values() for rule in one.rules.values())
"""Every band of a score and every category of a flow chart."""
_COMPARED: Final = ("score", "band", "category", "rule")
"""What of a result that is handed in must be what its inputs give."""


def source_of(results: Sequence[Mapping[str, object]], text: str = "") -> Source:
    """A source for the skill `risk`.

    Args:
        results: as `Result.to_json` writes them.
        text: what citations should point into; the sentences of the scores where it is empty.

    Raises:
        InputError: as for `read_scores`.
    """
    kept: list[Json] = [_plain(one) for one in results]
    found = read_scores({"scores": kept})
    return Source(text=text or "\n".join(map(told, found)), facts={"scores": kept})


def read_scores(facts: Mapping[str, Json]) -> tuple[Result, ...]:
    """The results of a source, computed anew.

    Raises:
        InputError: none, too many, an unknown score, inputs of another form, or a result that its inputs do not give.
        RefusedError: a score that is not for this patient.
    """
    given = facts.get("scores")
    if not isinstance(given, list) or not 1 <= len(given) <= SCORES_MAX:
        raise InputError(
            "scores_missing",
            expected=f"1 to {SCORES_MAX} results of scores",
            got=describe(given),
            do="compute a score first, as with 'fieldward score news2'",
        )
    return tuple(map(_computed, given))


def _computed(given: Json) -> Result:
    name = given.get("name") if isinstance(given, dict) else None
    inputs = given.get("inputs") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str) or not isinstance(inputs, dict):
        raise _malformed(describe(given))
    if len(inputs) > INPUTS_MAX:
        raise _malformed(f"{len(inputs)} inputs")
    found = scale(name).score(inputs)
    written = found.to_json()
    for key in _COMPARED:
        if key in given and given[key] != written.get(key):
            raise InputError(
                "score_disagrees",
                expected=f"{name}: the {key} that its inputs give",
                got="another one",
                do="compute the score again; a level is never taken from elsewhere",
            )
    return found


def _malformed(got: str) -> InputError:
    return InputError(
        "score_form",
        expected="a result as 'fieldward score NAME --json' prints it, with name and inputs",
        got=got,
        do="hand in the whole result",
    )


def told(found: Result) -> str:
    """What a score says, in sentences; the only source of every number and level."""
    return " ".join(_sentences(found))


def _sentences(found: Result) -> Iterator[str]:
    title = SCALES[found.name].title
    if found.score is not None:
        yield f"{title}: {found.score} points, band {found.band}."
    elif found.category is not None:
        yield f"{title}: category {found.category}."
    else:
        yield f"{title}: no {'score' if SCALES[found.name].form is Form.SCORE else 'category'}."
    yield _ended(found.meaning)
    added = [part for part in found.parts if part.points]
    if added:
        yield f"Points come from {', '.join(_part(found, part.name, part.points) for part in added)}."
    if found.missing:
        yield f"Missing: {', '.join(map(_words, found.missing))}."
    yield from map(_ended, (*found.questions, *found.notes))


def _part(found: Result, name: str, points: int | None) -> str:
    value = found.inputs.get(name)
    shown = "" if value is None or isinstance(value, bool) else f" {as_json(value)}"
    return f"{_words(name)}{shown} ({points})"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _plain(value: object) -> Any:  # noqa: ANN401 whatever a result's JSON holds, without fractions
    """A result as plain JSON: a fraction becomes the decimal that it is written as."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float | Decimal) else value
