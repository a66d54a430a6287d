"""The machine of a meeting: every state refuses what may not come, and no stranger, thief or mirror gets in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobMessage, BlobsHeld, BlobWant
from sync_protocol.certificates import Trust
from sync_protocol.comparison_messages import Digests, Frontiers, StreamFrontier, Tags, Unknown, Want
from sync_protocol.digests import Holding
from sync_protocol.errors import (
    BrokenChainError,
    ForgedError,
    LimitError,
    MalformedError,
    MisuseError,
    PeerError,
    UntrustedError,
)
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.frontier import wanting
from sync_protocol.ids import EntryHash
from sync_protocol.intake import Proofs
from sync_protocol.log_messages import Have
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_handshake import Part
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.peer_states import PEER_ACCEPTS, PeerState
from sync_protocol.peer_steps import Ask, BlobTurn, Confirmed, Finish, HandOver, Heard, Met, Offer, RoundOver
from sync_protocol.refusal_messages import Failure, Refused, ToldError
from sync_protocol.roles import Role
from sync_protocol.steps import BlobSaid, Close, Send, Take
from tests.support.meetings import ADDRESS
from tests.support.people import START_MS, YEAR_MS, Device, Organisation
from tests.unit.sync_protocol.messages_samples import BLOB, ENTRY, SAMPLES, SESSION, STREAM

ORGANISATION = Organisation.make(31)
PHONE, KIT = ORGANISATION.device(Role.PHYSICIAN), ORGANISATION.device(Role.NURSE)
STRANGERS = Organisation.make(32)
FRONTIER = {STREAM: {SESSION: (4, ENTRY)}}
HELD = {STREAM: Holding(FRONTIER[STREAM])}
NOTHING = Digests(digests=bytes(16))
"""Of one who has nothing to offer."""


def machine(device: Device, part: Part, **changes: Any) -> PeerExchange:
    """A device's machine at the beginning."""
    organisation = device.organisation
    fields: dict[str, Any] = {
        "root": organisation.root,
        "certificates": device.chain,
        "signer": device.signer,
        "trust": Trust(organisation.root),
        "address": ADDRESS,
        "nonce": organisation.entropy(32),
    }
    return PeerExchange(part, **(fields | changes))


def receive(one: PeerExchange, message: Message, *, now_ms: int = START_MS) -> list[Any]:
    """Give a machine one message."""
    return list(one.receive(pack_frame(message), now_ms=now_ms))


def sent(steps: list[Any]) -> list[Any]:
    """The messages among some steps."""
    return [unpack_frame(step.frame) for step in steps if isinstance(step, Send)]


def pass_on(steps: list[Any], to: PeerExchange, *, now_ms: int = START_MS) -> list[Any]:
    """Deliver what one side sent to the other; what that asks for."""
    return [out for step in steps if isinstance(step, Send) for out in to.receive(step.frame, now_ms=now_ms)]


def greeted() -> tuple[PeerExchange, PeerExchange]:
    """Both machines, acquainted: it is the dialler's turn."""
    phone, kit = machine(PHONE, Part.DIALLED), machine(KIT, Part.ANSWERED)
    proof = pass_on(pass_on(phone.start(), kit), phone)
    pass_on(pass_on(proof, kit), phone)
    return phone, kit


def dialled(state: PeerState) -> PeerExchange:
    """The dialler's machine in a state."""
    phone = machine(PHONE, Part.DIALLED)
    if state is PeerState.AUTH:
        pass_on(pass_on(phone.start(), machine(KIT, Part.ANSWERED)), phone)
    if state in {PeerState.HELLO, PeerState.AUTH}:
        return phone
    phone, _ = greeted()
    way: list[tuple[PeerState, Callable[[], object]]] = [
        (PeerState.TURN, lambda: phone.offer((), HELD)),
        (PeerState.COMPARING, lambda: receive(phone, Tags(tags=OTHER, last=True, buckets=b"\x01"))),
        (PeerState.ASKED, lambda: (phone_heard(phone), receive(phone, Done(again=False)), phone.finish(again=False))),
        (PeerState.TAKING, lambda: (receive(phone, Done(again=False)), phone.end())),
    ]
    if state is PeerState.SHARING:
        way[-1] = (PeerState.TAKING, lambda: [receive(phone, Done(again=False)), phone.share((), again=False)])
    for reached, further in way:
        if state is reached:
            break
        further()
    return phone


OTHER = b"o" * 2 * 8 + b"p" * 16
"""Two tags that the dialler does not have."""


def phone_heard(phone: PeerExchange) -> list[Any]:
    """All frontiers of the other: none."""
    return receive(phone, Frontiers(streams=(), last=True))


def answered(state: PeerState) -> PeerExchange:
    """The machine of the one who answered, in a state."""
    if state is PeerState.HELLO:
        return machine(KIT, Part.ANSWERED)
    if state is PeerState.AUTH:
        kit = machine(KIT, Part.ANSWERED)
        pass_on(machine(PHONE, Part.DIALLED).start(), kit)
        return kit
    _, kit = greeted()
    if state is PeerState.OFFERED:
        return kit
    receive(kit, Digests(digests=b"?" * 16))
    if state is PeerState.TURN:
        return kit
    (_, tags) = sent(kit.offer((), HELD))
    if state is PeerState.DIFFERING:
        return kit
    receive(kit, Frontiers(streams=(), last=True))
    receive(kit, Unknown(tags=tags.tags, last=True))
    kit.finish(again=False)
    return kit


ANSWERER_S = (PeerState.OFFERED, PeerState.DIFFERING, PeerState.ANSWERED)
BY_STATE: list[tuple[PeerState, Callable[[PeerState], PeerExchange]]] = [
    *((state, dialled) for state in PeerState if state not in ANSWERER_S),
    *((state, answered) for state in (PeerState.HELLO, PeerState.AUTH, PeerState.TURN)),
    *((state, answered) for state in ANSWERER_S),
]


@pytest.mark.parametrize(
    ("state", "make"), BY_STATE, ids=lambda one: getattr(one, "name", getattr(one, "__name__", ""))
)
@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_what_may_not_come_ends_the_meeting(
    state: PeerState, make: Callable[[PeerState], PeerExchange], message: Message
):
    """The table decides, state by state; the other is told why, and nothing more is read."""
    one = make(state)
    assert one._state is state
    steps = receive(one, message)
    if state is PeerState.CLOSED:
        assert steps == []
    elif type(message) not in PEER_ACCEPTS[state]:
        (told,), close = sent(steps), steps[-1]
        assert isinstance(told, Failure)
        assert isinstance(close.error, MalformedError)
        assert one._state is PeerState.CLOSED
        assert receive(one, message) == []


def test_both_come_to_know_each_other():
    """Each learns the other's certificate; the dialler speaks first."""
    phone, kit = machine(PHONE, Part.DIALLED), machine(KIT, Part.ANSWERED)
    assert kit.start() == []
    proof = pass_on(pass_on(phone.start(), kit), phone)
    own, met = pass_on(proof, kit)
    assert isinstance(met, Met)
    assert (met.certificate.hash, met.expired) == (PHONE.name, False)
    back, offer = phone.receive(own.frame, now_ms=START_MS)
    assert isinstance(back, Met)
    assert back.certificate.hash == KIT.name
    assert offer == Offer()


def test_an_expired_certificate_is_told_apart():
    """It does not end the meeting: what its device wrote is still taken. The shell gives it less."""
    phone, kit = machine(PHONE, Part.DIALLED), machine(KIT, Part.ANSWERED)
    proof = pass_on(pass_on(phone.start(), kit), phone)
    *_, met = pass_on(proof, kit, now_ms=START_MS + 2 * YEAR_MS)
    assert met.expired


def hello(device: Device = PHONE, **changes: Any) -> PeerHello:
    """A hello."""
    fields: dict[str, Any] = {
        "versions": (1,),
        "organisation": device.organisation.root.value.organisation,
        "certificate": device.name,
        "nonce": bytes(32),
    }
    return PeerHello(**(fields | changes))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (hello(versions=(2, 3)), MalformedError),
        (hello(versions=()), MalformedError),
        (hello(STRANGERS.device(Role.NURSE)), UntrustedError),
        (hello(KIT), UntrustedError),
    ],
    ids=["newer version", "no version", "another organisation", "its own certificate"],
)
def test_hellos_that_are_refused(message: PeerHello, error: type[PeerError]):
    """Before the device says anything of itself but why."""
    steps = receive(machine(KIT, Part.ANSWERED), message)
    (told,) = sent(steps)
    assert isinstance(told, Failure)
    assert isinstance(steps[-1].error, error)


def test_another_organisation_is_named_so_that_both_sides_read_it_right():
    """The one that finds it tells the other in the same words: neither is shown its own organisation as the other's."""
    stranger = STRANGERS.device(Role.NURSE)
    (told,) = sent(receive(machine(KIT, Part.ANSWERED), hello(stranger)))
    (back,) = sent(receive(machine(stranger, Part.ANSWERED), hello(KIT)))
    assert isinstance(told, Failure)
    assert isinstance(back, Failure)
    own, other = (one.organisation.root.value.organisation.short for one in (KIT, stranger))
    both = " and ".join(sorted((own, other)))
    assert told.got == back.got == f"the other device belongs to another one ({both})"
    assert told.expected == "two devices of one organisation"


def test_a_mirror_is_refused():
    """A device that hears its own hello back meets nobody; one that hears its own proof back neither."""
    phone = machine(PHONE, Part.DIALLED)
    (own,) = phone.start()
    assert isinstance(own, Send)
    *_, close = phone.receive(own.frame, now_ms=START_MS)
    assert isinstance(close, Close)
    assert isinstance(close.error, UntrustedError)
    kit, phone = machine(KIT, Part.ANSWERED), machine(PHONE, Part.DIALLED)
    (auth,) = sent(pass_on(pass_on(phone.start(), kit), phone))
    shown = replace(auth, certificates=tuple(one.wire for one in KIT.chain))
    assert isinstance(receive(phone, shown)[-1].error, ForgedError)


def proof_for(kit: PeerExchange, **changes: Any) -> PeerAuth:
    """What the phone proves to a kit that has greeted it."""
    phone = machine(PHONE, Part.DIALLED, **changes)
    (auth,) = sent(pass_on(pass_on(phone.start(), kit), phone))
    assert isinstance(auth, PeerAuth)
    return auth


def thief() -> tuple[PeerAuth, PeerExchange]:
    """Somebody with the phone's certificates and a key of its own."""
    kit = machine(KIT, Part.ANSWERED)
    return proof_for(kit, signer=ORGANISATION.device(Role.NURSE).signer), kit


def replayed() -> tuple[PeerAuth, PeerExchange]:
    """A proof from an earlier meeting, with the hello of then: the kit's nonce is another."""
    old = machine(KIT, Part.ANSWERED)
    phone = machine(PHONE, Part.DIALLED)
    greeting = phone.start()
    (auth,) = sent(pass_on(pass_on(greeting, old), phone))
    kit = machine(KIT, Part.ANSWERED)
    pass_on(greeting, kit)
    return auth, kit


def between() -> tuple[PeerAuth, PeerExchange]:
    """Somebody in between passes everything on; the phone dialled an address that is not the kit's."""
    kit = machine(KIT, Part.ANSWERED)
    return proof_for(kit, address="ws://192.0.2.66:8731"), kit


def readdressed() -> tuple[PeerAuth, PeerExchange]:
    """The same, with the address in the message put right."""
    auth, kit = between()
    return replace(auth, address=ADDRESS), kit


def wrong_part() -> tuple[PeerAuth, PeerExchange]:
    """A proof of one who answered, shown by one who dialled."""
    kit, other = machine(KIT, Part.ANSWERED), machine(PHONE, Part.ANSWERED)
    mallory = machine(PHONE, Part.DIALLED)
    pass_on(mallory.start(), kit)
    lure = machine(KIT, Part.DIALLED)
    (auth, _) = pass_on(pass_on(pass_on(lure.start(), other), lure), other)
    return unpack_frame(auth.frame), kit  # type: ignore[return-value]


def unknown() -> tuple[PeerAuth, PeerExchange]:
    """A hello that names a certificate which is not shown."""
    kit = machine(KIT, Part.ANSWERED)
    return replace(proof_for(kit), certificates=()), kit


def foreign() -> tuple[PeerAuth, PeerExchange]:
    """Certificates of another organisation behind a hello that claims this one."""
    kit = machine(KIT, Part.ANSWERED)
    stranger = STRANGERS.device(Role.NURSE)
    return replace(proof_for(kit), certificates=tuple(one.wire for one in stranger.chain)), kit


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (thief, ForgedError),
        (replayed, ForgedError),
        (between, UntrustedError),
        (readdressed, ForgedError),
        (wrong_part, ForgedError),
        (unknown, UntrustedError),
        (foreign, UntrustedError),
    ],
)
def test_proofs_that_are_refused(case: Callable[[], tuple[PeerAuth, PeerExchange]], error: type[PeerError]):
    """Nobody is met who does not hold the key of the certificate that it names, here and now."""
    auth, kit = case()
    steps = receive(kit, auth)
    assert isinstance(steps[-1].error, error)
    assert not any(isinstance(step, Met) for step in steps)


def test_a_round_by_turns():
    """Digests, tags, what differs; wants, entries, refusals; each side is asked in its turn."""
    phone, kit = greeted()
    other, third = type(STREAM)(b"2" * 16), type(STREAM)(b"3" * 16)
    theirs = {STREAM: Holding({SESSION: (9, EntryHash(b"9" * 32))}, {SESSION: (ENTRY,)}), third: HELD[STREAM]}
    ours = {**HELD, other: HELD[STREAM], third: HELD[STREAM]}
    assert pass_on(phone.offer((b"note",), ours), kit) == [Heard((b"note",)), Offer()]
    tags = kit.offer((), theirs)
    assert pass_on(tags[:1], phone) == [Heard(())]
    said = pass_on(tags[1:], phone)
    assert [type(message) for message in sent(said)] == [Frontiers, Unknown]
    frontiers, ask, finish = pass_on(said, kit)
    assert (ask, finish) == (Ask({STREAM: FRONTIER[STREAM], other: FRONTIER[STREAM]}), Finish())
    assert [item.stream for item in sent([frontiers])[0].streams] == [STREAM]
    turn = [frontiers, *kit.ask([(other, SESSION, 2)], [(SESSION, 1)]), *kit.finish(again=False)]
    assert pass_on(turn, phone) == [
        Ask({STREAM: theirs[STREAM].frontier}),
        HandOver({(other, SESSION): 2}, {SESSION: 1}),
        Finish(),
    ]
    entries = next(sample for sample in SAMPLES if isinstance(sample, Entries)).entries
    turn = [
        *phone.ask([(STREAM, SESSION, 5)], []),
        *phone.hand(Proofs(seals=(b"1",)), entries),
        *phone.hand(Proofs(seals=(b"2",)), ()),
        *phone.finish(again=True),
    ]
    steps = pass_on(turn, kit)
    assert steps == [
        Take(Proofs(seals=(b"1",)), entries),
        Take(Proofs(seals=(b"2",)), ()),
        HandOver({(STREAM, SESSION): 0}, {SESSION: 0}),
        Finish(),
    ], "a chain that forks goes whole"
    kit.refuse(ENTRY, GAP)
    kit.refuse(ENTRY, GAP)
    kit.hand(Proofs(), entries)
    assert pass_on(kit.finish(again=True), phone) == [
        Confirmed(frozenset({ENTRY}), nothing=False),
        RoundOver(again=True),
    ]
    phone.refuse(ENTRY, GAP)
    steps = phone.offer((b"note",), ours)
    assert [type(message) for message in sent(steps)] == [Refused, Digests], "checkpoints go once"
    assert pass_on(steps, kit) == [Confirmed(frozenset({ENTRY}), nothing=False), Offer()]
    assert (phone.turns, kit.turns) == (5, 6)


GAP = BrokenChainError("gap", expected="the entry before it", got="a gap", do="send it first")


def test_a_fork_goes_once_a_meeting_as_it_is():
    """Unless it has other branches by then: where the other does not take it, it is not sent round by round."""
    phone, kit = greeted()
    for ends, handed in (((ENTRY,), True), ((ENTRY,), False), ((ENTRY, EntryHash(b"f" * 32)), True)):
        held = {STREAM: Holding(FRONTIER[STREAM], {SESSION: ends})}
        pass_on(phone.offer((), held), kit)
        said = pass_on(kit.offer((), {}), phone)
        frontiers, *_ = pass_on(said, kit)
        _, hand_over, _ = pass_on([frontiers, *kit.finish(again=False)], phone)
        assert hand_over == HandOver({(STREAM, SESSION): 0} if handed else {}, {SESSION: 0} if handed else {})
        pass_on(phone.finish(again=False), kit)
        pass_on(kit.finish(again=False), phone)


def test_a_comparison_may_span_frames(monkeypatch: pytest.MonkeyPatch):
    """Nothing is answered before the last of them."""
    monkeypatch.setattr("sync_protocol.comparing.TAGS_IN_FRAME", 1)
    phone, kit = greeted()
    pass_on(phone.offer((), {}), kit)
    many = {type(STREAM)(bytes([n]) * 16): HELD[STREAM] for n in range(3)}
    notes, *tags = kit.offer((), many)
    assert [pass_on([one], phone) for one in [notes, *tags[:-1]]] == [[Heard(())], [], []]
    frontiers, *unknown = pass_on(tags[-1:], phone)
    assert [pass_on([one], kit) for one in (frontiers, *unknown[:-1])] == [[], [], []]
    assert [type(step) for step in pass_on(unknown[-1:], kit)] == [Send, Ask, Finish]


def test_too_many_refusals_refuse_the_turn(monkeypatch: pytest.MonkeyPatch):
    """More than may be named: nothing of that turn counts as being there, and nobody keeps them all in memory."""
    monkeypatch.setattr("sync_protocol.refusals.MEETING_REFUSED_MAX", 1)
    phone = dialled(PeerState.TAKING)
    kit = answered(PeerState.ANSWERED)
    phone._handed = True
    for number in range(3):
        kit.refuse(EntryHash(bytes([number]) * 32), GAP)
    receive(kit, Done(again=False))
    said = sent(kit.finish(again=False))
    assert [message.entry for message in said if isinstance(message, Refused)] == [EntryHash(bytes(32)), None]
    assert [step for message in said for step in receive(phone, message)] == [
        Confirmed(frozenset({EntryHash(bytes(32))}), nothing=True),
        RoundOver(again=False),
    ]
    phone = dialled(PeerState.TAKING)
    for message in said[:2]:
        receive(phone, message)
    assert isinstance(receive(phone, said[0])[-1].error, LimitError)


def test_the_dialler_ends_the_meeting():
    """By DONE in place of a round; both have ended well."""
    phone, kit = greeted()
    assert pass_on(phone.end(), kit) == [Close(None)]
    assert (phone._state, kit._state) == (PeerState.CLOSED, PeerState.CLOSED)


def test_blobs_have_their_turns_after_the_rounds():
    """In place of another round the dialler speaks of blobs; then by turns, until it has nothing more to say."""
    phone, kit = dialled(PeerState.TAKING), answered(PeerState.OFFERED)
    assert (phone.dialled, kit.dialled) == (True, False)
    assert receive(phone, Done(again=False)) == [RoundOver(again=False)]
    held, want = BlobsHeld(blobs=(BLOB,)), BlobWant(blob=BLOB, ranges=())
    said = pass_on(phone.share([held], again=False), kit)
    assert said == [BlobSaid(held), BlobTurn(again=True)]
    said = pass_on(kit.share([held, want], again=True), phone)
    assert said == [BlobSaid(held), BlobSaid(want), BlobTurn(again=True)]
    manifest = BlobManifest(manifest=b"manifest")
    assert pass_on(phone.share([manifest], again=False), kit) == [BlobSaid(manifest), BlobTurn(again=True)]
    assert pass_on(kit.share([], again=False), phone) == [BlobTurn(again=False)]
    assert pass_on(phone.end(), kit) == [Close(None)]
    assert (phone._state, kit._state) == (PeerState.CLOSED, PeerState.CLOSED)


def test_blobs_end_the_last_round_as_done_does():
    """What the one who answered handed over in the last round is durable at the dialler, that says so by going on."""
    kit = answered(PeerState.ANSWERED)
    receive(kit, Done(again=False))
    kit.hand(Proofs(), [])
    kit.finish(again=False)
    assert receive(kit, BlobsHeld(blobs=())) == [Confirmed(frozenset(), nothing=False), BlobSaid(BlobsHeld(blobs=()))]
    assert receive(kit, BlobsHeld(blobs=())) == [BlobSaid(BlobsHeld(blobs=()))]


def test_one_turn_about_blobs_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """So many messages a turn; the next turn has its own."""
    monkeypatch.setattr("sync_protocol.peer_exchange.BLOB_TURN_MAX", 2)
    kit, want = answered(PeerState.OFFERED), BlobWant(blob=BLOB, ranges=())
    for _ in range(2):
        receive(kit, want)
        receive(kit, want)
        assert receive(kit, Done(again=True)) == [BlobTurn(again=True)]
        kit.share((), again=False)
    for _ in range(2):
        receive(kit, want)
    close = receive(kit, want)[-1]
    assert isinstance(close.error, LimitError)


def test_what_is_held_is_said_once():
    """In the first turn about blobs: what a device has to remember of it is bounded by one turn."""
    kit = answered(PeerState.OFFERED)
    for _ in range(2):
        receive(kit, BlobsHeld(blobs=(BLOB,)))
    receive(kit, Done(again=True))
    kit.share((), again=False)
    close = receive(kit, BlobsHeld(blobs=(BLOB,)))[-1]
    assert isinstance(close.error, MalformedError)


@pytest.mark.parametrize("gives", ["neither", "what nobody asked for", "this side", "the other"])
def test_turns_about_blobs_end_where_nothing_moves(monkeypatch: pytest.MonkeyPatch, gives: str):
    """A device that asks for what nobody has, again and again, does not keep another for ever; a chunk does."""
    monkeypatch.setattr("sync_protocol.peer_exchange.BLOB_BARREN_TURNS_MAX", 2)
    kit, chunk = answered(PeerState.OFFERED), BlobChunk(blob=BLOB, index=0, data=b"sealed")
    want = BlobWant(blob=BLOB, ranges=())
    words: dict[str, list[BlobMessage]] = {"this side": [chunk], "the other": [want]}
    says = words.get(gives, [])
    for _ in range(4):
        receive(kit, chunk if gives in {"the other", "what nobody asked for"} else want)
        last = receive(kit, Done(again=True))[-1]
        if isinstance(last, Close):
            break
        kit.share(says, again=True)
    assert isinstance(last, BlobTurn if says else Close)
    assert not isinstance(last, Close) or (isinstance(last.error, LimitError) and last.error.code == "too_often")


def test_the_other_may_fail():
    """Its reason is passed on, fit to be shown."""
    phone, kit = greeted()
    (close,) = pass_on(kit.fail(MalformedError("busy", expected="a", got="b", do="c")), phone)
    assert isinstance(close.error, ToldError)
    assert close.error.code == "busy"


@pytest.mark.parametrize("act", ["offer", "ask", "hand", "share", "finish", "end"])
def test_nobody_speaks_out_of_turn(act: str):
    """A shell that does is a bug of ours."""
    one = dialled(PeerState.COMPARING)
    arguments: dict[str, tuple[Any, ...]] = {"offer": ((), {}), "ask": ((), ()), "hand": (Proofs(), ()), "share": ((),)}
    with pytest.raises(MisuseError):
        getattr(one, act)(*arguments.get(act, ()), **({"again": False} if act in {"finish", "share"} else {}))


def frontier(*items: StreamFrontier, last: bool = False) -> Frontiers:
    """A frame of frontiers."""
    return Frontiers(streams=items, last=last)


HEAD = StreamFrontier(stream=STREAM, heads={SESSION: (4, ENTRY)})


@pytest.mark.parametrize(
    ("make", "state", "messages"),
    [
        (answered, PeerState.DIFFERING, [frontier(HEAD), frontier(HEAD)]),
        (answered, PeerState.DIFFERING, [frontier(HEAD, HEAD)]),
        (answered, PeerState.DIFFERING, [frontier()]),
        (answered, PeerState.DIFFERING, [frontier(last=True), frontier(last=True)]),
        (answered, PeerState.DIFFERING, [frontier(StreamFrontier(stream=STREAM, heads={}), last=True)]),
        (answered, PeerState.DIFFERING, [Unknown(tags=b"", last=True)]),
        (answered, PeerState.DIFFERING, [frontier(last=True), Unknown(tags=OTHER, last=True)]),
        (answered, PeerState.OFFERED, [Digests(digests=bytes(17))]),
        (answered, PeerState.OFFERED, [Digests(digests=bytes(48))]),
        (dialled, PeerState.COMPARING, [Tags(tags=b"", last=True)]),
        (dialled, PeerState.COMPARING, [Tags(tags=b"", last=True, buckets=b"\x02")]),
        (dialled, PeerState.COMPARING, [Tags(tags=b"", last=False, buckets=b"\x01")]),
        (dialled, PeerState.COMPARING, [Tags(tags=OTHER[16:] + OTHER[:16], last=True, buckets=b"\x01")]),
        (dialled, PeerState.ASKED, [Done(again=False)]),
        (
            dialled,
            PeerState.ASKED,
            [frontier(*(replace(HEAD, stream=type(STREAM)(bytes([n]) * 16)) for n in range(3)), last=True)],
        ),
        (answered, PeerState.OFFERED, [PeerNotes(notes=()), PeerNotes(notes=())]),
        (dialled, PeerState.ASKED, [Want(chains=((STREAM, (SESSION, 0)), (STREAM, (SESSION, 1))))]),
        (dialled, PeerState.ASKED, [Want(chains=((STREAM, (SESSION, 0)),)), Want(chains=((STREAM, (SESSION, 0)),))]),
        (dialled, PeerState.ASKED, [Want(chains=((type(STREAM)(bytes(16)), (SESSION, 0)),))]),
        (dialled, PeerState.ASKED, [Want(chains=((STREAM, (type(SESSION)(bytes(16)), 0)),))]),
        (dialled, PeerState.ASKED, [Want(chains=())]),
        (dialled, PeerState.ASKED, [Have(seals=())]),
        (dialled, PeerState.ASKED, [Have(seals=((SESSION, 0), (SESSION, 0)))]),
        (dialled, PeerState.ASKED, [Have(seals=((SESSION, 0), (type(SESSION)(bytes(16)), 0)))]),
        (dialled, PeerState.TAKING, [Entries(entries=())]),
        (dialled, PeerState.TAKING, [ProofsFrame(certificates=(), sessions=(), seals=())]),
    ],
)
def test_floods_end_the_meeting(make: Callable[[PeerState], PeerExchange], state: PeerState, messages: list[Message]):
    """Whatever could be said for ever without saying anything: twice the same, nothing, what was not offered."""
    one = make(state)
    *before, last = messages
    for message in before:
        assert receive(one, message)[-1:] != [Close(None)]
    (told,) = sent(receive(one, last))
    assert isinstance(told, Failure)
    assert one._state is PeerState.CLOSED


@pytest.mark.parametrize(
    ("limit", "state", "message"),
    [
        (
            "peer_exchange.MEETING_ITEMS_MAX",
            PeerState.TAKING,
            ProofsFrame(certificates=(), sessions=(), seals=(b"1", b"2")),
        ),
        (
            "comparing.FRONTIER_HEADS_MAX",
            PeerState.ASKED,
            frontier(HEAD, replace(HEAD, stream=type(STREAM)(b"2" * 16))),
        ),
        (
            "comparing.FRONTIER_STREAMS_MAX",
            PeerState.ASKED,
            frontier(HEAD, replace(HEAD, stream=type(STREAM)(b"2" * 16))),
        ),
        ("comparing.FRONTIER_STREAMS_MAX", PeerState.COMPARING, Tags(tags=OTHER, last=True, buckets=b"\x01")),
    ],
)
def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch, limit: str, state: PeerState, message: Message):
    """One more than a limit ends the meeting."""
    one = dialled(state)
    monkeypatch.setattr(f"sync_protocol.{limit}", 1)
    assert isinstance(receive(one, message)[-1].error, LimitError)


def test_the_one_who_answered_counts_rounds(monkeypatch: pytest.MonkeyPatch):
    """A dialler that begins rounds for ever is refused."""
    monkeypatch.setattr("sync_protocol.peer_exchange.MEETING_ROUNDS_MAX", 1)
    kit = answered(PeerState.ANSWERED)
    receive(kit, Done(again=False))
    kit.finish(again=False)
    assert kit.last_round
    assert isinstance(receive(kit, NOTHING)[-1].error, LimitError)


def test_proofs_beyond_the_bound_are_handed_on(monkeypatch: pytest.MonkeyPatch):
    """They do not wait for entries in memory without end."""
    monkeypatch.setattr("sync_protocol.gathering.PROOFS_MAX", 1)
    steps = receive(dialled(PeerState.TAKING), ProofsFrame(certificates=(b"c",), sessions=(), seals=()))
    assert steps == [Take(Proofs(certificates=(b"c",)), ())]


def test_what_to_ask_a_peer_for():
    """From our own head on where theirs goes beyond it; all of a chain that is new, another branch, or had a gap."""
    known, other = EntryHash(b"k" * 32), EntryHash(b"o" * 32)
    new, ahead, same, behind, gap = (type(SESSION)(bytes([n]) * 16) for n in range(5))
    theirs = {new: (3, other), ahead: (7, other), same: (2, known), behind: (1, other), gap: (9, other)}
    ours = {ahead: (4, known), same: (2, known), behind: (5, known), gap: (4, known)}
    assert wanting(theirs, ours, knows={known}.__contains__, whole={gap}) == {new: 0, ahead: 5, behind: 0, gap: 0}
