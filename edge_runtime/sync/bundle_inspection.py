"""Looking into a bundle without a device: what it claims to hold, and whether it is whole.

Nothing else is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sync_protocol.bundle import BundleReader, BundleStep, Carried, Damaged, Ending
from sync_protocol.bundle_messages import BundleHead
from sync_protocol.certificates import Certificate
from sync_protocol.entries import claimed_header
from sync_protocol.errors import PeerError
from sync_protocol.ids import OrganisationId, SessionId, StreamId
from sync_protocol.signed import Signed
from sync_protocol.steps import Take

_SEEN_MAX = 1_000_000
"""Streams and sessions that are told apart; beyond that they count as known ones."""


@dataclass(slots=True)
class Inspection:
    """What a bundle claims to hold.

    Attributes:
        organisation: whose it is.
        maker: who made it, by its own words.
        made_ms: when, by the maker's clock.
        read: bytes of the file.
        entries, control, bodies: entries; those that carry control records; bytes of all bodies.
        certificates, seals: records beside them.
        unreadable: entries without a header that can be read.
        damaged: why parts of the file cannot be read; the first ones.
        first_ms, last_ms: the earliest and latest time that an entry bears; None without entries.
    """

    organisation: OrganisationId | None = None
    maker: Certificate | None = None
    made_ms: int = 0
    read: int = 0
    entries: int = 0
    control: int = 0
    bodies: int = 0
    certificates: int = 0
    seals: int = 0
    attachments: int = 0
    unreadable: int = 0
    damaged: list[PeerError] = field(default_factory=list)
    first_ms: int | None = None
    last_ms: int | None = None
    streams: set[StreamId] = field(default_factory=set)
    sessions: set[SessionId] = field(default_factory=set)
    ending: Ending = Ending.CUT

    @property
    def is_whole(self) -> bool:
        """Whether every byte is as its maker signed it."""
        return self.ending is Ending.WHOLE


def inspect_bundle(pieces: Iterable[bytes], *, progress: Callable[[int], None]) -> Inspection:
    """Go through a bundle.

    Args:
        pieces: its bytes.
        progress: told how many entries were seen.

    Raises:
        MalformedError: no bundle, or of a newer version.
    """
    reader, found = BundleReader(), Inspection()
    for piece in pieces:
        found.read += len(piece)
        _note(found, reader.feed(piece))
        progress(found.entries)
    found.ending, rest = reader.end()
    _note(found, iter(rest))
    return found


def _note(found: Inspection, steps: Iterator[BundleStep]) -> None:
    for step in steps:
        match step:
            case BundleHead():
                found.organisation, found.made_ms = step.organisation, step.made_ms
                found.maker = _claimed(step)
            case Take():
                _note_take(found, step)
            case Carried():
                found.attachments += 1
            case Damaged(error):
                found.damaged.append(error)


def _claimed(head: BundleHead) -> Certificate | None:
    try:
        return Signed(Certificate, head.certificates[-1]).claimed() if head.certificates else None
    except PeerError:
        return None


def _note_take(found: Inspection, step: Take) -> None:
    found.certificates += len(step.proofs.certificates)
    found.seals += len(step.proofs.seals)
    for entry in step.entries:
        found.entries += 1
        found.bodies += len(entry.body)
        try:
            header = claimed_header(entry)
        except PeerError:
            found.unreadable += 1
            continue
        found.control += header.epoch is None
        if len(found.streams) + len(found.sessions) < _SEEN_MAX:
            found.streams.add(header.stream)
            found.sessions.add(header.session)
        found.first_ms = header.wall_ms if found.first_ms is None else min(found.first_ms, header.wall_ms)
        found.last_ms = header.wall_ms if found.last_ms is None else max(found.last_ms, header.wall_ms)
