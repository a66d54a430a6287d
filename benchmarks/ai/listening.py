"""Stands between a skill and an engine, changes nothing, and notes whether each answer kept its form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from edge_runtime.ai.drafting import Answering
from edge_runtime.ai.engine.port import Answer, Ending, EngineFacts, Form, Generation, JsonForm, Request


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer.

    Attributes:
        form: what was asked for.
        answer: what came.
    """

    form: Form
    answer: Answer

    @property
    def valid(self) -> bool:
        """Whether it is whole and a value of its schema, by another judge than the engine; free text always is."""
        return self.answer.ending is Ending.DONE and (
            not isinstance(self.form, JsonForm) or keeps_form(self.form, self.answer.text)
        )


class Listening:
    """An engine whose answers are kept, in order."""

    def __init__(self, engine: Answering) -> None:
        """Hear nothing yet."""
        self._engine = engine
        self.heard: list[Heard] = []

    @property
    def facts(self) -> EngineFacts:
        """The engine's."""
        return self._engine.facts

    def generate(self, request: Request) -> Generation:
        """Ask the engine."""
        return _Kept(self._engine.generate(request), request.form, self.heard)


class _Kept:
    def __init__(self, generation: Generation, form: Form, heard: list[Heard]) -> None:
        self._generation = generation
        self._form = form
        self._heard = heard
        self._kept = False

    def __iter__(self) -> Iterator[str]:
        return iter(self._generation)

    def cancel(self) -> None:
        self._generation.cancel()

    def answer(self) -> Answer:
        answer = self._generation.answer()
        if not self._kept:
            self._heard.append(Heard(self._form, answer))
            self._kept = True
        return answer


def keeps_form(form: JsonForm, text: str) -> bool:
    """Whether a text is one JSON value of a schema: nothing before, nothing after, no key twice."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - the workshop's, and only where answers are judged

    try:
        value = json.loads(text, object_pairs_hook=_once)
    except ValueError:
        return False
    return bool(Draft202012Validator(dict(form.schema)).is_valid(value))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found
