"""What a small model says too much: the same sentence again, and the sentences of its prompt's example.

Both were seen with a base model of 270 million parameters: it repeats its last sentence until the form ends it, and it
copies an example's answer about somebody else. A repetition adds nothing. A copy is left out where the source does not
bear it out; where it does, it is a true statement that only looks like the example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.sentences import sentences
from edge_runtime.ai.skills.asking import SHORT
from edge_runtime.ai.skills.prompts import template
from edge_runtime.ai.skills.wording import NO_WORDS

_ANSWER: Final = re.compile(r":(\{.*\})$", re.MULTILINE)
"""The answer of an example in a prompt for a model that only continues."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without what was too much.

    Attributes:
        words: what is left.
        repeated: sentences that stood there before.
        copied: sentences of an example that the source does not bear out.
    """

    words: str = field(repr=False)
    repeated: int = 0
    copied: int = 0


def cleaned(source: str, words: str, examples: Collection[str]) -> Cleaned:
    """Leave out repetitions and copies; a text without any is left as it is.

    Args:
        source: of the draft.
        words: a field of an answer.
        examples: as `example_sentences` gives them.
    """
    kept: list[str] = []
    seen: set[str] = set()
    repeated = copied = 0
    end = 0
    for start, after in sentences(words):
        said = words[start:after]
        plain = _folded(said)
        if plain in seen:
            repeated += 1
        elif plain in examples and not _borne_out(source, said):
            copied += 1
        else:
            kept.append(("\n" if "\n" in words[end:start] else " ") + said if kept else said)
        seen.add(plain)
        end = after
    if not repeated + copied:
        return Cleaned(words)
    return Cleaned("".join(kept) or NO_WORDS, repeated, copied)


@cache
def example_sentences(name: str, version: int) -> frozenset[str]:
    """The sentences of the answers that a skill's prompts show as examples, folded."""
    prompts = (template(name, version, "completion", variant) or "" for variant in ("", SHORT))
    answers = (json.loads(answer) for prompt in prompts for answer in _ANSWER.findall(prompt))
    return frozenset(
        _folded(text[start:end]) for answer in answers for text in answer.values() for start, end in sentences(text)
    )


def _borne_out(source: str, said: str) -> bool:
    return bool(cite(source, said)) and not unsupported(source, said)


def _folded(said: str) -> str:
    return " ".join(said.casefold().split()).rstrip(".")
