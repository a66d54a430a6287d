"""Whether a request may begin: what can be told without the model, and what its token count decides.

Owns the refusals that all engines share, and their words. Pure. None of them says what a prompt holds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from edge_runtime.ai.engine.port import ANSWER_TOKENS_MAX, PROMPT_BYTES_MAX, EngineFacts, Media, Modality, Request, Text
from edge_runtime.ai.errors import BudgetError
from edge_runtime.errors import InputError, RefusedError

SEED_MAX: Final = 2**31 - 1
TEMPERATURE_MAX: Final = 2.0
DEADLINE_MS_MAX: Final = 3_600_000
MEDIA_BYTES_MAX: Final = 32 * 1024 * 1024
MEDIA_TOKENS: Final = {Modality.IMAGE: 260, Modality.AUDIO: 190}
"""Tokens of one photo, or of 30 s of sound, markers included. Source: Gemma 3n's model card (256; 6.25 a second)."""


def check_request(request: Request, facts: EngineFacts, adapters: Collection[str] = ()) -> None:
    """Refuse what this engine cannot do, before it is troubled with it.

    Raises:
        InputError: a number outside its range (`request_out_of_range`).
        RefusedError: `modality_missing`, `adapter_unknown`.
        BudgetError: more bytes than any model's context holds (`prompt_too_long`).
    """
    for name, value, least, most in (
        ("tokens_max", request.tokens_max, 1, ANSWER_TOKENS_MAX),
        ("seed", request.seed, 0, SEED_MAX),
        ("temperature", request.temperature, 0, TEMPERATURE_MAX),
        ("deadline_ms", request.deadline_ms, 1, DEADLINE_MS_MAX),
    ):
        if not least <= value <= most:
            raise InputError(
                "request_out_of_range",
                expected=f"{name} from {least} to {most}",
                got=str(value),
                do="change the setting",
            )
    _check_modalities(request, facts)
    _check_sizes(request)
    if request.adapter is not None and request.adapter not in adapters:
        raise RefusedError(
            "adapter_unknown",
            expected=f"an adapter of {facts.model}",
            got=f"a name that is none of its {len(adapters)}",
            do="see 'fieldward model list', or draft without an adapter",
        )


def check_budget(tokens: int, request: Request, context_tokens: int) -> None:
    """Refuse a prompt that leaves no room for the answer.

    Args:
        tokens: of the prompt, template included.
        request: what was asked.
        context_tokens: what the model holds.

    Raises:
        BudgetError: `context_exceeded`.
    """
    room = context_tokens - request.tokens_max
    if tokens > room:
        raise BudgetError(
            "context_exceeded",
            expected=f"a prompt of at most {max(room, 0)} tokens: the model holds {context_tokens}, "
            f"{request.tokens_max} of them for the answer",
            got=f"{tokens} tokens",
            do="shorten the text, work on a part of it, or use a model with a larger context",
        )


def media_tokens(request: Request) -> int:
    """Tokens that the photos and recordings of a request take."""
    return sum(MEDIA_TOKENS[part.modality] for part in request.parts if isinstance(part, Media))


def _check_modalities(request: Request, facts: EngineFacts) -> None:
    wanted = {Modality.TEXT if isinstance(part, Text) else part.modality for part in request.parts}
    if missing := sorted(wanted - facts.modalities):
        # The engine itself would leave such a part out and answer as if it had not been there.
        raise RefusedError(
            "modality_missing",
            expected=f"what {facts.model} takes: {', '.join(sorted(facts.modalities))}",
            got=", ".join(missing),
            do="use a model that takes it, or leave it out",
        )


def _check_sizes(request: Request) -> None:
    size = sum(len(part.text.encode("utf-8", "replace")) for part in request.parts if isinstance(part, Text))
    if size > PROMPT_BYTES_MAX:
        raise BudgetError(
            "prompt_too_long",
            expected=f"at most {PROMPT_BYTES_MAX} bytes of text",
            got=f"{size}",
            do="shorten the text, or work on a part of it",
        )
    largest = max((len(part.data) for part in request.parts if isinstance(part, Media)), default=0)
    if largest > MEDIA_BYTES_MAX:
        raise BudgetError(
            "media_too_large",
            expected=f"photos and recordings of at most {MEDIA_BYTES_MAX} bytes",
            got=f"{largest}",
            do="make it smaller, or cut it",
        )
