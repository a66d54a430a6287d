"""One thing to learn: a prompt as the skills write it for the demonstration model, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from edge_runtime.clinical.fact_json import Json

TURN: Final = "<start_of_turn>"
END: Final = "<end_of_turn>"
CHAT_TEMPLATE: Final = (
    "{{ bos_token }}{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] | trim }}{% else %}{% for p in m['content'] %}"
    "{% if p['type'] == 'text' %}{{ p['text'] | trim }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""How a bundle wraps one turn; what `Sample.prompt` says in Python, the engine says by this."""


class Sample(NamedTuple):
    """A question and its answer.

    Attributes:
        skill: its word, which is the prompt's first.
        asked: what stands in the user's turn.
        answer: the JSON value that is wanted.
    """

    skill: str
    asked: str
    answer: Mapping[str, Json]

    def prompt(self) -> str:
        """The text before the answer, with the template's turns."""
        return f"{TURN}user\n{self.asked.strip()}{END}\n{TURN}model\n"

    def completion(self) -> str:
        """The answer as the form has it, and the end of its turn."""
        return json.dumps(self.answer, ensure_ascii=False, separators=(",", ":")) + END + "\n"
