"""Clocks: what the authors' wall times say against the order that the chains prove.

Within one session a clock that runs back is a finding of its own, because nothing honest dates a later entry before an
earlier one by minutes. Across sessions two clocks may differ, so that is a notice, one for each pair of sessions. Kept
in memory: a time a device, and the pairs that differ, at most PAIRS_MAX of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.certificates import Certificate
from sync_protocol.finding_list import FindingList, Policy
from sync_protocol.findings import FindingKind
from sync_protocol.identity_checks import Author
from sync_protocol.ids import DeviceId, EntryHash, SessionId, StreamId
from sync_protocol.session_clocks import Pieces, SealTimes, doubts
from sync_protocol.signed import Verified

PAIRS_MAX: Final = 10_000
_NOT_BEFORE: Final = "no entry dated before the one that it follows"


@dataclass(frozen=True, slots=True)
class Point:
    """An entry that holds, as far as what follows it is judged by it."""

    author: Author
    stream: StreamId
    seq: int
    seal: int
    wall_ms: int
    name: EntryHash


class Clocks:
    """Compares the times of entries that follow each other."""

    def __init__(self, policy: Policy, findings: FindingList) -> None:
        """Judge by `policy`."""
        self._policy = policy
        self._findings = findings
        self._newest: dict[DeviceId, int] = {}
        self._times: dict[SessionId, SealTimes] = {}
        self._reported: set[EntryHash] = set()
        self._pairs: dict[tuple[SessionId, SessionId], tuple[int, Point, Point]] = {}

    def take(self, point: Point, *, index: int, prev: tuple[int, int] | None, seals: range, forked: bool) -> int:
        """Judge an entry within its session.

        Args:
            point: the entry.
            index: its place in its seal.
            prev: of its predecessor in its chain, where that was met, the time and the latest time up to there.
            seals: the numbers of its session's seals.
            forked: whether its session has two histories; then seals do not order it.

        Returns:
            The latest time along its chain up to it.
        """
        author, wall_ms = point.author, point.wall_ms
        position = point.seal, index
        in_order = position > author.position
        latest = author.latest_ms if in_order and not forked else 0
        self._note(author, wall_ms, seals, point.seal)
        if wall_ms < author.started_ms - self._policy.backwards_ms:
            self._travelled(point, author.started_ms, "no entry dated before its session's start")
        elif self._crosses(wall_ms, author.wall_ms, latest):
            self._travelled(point, latest, _NOT_BEFORE)
        elif not latest and prev is not None and self._crosses(wall_ms, *prev):
            self._travelled(point, prev[1], _NOT_BEFORE)
        author.unordered |= not in_order
        author.forked |= forked
        author.position, author.wall_ms, author.latest_ms = position, wall_ms, max(latest, wall_ms)
        return wall_ms if prev is None else max(prev[1], wall_ms)

    def _note(self, author: Author, wall_ms: int, seals: range, seal: int) -> None:
        self._newest[author.device] = max(wall_ms, self._newest.get(author.device, 0))
        times = self._times.get(author.session)
        if times is None:
            times = self._times[author.session] = SealTimes(seals)
        times.take(seal, wall_ms)

    def _crosses(self, wall_ms: int, before_ms: int, latest_ms: int) -> bool:
        """Whether a clock runs back here by more than is allowed; not again while it stays behind."""
        line = latest_ms - self._policy.backwards_ms
        return wall_ms < line <= before_ms

    def follows(self, later: Point, earlier: Point) -> None:
        """Judge two entries of different sessions, of which the one names the other."""
        ahead = earlier.wall_ms - later.wall_ms
        if ahead <= self._policy.skew_ms:
            return
        pair = later.author.session, earlier.author.session
        known = self._pairs.get(pair)
        if (known is None and len(self._pairs) < PAIRS_MAX) or (known is not None and known[0] < ahead):
            self._pairs[pair] = ahead, later, earlier

    def finish(self, authors: Mapping[SessionId, Author], pieces: Pieces) -> None:
        """Report the clocks that differ, and those that ran back between two streams that were read one by one.

        Args:
            authors: whose sessions they are.
            pieces: reads the evidence again, those pieces that hold, with their headers.
        """
        unordered = {name: authors[name] for name in self._times if authors[name].unordered}
        times = {name: self._times[name] for name, author in unordered.items() if not author.forked}
        for doubt in doubts(times, pieces, self._policy.backwards_ms):
            header = doubt.header
            point = Point(authors[header.session], header.stream, header.seq, header.seal, header.wall_ms, doubt.name)
            self._travelled(point, doubt.before_ms, _NOT_BEFORE)
        for ahead, later, earlier in self._pairs.values():
            self._findings.add(
                FindingKind.SKEW,
                device=later.author.device,
                session=later.author.session,
                seq=later.seq,
                expected=f"entries dated at most {self._policy.skew_ms} ms before what they follow",
                got=f"{ahead} ms",
                difference_ms=ahead,
                stream=later.stream,
                entry=later.name,
                wall_ms=later.wall_ms,
                follows=earlier.name,
                follows_device=earlier.author.device,
                follows_session=earlier.author.session,
                follows_wall_ms=earlier.wall_ms,
            )

    def unseen(self, devices: Mapping[DeviceId, Verified[Certificate]], now_ms: int) -> None:
        """Report devices that may still write and were silent for longer than policy allows."""
        for device, certificate in sorted(devices.items()):
            seen = self._newest.get(device)
            since = min(certificate.value.issued_ms if seen is None else seen, now_ms)
            if now_ms - since > self._policy.unseen_ms and certificate.value.not_after_ms >= now_ms:
                self._findings.add(
                    FindingKind.UNSEEN_DEVICE,
                    device=device,
                    expected=f"an entry within {self._policy.unseen_ms} ms",
                    got="none ever" if seen is None else f"the last one {now_ms - since} ms ago",
                    last_seen_ms=seen,
                    now_ms=now_ms,
                )

    def _travelled(self, point: Point, before: int, expected: str) -> None:
        if point.name in self._reported:
            return
        if len(self._reported) < self._policy.findings_max:
            self._reported.add(point.name)
        self._findings.add(
            FindingKind.TIME_TRAVEL,
            device=point.author.device,
            session=point.author.session,
            seq=point.seq,
            expected=expected,
            got=f"{before - point.wall_ms} ms before it",
            stream=point.stream,
            entry=point.name,
            seal=point.seal,
            wall_ms=point.wall_ms,
            before_ms=before,
        )
