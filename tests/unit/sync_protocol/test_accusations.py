"""What convicts a relay, and that nothing else does: neither made-up notes nor changed frames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_protocol.accusations import (
    Accusation,
    Denial,
    Rewrite,
    Split,
    UnprovenError,
    check_receipt,
    judge,
    judge_denial,
    judge_rewrite,
    judge_split,
    own_checkpoint,
)
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import ForgedError, MalformedError, PeerError, UntrustedError
from sync_protocol.evidence import ReceiptProof, Transcript
from sync_protocol.findings import FindingKind, Severity
from sync_protocol.frames import pack_frame
from sync_protocol.greeting_messages import Hello, NoteProof
from sync_protocol.handshake import Said, welcome
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.log_messages import Page
from sync_protocol.merkle import consistency_path, inclusion_path, leaf_hash, root
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from tests.support.people import ORIGIN, Organisation

ONE = Organisation.make(3)
NURSE = ONE.device(Role.NURSE)
RECORD = ONE.relay.value
ENTRIES = [EntryHash(bytes([n]) * 32) for n in range(20)]
OTHERS = [EntryHash(b"\xff" * 32), *ENTRIES[1:]]
THIEF = SigningKey(b"t" * 32)


def leaves(size: int, entries: list[EntryHash] = ENTRIES) -> list[Hash]:
    """The leaf hashes of a log."""
    return [leaf_hash(entry) for entry in entries[:size]]


def note(size: int, entries: list[EntryHash] = ENTRIES, *, key: NoteKey = ONE.note_key) -> bytes:
    """A checkpoint of a log, signed."""
    return sign_checkpoint(Checkpoint(origin=key.public.name, size=size, root=root(leaves(size, entries))), key)


def path(first: int, second: int) -> tuple[Hash, ...]:
    """The proof between two states of the log."""
    return consistency_path(leaves(second), first)


def receipt(index: int, size: int, entries: list[EntryHash] = ENTRIES) -> ReceiptProof:
    """A receipt in a log."""
    return ReceiptProof(
        entry=entries[index], index=index, path=inclusion_path(leaves(size, entries), index), note=note(size, entries)
    )


def handshake(
    *notes: bytes, newest: bytes, proofs: tuple[NoteProof, ...], organisation: Organisation = ONE
) -> Transcript:
    """A handshake in which the relay was shown notes, and how it answered."""
    hello = Said.say(
        Hello(
            versions=(1,),
            organisation=organisation.root.value.organisation,
            certificate=NURSE.name,
            nonce=b"d" * 32,
            notes=notes,
        )
    )
    answer = welcome(
        hello, record=organisation.relay, nonce=b"r" * 32, note=newest, proofs=proofs, signer=organisation.relay_key
    )
    return Transcript(hello=hello.frame, welcome=answer.frame)


def own(path_: tuple[Hash, ...] | None) -> NoteProof:
    """What a relay says of its own note."""
    return NoteProof(own=True, path=path_)


NOT_MINE = NoteProof(own=False, path=None)


# ----------------------------------------------------------------------------------------------------------- splits


def test_two_roots_at_one_size_convict():
    """In whatever order they are shown, it is one fact; the finding names size, roots and both notes."""
    verdict = judge_split(note(5), note(5, OTHERS), RECORD)
    assert verdict.finding.kind is FindingKind.RELAY_SPLIT
    assert verdict.finding.severity is Severity.DAMAGE
    assert verdict.finding.evidence["size"] == 5
    assert verdict.finding.evidence["notes"] == [note(5).hex(), note(5, OTHERS).hex()]
    assert judge_split(note(5, OTHERS), note(5), RECORD).fact == verdict.fact
    assert judge_split(note(6), note(6, OTHERS), RECORD).fact != verdict.fact


@pytest.mark.parametrize(("first", "second"), [(note(5), note(5)), (note(5), note(6)), (note(5), note(6, OTHERS))])
def test_what_may_be_one_log_does_not_convict(first: bytes, second: bytes):
    """The same root, or another size: what lies between is for a proof to say."""
    with pytest.raises(UnprovenError):
        judge_split(first, second, RECORD)


@pytest.mark.parametrize(
    "other",
    [
        note(5, OTHERS, key=NoteKey(ORIGIN, THIEF)),
        note(5, OTHERS, key=NoteKey("other.example/log", ONE.relay_key)),
        note(5, OTHERS, key=Organisation.make(4).note_key),
    ],
    ids=["another key", "another log", "another organisation"],
)
def test_a_stranger_s_checkpoint_convicts_nobody(other: bytes):
    """It is forged, whoever brings it along."""
    assert own_checkpoint(other, RECORD) is None
    with pytest.raises(ForgedError):
        judge_split(note(5), other, RECORD)


# ---------------------------------------------------------------------------------------------------------- denials


@pytest.mark.parametrize(
    "transcript",
    [
        handshake(note(5), newest=note(9), proofs=(own(None),)),
        handshake(note(5), newest=note(9), proofs=(NOT_MINE,)),
        handshake(note(5), newest=note(9), proofs=()),
        handshake(note(5), newest=note(9), proofs=(NoteProof(own=False, path=path(5, 9)),)),
        handshake(note(5), newest=note(9, OTHERS), proofs=(own(path(5, 9)),)),
        handshake(note(5, OTHERS), newest=note(9), proofs=(own(path(5, 9)),)),
        handshake(note(9), newest=note(5), proofs=(own(path(5, 9)),)),
        handshake(note(5, OTHERS), newest=note(5), proofs=(own(()),)),
        handshake(note(5), newest=note(9), proofs=(own(path(4, 9)),)),
        handshake(note(7), note(5), newest=note(9), proofs=(own(path(7, 9)), own(None))),
    ],
    ids=[
        "says that it cannot",
        "says that it is not its own",
        "says nothing",
        "says both",
        "shows another log",
        "was shown another log",
        "shows a smaller log",
        "shows another root at the size",
        "shows a path from elsewhere",
        "denies one of two",
    ],
)
def test_a_relay_that_does_not_prove_its_own_checkpoint_is_convicted(transcript: Transcript):
    """By its own signature over what it was shown and what it answered; the two frames are all that is needed."""
    verdict = judge_denial(transcript, ONE.root)
    assert verdict.finding.kind is FindingKind.RELAY_DENIED
    assert verdict.finding.evidence["hello"] == transcript.hello.hex()
    assert verdict.finding.evidence["welcome"] == transcript.welcome.hex()


def test_denying_one_checkpoint_again_is_the_same_fact():
    """Whatever log is shown in its stead."""
    facts = {
        judge_denial(handshake(note(5), newest=note(size, OTHERS), proofs=(own(None),)), ONE.root).fact
        for size in (6, 9)
    }
    assert len(facts) == 1


@pytest.mark.parametrize(
    "transcript",
    [
        handshake(newest=note(9), proofs=()),
        handshake(note(5), note(9), note(0), newest=note(9), proofs=(own(path(5, 9)), own(()), own(()))),
        handshake(b"no note", newest=note(9), proofs=(NOT_MINE,)),
        handshake(note(5, OTHERS, key=NoteKey(ORIGIN, THIEF)), newest=note(9), proofs=(NOT_MINE,)),
        handshake(note(5, OTHERS, key=NoteKey("old.example/log", ONE.relay_key)), newest=note(9), proofs=(NOT_MINE,)),
        handshake(note(5)[:-5] + b"AAA=\n", newest=note(9), proofs=(own(None),)),
        handshake(newest=note(9), proofs=(own(None),)),
    ],
    ids=["nothing shown", "all proven", "no note", "another key", "another log", "a damaged note", "asked for nothing"],
)
def test_an_honest_relay_is_not_convicted(transcript: Transcript):
    """It owes an answer for what its key signed for this log, and for nothing else that somebody makes up."""
    with pytest.raises(UnprovenError):
        judge_denial(transcript, ONE.root)


def test_a_changed_transcript_convicts_nobody():
    """The relay's signature covers every byte that counts: of the HELLO all, of the WELCOME what it says."""
    good = handshake(note(5), newest=note(9), proofs=(own(path(5, 9)),))
    worse = handshake(note(5), newest=note(9), proofs=(own(None),))
    shown = handshake(note(5, OTHERS), newest=note(9), proofs=(own(path(5, 9)),))
    for hello, answer in ((shown.hello, good.welcome), (good.hello, worse.welcome[:-9] + good.welcome[-9:])):
        with pytest.raises(PeerError):
            judge_denial(Transcript(hello=hello, welcome=answer), ONE.root)
    fields = decode(good.welcome[5:])
    assert isinstance(fields, dict)
    for key, value in {5: note(4), 6: [{1: True}], 2: b"x" * 32}.items():
        payload = encode({**fields, key: value})  # type: ignore[dict-item]
        frame = (len(payload) + 1).to_bytes(4, "big") + good.welcome[4:5] + payload
        with pytest.raises(ForgedError):
            judge_denial(Transcript(hello=good.hello, welcome=frame), ONE.root)


def test_only_a_handshake_with_this_organisation_s_relay_is_judged():
    """Of another organisation, with another message, with a checkpoint of another log: it is no evidence."""
    other = Organisation.make(4)
    foreign = handshake(note(5), newest=note(9), proofs=(own(None),), organisation=other)
    with pytest.raises((ForgedError, UntrustedError)):
        judge_denial(foreign, ONE.root)
    good = handshake(note(5), newest=note(9), proofs=(own(None),))
    page = pack_frame(Page(note=None, more=False))
    for wrong in (replace(good, hello=page), replace(good, welcome=page), replace(good, welcome=good.hello)):
        with pytest.raises(MalformedError):
            judge_denial(wrong, ONE.root)
    strange = handshake(note(5), newest=note(9, key=NoteKey("other.example/log", ONE.relay_key)), proofs=(own(None),))
    with pytest.raises(ForgedError):
        judge_denial(strange, ONE.root)


# --------------------------------------------------------------------------------------------------------- rewrites


def test_two_entries_at_one_place_convict():
    """Each with its path to a signed root, whatever sizes those are."""
    verdict = judge_rewrite(receipt(0, 5), receipt(0, 9, OTHERS), RECORD)
    assert verdict.finding.kind is FindingKind.RELAY_REWROTE
    assert verdict.finding.evidence["index"] == 0
    assert verdict.fact == judge_rewrite(receipt(0, 7, OTHERS), receipt(0, 6), RECORD).fact


def test_receipts_that_agree_or_do_not_hold_convict_nobody():
    """The same entry, another place; a receipt whose path leads elsewhere is no evidence."""
    for one, other in ((receipt(1, 5), receipt(1, 9, OTHERS)), (receipt(1, 5), receipt(2, 9))):
        with pytest.raises(UnprovenError):
            judge_rewrite(one, other, RECORD)
    with pytest.raises(ForgedError):
        judge_rewrite(receipt(0, 5), replace(receipt(0, 5), entry=OTHERS[0]), RECORD)
    assert check_receipt(receipt(3, 5), RECORD).size == 5


@pytest.mark.parametrize(
    ("accusation", "kind"),
    [
        (Split(note(5), note(5, OTHERS)), FindingKind.RELAY_SPLIT),
        (Denial(handshake(note(5), newest=note(9), proofs=(own(None),))), FindingKind.RELAY_DENIED),
        (Rewrite(receipt(0, 5), receipt(0, 5, OTHERS)), FindingKind.RELAY_REWROTE),
    ],
    ids=["split", "denial", "rewrite"],
)
def test_each_accusation_has_its_judge(accusation: Accusation, kind: FindingKind):
    """One door for all of them."""
    assert judge(accusation, ONE.root, RECORD).finding.kind is kind
