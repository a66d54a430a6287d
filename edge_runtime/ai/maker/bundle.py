"""A bundle's own description, put right for constrained answers.

Owns three changes: the model calls itself generic, for a Gemma would get a constraint of the engine's own that refuses
it; stop tokens given as text go, for the engine ends at their numbers; and a chat template may take another's place.

Source: litert-lm-builder 0.18.1, which takes a bundle apart into files and puts it together again.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final

_DESCRIPTION: Final = "LlmMetadataProto.pbtext"
_STOP_TEXT: Final = re.compile(r'stop_tokens \{\s*token_str: "[^\n]*"\s*\}\s*')
_MODEL_TYPE: Final = re.compile(r"llm_model_type \{\s*\w+ \{\s*\}\s*\}")
_GENERIC: Final = "llm_model_type {\n  generic_model {\n  }\n}"


def relabel(source: Path, out: Path, *, template: Path | None = None) -> None:
    """Write a bundle anew with the changes; its numbers stay as they are.

    Args:
        source: a bundle of the converter.
        out: where the new one goes.
        template: a file with another chat template.
    """
    from litert_lm_builder import litertlm_builder

    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        parts = Path(litertlm_builder.unpack(str(source), work))
        description = Path(work) / _DESCRIPTION
        description.write_text(relabelled(description.read_text(encoding="utf-8")), encoding="utf-8")
        litertlm_builder.pack(str(parts), str(out), str(template) if template else None)


def relabelled(description: str) -> str:
    """The text of a description with the changes."""
    return _MODEL_TYPE.sub(_GENERIC, _STOP_TEXT.sub("", description))
