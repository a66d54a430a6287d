"""Seals: each signed by its session, gapless, one a number; and which entries under them were met.

Kept in memory: 42 bytes a seal and a bit an entry, in flat arrays; of forked numbers, every branch.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sync_protocol.entries import Seal, open_seal
from sync_protocol.errors import PeerError
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.identity_checks import Author, kind_of
from sync_protocol.ids import Hash, SealHash, SessionId
from sync_protocol.limits import HASH_BYTES, SEAL_FORKS_MAX
from sync_protocol.signed import Signed, Verified

_BITS: Final = 8
_LEAP_MAX: Final = 4096
"""Missing seals in a row that places are kept for: a hostile session may number its seals as it likes."""


class SealBook:
    """One session's verified seals."""

    def __init__(self) -> None:
        """Start before the first seal."""
        self.first = 0
        self._roots = bytearray()
        self._sizes = array("H")
        self._starts = array("Q")
        self._met = bytearray()
        self._bits = 0
        self._twins: dict[int, list[tuple[Hash, int]]] = {}
        self._tips: set[Hash] = set()
        self._before: set[Hash] = set()

    @property
    def end(self) -> int:
        """The number after the last seal."""
        return self.first + len(self._sizes)

    @property
    def forked(self) -> bool:
        """Whether some number has two seals."""
        return bool(self._twins)

    def at(self, number: int) -> list[tuple[Hash, int]]:
        """Root and size of every seal of that number."""
        place = number - self.first
        if not 0 <= place < len(self._sizes) or not self._sizes[place]:
            return []
        root = Hash(bytes(self._roots[HASH_BYTES * place : HASH_BYTES * (place + 1)]))
        return [(root, self._sizes[place]), *self._twins.get(number, ())]

    def meet(self, number: int, index: int) -> None:
        """Note that the entry at that place of that seal was met; of forked numbers nothing is noted."""
        if number in self._twins:
            return
        bit = self._starts[number - self.first] + index
        self._met[bit // _BITS] |= 1 << bit % _BITS

    def holes(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Numbers of seals under which entries were not met, with their places. Of forked numbers nothing is known."""
        for place, size in enumerate(self._sizes):
            start = self._starts[place]
            missing = tuple(i for i in range(size) if not self._met[(start + i) // _BITS] >> (start + i) % _BITS & 1)
            if missing and self.first + place not in self._twins:
                yield self.first + place, missing

    def take(self, seal: Verified[Seal], author: Author, findings: FindingList) -> None:
        """Take the next seal, ascending by number; twins of a fork follow each other."""
        value, name = seal.value, SealHash(seal.hash)
        if not self._sizes:
            self.first = value.number
        last = self.end - 1
        if self._sizes and (value.number < last or name in self._tips):
            _misplaced(author, value, name, findings)
        elif self._sizes and value.number == last:
            self._twin(value, name, author, findings)
        else:
            self._next(value, name, author, findings)

    def _next(self, value: Seal, name: SealHash, author: Author, findings: FindingList) -> None:
        expected = self.end if self._sizes else 0
        if value.number > expected:
            _unlinked(author, value, name, findings, missing_from=expected, expected=f"seal {expected}")
        elif value.previous is not None and value.previous not in self._tips:
            _unlinked(author, value, name, findings, missing_from=value.number - 1, expected=_one(self._tips))
        if self._sizes and value.number - self.end > _LEAP_MAX:
            return
        while self._sizes and self.end < value.number:
            self._append(0, bytes(HASH_BYTES))
        self._before, self._tips = self._tips, {name}
        self._append(value.size, value.root)

    def _append(self, size: int, root: bytes) -> None:
        self._roots += root
        self._sizes.append(size)
        self._starts.append(self._bits)
        self._bits += size
        self._met.extend(bytes((self._bits + _BITS - 1) // _BITS - len(self._met)))

    def _twin(self, value: Seal, name: SealHash, author: Author, findings: FindingList) -> None:
        twins = self._twins.get(value.number, [])
        findings.add(
            FindingKind.FORK,
            device=author.device,
            session=author.session,
            record="seal",
            seal=value.number,
            expected="one seal of each number",
            got="two",
            hashes=[*sorted(self._tips), name],
        )
        if value.previous is not None and value.previous not in self._before:
            _unlinked(author, value, name, findings, missing_from=value.number - 1, expected=_one(self._before))
        if len(twins) < SEAL_FORKS_MAX:
            self._twins[value.number] = [*twins, (value.root, value.size)]
            self._tips.add(name)


def check_seals(
    wires: Iterable[bytes], authors: Mapping[SessionId, Author], findings: FindingList
) -> dict[SessionId, SealBook]:
    """Verify every seal."""
    books: dict[SessionId, SealBook] = {}
    strangers: set[SessionId] = set()
    for wire in wires:
        claim: Seal | None = None
        try:
            claim = Signed(Seal, wire).claimed()
            author = authors.get(claim.session)
            if author is None:
                if claim.session not in strangers:
                    _stranger(claim, findings)
                strangers.add(claim.session)
                continue
            seal = open_seal(wire, author.key)
        except PeerError as error:
            author = None if claim is None else authors.get(claim.session)
            findings.add(
                kind_of(error),
                device=None if author is None else author.device,
                session=None if claim is None else claim.session,
                record="seal",
                seal=None if claim is None else claim.number,
                hash=Hash.of(wire),
                error=error,
            )
            continue
        books.setdefault(claim.session, SealBook()).take(seal, author, findings)
    return books


def _stranger(claim: Seal, findings: FindingList) -> None:
    findings.add(
        FindingKind.UNTRUSTED,
        session=claim.session,
        record="seal",
        seal=claim.number,
        expected="a seal of a session that hangs on the root",
        got="one of another session",
    )


def _misplaced(author: Author, value: Seal, name: SealHash, findings: FindingList) -> None:
    findings.add(
        FindingKind.FORGED,
        device=author.device,
        session=author.session,
        record="seal",
        seal=value.number,
        expected="each seal once, in ascending order",
        got="a seal that comes again, or after its successor",
        hash=name,
    )


def _unlinked(
    author: Author, value: Seal, name: SealHash, findings: FindingList, *, missing_from: int, expected: str
) -> None:
    findings.add(
        FindingKind.GAP,
        device=author.device,
        session=author.session,
        record="seal",
        seal=value.number,
        missing_from=missing_from,
        expected=expected,
        got=f"seal {value.number}, which follows {value.previous}",
        hash=name,
    )


def _one(names: Iterable[Hash]) -> str:
    """The seals of which one is followed."""
    return "a seal that follows " + " or ".join(sorted(map(str, names)))
