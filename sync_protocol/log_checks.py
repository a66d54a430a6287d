"""The relay's word: checkpoints under its certified key, receipts, proofs between checkpoints, and handshakes.

Kept in memory: some 600 bytes a checkpoint and 16 bytes a receipt.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from sync_protocol import merkle
from sync_protocol.accusations import UnprovenError, judge_denial, judge_split
from sync_protocol.certificates import RelayRecord, Root
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.errors import ForgedError, PeerError, forged, malformed
from sync_protocol.evidence import ConsistencyProof, ReceiptProof, Transcript
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.frames import unpack_frame
from sync_protocol.greeting_messages import Hello, Welcome
from sync_protocol.identity_checks import kind_of
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.limits import LOG_SIZE_MAX
from sync_protocol.signed import Verified

_REFUSED_MAX: Final = 4096
"""Notes that were refused and are remembered, so that each is reported once."""
_TAG_BYTES: Final = 8
"""Of an entry's hash, kept a receipt: enough to notice, and the receipts are read again for what is reported."""


class Notes:
    """Opens checkpoints, and compares each with every other of its size."""

    def __init__(self, relays: Sequence[RelayRecord], findings: FindingList) -> None:
        """Believe these relays, each for its own log."""
        self._relays = relays
        self._findings = findings
        self._known: dict[Hash, Checkpoint | None] = {}
        self._notes: dict[tuple[str, int], tuple[Hash, bytes]] = {}

    def __len__(self) -> int:
        """How many checkpoints hold; of a split one of the two."""
        return len(self._notes)

    def of_log(self) -> list[Checkpoint]:
        """Those of the one log that leaves can be of, ascending by size: the log with the most checkpoints here.

        An organisation may have had another relay before, whose checkpoints devices keep.
        """
        counts = Counter(origin for origin, _ in self._notes)
        found = (
            Checkpoint(origin=origin, size=size, root=root)
            for (origin, size), (root, _) in self._notes.items()
            if (origin, counts[origin]) == counts.most_common(1)[0]
        )
        return sorted(found, key=lambda checkpoint: checkpoint.size)

    def open(self, note: bytes) -> Checkpoint | None:
        """A checkpoint of the organisation's log; None where it is none, which is reported once a note."""
        name = Hash.of(note)
        if name in self._known:
            return self._known[name]
        checkpoint = self._verified(note)
        if checkpoint is not None or len(self._known) < len(self._notes) + _REFUSED_MAX:
            self._known[name] = checkpoint
        return checkpoint

    def _verified(self, note: bytes) -> Checkpoint | None:
        problem: PeerError = malformed("a checkpoint of a relay that the root vouches for", "no such relay")
        for record in self._relays:
            try:
                checkpoint = open_checkpoint(note, NoteVerifyKey(name=record.origin, public=record.ed25519))
            except PeerError as error:
                problem = error
            else:
                self._compare(checkpoint, note, record)
                return checkpoint
        self._findings.add(FindingKind.FOREIGN_CHECKPOINT, note=note, error=problem)
        return None

    def _compare(self, checkpoint: Checkpoint, note: bytes, record: RelayRecord) -> None:
        place = checkpoint.origin, checkpoint.size
        root, other = self._notes.setdefault(place, (checkpoint.root, note))
        if root == checkpoint.root:
            return
        try:
            self._findings.take(judge_split(other, note, record).finding)
        except PeerError:  # the other one was signed under an earlier record's key: no single key is convicted
            self._findings.add(
                FindingKind.RELAY_SPLIT, origin=checkpoint.origin, size=checkpoint.size, notes=[other, note],
                roots=[root, checkpoint.root],
            )  # fmt: skip


class Receipts:
    """Verified receipts: which entries the relay vouched for, at which places."""

    def __init__(self) -> None:
        """Start with none."""
        self._places = array("Q")
        self._origins: list[str] = []
        self._tags = array("Q")
        self._sorted = array("Q")
        self.count = 0

    def take(
        self, proofs: Iterable[ReceiptProof], notes: Notes, has: Callable[[EntryHash], bool], findings: FindingList
    ) -> None:
        """Verify receipts, and that what they vouch for is there."""
        for proof in proofs:
            self.count += 1
            checkpoint = notes.open(proof.note)
            if checkpoint is None:
                continue
            try:
                merkle.verify_inclusion(
                    merkle.leaf_hash(proof.entry),
                    index=proof.index,
                    size=checkpoint.size,
                    path=proof.path,
                    root=checkpoint.root,
                )
            except ForgedError as error:
                findings.add(
                    FindingKind.FORGED, record="receipt", entry=proof.entry, log_index=proof.index, note=proof.note,
                    error=error,
                )  # fmt: skip
                continue
            self._places.append(self._place(proof, checkpoint))
            self._tags.append(_tag(proof.entry))
            if not has(proof.entry):
                findings.add(
                    FindingKind.GAP, record="receipt", missing=proof.entry, log_index=proof.index,
                    path=proof.path, note=proof.note, expected="the entry that the relay receipted", got="none",
                )  # fmt: skip
        self._sorted = array("Q", sorted(self._tags))

    def cover(self, name: EntryHash) -> bool:
        """Whether there is a receipt for an entry."""
        tag = _tag(name)
        at = bisect_left(self._sorted, tag)
        return at < len(self._sorted) and self._sorted[at] == tag

    def rewritten(self, proofs: Callable[[], Iterable[ReceiptProof]], notes: Notes, findings: FindingList) -> None:
        """Report places of the log at which two entries were receipted."""
        order = sorted(range(len(self._places)), key=self._places.__getitem__) if self._unordered() else range(0)
        twice = {
            self._places[a]
            for a, b in pairwise(order)
            if self._places[a] == self._places[b] and self._tags[a] != self._tags[b]
        }
        found: dict[int, list[ReceiptProof]] = {place: [] for place in twice}
        for proof in proofs() if twice else ():
            checkpoint = notes.open(proof.note)
            at = None if checkpoint is None else found.get(self._place(proof, checkpoint))
            if at is not None and proof.entry not in {other.entry for other in at}:
                at.append(proof)
        for _, at in sorted(found.items()):
            findings.add(
                FindingKind.RELAY_REWROTE,
                index=at[0].index,
                expected="one entry at each place of the log",
                got=f"receipts for {len(at)}",
                entries=[proof.entry for proof in at[:2]],
                paths=[proof.path for proof in at[:2]],
                notes=[proof.note for proof in at[:2]],
            )

    def _place(self, proof: ReceiptProof, checkpoint: Checkpoint) -> int:
        """One number for log and index."""
        if checkpoint.origin not in self._origins:
            self._origins.append(checkpoint.origin)
        return self._origins.index(checkpoint.origin) * (LOG_SIZE_MAX + 1) + proof.index

    def _unordered(self) -> bool:
        return any(a >= b for a, b in pairwise(self._places))


def check_consistency(proofs: Iterable[ConsistencyProof], notes: Notes, findings: FindingList) -> None:
    """Verify proofs between checkpoints."""
    for proof in proofs:
        first, second = notes.open(proof.first), notes.open(proof.second)
        if first is None or second is None:
            continue
        try:
            if first.origin != second.origin:
                raise forged("two checkpoints of one log", "of two")
            merkle.verify_consistency(
                first=first.size,
                first_root=first.root,
                second=second.size,
                second_root=second.root,
                path=proof.path,
            )
        except ForgedError as error:
            findings.add(
                FindingKind.FORGED, record="consistency", notes=[proof.first, proof.second], path=proof.path,
                error=error,
            )  # fmt: skip


def check_transcripts(
    transcripts: Iterable[Transcript], root: Verified[Root], notes: Notes, findings: FindingList
) -> None:
    """Judge handshakes, and compare the checkpoints in them with the others."""
    for transcript in transcripts:
        try:
            hello, answer = unpack_frame(transcript.hello), unpack_frame(transcript.welcome)
            if isinstance(hello, Hello) and isinstance(answer, Welcome):
                notes.open(answer.note)
            findings.take(judge_denial(transcript, root).finding)
        except UnprovenError:
            continue  # the relay stood by everything that it was shown
        except PeerError as error:
            findings.add(
                kind_of(error), record="transcript", hello=Hash.of(transcript.hello),
                welcome=Hash.of(transcript.welcome), error=error,
            )  # fmt: skip


def _tag(name: EntryHash) -> int:
    return int.from_bytes(name[:_TAG_BYTES], "big")
