"""Scores on a terminal and as JSON, and how inputs are written on a command line.

Owns the words around a result: the score first, then what it means, then what it is made of, then what to confirm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import click

from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.scores.fields import Truth
from edge_runtime.clinical.scores.result import Result, as_json
from edge_runtime.clinical.scores.scale import Scale
from edge_runtime.clinical.triage import COLOURS

_TRUTHS: Final[Mapping[str, bool]] = MappingProxyType({"yes": True, "true": True, "no": False, "false": False})
_BAD: Final = frozenset({"high", "severe", "low-medium", "positive", "immediate"})


def given_from_text(scale: Scale, inputs: tuple[str, ...]) -> dict[str, object]:
    """Inputs from `KEY=VALUE`; yes and no are as good as true and false.

    Raises:
        click.UsageError: another form, or a key given twice.
    """
    truths = {field.name for field in scale.fields if isinstance(field, Truth)}
    given: dict[str, object] = {}
    for pair in inputs:
        name, separator, value = pair.partition("=")
        if not separator or name in given:
            raise click.UsageError("Give each input once, as --input KEY=VALUE.")
        given[name] = _TRUTHS.get(value.lower(), value) if name in truths else value
    return given


def result_rows(scale: Scale, result: Result) -> Iterator[str]:
    """What a person reads."""
    yield click.style(scale.title, bold=True)
    yield f"  {_verdict(result)}"
    yield f"  {result.meaning}" + (f"  ({result.rule})" if result.rule else "")
    points = {part.name: part.points for part in result.parts}
    for name in dict.fromkeys((*result.inputs, *(name for name in points if name not in result.missing))):
        value = safe(_shown(result.inputs[name])) if name in result.inputs else ""
        scored = points.get(name)
        yield f"    {name:<32}{value:<14}" + ("" if scored is None else f"{scored}")
    for name in (name for name in result.missing if name not in result.inputs):
        yield click.style(f"    {name:<32}missing", fg="yellow")
    for question in result.questions:
        yield click.style(f"  Please confirm: {question}", fg="yellow")
    for note in result.notes:
        yield f"  Note: {note}"
    yield f"  Source: {scale.source}"


def scale_rows(scale: Scale) -> Iterator[str]:
    """What a score is, and what it takes."""
    yield click.style(f"{scale.name}  {scale.title}", bold=True)
    yield f"  For: {scale.whom}"
    for field in scale.fields:
        yield f"    {field.name:<32}{field.about}: {field.form}"
    yield f"  Source: {scale.source}"


def scale_json(scale: Scale) -> dict[str, Any]:
    """The same for machines, with every rule that can fire."""
    return {
        "name": scale.name,
        "title": scale.title,
        "gives": scale.form.value,
        "for": scale.whom,
        "source": scale.source,
        "inputs": {field.name: {"about": field.about, "form": field.form} for field in scale.fields},
        "rules": {f"{scale.name}.{word}": rule.meaning for word, rule in scale.rules.items()},
    }


def _verdict(result: Result) -> str:
    if result.score is not None:
        return click.style(f"{result.score}   {result.band}", fg="red" if result.band in _BAD else None, bold=True)
    if result.category is not None and result.triage is not None:
        words = f"{result.category.upper()}   ({COLOURS[result.triage]})"
        return click.style(words, fg="red" if result.category in _BAD else None, bold=True)
    least = f"; at least {result.at_least} from what is known" if result.at_least is not None else ""
    return click.style(("no score" if result.parts else "no category") + least, fg="yellow", bold=True)


def _shown(value: object) -> str:
    found = as_json(value)
    return ("yes" if found else "no") if isinstance(found, bool) else str(found)
