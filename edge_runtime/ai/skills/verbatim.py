"""A draft without a model: statements of the source in its own words, each citing exactly where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.skills.skill import PARTS_MAX, DraftPart, PartKind, Sketch, Source
from edge_runtime.ai.skills.sorting import Statement
from edge_runtime.ai.skills.texts import Texts
from edge_runtime.ai.skills.wording import NO_MODEL, NOT_DOCUMENTED, left_out


def verbatim(
    texts: Texts,
    source: Source,
    sorted_into: Mapping[str, Sequence[Statement]],
    unplaced: int,
    *,
    revised: Callable[[str], str] = str,
) -> Sketch:
    """The fields of a draft, filled with statements of its source.

    Args:
        texts: the skill's description of its answer.
        source: of the draft.
        sorted_into: the statements of each field; more than fit are counted with the unplaced.
        unplaced: sentences of the source that belong nowhere.
        revised: what rules do with the words of each statement, such as spelling abbreviations out.
    """
    most = PARTS_MAX // len(texts.fields)
    fields: dict[str, str] = {}
    parts: list[DraftPart] = []
    for name in texts.fields:
        statements = sorted_into.get(name, ())
        unplaced += len(statements[most:])
        kept = [
            _part(source.text, f"{name}.{number}", one, texts.sections.get(name, ""), revised)
            for number, one in enumerate(statements[:most], 1)
        ]
        fields[name] = "\n".join(part.text for part in kept) or NOT_DOCUMENTED
        parts += kept
    warnings = (NO_MODEL, *([left_out(unplaced)] if unplaced else []))
    return Sketch(fields=dict(fields), parts=tuple(parts), warnings=warnings)


def _part(source: str, name: str, one: Statement, section: str, revised: Callable[[str], str]) -> DraftPart:
    """A statement as a part: the source bears out its own words; what rules changed of them is checked."""
    words = one.words(source)
    text = revised(words)
    return DraftPart(
        name=name,
        kind=PartKind.TEXT,
        text=text,
        section=section,
        citations=tuple(Citation(0, len(text), start, end) for start, end in one.spans),
        unsupported=() if text == words else unsupported(source, text),
    )
