"""Chains: each entry in the seal that it names, after the entry that it names, and alone at its place.

A chain that was cut, edited or forked is reported once, where it breaks; what follows is judged by itself. Kept in
memory: some 500 bytes a chain, beside what the seals and references keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sync_protocol import merkle
from sync_protocol.clock_checks import Clocks, Point
from sync_protocol.entries import Header, seal_leaf
from sync_protocol.errors import ForgedError, PeerError
from sync_protocol.evidence import Piece
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.header_reading import read_header_fast
from sync_protocol.identity_checks import Author
from sync_protocol.ids import DeviceId, EntryHash, Hash, SessionId
from sync_protocol.records import unpack
from sync_protocol.reference_checks import Chain, References
from sync_protocol.seal_checks import SealBook

_TIPS_MAX: Final = 64
_BROKEN_MAX: Final = 64
"""Places of one chain that are remembered as reported."""
_NO_SEALS: Final = SealBook()


@dataclass(slots=True)
class ChainState:
    """How far one chain was read.

    Attributes:
        last: the highest number.
        count: entries, those of all branches.
        tips: the ends of its branches, with number, clock, and the latest clock up to there.
        broken: places whose entry was refused.
    """

    author: Author
    last: int = -1
    count: int = 0
    tips: dict[EntryHash, tuple[int, int, int]] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)


class Chains:
    """Judges pieces, each chain ascending by number; branches of a fork beside each other or later."""

    def __init__(
        self,
        *,
        authors: Mapping[SessionId, Author],
        seals: Mapping[SessionId, SealBook],
        references: References,
        clocks: Clocks,
        findings: FindingList,
        late_max: int,
    ) -> None:
        """Judge by what is known of sessions and seals."""
        self._authors = authors
        self._seals = seals
        self._references = references
        self._clocks = clocks
        self._findings = findings
        self._late_max = late_max
        self._late: set[tuple[Chain, int]] = set()
        self._strangers: set[SessionId] = set()
        self.read = 0
        self.missing: set[EntryHash] = set()
        self.chains: dict[Chain, ChainState] = {}

    def take(self, piece: Piece, name: EntryHash) -> Point | None:
        """Judge the next piece, `name` being its header's hash.

        Returns:
            Where it stands; None where it was refused.
        """
        self.read += 1
        try:
            header = read_header_fast(piece.header)
        except PeerError as error:
            self._unreadable(piece, name, error)
            return None
        author = self._authors.get(header.session)
        if author is None:
            self._stranger(header, name)
            return None
        key = header.stream, header.session
        chain = self.chains.get(key)
        if chain is None:
            chain = self.chains[key] = ChainState(author)
        if not self._sealed(piece, header, name, chain):
            return None
        if piece.body is not None and not _is_body(piece.body, header):
            self._refuse(chain, header, name, record="body", expected="the body that the header names", got="another")
        before = self._link(key, chain, header, name)
        book = self._seals[header.session]
        point = Point(author, header.stream, header.seq, header.seal, header.wall_ms, name)
        latest = self._clocks.take(
            point, index=piece.index, prev=before, seals=range(book.first, book.end), forked=book.forked
        )
        self._references.take(point, header)
        chain.tips[name] = header.seq, header.wall_ms, latest
        if len(chain.tips) > _TIPS_MAX:
            del chain.tips[next(iter(chain.tips))]
        return point

    def broken(self, key: Chain, seq: int) -> bool:
        """Whether that place was reported."""
        chain = self.chains.get(key)
        return chain is not None and seq in chain.broken

    def reached(self) -> dict[Chain, int]:
        """The last number of each chain."""
        return {key: chain.last for key, chain in self.chains.items()}

    def shares(self) -> list[tuple[DeviceId, int, int]]:
        """Of each chain its device, its entries, and how many of them somebody else knows of."""
        covered = self._references.covered
        return [
            (chain.author.device, chain.count, max(chain.count - max(chain.last - covered.get(key, -1), 0), 0))
            for key, chain in self.chains.items()
        ]

    def held(self, pieces: Callable[[], Iterable[Piece]]) -> Iterator[tuple[Piece, Header, EntryHash]]:
        """Read the evidence again: the pieces that their sessions sealed, with header and name."""
        for piece in pieces():
            try:
                header = read_header_fast(piece.header)
            except PeerError:
                continue
            name = EntryHash.of(piece.header)
            if self._holds(piece, header, name):
                yield piece, header, name

    def finish(self, pieces: Callable[[], Iterable[Piece]]) -> None:
        """Look again at the places that were met twice: a fork, an entry twice, or one out of order."""
        if not self._late:
            return
        found: dict[tuple[Chain, int], list[tuple[EntryHash, bytes]]] = {place: [] for place in self._late}
        for piece, header, name in self.held(pieces):
            at = found.get(((header.stream, header.session), header.seq))
            if at is not None and len(at) < _TIPS_MAX:
                at.append((name, piece.header))
        for (key, seq), at in sorted(found.items()):
            names = sorted({name for name, _ in at})
            forked = len(names) > 1
            self._findings.add(
                FindingKind.FORK if forked else FindingKind.FORGED,
                device=self.chains[key].author.device,
                session=key[1],
                seq=seq,
                record="header",
                stream=key[0],
                expected="one entry at each place" if forked else "each entry once, after its predecessor",
                got=f"{len(names)} entries" if forked else "an entry that comes again, or after its successor",
                hashes=names,
                headers=sorted({header for _, header in at})[:2] if forked else None,
            )

    def _sealed(self, piece: Piece, header: Header, name: EntryHash, chain: ChainState) -> bool:
        if self._holds(piece, header, name):
            book = self._seals[header.session]
            book.meet(header.seal, piece.index)
            return True
        book = self._seals.get(header.session, _NO_SEALS)
        if book.at(header.seal):
            self._refuse(
                chain, header, name, record="header", seal=header.seal, expected="an entry that its seal covers",
                got="a path to another root",
            )  # fmt: skip
        else:
            chain.broken.add(header.seq)
            self._findings.add(
                FindingKind.GAP, device=chain.author.device, session=header.session, seq=header.seq, record="seal",
                seal=header.seal, stream=header.stream, entry=name, expected=f"seal {header.seal}",
                got=f"seals from {book.first} to {book.end - 1}" if book.end else "no seals",
            )  # fmt: skip
        return False

    def _holds(self, piece: Piece, header: Header, name: EntryHash) -> bool:
        seals = self._seals.get(header.session, _NO_SEALS).at(header.seal)
        leaf = seal_leaf(header.stream, header.seq, name) if seals else b""
        for root, size in seals:
            try:
                merkle.verify_inclusion(leaf, index=piece.index, size=size, path=piece.path, root=root)
            except ForgedError:
                continue  # a forked session has several seals of one number; the entry hangs on one of them
            return True
        return False

    def _link(self, key: Chain, chain: ChainState, header: Header, name: EntryHash) -> tuple[int, int] | None:
        """Put an entry into its chain; the clocks of its predecessor, where that was met."""
        before = None if header.prev is None else chain.tips.get(header.prev)
        follows = before is not None and before[0] == header.seq - 1
        if header.seq <= chain.last and (not follows or name in chain.tips):
            if len(self._late) < self._late_max:
                self._late.add((key, header.seq))
            if header.prev is not None and not follows and not self._references.exists(header.prev):
                self._cut(chain, header, name, header.seq - 1)
        elif not follows and header.prev is not None:
            self._unlinked(chain, header, name)
        if follows and header.prev is not None:
            del chain.tips[header.prev]
        chain.last = max(chain.last, header.seq)
        chain.count += 1
        if follows and before is not None:
            return before[1:]
        earlier = None if header.prev is None else self._references.recent(header.prev)
        return None if earlier is None else (earlier.wall_ms, earlier.wall_ms)  # where a branch begins

    def _unlinked(self, chain: ChainState, header: Header, name: EntryHash) -> None:
        """An entry further on, whose predecessor did not come before it."""
        assert header.prev is not None, "the first of a chain follows nothing"
        if header.seq - 1 in chain.broken:
            return  # what stands there was refused and reported
        if header.seq != chain.last + 1:
            self._cut(chain, header, name, chain.last + 1)
        elif not self._references.exists(header.prev):
            self._findings.add(
                FindingKind.FORK, device=chain.author.device, session=header.session, seq=header.seq - 1,
                stream=header.stream, expected="one history of each session", entry=name,
                got="an entry that follows another one than the one here", hashes=[*sorted(chain.tips), header.prev],
            )  # fmt: skip

    def _cut(self, chain: ChainState, header: Header, name: EntryHash, first: int) -> None:
        assert header.prev is not None, "the first of a chain follows nothing"
        if len(self.missing) < self._late_max:
            self.missing.add(header.prev)
        self._findings.add(
            FindingKind.GAP, device=chain.author.device, session=header.session, seq=first, stream=header.stream,
            missing=header.prev, through=header.seq - 1, named_by=name, expected=f"entry {header.seq - 1} of the chain",
            got="none" if not self._references.exists(header.prev) else "an entry out of its order",
        )  # fmt: skip

    def _unreadable(self, piece: Piece, name: EntryHash, error: PeerError) -> None:
        """A header that is none; where it claims to stand is said as far as it can be read."""
        try:
            claim: Header | None = unpack(Header, piece.header)
        except PeerError:
            claim = None
        author = None if claim is None else self._authors.get(claim.session)
        self._findings.add(
            FindingKind.FORGED,
            device=None if author is None else author.device,
            session=None if claim is None else claim.session,
            seq=None if claim is None else claim.seq,
            error=error,
            record="header",
            position=self.read - 1,
            entry=name,
            log_index=piece.log_index,
        )

    def _stranger(self, header: Header, name: EntryHash) -> None:
        if header.session in self._strangers:
            return
        self._strangers.add(header.session)
        self._findings.add(
            FindingKind.UNTRUSTED, session=header.session, seq=header.seq, record="header", stream=header.stream,
            entry=name, expected="an entry of a session that hangs on the root", got="one of another session",
        )  # fmt: skip

    def _refuse(
        self,
        chain: ChainState,
        header: Header,
        name: EntryHash,
        *,
        record: str,
        expected: str,
        got: str,
        seal: int | None = None,
    ) -> None:
        if len(chain.broken) < _BROKEN_MAX:
            chain.broken.add(header.seq)
        self._findings.add(
            FindingKind.FORGED,
            device=chain.author.device,
            session=header.session,
            seq=header.seq,
            record=record,
            stream=header.stream,
            entry=name,
            seal=seal,
            expected=expected,
            got=got,
        )


def _is_body(body: bytes, header: Header) -> bool:
    return len(body) == header.body_size and Hash.of(body) == header.body_hash
