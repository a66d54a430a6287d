"""What the sections of a document read once the text of a draft was taken over: what is there, and new lines below it.

Owns that text. Refuses a section in which a person must first say what it reads, and to let words that are kept apart
into a section that only the draft names.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge_runtime.clinical.layout import Section
from edge_runtime.drafts.choosing import Taken, Wish
from edge_runtime.drafts.finding import Found
from edge_runtime.errors import RefusedError
from edge_runtime.opened import OpenChart


def written(opened: OpenChart, found: Found, taken: Taken, wish: Wish) -> Mapping[Section, str]:
    """The whole text of each section that changes.

    Args:
        opened: the chart.
        found: the draft.
        taken: what is taken over of it.
        wish: what the person said.

    Raises:
        RefusedError: a section is disputed, or the draft is kept apart and the person did not say where its words go.
    """
    if found.apart:
        _check_said(found, taken, wish)
    return {section: "\n".join(_lines(opened, found, section, lines)) for section, lines in taken.texts.items()}


def _lines(opened: OpenChart, found: Found, section: Section, lines: tuple[str, ...]) -> tuple[str, ...]:
    now = opened.found(found.document).text(section)
    if now.disputed:
        raise RefusedError(
            "section_disputed",
            expected=f"a section {section} that is settled",
            got="one that is disputed",
            do=f"say what it reads, then accept: fieldward chart edit CHART --document DOCUMENT --section {section}",
        )
    return (now.text.removesuffix("\n"), *lines) if now.text else lines


def _check_said(found: Found, taken: Taken, wish: Wish) -> None:
    beside = [part for part in found.text.parts if part.proposes is None and part.name in taken.accepted]
    unsaid = [part for part in beside if not {part.name, part.field}.intersection(wish.into)]
    if unsaid:
        raise RefusedError(
            "draft_kept_apart",
            expected="somebody who says where words are written that were kept apart until now",
            got=f"a sensitive draft, {len(unsaid)} parts of which every reader of the text would see",
            do="name their section with --into PART=SECTION, or take over facts alone with --only",
        )
