"""A draft without a model: statements of the source in its own words, each citing exactly where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.skills.parting import moved
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
        lines = [revised(one.words(source.text)) for one in statements[:most]]
        fields[name] = "\n".join(lines) or NOT_DOCUMENTED
        starts = accumulate((len(line) + 1 for line in lines), initial=0)
        findings = unsupported(source.text, fields[name]) if lines else ()
        for number, (line, start, one) in enumerate(zip(lines, starts, statements, strict=False), 1):
            part = DraftPart(
                name=f"{name}.{number}", kind=PartKind.TEXT, text=line, section=texts.sections.get(name, "")
            )
            cited = [Citation(start, start + len(line), begin, end) for begin, end in one.spans]
            parts.append(moved(part, start, cited, findings))
    warnings = (NO_MODEL, *([left_out(unplaced)] if unplaced else []))
    return Sketch(fields=dict(fields), parts=tuple(parts), warnings=warnings)
