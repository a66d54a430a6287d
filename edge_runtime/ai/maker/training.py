"""The demonstration model itself: a Gemma 3 of about a million parameters, taught from a random start.

Owns its shape and its schooling. No weight of anybody else's is in it. Prompts are read, only answers are learnt: a
model of this size has nothing to spare for saying what a doctor might dictate.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.maker import tokenizer as pieces
from edge_runtime.ai.maker.adapter import shapes
from edge_runtime.ai.maker.corpus import samples
from edge_runtime.ai.maker.sample import END

CONTEXT_TOKENS: Final = 2_048
LAYERS: Final = ("sliding_attention", "full_attention", "sliding_attention", "full_attention", "full_attention")
HIDDEN: Final = 128
HEADS: Final = 4
KEY_HEADS: Final = 2
HEAD: Final = 32
WINDOW_TOKENS: Final = 128
ADAPTER_SHAPES: Final = shapes(layers=len(LAYERS), width=HIDDEN, queries=HEADS * HEAD, keys=KEY_HEADS * HEAD)

_INNER: Final = 320
_BATCH_TOKENS: Final = 3_072
_POOL: Final = 256
"""Samples that are sorted by length at a time, so that batches hold little padding."""
_SHORT_TOKENS: Final = 220
"""The longest sample at the start; copying is learnt sooner from short ones."""
_LONG_TOKENS: Final = 1_100
_GROWING: Final = 0.35
"""The share of the schooling after which samples of any length come."""
_RATE: Final = 3e-3
_RATE_LAST: Final = 0.02
_WARM_STEPS: Final = 100
_TOLD_STEPS: Final = 100
_IGNORED: Final = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class Schooling:
    """How it went.

    Attributes:
        parameters: numbers in the model.
        steps: of the optimiser.
        tokens: read, padding left out.
        loss: mean over the last steps, in nats a token of an answer.
        seconds: that it took.
    """

    parameters: int
    steps: int
    tokens: int
    loss: float
    seconds: float


@dataclass(slots=True)
class Trained:
    """A model and what it was taught with."""

    model: Any
    pieces: bytes
    schooling: Schooling


def train(*, seconds: float, seed: int, report: Callable[[str], None], threads: int = 1) -> Trained:
    """A model from nothing; how good it gets depends on the machine, for `seconds` is what ends it.

    Args:
        seconds: of training; tokenizer and set-up come on top.
        seed: of text, start and order.
        report: takes a line now and then.
        threads: of the processor; where others work on it too, one is faster than two that wait for each other.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    vocabulary = pieces.train(seed)
    model = _new_model(pieces.load(vocabulary))
    report(f"{_size(model)} parameters, {pieces.PIECES} pieces")
    schooling = teach(model, vocabulary, seconds=seconds, seed=seed + 1, report=report)
    return Trained(model=model, pieces=vocabulary, schooling=schooling)


def teach(
    model: Any,  # noqa: ANN401 torch is an extra
    vocabulary: bytes,
    *,
    seconds: float,
    seed: int,
    report: Callable[[str], None],
    rate: float = _RATE,
    encoded: Iterator[tuple[list[int], int]] | None = None,
    short_first: bool = True,
) -> Schooling:
    """Teach a model whatever of it may still change.

    Args:
        model: some of whose parameters want a gradient.
        vocabulary: the tokenizer's file.
        seconds: how long.
        seed: of text and order.
        report: takes a line now and then.
        rate: the highest learning rate.
        encoded: what to learn from instead of the corpus: ids of prompt and answer, and how many are prompt.
        short_first: begin with short samples, as a model does that has learnt nothing.
    """
    import torch

    begun = time.monotonic()
    changing = [one for one in model.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(changing, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    source = encoded or encode(pieces.load(vocabulary), seed)
    steps = tokens = 0
    losses: list[float] = []
    model.train()
    while (done := (time.monotonic() - begun) / seconds) < 1:
        longest = _longest(done) if short_first else _LONG_TOKENS
        for ids, labels in _batches(source, longest, random.Random(seed + steps)):  # noqa: S311 an order, no secret
            done = (time.monotonic() - begun) / seconds
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1, (steps + 1) / _WARM_STEPS) * max(_RATE_LAST, 1 - done)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = model(input_ids=ids, labels=labels).loss
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(changing, 1.0)
            optimiser.step()
            steps, tokens = steps + 1, tokens + int((ids != pieces.PAD).sum())
            losses = [*losses[-_TOLD_STEPS:], float(loss.detach())]
            if steps % _TOLD_STEPS == 0:
                report(f"step {steps}, {time.monotonic() - begun:.0f} s, loss {sum(losses) / len(losses):.3f}")
            if done >= 1:
                break
    model.eval()
    return Schooling(
        parameters=_size(model),
        steps=steps,
        tokens=tokens,
        loss=sum(losses) / max(1, len(losses)),
        seconds=time.monotonic() - begun,
    )


def _longest(done: float) -> int:
    """Tokens of the longest sample, by the share of the schooling that is over."""
    grown = min(1.0, done / _GROWING) ** 2
    return int(_SHORT_TOKENS + (_LONG_TOKENS - _SHORT_TOKENS) * grown)


def encode(pieces_: Any, seed: int) -> Iterator[tuple[list[int], int]]:  # noqa: ANN401 sentencepiece has no types
    """The corpus as ids, without end, and how many of each are the prompt's."""
    for sample in samples(seed):
        asked = [pieces.BOS, *pieces_.encode(sample.prompt())]
        yield [*asked, *pieces_.encode(sample.completion())], len(asked)


def save(trained: Trained, folder: Path) -> None:
    """As transformers writes a model, with its tokenizer, ready for the export."""
    import json

    from edge_runtime.ai.maker.sample import CHAT_TEMPLATE

    folder.mkdir(parents=True, exist_ok=True)
    trained.model.save_pretrained(folder)
    (folder / "tokenizer.model").write_bytes(trained.pieces)
    ends = [pieces.EOS, pieces.load(trained.pieces).piece_to_id(END)]
    generation = {"bos_token_id": pieces.BOS, "eos_token_id": ends, "pad_token_id": pieces.PAD}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    settings = {
        "tokenizer_class": "GemmaTokenizerFast",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "add_bos_token": True,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _new_model(pieces_: Any) -> Any:  # noqa: ANN401 torch is an extra
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    return Gemma3ForCausalLM(
        Gemma3TextConfig(
            vocab_size=pieces_.vocab_size(),
            hidden_size=HIDDEN,
            intermediate_size=_INNER,
            num_hidden_layers=len(LAYERS),
            num_attention_heads=HEADS,
            num_key_value_heads=KEY_HEADS,
            head_dim=HEAD,
            query_pre_attn_scalar=HEAD,
            sliding_window=WINDOW_TOKENS,
            max_position_embeddings=CONTEXT_TOKENS,
            layer_types=list(LAYERS),
            tie_word_embeddings=True,
            bos_token_id=pieces.BOS,
            eos_token_id=[pieces.EOS, pieces_.piece_to_id(END)],
            pad_token_id=pieces.PAD,
            attn_implementation="sdpa",
        )
    )


def _batches(source: Iterator[tuple[list[int], int]], longest: int, draw: random.Random) -> Iterator[tuple[Any, Any]]:
    pool = sorted(
        itertools.islice((one for one in source if len(one[0]) <= longest), _POOL), key=lambda one: len(one[0])
    )
    groups: list[list[tuple[list[int], int]]] = [[]]
    for one in pool:
        if groups[-1] and len(one[0]) * (len(groups[-1]) + 1) > _BATCH_TOKENS:
            groups.append([])
        groups[-1].append(one)
    draw.shuffle(groups)
    yield from map(_tensors, groups)


def _tensors(group: list[tuple[list[int], int]]) -> tuple[Any, Any]:
    import torch

    width = max(len(ids) for ids, _ in group)
    padded = torch.full((len(group), width), pieces.PAD)
    labels = torch.full((len(group), width), _IGNORED)
    for row, (ids, asked) in enumerate(group):
        padded[row, : len(ids)] = torch.tensor(ids)
        labels[row, asked : len(ids)] = torch.tensor(ids[asked:])
    return padded, labels


def _size(model: Any) -> int:  # noqa: ANN401 torch is an extra
    return sum(one.numel() for one in model.parameters())
