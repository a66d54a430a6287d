"""What a program and its engine's process say to each other over two pipes.

Frames both ways, as in `edge_runtime.processes.frames`. A request is a list that begins with an `Op`; answers begin
with a `Said`. `DONE` and `FAILED` answer requests, in their order. An answer of the model comes as `PIECE`s and one
`END` with the number that its `GENERATE` had, and pieces may still come of one that was cancelled. `CANCEL` has no
answer of its own. What comes back is a stranger's: nothing but the expected form is taken.
"""

from __future__ import annotations

import json
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.engine.failures import engine_garbled
from edge_runtime.ai.engine.litert_library import BundleFacts
from edge_runtime.ai.engine.litert_session import SessionSpec
from edge_runtime.ai.engine.port import Form, JsonForm, Media, Modality, Part, PatternForm, Request, Text
from edge_runtime.ai.errors import BudgetError, EngineError, ModelError
from edge_runtime.errors import EdgeError, InputError, RefusedError
from sync_protocol.encoding import Value

WORDS_MAX: Final = 400
"""Characters of one part of an error's message."""


class Op(IntEnum):
    """What is asked."""

    OPEN = 1
    """[op, path, context, modalities, threads, cache, {adapter: path}]: which model; loads nothing."""
    LOAD = 2
    WARM = 3
    COUNT = 4
    """[op, request]: DONE with the tokens."""
    GENERATE = 5
    """[op, number, request]: DONE with the prompt's tokens, then pieces and an end; or FAILED."""
    CANCEL = 6
    """[op, number]."""
    INSPECT = 7
    """[op, path]: DONE with what the bundle says about itself."""


class Said(IntEnum):
    """What comes back."""

    DONE = 0
    """[said, value]."""
    FAILED = 1
    """[said, kind, code, expected, got, do]."""
    PIECE = 2
    """[said, number, text]."""
    END = 3
    """[said, number, cut, tokens of the prompt, tokens of the answer]."""
    BROKEN = 4
    """[said, number, kind, code, expected, got, do]: the answer failed."""


_KINDS: Final[dict[str, type[EdgeError]]] = {
    kind.__name__: kind for kind in (EngineError, ModelError, BudgetError, RefusedError, InputError)
}


def packed_request(request: Request) -> list[Value]:
    """A request as it travels; whose it is stays here."""
    parts: list[Value] = [
        part.text.encode("utf-8", "replace").decode() if isinstance(part, Text) else [part.modality.value, part.data]
        for part in request.parts
    ]
    form: list[Value] = []
    match request.form:
        case JsonForm(schema):
            form = ["json", json.dumps(schema)]
        case PatternForm(pattern):
            form = ["pattern", pattern]
    numbers: list[Value] = [request.tokens_max, request.seed, repr(float(request.temperature)), request.deadline_ms]
    return [parts, form, *numbers, request.adapter]


def unpacked_request(packed: Any) -> Request:  # noqa: ANN401 - what CBOR holds; the other side is this program
    """A request as it was."""
    parts, form, tokens_max, seed, temperature, deadline_ms, adapter = packed
    return Request(
        parts=tuple(_part(part) for part in parts),
        form=_form(form),
        tokens_max=tokens_max,
        seed=seed,
        temperature=float(temperature),
        deadline_ms=deadline_ms,
        adapter=adapter,
    )


def packed_error(error: EdgeError) -> list[Value]:
    """An error as it travels: its kind and its four parts."""
    kind = next((name for name, kind in _KINDS.items() if type(error) is kind), EngineError.__name__)
    return [kind, error.code, error.expected, error.got, error.do]


def unpacked_error(packed: list[Value]) -> EdgeError:
    """An error as it was; whatever is none means that the child is not to be trusted."""
    match packed:
        case [str(kind), str(code), str(expected), str(got), str(do)] if kind in _KINDS and _is_code(code):
            return _KINDS[kind](code, expected=_words(expected), got=_words(got), do=_words(do))
        case _:
            return engine_garbled()


def packed_facts(facts: BundleFacts) -> list[Value]:
    """What a bundle says about itself, as it travels."""
    return [facts.context_tokens, facts.dynamic, [each.value for each in sorted(facts.modalities)], facts.version_min]


def unpacked_facts(packed: Value) -> BundleFacts:
    """The same as it was.

    Raises:
        EngineError: it is none.
    """
    match packed:
        case [int(context), bool(dynamic), [*kinds], str(version)] if all(kind in list(Modality) for kind in kinds):
            modalities = frozenset(Modality(str(kind)) for kind in kinds)
            return BundleFacts(
                context_tokens=context, dynamic=dynamic, modalities=modalities, version_min=_words(version)
            )
        case _:
            raise engine_garbled()


def packed_spec(spec: SessionSpec) -> list[Value]:
    """Which bundle, and how it is opened, as it travels."""
    adapters: dict[int | str, Value] = {name: str(file) for name, file in spec.adapters.items()}
    modalities: list[Value] = [each.value for each in sorted(spec.modalities)]
    return [str(spec.path), spec.context_tokens, modalities, spec.threads, spec.cache, adapters]


def unpacked_spec(packed: Any) -> SessionSpec:  # noqa: ANN401 - what CBOR holds; the other side is this program
    """The same as it was."""
    path, context_tokens, modalities, threads, cache, adapters = packed
    return SessionSpec(
        path=Path(path),
        context_tokens=context_tokens,
        modalities=frozenset(map(Modality, modalities)),
        threads=threads,
        cache=cache,
        adapters={name: Path(file) for name, file in adapters.items()},
    )


def _part(packed: Any) -> Part:  # noqa: ANN401 - what CBOR holds
    return Text(packed) if isinstance(packed, str) else Media(Modality(packed[0]), packed[1])


def _form(packed: Any) -> Form:  # noqa: ANN401 - what CBOR holds
    match packed:
        case ["json", schema]:
            return JsonForm(json.loads(schema))
        case ["pattern", pattern]:
            return PatternForm(pattern)
        case _:
            return None


def _is_code(code: str) -> bool:
    return code.replace("_", "").isalnum() and code.isascii() and len(code) < WORDS_MAX


def _words(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:WORDS_MAX])
