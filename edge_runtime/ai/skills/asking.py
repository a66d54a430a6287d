"""From a skill's wishes to one `Ask`: the wording that fits the model, and an answer as long as its context leaves.

Owns the choice between a long wording and a short one, and the arithmetic of it. What is too long even so is refused by
the engine, which alone can count the model's own tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_runtime.ai.engine.port import ANSWER_TOKENS_MAX, EngineFacts, JsonForm
from edge_runtime.ai.skills.forms import Schema, longest
from edge_runtime.ai.skills.neutral import neutral
from edge_runtime.ai.skills.prompts import fill, known_style, template
from edge_runtime.ai.skills.skill import Ask

SHORT: Final = "short"
"""The wording for a small context, of the prompts that have one."""
SPELLED: Final = "demonstration"
"""The style of our toy, which spells words that it does not know letter by letter: a token a character at worst."""
ANSWER_TOKENS_MIN: Final = 128
"""Room for an answer that is worth waiting for; where not even this is left, the engine refuses."""

_BYTES_PER_TOKEN: Final[Mapping[str, int]] = {"chat": 3, "completion": 3, "demonstration": 2}
"""UTF-8 bytes of a prompt for each of its tokens, on the low side: 262k pieces hold 4 or more of English, and 3 of
scripts whose characters take 3 bytes; our toy's 1,024 pieces hold a little over 2 of ASCII, and spell all else byte by
byte."""
_TURN_TOKENS: Final = 16
"""What a chat template adds around a turn."""


def style_of(facts: EngineFacts) -> str:
    """The wording that a model understands."""
    return known_style(facts.prompt_style)


def estimate_tokens(prompt: str, style: str) -> int:
    """About how many tokens a prompt is, rather too many than too few."""
    size = len(prompt.encode("utf-8", "replace"))
    plain = sum(character.isascii() for character in prompt) if style == SPELLED else size
    return size - plain + -(-plain // _BYTES_PER_TOKEN.get(style, 3)) + _TURN_TOKENS


def make_ask(
    *,
    skill: str,
    version: int,
    facts: EngineFacts,
    values: Mapping[str, str],
    schema: Schema,
    tokens: int,
    purpose: str = "main",
) -> Ask:
    """The question to a model.

    Args:
        skill: name of the skill, as its prompts' files begin.
        version: of its template.
        facts: of the engine.
        values: what its slots are filled with; made neutral here, so that it is done for each.
        schema: of the answer.
        tokens: the longest answer that is useful.
        purpose: as in `Ask`.
    """
    style = style_of(facts)
    filled = {name: neutral(value) for name, value in values.items()}
    prompt = _wording(skill, version, style, "", filled)
    assert prompt is not None, "each skill ships a prompt of each style"
    left = facts.context_tokens - estimate_tokens(prompt, style)
    if left < min(tokens, ANSWER_TOKENS_MIN * 2):
        prompt = _wording(skill, version, style, SHORT, filled) or prompt
        left = facts.context_tokens - estimate_tokens(prompt, style)
    if style == SPELLED:
        tokens = longest(schema)
    most = max(min(tokens, left), ANSWER_TOKENS_MIN)
    return Ask(prompt=prompt, form=JsonForm(schema), tokens_max=min(most, ANSWER_TOKENS_MAX), purpose=purpose)


def _wording(skill: str, version: int, style: str, variant: str, values: Mapping[str, str]) -> str | None:
    text = template(skill, version, style, variant)
    return None if text is None else fill(text, values)
