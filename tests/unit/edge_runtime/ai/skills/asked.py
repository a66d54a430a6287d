"""What the tests of skills share: engines by style, and answers as a model would give them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.skill import Reply


def engine(style: str = "chat", context: int = 4096) -> EngineFacts:
    """An engine of one style, with so many tokens of context."""
    return EngineFacts(engine="test", model="m", digest="", context_tokens=context, prompt_style=style)


def reply(value: Mapping[str, object] | str, purpose: str = "main", *, cut: bool = False) -> Reply:
    """An answer that says a value, or a text as it stands."""
    return Reply(purpose=purpose, text=value if isinstance(value, str) else json.dumps(value), cut=cut)
