"""Facts: immutable signed statements in a grow-only set, and the causal graph they hang in.

Owns the plaintext of content entries (facts of one change, or one text update) and the causal order of entries within
one stream. Refuses interpretation: what a kind means is the business of `edge_runtime.clinical`. Kinds and payload keys
that this version does not know are kept as they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from sync_protocol.encoding import Value, decode, encode
from sync_protocol.errors import malformed, over_limit
from sync_protocol.ids import DeviceId, DocumentId, EntryHash, SessionId, UserId
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.records import Codec, from_map, key, many, octets, optional, string, to_map
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Verdict

FACTS_MAX: Final = 256
"""Facts in one entry."""
SUPERSEDES_MAX: Final = 64
KIND_BYTES_MAX: Final = 48
SECTION_BYTES_MAX: Final = 32


class FactId(NamedTuple):
    """Entry hash and index within the entry; written `<64 hex digits>:<index>`.

    A tuple, because every rule compares and looks up ids: a tuple of bytes does that several times as fast as a class.
    """

    entry: EntryHash
    index: int  # type: ignore[assignment]  # a tuple's method of that name is of no use here

    def __str__(self) -> str:
        """The written form."""
        return f"{self.entry}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> FactId:
        """Read the written form.

        Raises:
            MalformedError: another form.
        """
        digits, _, index = text.partition(":")
        if not index.isascii() or not index.isdigit():
            raise malformed("a fact id as <64 hexadecimal digits>:<index>", f"{len(text)} characters")
        return cls(EntryHash.parse(digits), int(index))


def _load_fact_id(raw: Value) -> FactId:
    if not (isinstance(raw, list) and len(raw) == 2 and isinstance(raw[0], bytes) and isinstance(raw[1], int)):  # noqa: PLR2004 a pair
        raise malformed("a fact id as a pair", type(raw).__name__)
    return FactId(EntryHash(raw[0]), raw[1])


_FACT_ID: Final = Codec[FactId](lambda fact: [fact.entry, fact.index], _load_fact_id)


def _dump_payload(payload: Mapping[str, Value]) -> Value:
    return {name: value for name, value in payload.items()}  # noqa: C416 dict() would keep the narrower key type


def _load_payload(raw: Value) -> Mapping[str, Value]:
    if not isinstance(raw, dict) or not all(isinstance(name, str) for name in raw):
        raise malformed("a payload with text keys", type(raw).__name__)
    return {str(name): value for name, value in raw.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement.

    Attributes:
        kind: what it states: allergy, medication, status, observation and so on.
        payload: its content; codes, doses and decimals are text.
        supersedes: earlier facts of the same stream that it replaces; they stay in the set.
    """

    kind: str = key(1, string(KIND_BYTES_MAX))
    payload: Mapping[str, Value] = key(2, Codec(_dump_payload, _load_payload))
    supersedes: tuple[FactId, ...] = key(3, many(_FACT_ID, SUPERSEDES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextUpdate:
    """One change of one text section.

    Attributes:
        section: complaint, history, subjective, objective, assessment or plan.
        update: Yjs version 1 update bytes, screened before signing.
        start: the fact that opened the text's Doc; None in the first one of a section.
    """

    section: str = key(1, string(SECTION_BYTES_MAX))
    update: bytes = key(2, octets(1, BODY_BYTES_MAX))
    start: FactId | None = key(3, optional(_FACT_ID))


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The plaintext of one content entry: facts of one change, or one text update, never both."""

    facts: tuple[Fact, ...] | None = key(1, optional(many(Codec(to_map, lambda raw: from_map(Fact, raw)), FACTS_MAX)))
    text: TextUpdate | None = key(2, optional(Codec(to_map, lambda raw: from_map(TextUpdate, raw))))


def pack_content(content: Content) -> bytes:
    """Encode for sealing.

    Raises:
        LimitError: larger than one entry may be.
    """
    data = encode(to_map(content))
    if len(data) > BODY_BYTES_MAX:
        raise over_limit("one change", BODY_BYTES_MAX, len(data), "bytes")
    return data


def unpack_content(data: bytes) -> Content:
    """Decode after opening.

    Raises:
        MalformedError: not the content of an entry.
        LimitError: over a limit.
    """
    content = from_map(Content, decode(data))
    if (content.facts is None) == (content.text is None):
        raise malformed("facts or a text update", "both or neither")
    return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote an entry, as the verified certificate says.

    Attributes:
        role: by what the author had seen; after concurrent changes all that bind, joined by "and".
    """

    user: UserId
    device: DeviceId
    session: SessionId
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFact:
    """A fact with its author and place; what every rule works on.

    Attributes:
        id: names it for ever.
        fact: the statement.
        author: who wrote it.
        document: the document in whose stream it stands.
        compartment: which of the document's streams.
        lamport: logical time of its entry.
        wall_ms: the author's clock in milliseconds since 1970; display only.
        verdict: what becomes of it; what is void is not placed at all.
        held: whether it arrived before what its entry follows: shown, judged as far as it can be, and never built upon.
    """

    id: FactId
    fact: Fact
    author: Author
    document: DocumentId
    compartment: Compartment
    lamport: int
    wall_ms: int
    verdict: Verdict
    held: bool = False


@dataclass(frozen=True, slots=True)
class _Node:
    """One entry of a graph.

    Attributes:
        depth: how many entries stand on the longest way to it.
        others: how far it had seen each other session; shared with its predecessor where it saw no more than that.
    """

    session: SessionId
    seq: int
    depth: int
    others: Mapping[SessionId, int]

    def reached(self, session: SessionId) -> int:
        """How far it had seen a session; -1 for not at all."""
        return self.seq if session == self.session else self.others.get(session, -1)


_ALONE: Final[Mapping[SessionId, int]] = MappingProxyType({})


class CausalGraph:
    """Which entry of one stream saw which: a vector clock an entry, built in causal order."""

    def __init__(self) -> None:
        """Start empty."""
        self._nodes: dict[EntryHash, _Node] = {}
        self._taken: dict[SessionId, dict[int, EntryHash]] = {}
        self._forked: dict[SessionId, int] = {}
        self._heads: set[EntryHash] = set()

    def copy(self) -> CausalGraph:
        """One that grows apart from this."""
        made = CausalGraph()
        made._nodes, made._taken = dict(self._nodes), {name: dict(taken) for name, taken in self._taken.items()}
        made._forked, made._heads = dict(self._forked), set(self._heads)
        return made

    @property
    def heads(self) -> frozenset[EntryHash]:
        """The entries that no other here names as its parent."""
        return frozenset(self._heads)

    @property
    def forks(self) -> Mapping[SessionId, int]:
        """From which number on each session told two histories, as far as is known now."""
        return dict(self._forked)

    def __iter__(self) -> Iterator[EntryHash]:
        """Every entry, in the order in which they were placed."""
        return iter(self._nodes)

    def __contains__(self, entry: object) -> bool:
        """Tell whether the entry is placed."""
        return entry in self._nodes

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._nodes)

    def add(self, entry: EntryHash, session: SessionId, seq: int, parents: Iterable[EntryHash]) -> None:
        """Place an entry after its parents; parents that are not in the graph contribute nothing."""
        self._heads.add(entry)
        seen: list[_Node] = []
        for parent in parents:
            self._heads.discard(parent)
            node = self._nodes.get(parent)
            if node is not None:
                seen.append(node)
        depth = max((node.depth + 1 for node in seen), default=0)
        self._nodes[entry] = _Node(session, seq, depth, _merged(session, seen))
        taken = self._taken.setdefault(session, {})
        if taken.setdefault(seq, entry) != entry:
            self._forked[session] = min(seq, self._forked.get(session, seq))

    def depth(self, entry: EntryHash) -> int:
        """How many entries stand on the longest way to one that is placed."""
        return self._nodes[entry].depth

    def place(self, entry: EntryHash) -> tuple[SessionId, int, Mapping[SessionId, int]]:
        """Session and number of an entry that is placed, and how far it had seen each other session."""
        node = self._nodes[entry]
        return node.session, node.seq, node.others

    def continues(self, session: SessionId, seq: int) -> bool:
        """Tell whether a number of a session is free, so that no entry under it is a fork."""
        return seq not in self._taken.get(session, ())

    def is_forked(self, entry: EntryHash) -> bool:
        """Tell whether its session had told two histories when it wrote the entry, or told them with it."""
        node = self._nodes[entry]
        return node.seq >= self._forked.get(node.session, node.seq + 1)

    def precedes(self, earlier: EntryHash, later: EntryHash) -> bool:
        """Tell whether `earlier` is in the causal past of `later`.

        False for an entry that is not placed. From a fork on, a number no longer says which branch was seen: nothing
        of that session precedes anything, so that rules count it as unseen and ask a person.
        """
        node, after = self._nodes.get(earlier), self._nodes.get(later)
        if node is None or after is None or earlier == later:
            return False
        if node.seq >= self._forked.get(node.session, node.seq + 1):
            return False
        return after.reached(node.session) >= node.seq


def _merged(session: SessionId, seen: Sequence[_Node]) -> Mapping[SessionId, int]:
    """How far a session that had seen some entries had seen the others."""
    if not seen:
        return _ALONE
    if len(seen) == 1 and seen[0].session == session:
        return seen[0].others
    found: dict[SessionId, int] = {}
    for node in seen:
        for other, reached in (*node.others.items(), (node.session, node.seq)):
            found[other] = max(found.get(other, -1), reached)
    found.pop(session, None)
    return found
