"""The library LiteRT-LM: whether it is here, of which version, and what it says about a bundle.

The only import of `litert_lm` stands here. It is silenced first: what it prints may quote an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.engine.bundle import check_bundle
from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.errors import RefusedError

PACKAGE: Final = "litert-lm-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """What a bundle says about itself.

    Attributes:
        context_tokens: prompt and answer together, at most; 0 where it says nothing.
        dynamic: the context may be made smaller, which takes less memory.
        modalities: what a prompt may hold.
        version_min: of the engine; empty where it says nothing.
    """

    context_tokens: int
    dynamic: bool
    modalities: frozenset[Modality]
    version_min: str


def library() -> Any:  # noqa: ANN401 - the library has no types
    """The library, silent.

    Raises:
        RefusedError: the extra `ai` is not installed (`extra_missing`).
    """
    try:
        import litert_lm
    except ImportError:
        raise RefusedError(
            "extra_missing",
            expected="the extra 'ai', which runs models on this device",
            got="an installation without litert_lm",
            do="install it: pip install 'fieldward[ai]'",
        ) from None
    litert_lm.set_min_log_severity(litert_lm.LogSeverity.SILENT)
    return litert_lm


def engine_name() -> str:
    """The engine with its version, as `EngineFacts.engine` has it."""
    return f"litert-lm {version(PACKAGE)}"


def inspect_bundle(path: Path) -> BundleFacts:
    """Ask the library what a bundle is. A hostile file may end the process here: ask in a child where there can be one.

    Raises:
        ModelError: missing, damaged, no language model, or for a newer engine.
        RefusedError: the engine is not installed.
    """
    found = library()
    check_bundle(path)
    try:
        info = found.ModelInfo(str(path))
    except (RuntimeError, OSError):
        raise not_opened() from None
    with info:
        if not info.is_llm_model:
            raise ModelError(
                "bundle_other_kind",
                expected="a language model",
                got="a bundle of another kind",
                do="choose a model that writes text",
            )
        inputs = info.input_modalities
        taken = {Modality.TEXT: True, Modality.IMAGE: inputs.vision, Modality.AUDIO: inputs.audio}
        facts = BundleFacts(
            context_tokens=max(info.max_context_tokens, 0),
            dynamic=info.is_dynamic_context,
            modalities=frozenset(each for each, there in taken.items() if there),
            version_min=info.min_runtime_version or "",
        )
    check_version(facts.version_min, version(PACKAGE))
    return facts


def check_version(least: str, installed: str) -> None:
    """Refuse a bundle that wants a newer engine than this one.

    Raises:
        ModelError: `bundle_version`.
    """
    if _numbers(least) > _numbers(installed):
        raise ModelError(
            "bundle_version",
            expected=f"a bundle for litert-lm {installed} or older",
            got=f"one that wants {least}" if least.replace(".", "").isalnum() else "one that wants a newer one",
            do="update the engine: pip install -U 'fieldward[ai]', or choose another model",
        )


def not_opened() -> ModelError:
    """The library does not open a file that looked whole."""
    return ModelError(
        "bundle_unloadable",
        expected=f"a bundle that {PACKAGE} {version(PACKAGE)} opens",
        got="one that it refuses",
        do="verify it: fieldward model verify; or get the model for this version of the engine",
    )


def _numbers(dotted: str) -> tuple[int, ...]:
    """A version as numbers; what is no number ends it."""
    numbers: list[int] = []
    for part in dotted.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
