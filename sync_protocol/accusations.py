"""Accusations: what convicts a relay before everybody who trusts the organisation's root, and nothing less.

Three acts leave a proof, because the relay signs what it does. It *splits* its log: two checkpoints of one size and
different roots. It *denies* a checkpoint of its own: a handshake in which it was shown one and answered, under its
signature, with a log and without the path from the one to the other. It *rewrites* its log: two receipts with different
entries at one place. An honest relay can do none of these, whatever it is shown: a note that its key did not sign for
this log is nobody's to answer for, and it reads its newest checkpoint after the hello came, from the store in which
every checkpoint lies before anybody hears of it. A relay that was restored from a backup has lost what it signed, and
is convicted of that; whether by malice or by accident a proof does not say.

Owns the judgement. Refuses to weigh: what does not convict raises UnprovenError, what is no evidence raises what its
reading raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from sync_protocol import merkle
from sync_protocol.certificates import RelayRecord, Root
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.encoding import encode
from sync_protocol.errors import PeerError, malformed
from sync_protocol.evidence import ReceiptProof, Transcript
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.frames import unpack_frame
from sync_protocol.greeting_messages import Hello, NoteProof, Welcome
from sync_protocol.handshake import M, Said, check_welcome
from sync_protocol.ids import Hash
from sync_protocol.signed import Verified


class UnprovenError(PeerError):
    """Well-formed evidence that does not convict."""

    def __init__(self, expected: str, got: str) -> None:
        """Say what would have convicted, and what is there."""
        super().__init__("unproven", expected=expected, got=got, do="accuse nobody by this")


@dataclass(frozen=True, slots=True)
class Split:
    """Two checkpoints of one size, as they were signed."""

    first: bytes
    second: bytes


@dataclass(frozen=True, slots=True)
class Denial:
    """A handshake in which the relay was shown a checkpoint of its own and did not prove that its log contains it."""

    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Two receipts for one place in the log."""

    first: ReceiptProof
    second: ReceiptProof


Accusation: TypeAlias = Split | Denial | Rewrite


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """That a relay is guilty.

    Attributes:
        finding: what it did, with the evidence in words and numbers.
        fact: names the act: a second proof of it has the same.
    """

    finding: Finding
    fact: Hash


@dataclass(frozen=True, slots=True)
class Answer:
    """What a relay's WELCOME says of one note of the HELLO.

    Attributes:
        note: as it was shown.
        checkpoint: what it says; None where this relay's key did not sign it for this log.
        path: from it to WELCOME's checkpoint, verified; None where the relay did not show one.
    """

    note: bytes
    checkpoint: Checkpoint | None
    path: tuple[Hash, ...] | None


def judge(accusation: Accusation, root: Verified[Root], record: RelayRecord) -> Verdict:
    """Judge whatever it is.

    Args:
        accusation: the evidence.
        root: the organisation's.
        record: the relay's, where the evidence does not bring it along.

    Raises:
        UnprovenError: it does not convict.
        PeerError: it is no evidence at all.
    """
    if isinstance(accusation, Split):
        return judge_split(accusation.first, accusation.second, record)
    if isinstance(accusation, Denial):
        return judge_denial(accusation.transcript, root)
    return judge_rewrite(accusation.first, accusation.second, record)


def judge_split(first: bytes, second: bytes, record: RelayRecord) -> Verdict:
    """Whether two notes show that the relay's log has two histories.

    Raises:
        UnprovenError: of different sizes, or they agree.
        ForgedError, MalformedError, LimitError: one is no checkpoint of this relay's log.
    """
    one, other = (open_checkpoint(note, _key(record)) for note in (first, second))
    if one.size != other.size or one.root == other.root:
        raise UnprovenError("two roots at one size", f"checkpoints of {one.size} and {other.size} leaves")
    roots = sorted((one.root, other.root))
    return _verdict(
        FindingKind.RELAY_SPLIT,
        (one.origin, one.size, *roots),
        {"origin": one.origin, "size": one.size, "roots": [root.hex() for root in roots]}
        | {"notes": [first.hex(), second.hex()]},
    )


def judge_denial(transcript: Transcript, root: Verified[Root]) -> Verdict:
    """Whether a handshake shows that the relay's log does not contain a checkpoint that the relay signed.

    Raises:
        UnprovenError: every note that was the relay's to answer for was proven.
        ForgedError, MalformedError, LimitError, UntrustedError: no handshake with a relay of this organisation.
    """
    hello, answer = _said(transcript.hello, Hello), _said(transcript.welcome, Welcome)
    record = check_welcome(hello, answer, root).value
    newest = open_checkpoint(answer.message.note, _key(record))
    for item in answers(hello.message, answer.message, newest, record):
        if item.checkpoint is not None and item.path is None:
            denied = item.checkpoint
            return _verdict(
                FindingKind.RELAY_DENIED,
                (denied.origin, denied.size, denied.root),
                {"origin": denied.origin}
                | {"denied": _words(denied), "answered": _words(newest)}
                | {"hello": transcript.hello.hex(), "welcome": transcript.welcome.hex()},
            )
    raise UnprovenError("a checkpoint of the relay that it did not prove", "none")


def judge_rewrite(first: ReceiptProof, second: ReceiptProof, record: RelayRecord) -> Verdict:
    """Whether two receipts show that the relay's log was changed at one place.

    Raises:
        UnprovenError: for different places, or the same entry.
        ForgedError, MalformedError, LimitError: one is no receipt of this relay's log.
    """
    one, other = (check_receipt(receipt, record) for receipt in (first, second))
    if first.index != second.index or first.entry == second.entry:
        raise UnprovenError("two entries at one place", f"leaves {first.index} and {second.index}")
    entries = sorted((first.entry, second.entry))
    return _verdict(
        FindingKind.RELAY_REWROTE,
        (one.origin, first.index, *entries),
        {"origin": one.origin, "index": first.index, "entries": [entry.hex() for entry in entries]}
        | {"under": [_words(one), _words(other)], "notes": [first.note.hex(), second.note.hex()]},
    )


def check_receipt(receipt: ReceiptProof, record: RelayRecord) -> Checkpoint:
    """Verify a receipt; the checkpoint that it stands under.

    Raises:
        ForgedError, MalformedError, LimitError: no receipt of this relay's log.
    """
    checkpoint = open_checkpoint(receipt.note, _key(record))
    merkle.verify_inclusion(
        merkle.leaf_hash(receipt.entry),
        index=receipt.index,
        size=checkpoint.size,
        path=receipt.path,
        root=checkpoint.root,
    )
    return checkpoint


def answers(hello: Hello, answer: Welcome, newest: Checkpoint, record: RelayRecord) -> list[Answer]:
    """What the relay made of each note that it was shown.

    Args:
        hello: of a handshake.
        answer: the relay's.
        newest: the checkpoint of the answer's note, verified.
        record: the relay's.
    """
    pairs = zip_longest(hello.notes, answer.proofs[: len(hello.notes)])
    return [_answer(note, proof, newest, record) for note, proof in pairs]


def own_checkpoint(note: bytes, record: RelayRecord) -> Checkpoint | None:
    """What a note says; None where this relay did not sign it for this log."""
    try:
        return open_checkpoint(note, _key(record))
    except PeerError:
        return None


def _answer(note: bytes, proof: NoteProof | None, newest: Checkpoint, record: RelayRecord) -> Answer:
    checkpoint = own_checkpoint(note, record)
    if checkpoint is None or proof is None or proof.path is None or not proof.own:
        return Answer(note, checkpoint, None)
    try:
        merkle.verify_consistency(
            first=checkpoint.size,
            first_root=checkpoint.root,
            second=newest.size,
            second_root=newest.root,
            path=proof.path,
        )
    except PeerError:
        return Answer(note, checkpoint, None)
    return Answer(note, checkpoint, proof.path)


def _key(record: RelayRecord) -> NoteVerifyKey:
    return NoteVerifyKey(name=record.origin, public=record.ed25519)


def _said(frame: bytes, kind: type[M]) -> Said[M]:
    message = unpack_frame(frame)
    if not isinstance(message, kind):
        raise malformed(kind.__name__, type(message).__name__)
    return Said(message, frame)


def _words(checkpoint: Checkpoint) -> dict[str, object]:
    return {"size": checkpoint.size, "root": checkpoint.root.hex()}


def _verdict(kind: FindingKind, fact: Sequence[bytes | int | str], evidence: Mapping[str, object]) -> Verdict:
    return Verdict(finding=Finding(kind=kind, evidence=evidence), fact=Hash.of(encode([kind.value, *fact])))
