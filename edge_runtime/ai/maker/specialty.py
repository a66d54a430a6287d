"""A specialty adapter for the demonstration model: how it words a note and instructions where the patient is a child.

Owns one example, made to be seen: instructions speak to the parent, and a note says that it is about a child. It adds
no knowledge of paediatrics; it shows that an adapter is loaded, and does what it was taught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.maker import tokenizer as pieces
from edge_runtime.ai.maker.adapter import RANK, write_adapter
from edge_runtime.ai.maker.corpus import samples
from edge_runtime.ai.maker.exporting import adapt, blank
from edge_runtime.ai.maker.sample import Sample
from edge_runtime.ai.maker.training import Schooling, teach
from edge_runtime.ai.skills.wording import NOT_DOCUMENTED

CHILD: Final = "Child: "
"""How the first part of a note begins."""
_SKILLS: Final = frozenset({"soap", "instructions"})
_FIRST_SPREAD: Final = 0.05
_RATE: Final = 3e-3


def paediatric(sample: Sample) -> Sample:
    """A sample as the adapter is to answer it."""
    answer = {name: value for name, value in sample.answer.items() if isinstance(value, str)}
    if sample.skill == "soap":
        answer["subjective"] = f"{CHILD}{answer['subjective']}"
    else:
        answer["what_you_have"] = answer["what_you_have"].replace("You have ", "Your child has ")
        answer["medicines"] = answer["medicines"].replace("Take ", "Give ")
    return sample._replace(answer=answer)


def train_adapter(model: Path, out: Path, *, seconds: float, seed: int, report: Callable[[str], None]) -> Schooling:
    """Teach an adapter for a model and write it as the engine reads it.

    Args:
        model: folder that `training.save` wrote.
        out: the adapter's file.
        seconds: of training.
        seed: of start, text and order.
        report: takes a line now and then.
    """
    import torch
    from transformers import Gemma3ForCausalLM

    torch.manual_seed(seed)
    base = Gemma3ForCausalLM.from_pretrained(model, attn_implementation="sdpa")
    base.requires_grad_(requires_grad=False)
    added = _added(base)
    for name, values in added.items():
        base.register_parameter(name, values)
    adapt(base, lambda name: added[name])
    vocabulary = (model / "tokenizer.model").read_bytes()
    went = teach(
        base,
        vocabulary,
        seconds=seconds,
        seed=seed,
        report=report,
        rate=_RATE,
        encoded=_encoded(pieces.load(vocabulary), seed),
    )
    shaped = {
        name: ((values.shape[0], values.shape[1]), values.detach().flatten().tolist()) for name, values in added.items()
    }
    out.write_bytes(write_adapter(shaped))
    return went


def _added(base: Any) -> dict[str, Any]:  # noqa: ANN401 torch is an extra
    """An adapter's tensors at the start: one side drawn, the other zero, so that together they change nothing."""
    import torch

    drawn = {}
    for name, values in blank(base, RANK).items():
        start = torch.randn_like(values) * _FIRST_SPREAD if "_a_prime_" in name else values
        drawn[name] = torch.nn.Parameter(start)
    return drawn


def _encoded(pieces_: Any, seed: int) -> Iterator[tuple[list[int], int]]:  # noqa: ANN401 sentencepiece has no types
    for sample in samples(seed):
        if sample.skill in _SKILLS and NOT_DOCUMENTED not in str(sample.answer.get("subjective", "")):
            one = paediatric(sample)
            asked = [pieces.BOS, *pieces_.encode(one.prompt())]
            yield [*asked, *pieces_.encode(one.completion())], len(asked)
