"""A text section as it is kept: what it reads, who wrote it, and what may not be merged into it.

Owns what stands in for the whole section until somebody edits it: then its Doc is put together from its entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cache.plans import Facts, Plan, plan_of
from edge_runtime.text.section import Added, SectionText, StartName
from edge_runtime.text.sides import Contested
from edge_runtime.text.view import View
from sync_protocol.ids import EntryHash, SessionId

if TYPE_CHECKING:
    from edge_runtime.documents import OpenDocument
    from edge_runtime.facts import PlacedFact
    from edge_runtime.text.draft import TextDraft
    from edge_runtime.text.lineage import Written
    from edge_runtime.text.start import Start
    from edge_runtime.text.typed import Typed

_KEPT: Final[Mapping[str, Plan]] = {
    "section": plan_of(str),
    "doc": plan_of(bytes),
    "start": plan_of(StartName | None),
    "starts": plan_of(tuple[StartName, ...]),
    "_then": plan_of(str),
    "heads": plan_of(tuple[EntryHash, ...]),
    "sessions": plan_of(tuple[SessionId, ...]),
    "epochs": plan_of(frozenset[EntryHash]),
    "views": plan_of(tuple[View, ...]),
    "newest": plan_of(tuple[EntryHash, ...]),
    "more": plan_of(int),
    "torn": plan_of(tuple[str, ...]),
    "contested": plan_of(tuple[Contested, ...]),
    "disputed": plan_of(bool),
    "refused": plan_of(frozenset[EntryHash]),
    "unreadable": plan_of(frozenset[EntryHash]),
}


class _NoFacts:
    """A text shows no facts."""

    def __getitem__(self, number: int, /) -> PlacedFact:
        raise LookupError(number)


_NONE: Final[Facts] = _NoFacts()


class KeptText(SectionText):
    """A section as it was kept. It shows; whoever wants more of it is given the whole one."""

    def __init__(self, kept: Mapping[str, Any], whole: Callable[[], SectionText]) -> None:
        """Show what was kept."""
        self.__dict__.update(kept)
        self._read_anew = whole

    @property
    def complete(self) -> bool:
        """Whether all of it is shown: what is not is not kept."""
        return True

    @property
    def draft(self) -> TextDraft:
        """The replay of the base."""
        return self._read_anew().draft

    @property
    def reviews(self) -> dict[bytes, tuple[Written, ...]]:
        """The entries that a person must choose from, by Doc."""
        return self._read_anew().reviews

    def authorship(self) -> tuple[Typed, ...]:
        """See SectionText."""
        return self._read_anew().authorship()

    def quarantined(self, head: EntryHash) -> tuple[Written, ...]:
        """See SectionText."""
        return self._read_anew().quarantined(head)

    def grown(self, added: Sequence[Added]) -> SectionText | None:
        """What was kept does not grow: the whole section does."""
        del added
        return None

    def edit(
        self, session: SessionId, text: str, *, follows: frozenset[EntryHash], fresh: bool = False
    ) -> bytes | Start | None:
        """See SectionText."""
        return self._read_anew().edit(session, text, follows=follows, fresh=fresh)


def pack_text(text: SectionText) -> dict[str, Any]:
    """A section as it is kept."""
    shown = {name: getattr(text, name) for name in _KEPT} | {"_then": text.text}
    return {name: plan.pack(shown[name], {}) for name, plan in _KEPT.items()}


def unpack_text(raw: Mapping[str, Any], whole: Callable[[], OpenDocument]) -> KeptText:
    """A section from what was kept of it.

    Args:
        raw: what was kept.
        whole: reads its document anew.
    """
    kept = {name: plan.unpack(raw[name], _NONE) for name, plan in _KEPT.items()}
    section: str = kept["section"]
    return KeptText(kept, lambda: whole().texts[section])
