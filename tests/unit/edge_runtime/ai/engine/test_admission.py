"""What is refused before an engine is troubled, and in which words."""

from __future__ import annotations

import pytest

from edge_runtime.ai.engine.admission import (
    DEADLINE_MS_MAX,
    MEDIA_BYTES_MAX,
    MEDIA_TOKENS,
    SEED_MAX,
    TEMPERATURE_MAX,
    check_budget,
    check_request,
    media_tokens,
)
from edge_runtime.ai.engine.port import (
    ANSWER_TOKENS_MAX,
    PROMPT_BYTES_MAX,
    EngineFacts,
    JsonForm,
    Media,
    Modality,
    PatternForm,
    Request,
    Text,
)
from edge_runtime.ai.errors import BudgetError
from edge_runtime.errors import InputError, RefusedError

WORDS = "Ana Lima"
FACTS = EngineFacts(engine="e", model="m", digest="", context_tokens=100)
SEEING = EngineFacts(engine="e", model="m", digest="", context_tokens=100, modalities=frozenset(Modality))
PHOTO = Media(Modality.IMAGE, b"png")


def asked(**others: object) -> Request:
    """A request with these values."""
    return Request(parts=(Text(WORDS),), **others)  # type: ignore[arg-type] # each test says which


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("tokens_max", [1, ANSWER_TOKENS_MAX], [0, ANSWER_TOKENS_MAX + 1]),
        ("seed", [0, SEED_MAX], [-1, SEED_MAX + 1]),
        ("temperature", [0.0, TEMPERATURE_MAX], [-0.1, TEMPERATURE_MAX + 0.1, float("nan"), float("inf")]),
        ("deadline_ms", [1, DEADLINE_MS_MAX], [0, DEADLINE_MS_MAX + 1]),
    ],
)
def test_ranges(name: str, good: list[float], bad: list[float]) -> None:
    """Every number has its range, the ends included."""
    for value in good:
        check_request(asked(**{name: value}), FACTS)
    for value in bad:
        with pytest.raises(InputError, match=name) as caught:
            check_request(asked(**{name: value}), FACTS)
        assert caught.value.code == "request_out_of_range"


def test_modalities() -> None:
    """A model is asked for what it takes only, and the refusal names what is missing."""
    request = Request(parts=(Text(WORDS), PHOTO))
    check_request(request, SEEING)
    with pytest.raises(RefusedError, match="got image") as caught:
        check_request(request, FACTS)
    assert caught.value.code == "modality_missing"


def test_adapters() -> None:
    """An adapter is one of those that there are; without a name, none is needed."""
    check_request(asked(), FACTS)
    check_request(asked(adapter="cardiology"), FACTS, ["cardiology"])
    with pytest.raises(RefusedError) as caught:
        check_request(asked(adapter="cardiology"), FACTS, ["oncology"])
    assert caught.value.code == "adapter_unknown"


def test_sizes() -> None:
    """Text and media are bounded in bytes, the bound included."""
    check_request(Request(parts=(Text("é" * (PROMPT_BYTES_MAX // 2)),)), FACTS)
    with pytest.raises(BudgetError) as caught:
        check_request(Request(parts=(Text("é" * (PROMPT_BYTES_MAX // 2)), Text("a"))), FACTS)
    assert caught.value.code == "prompt_too_long"
    check_request(Request(parts=(Media(Modality.IMAGE, bytes(MEDIA_BYTES_MAX)),)), SEEING)
    with pytest.raises(BudgetError) as caught:
        check_request(Request(parts=(Media(Modality.IMAGE, bytes(MEDIA_BYTES_MAX + 1)),)), SEEING)
    assert caught.value.code == "media_too_large"


def test_budget() -> None:
    """Prompt and answer share the context; the refusal says what came and what fits."""
    check_budget(60, asked(tokens_max=40), 100)
    with pytest.raises(BudgetError, match=r"at most 60 tokens.*got 61 tokens") as caught:
        check_budget(61, asked(tokens_max=40), 100)
    assert caught.value.code == "context_exceeded"
    with pytest.raises(BudgetError, match="at most 0 tokens"):
        check_budget(1, asked(tokens_max=140), 100)


def test_media_take_tokens() -> None:
    """Each photo and recording is counted, words are not counted here."""
    request = Request(parts=(Text(WORDS), PHOTO, PHOTO, Media(Modality.AUDIO, b"wav")))
    assert media_tokens(request) == 2 * MEDIA_TOKENS[Modality.IMAGE] + MEDIA_TOKENS[Modality.AUDIO]


def test_refusals_hold_no_words_of_the_prompt() -> None:
    """No refusal repeats what was asked."""
    for request in (asked(seed=-1), asked(adapter=WORDS), Request(parts=(Text(WORDS), PHOTO))):
        with pytest.raises((InputError, RefusedError)) as caught:
            check_request(request, FACTS)
        assert WORDS not in str(caught.value)
        assert WORDS not in repr(request.parts)
    for form in (JsonForm({"type": "string", "enum": [WORDS]}), PatternForm(WORDS)):  # candidates come from the note
        assert WORDS not in repr(asked(form=form))
