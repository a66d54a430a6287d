"""Each side takes in each state what its table says, and ends the connection at anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from sync_protocol.accusations import Split
from sync_protocol.blob_messages import BlobChunk, BlobWant
from sync_protocol.bundle_messages import BundleEnd, BundleHead
from sync_protocol.certificates import Trust
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.comparison_messages import Digests, Frontiers, StreamFrontier, Tags, Unknown, Want
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.digests import Buckets, Holding, tag_of
from sync_protocol.errors import MisuseError, PeerError, UntrustedError
from sync_protocol.exchange_states import DEVICE_ACCEPTS, RELAY_ACCEPTS, DeviceState, RelayState
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Proofs, Refusal
from sync_protocol.limits import (
    AGAIN_CHAINS_MAX,
    COMPARISONS_MAX,
    FRAME_ITEMS_MAX,
    FRONTIER_HEADS_MAX,
    PROOFS_BYTES_MAX,
    PROOFS_MAX,
    REWINDS_MAX,
)
from sync_protocol.log_messages import Cursor, Growth, Have, Leaf, Page, Receipt, Resync
from sync_protocol.merkle import EMPTY_ROOT, consistency_path, inclusion_path, leaf_hash, root
from sync_protocol.messages import TYPES, Entries, Message, ProofsFrame
from sync_protocol.peer_states import PEER_ACCEPTS
from sync_protocol.refusal_messages import Failure, Refused, ToldError
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from sync_protocol.steps import (
    EMPTY_CURSOR,
    RELAY_LOG_DIFFERS,
    RELAY_LOG_SHRANK,
    RELAY_LOG_SPLIT,
    UNFINISHED,
    Accused,
    Admitted,
    Advance,
    Alarm,
    CaughtUp,
    Close,
    Compare,
    Doubted,
    Feed,
    FeedAgain,
    Greet,
    Greeted,
    Hold,
    Locate,
    Peer,
    Receipted,
    Rejected,
    Send,
    Supply,
    SupplyChains,
    SupplyHoldings,
    Take,
)
from tests.support.people import ADDRESS, ORIGIN, Organisation
from tests.unit.sync_protocol.messages_samples import ENTRY, HASH, SAMPLES, STREAM

ORGANISATION = Organisation.make(1)
NURSE = ORGANISATION.device(Role.NURSE)
LEAVES = [leaf_hash(bytes([n]) * 32) for n in range(40)]
OWN = SessionId(b"s" * 16)
SALT = Hash.of(b"")
"""Of an exchange without a handshake."""
HELD = Holding({OWN: (9, EntryHash(b"9" * 32))})
FAILURE = next(sample for sample in SAMPLES if isinstance(sample, Failure))


def checkpoint(size: int) -> Checkpoint:
    """A state of the log."""
    return Checkpoint(origin=ORIGIN, size=size, root=root(LEAVES[:size]))


def note(size: int, *, forked: bool = False, key: NoteKey = ORGANISATION.note_key) -> bytes:
    """A signed state of the log, or of another one."""
    leaves = [leaf_hash(b"another log"), *LEAVES[1:size]] if forked else LEAVES[:size]
    return sign_checkpoint(Checkpoint(origin=key.public.name, size=size, root=root(leaves)), key)


def grown(base: int, size: int) -> Growth:
    """The proof between two states of the log."""
    first, second = sorted((base, size))
    return Growth(base=base, path=consistency_path(LEAVES[:second], first))


def page(size: int, *, base: int | None = None, more: bool = True, forked: bool = False) -> Page:
    """The end of a page, at a state of the log, proven from another one."""
    growth = None if base is None else grown(base, size)
    return Page(note=note(size, forked=forked), more=more, consistency=growth)


def receipt(size: int, *leaves: Leaf, base: int | None = None, forked: bool = False) -> Receipt:
    """A receipt under a state of the log, proven from another one."""
    growth = None if base is None else grown(base, size)
    return Receipt(note=note(size, forked=forked), leaves=leaves, consistency=growth)


def device(
    cursor: Checkpoint = EMPTY_CURSOR,
    *,
    sessions: tuple[SessionId, ...] = (OWN,),
    newest: Checkpoint = EMPTY_CURSOR,
    notes: tuple[bytes, ...] = (),
    beyond: Mapping[StreamId, Frontier] | None = None,
) -> DeviceExchange:
    """A device's machine."""
    return DeviceExchange(
        root=ORGANISATION.root,
        certificates=NURSE.chain,
        signer=NURSE.signer,
        address=ADDRESS,
        nonce=b"d" * 32,
        cursor=cursor,
        sessions=sessions,
        newest=newest,
        notes=notes,
        beyond=beyond,
    )


def relay() -> RelayExchange:
    """A relay's machine."""
    return RelayExchange(
        record=ORGANISATION.relay,
        signer=ORGANISATION.relay_key,
        trust=Trust(ORGANISATION.root),
        addresses=[ADDRESS],
        nonce=b"r" * 32,
    )


def listeners() -> list[Callable[[Message], list[Any]]]:
    """A device that was let in and a relay that let it in, to be told something."""
    return [partial(hear, opened()), partial(heard, serving())]


def sent(steps: list[Any]) -> list[Message]:
    """The messages among steps."""
    return [unpack_frame(step.frame) for step in steps if isinstance(step, Send)]


def only_frame(steps: Sequence[Any]) -> bytes:
    """The frame of the one step, which sends it."""
    (step,) = steps
    assert isinstance(step, Send)
    return step.frame


def hear(machine: DeviceExchange, message: Message) -> list[Any]:
    """Let a device receive a message."""
    return machine.receive(pack_frame(message))


def heard(machine: RelayExchange, message: Message) -> list[Any]:
    """Let a relay receive a message."""
    return machine.receive(pack_frame(message), now_ms=0)


def opened(cursor: Checkpoint = EMPTY_CURSOR, *, newest: Checkpoint = EMPTY_CURSOR) -> DeviceExchange:
    """A device that was let in."""
    machine = device(cursor, newest=newest)
    machine.resume(ORGANISATION.relay)
    return machine


def asking() -> DeviceExchange:
    """A device that began a comparison itself."""
    machine = opened(checkpoint(3))
    hear(machine, Have(seals=()))
    machine.begin_comparison({})
    return machine


def serving() -> RelayExchange:
    """A relay that let its device in."""
    machine = relay()
    machine.resume()
    return machine


def tagged(holdings: Mapping[StreamId, Holding] | None = None) -> RelayExchange:
    """A relay that said its tags to a device whose one bucket is another."""
    machine = serving()
    machine.located(note=note(2), seals=())
    heard(machine, Digests(digests=bytes(15) + b"?"))
    machine.holding({STREAM: HELD} if holdings is None else holdings)
    return machine


def alarms(steps: list[Any]) -> list[str]:
    """What a person hears."""
    return [step.code for step in steps if isinstance(step, Alarm)]


def failed(steps: list[Any]) -> PeerError:
    """The error by which a connection ended; the other side is told, and it is over."""
    told, close = steps[-2:]
    assert isinstance(close, Close)
    assert isinstance(close.error, PeerError)
    message = unpack_frame(told.frame)
    assert isinstance(message, Failure)
    assert message.code == close.error.code
    return close.error


def greeting(machine: RelayExchange, frame: bytes, *, size: int = 4) -> list[Any]:
    """Let a relay answer a HELLO, honestly, with its log at that size."""
    (greet,) = machine.receive(frame, now_ms=0)
    assert isinstance(greet, Greet)
    paths = [
        None if shown is None or shown.size > size or shown != checkpoint(shown.size) else grown(shown.size, size).path
        for shown in greet.shown
    ]
    return machine.greeted(note=note(size), paths=paths)


def device_in(state: DeviceState) -> DeviceExchange:
    """A device's machine in a state."""
    if state is DeviceState.HELLO:
        return device()
    machine, other = device(checkpoint(3)), relay()
    if state in {DeviceState.AUTH, DeviceState.CLOSED}:
        machine.receive(only_frame(greeting(other, only_frame(machine.start()))))
        if state is DeviceState.CLOSED:
            hear(machine, SAMPLES[0])
        return machine
    machine = opened(checkpoint(3))
    if state is DeviceState.ASKED:
        return asking()
    if state is not DeviceState.OPEN:
        hear(machine, Resync(note=note(2)))
    if state in {DeviceState.DIGESTED, DeviceState.COMPARING}:
        machine.compare({})
    if state is DeviceState.COMPARING:
        hear(machine, Tags(tags=b"", last=True, buckets=b"\0"))
    return machine


def relay_in(state: RelayState) -> RelayExchange:
    """A relay's machine in a state."""
    if state is RelayState.HELLO:
        return relay()
    machine, other = relay(), device()
    if state is RelayState.GREETING:
        machine.receive(only_frame(other.start()), now_ms=0)
        return machine
    if state in {RelayState.AUTH, RelayState.DECIDING, RelayState.CLOSED}:
        answer = greeting(machine, only_frame(other.start()))
        if state is RelayState.DECIDING:
            machine.receive(only_frame(other.receive(only_frame(answer))[-1:]), now_ms=0)
        if state is RelayState.CLOSED:
            heard(machine, SAMPLES[0])
        return machine
    machine = serving()
    if state is RelayState.TAGGED:
        return tagged()
    if state in {RelayState.RESYNC, RelayState.HOLDING}:
        machine.located(note=note(2), seals=())
    if state is RelayState.HOLDING:
        heard(machine, Digests(digests=bytes(16)))
    return machine


@pytest.mark.parametrize("state", DeviceState)
@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_device_takes_what_its_table_says(state: DeviceState, message: Message):
    """Anything else ends the connection, and after the end nothing is heard."""
    machine = device_in(state)
    assert machine._state is state
    steps = hear(machine, message)
    if state is DeviceState.CLOSED:
        assert steps == []
    elif type(message) not in DEVICE_ACCEPTS[state]:
        assert type(message).__name__ in failed(steps).got
        assert hear(machine, message) == []


@pytest.mark.parametrize("state", RelayState)
@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_relay_takes_what_its_table_says(state: RelayState, message: Message):
    """Anything else ends the connection, and after the end nothing is heard."""
    machine = relay_in(state)
    assert machine._state is state
    steps = heard(machine, message)
    if state is RelayState.CLOSED:
        assert steps == []
    elif type(message) not in RELAY_ACCEPTS[state]:
        assert type(message).__name__ in failed(steps).got
        assert heard(machine, message) == []


def test_every_message_is_for_one_side_or_both():
    """There is none that nobody takes."""
    for_device = frozenset().union(*DEVICE_ACCEPTS.values())
    for_relay = frozenset().union(*RELAY_ACCEPTS.values())
    for_peer = frozenset().union(*PEER_ACCEPTS.values())
    for_files = {BundleHead, BundleEnd}
    assert for_device | for_relay | for_peer | for_files == set(TYPES.values())
    assert for_device & for_relay == {ProofsFrame, Entries, Want, BlobWant, BlobChunk, Failure}


def test_the_two_let_each_other_in():
    """HELLO, WELCOME, AUTH, READY, CURSOR."""
    one, other = device(checkpoint(3)), relay()
    answer = greeting(other, only_frame(one.start()))
    greeted, auth = one.receive(only_frame(answer))
    assert greeted == Greeted(checkpoint=checkpoint(4), note=note(4), linked=False, proofs=(), settled=())
    (peer,) = other.receive(only_frame([auth]), now_ms=0)
    assert isinstance(peer, Peer)
    assert peer.certificate.hash == NURSE.name
    admitted, cursor = one.receive(only_frame(other.ready(token=b"token", expires_ms=9)))
    assert isinstance(admitted, Admitted)
    assert (admitted.record.hash, admitted.token, admitted.expires_ms) == (ORGANISATION.relay.hash, b"token", 9)
    (locate,) = other.receive(only_frame([cursor]), now_ms=0)
    assert isinstance(locate, Locate)
    assert locate == Locate(3, checkpoint(3).root, (OWN,))
    assert locate.states == ((3, checkpoint(3).root),)


def test_nothing_is_served_before_the_shell_let_the_device_in():
    """A proof of identity is not yet a permission."""
    machine = relay_in(RelayState.DECIDING)
    failed(heard(machine, Cursor(size=0, root=EMPTY_ROOT, sessions=())))
    with pytest.raises(MisuseError):
        machine.ready(token=None, expires_ms=None)
    assert relay_in(RelayState.DECIDING).page(Proofs(), (), note=None, more=False) == []


def test_the_other_side_s_reason_is_its_own():
    """It is told as such, and not mistaken for something that this side found."""
    for steps in (hear(opened(), FAILURE), heard(serving(), FAILURE)):
        (close,) = steps
        assert isinstance(close.error, ToldError)
        assert close.error.code == "forged"


def test_a_long_error_still_ends_the_connection():
    """Its texts are cut to what a frame takes."""
    error = UntrustedError("x" * 100, expected="ä" * 1000, got="\x1b" * 1000, do="")
    (told,) = sent(device().fail(error))
    assert isinstance(told, Failure)
    assert (told.code, len(told.expected)) == ("unexplained", 200)
    refusal = serving().ingested(note=note(1), leaves=(), refused=[Refusal(ENTRY, error)])
    (refused,) = sent(refusal)
    assert isinstance(refused, Refused)
    assert refused.entry == ENTRY


# ------------------------------------------------------------------------------------------------- the device's log


def test_a_page_moves_the_cursor_after_what_it_ends():
    """Proofs that no entries followed are stored first."""
    machine = opened(checkpoint(3))
    assert hear(machine, ProofsFrame(certificates=(), sessions=(), seals=(b"seal",))) == []
    take, advance, caught_up = hear(machine, page(5, base=3, more=False))
    assert take == Take(Proofs(seals=(b"seal",)), ())
    assert advance == Advance(checkpoint(5), note(5), checkpoint(5), note(5), whole=True)
    assert caught_up == CaughtUp()
    assert hear(machine, Page(note=None, more=True)) == []
    assert hear(machine, page(5, more=False))[0] == Advance(checkpoint(5), note(5), checkpoint(5), note(5), whole=True)


@pytest.mark.parametrize(
    ("size", "forked", "code"), [(4, False, RELAY_LOG_SHRANK), (0, False, RELAY_LOG_SHRANK), (5, True, RELAY_LOG_SPLIT)]
)
def test_a_log_that_goes_back_or_splits_is_an_alarm(size: int, *, forked: bool, code: str):
    """Within one connection there is no excuse: the cursor stays, a person hears of it, the connection ends."""
    machine = opened(checkpoint(3))
    hear(machine, page(5, base=3))
    steps = hear(machine, page(size, base=5 if size == 4 else None, more=False, forked=forked))
    assert [step.code for step in steps if isinstance(step, Alarm)] == [code]
    evidence = [Accused(Split(note(5), note(5, forked=True))), Doubted(note(5, forked=True))]
    assert [step for step in steps if isinstance(step, Accused | Doubted)] == (evidence if forked else [])
    assert failed(steps).code == code
    assert not any(isinstance(step, Advance) for step in steps)


def test_a_receipt_may_be_under_an_older_checkpoint():
    """Receipts and pages are made side by side; its inclusion counts, and the cursor stays where it is."""
    machine = opened(checkpoint(5))
    leaves = (Leaf(entry=EntryHash(bytes([1]) * 32), index=1, path=inclusion_path(LEAVES[:4], 1)),)
    assert hear(machine, receipt(4, *leaves, base=5)) == [
        Receipted(checkpoint(4), note(4), leaves, checkpoint(5), None)
    ]
    assert isinstance(hear(machine, page(5))[0], Advance)


def test_receipts_and_pages_speak_of_one_log():
    """A receipt under another root of a size that was seen is an alarm, whichever came first."""
    machine = opened(checkpoint(5))
    assert alarms(hear(machine, receipt(5, forked=True))) == [RELAY_LOG_SPLIT]
    machine = opened(checkpoint(5))
    hear(machine, receipt(8, base=5))
    assert alarms(hear(machine, page(8, forked=True))) == [RELAY_LOG_SPLIT]
    machine = opened(checkpoint(5), newest=checkpoint(9))
    assert alarms(hear(machine, page(9, forked=True))) == [RELAY_LOG_SPLIT]


@pytest.mark.parametrize(
    "leaf",
    [
        Leaf(entry=EntryHash(bytes([2]) * 32), index=1, path=inclusion_path(LEAVES[:4], 1)),
        Leaf(entry=EntryHash(bytes([1]) * 32), index=2, path=inclusion_path(LEAVES[:4], 1)),
        Leaf(entry=EntryHash(bytes([1]) * 32), index=1, path=()),
    ],
)
def test_a_receipt_counts_only_with_inclusion(leaf: Leaf):
    """Another entry, another place, no path: nothing is receipted, and the connection ends."""
    steps = hear(opened(), Receipt(note=note(4), leaves=(leaf,)))
    assert failed(steps).code == "forged"
    assert not any(isinstance(step, Receipted) for step in steps)


def test_a_checkpoint_is_the_certified_relay_s():
    """Of its key and its log's origin."""
    for key in (NoteKey(ORIGIN, SigningKey(b"t" * 32)), NoteKey("other.example/log", ORGANISATION.relay_key)):
        assert failed(hear(opened(), Page(note=note(4, key=key), more=False))).code == "forged"


# ---------------------------------------------------------------------------------------------------------- resync


def test_a_relay_that_forgot_is_an_alarm_and_is_told_everything():
    """Frontiers go up, what it wants follows, and the cursor starts anew below where it was."""
    machine = opened(checkpoint(9), newest=checkpoint(12))
    alarm, ask = hear(machine, Resync(note=note(4)))
    assert alarm == Alarm(RELAY_LOG_DIFFERS, checkpoint(4))
    assert ask == SupplyHoldings()
    same, other = StreamId(b"=" * 16), b"o" * 16
    held = {STREAM: Holding({OWN: (2, ENTRY)}, {OWN: (ENTRY,)}), same: Holding({OWN: (1, ENTRY)})}
    (digests,) = sent(machine.compare(held))
    assert digests == Digests(digests=Buckets(SALT, held, 1).digests)
    tags = sorted([tag_of(SALT, same, held[same]), other])
    assert hear(machine, Tags(tags=tags[0], last=False, buckets=b"\x01")) == []
    *frames, forks = hear(machine, Tags(tags=tags[1], last=True))
    assert sent(frames) == [
        Frontiers(streams=(StreamFrontier(stream=STREAM, heads={OWN: (2, ENTRY)}),), last=True),
        Unknown(tags=other, last=True),
    ]
    assert forks == SupplyChains(((STREAM, OWN, 0),))
    assert hear(machine, Want(chains=((STREAM, (OWN, 3)),))) == [SupplyChains(((STREAM, OWN, 3),))]
    assert hear(machine, page(4)) == [Advance(checkpoint(4), note(4), checkpoint(4), note(4))]
    assert hear(machine, Want(chains=())) == [SupplyChains(())]


def test_the_cursor_names_the_newest_receipt_beyond_it():
    """A relay that lost what it receipted is found out even if it still has what it fed."""
    machine = device(checkpoint(3), newest=checkpoint(7))
    (cursor,) = sent(machine.resume(ORGANISATION.relay))
    assert cursor == Cursor(size=3, root=checkpoint(3).root, sessions=(OWN,), newest=(7, checkpoint(7).root))
    (locate,) = heard(serving(), cursor)
    assert isinstance(locate, Locate)
    assert locate.states == ((3, checkpoint(3).root), (7, checkpoint(7).root))
    assert hear(machine, Resync(note=note(3)))[0] == Alarm(RELAY_LOG_DIFFERS, checkpoint(3))


def test_until_a_resync_is_over_it_begins_again():
    """Receipts of the new log do not make up for what was not compared yet: what is kept is a state of no log."""
    machine = opened(checkpoint(3), newest=checkpoint(9))
    hear(machine, Resync(note=note(4)))
    assert hear(machine, receipt(12, base=4)) == [Receipted(checkpoint(12), note(12), (), UNFINISHED, note(12))]
    machine.compare({})
    hear(machine, Tags(tags=b"", last=True, buckets=b"\0"))
    assert hear(machine, receipt(14, base=12)) == [Receipted(checkpoint(14), note(14), (), UNFINISHED, note(14))]
    assert hear(machine, page(12)) == [Advance(checkpoint(12), note(12), checkpoint(14), note(14))]
    assert hear(machine, receipt(15, base=14)) == [Receipted(checkpoint(15), note(15), (), checkpoint(15), note(15))]
    again = device(checkpoint(3), newest=UNFINISHED)
    (cursor,) = sent(again.resume(ORGANISATION.relay))
    assert isinstance(cursor, Cursor)
    assert cursor.newest == (UNFINISHED.size, UNFINISHED.root)
    assert hear(again, Resync(note=note(4)))[0] == Alarm(RELAY_LOG_DIFFERS, checkpoint(4))


@pytest.mark.parametrize(("cursor", "newest", "size"), [(0, 0, 4), (5, 0, 5), (5, 5, 5), (0, 5, 5)])
def test_a_groundless_resync_is_refused(cursor: int, newest: int, size: int):
    """An empty cursor is a state of every log, and what the relay signs is a state of its own."""
    machine = opened(
        checkpoint(cursor) if cursor else EMPTY_CURSOR, newest=checkpoint(newest) if newest else EMPTY_CURSOR
    )
    assert failed(hear(machine, Resync(note=note(size)))).code == "malformed"


def test_holdings_are_handed_over_once_and_when_asked_for():
    """Anything else is a bug of the shell, on either side."""
    machine = opened(checkpoint(3))
    with pytest.raises(MisuseError):
        machine.compare({})
    hear(machine, Resync(note=note(2)))
    machine.compare({})
    with pytest.raises(MisuseError):
        machine.compare({})
    with pytest.raises(MisuseError):
        serving().holding({})


def test_a_comparison_ends_with_the_feed_even_without_a_checkpoint():
    """The cursor is the empty one then."""
    machine = device_in(DeviceState.COMPARING)
    assert hear(machine, Page(note=None, more=True)) == []
    assert machine.announce((OWN,)) == []
    caught_up, again = hear(machine, Page(note=None, more=False))
    assert caught_up == CaughtUp()
    assert sent([again]) == [Cursor(size=0, root=EMPTY_ROOT, sessions=(OWN,), newest=(2, checkpoint(2).root))]


def test_over_http_a_device_asks_again():
    """In the middle of a comparison too, but not while the relay waits for frontiers."""
    assert len(sent(opened().poll())) == 1
    assert device_in(DeviceState.RESYNC).poll() == []
    assert len(sent(device_in(DeviceState.COMPARING).poll())) == 1


# --------------------------------------------------------------------------------------------------------- pushing


def test_more_sessions_than_a_cursor_takes_are_announced_one_after_the_other():
    """None is left out: the next cursor follows when the feed is caught up."""
    sessions = tuple(SessionId(n.to_bytes(16, "big")) for n in range(2 * FRAME_ITEMS_MAX + 1))
    machine = device(sessions=sessions)
    cursors = sent(machine.resume(ORGANISATION.relay))
    for _ in range(3):
        cursors += sent(hear(machine, Page(note=None, more=False)))
    assert [len(cursor.sessions) for cursor in cursors if isinstance(cursor, Cursor)] == [1024, 1024, 1]
    assert hear(machine, Have(seals=((sessions[-1], 0),))) == [Supply({sessions[-1]: 0})]


@pytest.mark.parametrize("seals", [((SessionId(b"?" * 16), 0),), ((OWN, 0), (OWN, 1))])
def test_a_relay_says_what_it_lacks_of_announced_sessions(seals: tuple[tuple[SessionId, int], ...]):
    """Of each once."""
    assert failed(hear(opened(), Have(seals=seals))).code == "malformed"


def test_announcing_again_answers_with_what_is_lacking():
    """Whatever is new since."""
    machine, other = opened(), SessionId(b"o" * 16)
    assert sent(machine.announce((other,))) == [Cursor(size=0, root=EMPTY_ROOT, sessions=(other,))]
    assert hear(machine, Have(seals=((other, 2),))) == [Supply({other: 2})]


def test_a_refused_entry_is_told_with_the_reason():
    """The connection goes on."""
    (rejected,) = hear(opened(), Refused(entry=ENTRY, code="gap", expected="a", got="b", do="c"))
    assert isinstance(rejected, Rejected)
    assert (rejected.entry, rejected.error.code) == (ENTRY, "gap")


# ------------------------------------------------------------------------------------------------------- gathering


def test_proofs_wait_for_their_entries():
    """So that both are stored in one transaction, on either side."""
    proofs = ProofsFrame(certificates=(b"c",), sessions=(b"s",), seals=())
    more = ProofsFrame(certificates=(), sessions=(), seals=(b"1",))
    for listen in listeners():
        assert listen(proofs) == []
        assert listen(more) == []
        (take,) = listen(SAMPLES[7])
        assert take.proofs == Proofs(certificates=(b"c",), sessions=(b"s",), seals=(b"1",))
        assert len(take.entries) == 1
        assert listen(Entries(entries=())) == [Take(Proofs(), ())]


@pytest.mark.parametrize(
    ("proofs", "limit"),
    [
        (ProofsFrame(certificates=(), sessions=(), seals=(b"x" * 100_000,) * 2), PROOFS_BYTES_MAX // 200_000 + 1),
        (ProofsFrame(certificates=(), sessions=(), seals=(b"x",) * 1024), PROOFS_MAX // 1024),
        (ProofsFrame(certificates=(), sessions=(), seals=()), PROOFS_MAX + 1),
    ],
)
def test_proofs_do_not_wait_for_ever(proofs: ProofsFrame, limit: int):
    """Neither in bytes nor in number: what is too much is stored ahead, and the exchange goes on."""
    for listen in listeners():
        takes = [step for _ in range(2 * limit) for step in listen(proofs)]
        assert len(takes) == 2
        assert sum(len(take.proofs) for take in takes) == 2 * limit * len(proofs.seals)


# ------------------------------------------------------------------------------------------------------- the relay


def test_a_cursor_that_is_no_state_of_the_log_is_answered_by_resync():
    """Nothing is fed until the frontiers came, whatever was loaded meanwhile; a cursor that crosses is not judged."""
    machine = serving()
    have, resync = sent(machine.located(note=note(4), seals=[(OWN, 2)]))
    assert have == Have(seals=((OWN, 2),))
    assert resync == Resync(note=note(4))
    assert machine.page(Proofs(), (), note=note(4), more=True) == []
    assert heard(machine, Cursor(size=1, root=HASH, sessions=(OWN,))) == [Locate(1, HASH, (OWN,))]
    assert sent(machine.located(note=note(4), seals=[(OWN, 2)])) == [have]
    assert sent(machine.located(note=None, seals=[])) == [Have(seals=())]
    assert heard(machine, Want(chains=((STREAM, (OWN, 0)),))) == []
    frontier = {OWN: (2, ENTRY)}
    assert heard(machine, Digests(digests=bytes(16))) == [Hold()]
    assert sent(machine.holding({STREAM: Holding({})})) == [
        Tags(tags=tag_of(SALT, STREAM, Holding({})), last=True, buckets=b"\x01")
    ]
    assert machine.page(Proofs(), (), note=note(4), more=True) == []
    assert heard(machine, Frontiers(streams=(StreamFrontier(stream=STREAM, heads=frontier),), last=True)) == []
    assert heard(machine, Unknown(tags=b"", last=True)) == [Compare({STREAM: frontier}, frozenset())]
    assert machine.page(Proofs(), (), note=note(4), more=False)


def test_a_cursor_that_is_a_state_of_the_log_is_fed():
    """From there on."""
    assert serving().located(note=None, seals=[])[1:] == [Feed()]


def test_a_comparison_may_span_frames():
    """The parts of a frontier are one; unknown tags come in parts as well, and tell which streams differ."""
    machine, other = tagged(), SessionId(b"o" * 16)
    one, two = {OWN: (2, ENTRY)}, {other: (3, ENTRY)}
    assert heard(machine, Frontiers(streams=(StreamFrontier(stream=STREAM, heads=one),), last=False)) == []
    assert heard(machine, Frontiers(streams=(StreamFrontier(stream=STREAM, heads=two),), last=True)) == []
    assert heard(machine, Unknown(tags=tag_of(SALT, STREAM, HELD), last=False)) == []
    (step,) = heard(machine, Unknown(tags=b"", last=True))
    assert step == Compare({STREAM: {**one, **two}}, frozenset({STREAM}))


def test_a_device_says_what_it_holds_beyond_its_cursor():
    """All of it before it waits for an answer, and the relay hears it with the cursor; later cursors say no more."""
    streams = {StreamId(n.to_bytes(16, "big")): {OWN: (2, ENTRY)} for n in range(FRAME_ITEMS_MAX + 1)}
    machine = device(checkpoint(3), beyond=streams)
    cursors = sent(machine.resume(ORGANISATION.relay))
    assert [len(cursor.beyond or ()) for cursor in cursors if isinstance(cursor, Cursor)] == [FRAME_ITEMS_MAX, 1]
    assert machine.unanswered == 2
    last = cursors[-1]
    (locate,) = heard(serving(), last)
    assert isinstance(locate, Locate)
    assert locate.beyond == {max(streams): {OWN: (2, ENTRY)}}
    hear(machine, Have(seals=()))
    assert machine.unanswered == 1
    assert sent(machine.poll()) == [Cursor(size=3, root=checkpoint(3).root, sessions=(OWN,))]
    assert hear(machine, Want(chains=((STREAM, (OWN, 0)),))) == [SupplyChains(((STREAM, OWN, 0),))]


def test_what_the_log_lost_is_asked_for_before_the_answer():
    """So that with HAVE the device has heard of all of it."""
    lost = [(STREAM, OWN, 0)]
    want, have, feed = serving().located(note=None, seals=[], lost=lost)
    assert sent([want, have]) == [Want(chains=((STREAM, (OWN, 0)),)), Have(seals=())]
    assert feed == Feed()


def test_a_device_asks_for_chains_again():
    """In state OPEN, in as many frames as it takes and no more than the limit; the relay feeds them and says so."""
    chains = [(STREAM, SessionId(n.to_bytes(16, "big")), 0) for n in range(AGAIN_CHAINS_MAX + 1)]
    wants = sent(opened().request(chains))
    assert [len(want.chains) for want in wants if isinstance(want, Want)] == [FRAME_ITEMS_MAX] * 4
    assert device_in(DeviceState.COMPARING).request(chains) == []
    assert heard(serving(), Want(chains=((STREAM, (OWN, 3)),))) == [FeedAgain(((STREAM, OWN, 3),)), Feed()]


@pytest.mark.parametrize(
    ("limit", "message", "times"),
    [
        ("ASKS_MAX", Cursor(size=0, root=EMPTY_ROOT, sessions=()), 3),
        ("ASKS_MAX", Want(chains=()), 3),
        ("AGAIN_CHAINS_MAX", Want(chains=((STREAM, (OWN, 0)),) * 3), 1),
        (
            "BEYOND_HEADS_MAX",
            Cursor(
                size=0,
                root=EMPTY_ROOT,
                sessions=(),
                beyond=(
                    StreamFrontier(stream=STREAM, heads={SessionId(bytes([n]) * 16): (0, ENTRY) for n in range(3)}),
                ),
            ),
            1,
        ),
    ],
    ids=["cursors", "wants", "chains", "heads"],
)
def test_a_relay_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch, limit: str, message: Message, times: int):
    """A device that asks again and again is told which limit it reached, and its connection ends."""
    monkeypatch.setattr(f"sync_protocol.relay_exchange.{limit}", 2)
    machine = serving()
    for _ in range(times - 1):
        heard(machine, message)
    error = failed(heard(machine, message))
    assert (error.code, "at most 2" in error.expected) == ("too_often", True)


def test_a_feed_does_not_begin_again_for_ever():
    """A cursor below an earlier one may have the feed begin anew; so often, and no more."""
    machine = serving()
    for number in range(REWINDS_MAX + 1):
        assert heard(machine, Cursor(size=REWINDS_MAX - number, root=HASH, sessions=()))
    assert failed(heard(machine, Cursor(size=0, root=HASH, sessions=()))).code == "too_often"


def test_a_device_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch):
    """Nor is a device by its relay."""
    monkeypatch.setattr("sync_protocol.device_exchange.ASKS_MAX", 1)
    machine = opened()
    hear(machine, Want(chains=()))
    assert failed(hear(machine, Want(chains=()))).code == "too_often"


def test_a_relay_does_not_compare_for_ever():
    """Each comparison has it look at all that a device may read, and begins the feed anew."""
    machine = serving()
    for _ in range(COMPARISONS_MAX):
        heard(machine, Cursor(size=9, root=HASH, sessions=()))
        machine.located(note=note(1), seals=())
        heard(machine, Digests(digests=bytes(16)))
        machine.holding({})
        heard(machine, Frontiers(streams=(), last=True))
        assert heard(machine, Unknown(tags=b"", last=True))
    heard(machine, Cursor(size=9, root=HASH, sessions=()))
    machine.located(note=note(1), seals=())
    error = failed(heard(machine, Digests(digests=bytes(16))))
    assert (error.code, "comparisons" in error.expected) == ("too_often", True)


def test_a_device_does_not_compare_for_ever(monkeypatch: pytest.MonkeyPatch):
    """A relay that forgets again and again is left: each time costs a look at everything."""
    monkeypatch.setattr("sync_protocol.device_exchange.COMPARISONS_MAX", 0)
    error = failed(hear(opened(), Resync(note=note(2))))
    assert (error.code, "RESYNC" in error.expected) == ("too_often", True)


def test_a_device_compares_of_its_own_accord():
    """Nothing was lost: no alarm, the cursor stays, forks are not supplied unasked, and the feed goes on as it was."""
    machine = opened(checkpoint(3))
    hear(machine, Have(seals=()))
    fork = Holding({OWN: (1, ENTRY)}, {OWN: (ENTRY, EntryHash(b"2" * 32))})
    (digests,) = sent(machine.begin_comparison({STREAM: fork}))
    assert isinstance(digests, Digests)
    advance, caught_up = hear(machine, page(5, base=3, more=False))  # it was under way
    assert (isinstance(advance, Advance), caught_up, machine.comparing) == (True, CaughtUp(), True)
    steps = hear(machine, Tags(tags=b"t" * 16, last=True, buckets=b"\x01"))
    frontiers, unknown = sent(steps)
    assert frontiers == Frontiers(streams=(StreamFrontier(stream=STREAM, heads={OWN: (1, ENTRY)}),), last=True)
    assert unknown == Unknown(tags=b"t" * 16, last=True)
    assert len(steps) == 2
    assert machine.comparing
    assert isinstance(hear(machine, page(5, more=False))[0], Advance)
    assert not machine.comparing


def test_a_device_compares_only_at_rest(monkeypatch: pytest.MonkeyPatch):
    """Not with a CURSOR on its way, which may bring RESYNC, nor with one to come, nor while it does, nor for ever."""
    with pytest.raises(MisuseError):
        opened(checkpoint(3)).begin_comparison({})
    machine = asking()
    assert (machine.may_compare, device_in(DeviceState.RESYNC).may_compare) == (False, False)
    hear(machine, Tags(tags=b"", last=True, buckets=b"\0"))
    hear(machine, Page(note=None, more=False))
    rested = machine.may_compare
    monkeypatch.setattr("sync_protocol.device_exchange.COMPARISONS_MAX", 1)
    assert (rested, machine.may_compare) == (True, False)


def test_a_relay_compares_with_whoever_asks():
    """No page while it does; then it says what it lacks, and feeds."""
    machine = serving()
    assert heard(machine, Digests(digests=bytes(16))) == [Hold()]
    assert machine.page(Proofs(), (), note=note(4), more=False) == []
    (tags,) = sent(machine.holding({STREAM: HELD}))
    assert isinstance(tags, Tags)
    heard(machine, Frontiers(streams=(), last=True))
    (compare,) = heard(machine, Unknown(tags=tags.tags, last=True))
    assert compare == Compare({}, frozenset({STREAM}))
    assert machine.compared([]) == [Feed()]
    assert isinstance(sent(machine.page(Proofs(), (), note=note(4), more=False))[-1], Page)


def test_a_chain_is_not_fed_again_and_again():
    """From no number twice on one connection; from a lower one it may be, some times."""
    machine = serving()
    for first in (20, *range(19, 19 - REWINDS_MAX, -1)):
        (again, _) = heard(machine, Want(chains=((STREAM, (OWN, first)), (STREAM, (OWN, first)))))
        assert again == FeedAgain(((STREAM, OWN, first),))
    for first in (30, 0):
        assert heard(machine, Want(chains=((STREAM, (OWN, first)),))) == [FeedAgain(()), Feed()]


def test_a_device_asks_for_a_chain_once():
    """From the lowest number from which anything of it is lacking, whoever named it first."""
    (want,) = sent(opened().request([(STREAM, OWN, 9), (STREAM, OWN, 3), (STREAM, OWN, 5)]))
    assert want == Want(chains=((STREAM, (OWN, 3)),))


def test_frontiers_are_bounded(monkeypatch: pytest.MonkeyPatch):
    """In streams and in heads; the error names which."""
    monkeypatch.setattr("sync_protocol.comparing.FRONTIER_STREAMS_MAX", 0)
    frame = Frontiers(streams=(StreamFrontier(stream=STREAM, heads={OWN: (2, ENTRY)}),), last=False)
    assert "streams" in failed(heard(tagged(), frame)).expected
    monkeypatch.undo()
    monkeypatch.setattr("sync_protocol.comparing.FRONTIER_HEADS_MAX", 0)
    assert "heads" in failed(heard(tagged(), frame)).expected
    assert FRONTIER_HEADS_MAX > 100_000


def test_what_is_wanted_spans_frames_and_then_the_feed_begins():
    """All of it before the first page, so that a device has heard of everything when its cursor moves."""
    steps = serving().compared([(STREAM, OWN, n) for n in range(FRAME_ITEMS_MAX + 1)])
    wants = sent(steps)
    assert [len(want.chains) for want in wants if isinstance(want, Want)] == [FRAME_ITEMS_MAX, 1]
    assert steps[-1] == Feed()
    assert serving().compared([]) == [Feed()]


def test_a_page_never_moves_a_cursor_back():
    """A cursor that crossed a page on its way makes the shell feed from further back; those notes are left out."""
    machine = serving()
    growth = grown(2, 4)
    pages = [
        sent(machine.page(Proofs(), (), note=note(size), more=False, consistency=growth))[-1] for size in (4, 2, 4, 6)
    ]
    assert [(page.note, page.consistency) for page in pages if isinstance(page, Page)] == [
        (note(4), growth),
        (None, None),
        (note(4), growth),
        (note(6), growth),
    ]
    assert machine.page(Proofs(), (), note=None, more=True)[-1] == Feed()


def test_receipts_are_made_of_what_is_durable():
    """In frames of so many leaves; none where nothing was stored."""
    leaf = Leaf(entry=ENTRY, index=0, path=())
    receipts = sent(serving().ingested(note=note(1), leaves=[leaf] * 129, refused=()))
    assert [len(receipt.leaves) for receipt in receipts if isinstance(receipt, Receipt)] == [128, 1]
    assert serving().ingested(note=note(1), leaves=(), refused=()) == []


def test_a_device_pushes_proofs_before_entries():
    """As the relay's page does."""
    entries = SAMPLES[7]
    assert isinstance(entries, Entries)
    messages = sent(opened().push(Proofs(seals=(b"1",)), entries.entries))
    assert messages == [ProofsFrame(certificates=(), sessions=(), seals=(b"1",)), entries]
    *page, last = sent(serving().page(Proofs(seals=(b"1",)), entries.entries, note=None, more=False))
    assert page == messages
    assert last == Page(note=None, more=False)


def test_hashes_of_a_frontier_are_whole():
    """Thirty-two bytes: shorter tags can be ground."""
    assert len(Hash.of(b"")) == 32
