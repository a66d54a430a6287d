"""One bundle and its adapters, over the models that are opened of it one after the other.

Owns which of them is open. What both engines share, the one in this process and the one in a child, stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_runtime.ai.engine.admission import check_budget
from edge_runtime.ai.engine.litert_model import NO_CACHE, LitertModel, ModelSpec
from edge_runtime.ai.engine.port import Modality, Request

NEUTRAL: Final = ""
"""The name of the adapter that changes nothing.

A bundle with inputs for an adapter must always be given one: without, the library (0.18.1) leaves these inputs as the
memory happened to be, and the model may talk nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """Which bundle, and how it is opened.

    Attributes:
        path: the bundle; never written beside.
        context_tokens: at most so many.
        modalities: what prompts may hold.
        threads: of the processor; 0 leaves it to the library.
        cache: a folder for what the library compiles, or `NO_CACHE`.
        adapters: files of LoRA weights by name; under `NEUTRAL` the one that changes nothing.
    """

    path: Path
    context_tokens: int
    modalities: frozenset[Modality] = frozenset({Modality.TEXT})
    threads: int = 0
    cache: str = NO_CACHE
    adapters: Mapping[str, Path] = field(default_factory=dict)


class LitertSession:
    """At most one opened model at a time."""

    def __init__(self, spec: SessionSpec) -> None:
        """Open nothing yet."""
        self._spec = spec
        self._model: LitertModel | None = None
        self._adapter: str | None = None

    def model(self) -> LitertModel:
        """The model, with the adapter that was used last.

        Raises:
            ModelError, RefusedError: as `LitertModel`.
        """
        return self._opened(self._adapter)

    def count(self, request: Request) -> int:
        """Tokens of a prompt."""
        return self._opened(request.adapter).count(request)

    def admitted(self, request: Request) -> tuple[LitertModel, int]:
        """The model that answers a request, and the tokens of its prompt.

        Raises:
            BudgetError: they leave no room for the answer.
            EngineError, ModelError, RefusedError: as `LitertModel`.
        """
        model = self._opened(request.adapter)
        tokens = model.count(request)
        check_budget(tokens, request, model.context_tokens)
        return model, tokens

    def close(self) -> None:
        """Let go of the model; again is nothing, and the next use opens it anew."""
        model, self._model = self._model, None
        if model is not None:
            model.close()

    def forget(self) -> None:
        """Let go of a model that does not stop: it cannot be freed while it is used."""
        self._model = None

    def _opened(self, adapter: str | None) -> LitertModel:
        if adapter != self._adapter or (self._model is not None and self._model.is_worn):
            self.close()
            self._adapter = adapter
        if self._model is None:
            spec = self._spec
            self._model = LitertModel(
                ModelSpec(
                    path=spec.path,
                    context_tokens=spec.context_tokens,
                    modalities=spec.modalities,
                    threads=spec.threads,
                    adapter=spec.adapters.get(NEUTRAL if adapter is None else adapter),
                    cache=spec.cache,
                )
            )
        return self._model
