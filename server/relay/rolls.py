"""Who is on a list that several people change without seeing each other: the rule for members of charts and of teams.

A removal wins over an addition that did not see it; a later addition that saw it restores. Whether one entry saw
another is asked only where somebody was removed, which is rare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sync_protocol.ids import CertificateHash, EntryHash, TeamId

Saw = Callable[[EntryHash, EntryHash], bool]
"""Whether the first entry follows the second in the causal order of their stream."""
Name = CertificateHash | TeamId
"""Whom a list holds: principals, and teams."""


@dataclass(slots=True)
class Roll:
    """A list as its additions and removals make it, in whatever order they came.

    Attributes:
        live: who is on it now, each with the additions that count.
        left: who was ever removed, by which entries.
        added: who was ever added, by which entries.
    """

    live: dict[Name, tuple[EntryHash, ...]] = field(default_factory=dict)
    left: dict[Name, tuple[EntryHash, ...]] = field(default_factory=dict)
    added: dict[Name, tuple[EntryHash, ...]] = field(default_factory=dict)

    def copy(self) -> Roll:
        """The same, to be changed apart."""
        return Roll(dict(self.live), dict(self.left), dict(self.added))

    def add(self, name: Name, entry: EntryHash, saw: Saw) -> None:
        """Take an addition, unless a removal that it did not see forbids it."""
        self.added[name] = (*self.added.get(name, ()), entry)
        if all(saw(entry, removal) for removal in self.left.get(name, ())):
            self.live[name] = (*self.live.get(name, ()), entry)

    def remove(self, name: Name, entry: EntryHash, saw: Saw) -> None:
        """Take a removal: of the additions there remain those that had seen it, though they came first."""
        self.left[name] = (*self.left.get(name, ()), entry)
        kept = tuple(addition for addition in self.live.get(name, ()) if saw(addition, entry))
        self.live.pop(name, None)
        if kept:
            self.live[name] = kept

    def was_on(self, name: Name, knew: Callable[[EntryHash], bool], saw: Saw) -> bool:
        """Whether somebody who ever was on the list still was, as an author knew it who may not know all of it.

        Args:
            name: who.
            knew: whether the author had seen an addition or a removal.
            saw: see above, of two of these.
        """
        removals = [entry for entry in self.left.get(name, ()) if knew(entry)]
        additions = self.added.get(name, ())
        if not removals:
            return bool(additions)
        return any(knew(entry) and all(saw(entry, removal) for removal in removals) for entry in additions)
