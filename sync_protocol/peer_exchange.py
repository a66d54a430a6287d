"""One device's side of a meeting with another: a state machine without I/O, the same for both.

    dialled   digests ->        frontiers, unknown ->                          wants, entries, DONE ->
    answered            <- tags                      <- frontiers, wants, DONE                      <- entries, DONE

After the handshake a round is six turns, and only one side speaks at a time. The one who dialled begins another round,
or ends the meeting by a DONE in place of it. What comes is stored before the next is read, so a meeting that is cut off
has lost nothing, and the next one finds by digests what still differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobMessage, BlobRefused, BlobsHeld, BlobWant
from sync_protocol.certificates import Certificate, Root, Trust
from sync_protocol.comparing import Answering, Beginning, split_unknown
from sync_protocol.comparison_messages import Digests, Frontiers, Tags, Unknown, Want
from sync_protocol.digests import Holding, salt_of
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError, MisuseError, PeerError, malformed, over_limit, too_often
from sync_protocol.frames import pack_frame, split_batch, split_frontiers, unpack_frame
from sync_protocol.gathering import Gathering
from sync_protocol.ids import CertificateHash, EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import (
    BLOB_BARREN_TURNS_MAX,
    BLOB_TURN_MAX,
    FRAME_ITEMS_MAX,
    MEETING_ITEMS_MAX,
    MEETING_ROUNDS_MAX,
)
from sync_protocol.log_messages import Have
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_reading import read_pack
from sync_protocol.peer_handshake import Greeting, Part, check_greeting, check_proof, prove
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.peer_round import PeerRound
from sync_protocol.peer_states import PEER_ACCEPTS, PeerState
from sync_protocol.peer_steps import Ask, BlobTurn, Confirmed, Finish, HandOver, Heard, Met, Offer, PeerStep, RoundOver
from sync_protocol.refusal_messages import Failure, Refused, failure, told
from sync_protocol.refusals import HeardRefusals, Refusals
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from sync_protocol.steps import BlobSaid, Close, Send

T = TypeVar("T")


class PeerExchange:
    """One meeting, as one of the two sees it."""

    def __init__(
        self,
        part: Part,
        *,
        root: Verified[Root],
        certificates: tuple[Verified[Certificate], ...],
        signer: SigningKey,
        trust: Trust,
        address: str,
        nonce: bytes,
    ) -> None:
        """Prepare a meeting.

        Args:
            part: whether this side dialled or answered.
            root: the organisation's root.
            certificates: this device's own chain, from the one nearest to the root down to its own.
            signer: this device's key.
            trust: the organisation's certificates; the other's are admitted to it.
            address: that was dialled, in the form in which both sides know it.
            nonce: 32 random bytes.
        """
        self._part = part
        self._certificates = certificates
        self._signer = signer
        self._trust = trust
        self._address = address
        self._state = PeerState.HELLO
        self._after = PeerState.CLOSED
        self._own = Greeting.say(root=root, certificate=CertificateHash(certificates[-1].hash), nonce=nonce)
        self._other: Greeting | None = None
        self._now_ms = 0
        self._noted = False
        self._rounds = 0
        self.turns = 0
        """How often the other has ended a turn of its own, those of the handshake included."""
        self._items = 0
        self._round = PeerRound()
        self._compared: Beginning | Answering | None = None
        self._forks: dict[tuple[StreamId, SessionId], tuple[bytes, ...]] = {}
        self._handed = False
        self._blobs = 0
        self._blob_turns = 0
        self._barren_turns = 0
        self._moved = False
        self._asked_blob = False
        self._refusals = Refusals()
        self._refused = HeardRefusals()
        self._gathering = Gathering()
        self._acts: Mapping[type[Message], Callable[[Any, bytes], list[PeerStep]]] = {
            Failure: self._failed,
            PeerHello: self._greeted,
            PeerAuth: self._proved,
            PeerNotes: self._heard,
            Digests: self._digests,
            Tags: self._tags,
            Frontiers: self._frontiers,
            Unknown: self._unknown,
            Refused: self._not_taken,
            Have: self._have,
            Want: self._want,
            ProofsFrame: self._proofs,
            Entries: self._entries,
            Pack: self._pack,
            Done: self._done,
            **dict.fromkeys((BlobsHeld, BlobWant, BlobManifest, BlobChunk, BlobRefused), self._blob),
        }

    @property
    def dialled(self) -> bool:
        """Whether this side dialled, and so ends the meeting."""
        return self._part is Part.DIALLED

    @property
    def last_round(self) -> bool:
        """Whether no further round may follow."""
        return self._rounds >= MEETING_ROUNDS_MAX

    def start(self) -> list[PeerStep]:
        """Begin: whoever dialled speaks first."""
        return [Send(self._own.frame)] if self._part is Part.DIALLED else []

    def receive(self, frame: bytes, *, now_ms: int) -> list[PeerStep]:
        """Take one frame from the other. A frame that should not come ends the meeting, with the reason.

        Args:
            frame: as it came.
            now_ms: this device's clock, to judge whether a certificate has expired.
        """
        if self._state is PeerState.CLOSED:
            return []
        self._now_ms = now_ms
        before = self._state
        try:
            message = unpack_frame(frame)
            if type(message) not in PEER_ACCEPTS[before]:
                raise malformed("a message that may come now", f"{type(message).__name__} in state {before.name}")
            steps = self._acts[type(message)](message, frame)
        except PeerError as error:
            return self.fail(error)
        self.turns += self._state is not before
        return steps

    def fail(self, error: ExplainedError) -> list[PeerStep]:
        """End the meeting because of `error`, telling the other."""
        self._state = PeerState.CLOSED
        return [_send(failure(error)), Close(error)]

    def offer(self, notes: Sequence[bytes], holdings: Mapping[StreamId, Holding]) -> list[PeerStep]:
        """Answer `Offer`, or `RoundOver`: checkpoints, which travel once a meeting, and what the other may have."""
        self._speak()
        steps = [*self._say_refusals(), *([] if self._rounds else [_send(PeerNotes(notes=tuple(notes)))])]
        self._rounds += 1
        if self._part is Part.DIALLED:
            self._compared = Beginning(self._salt, holdings)
            self._state = PeerState.COMPARING
            return [*steps, _send(self._compared.digests)]
        assert isinstance(self._compared, Answering), "the one who answered was sent digests"
        self._state = PeerState.DIFFERING
        return [*steps, *map(_send, self._compared.answer(holdings))]

    def ask(
        self, chains: Iterable[tuple[StreamId, SessionId, int]], seals: Iterable[tuple[SessionId, int]]
    ) -> list[PeerStep]:
        """Answer `Ask`.

        Args:
            chains: stream, session and the first number that is lacking.
            seals: the first seal that is lacking, a session of those.
        """
        self._speak()
        wants = ((stream, (session, seq)) for stream, session, seq in chains)
        return [
            *(_send(Have(seals=some)) for some in _in_frames(seals)),
            *(_send(Want(chains=some)) for some in _in_frames(wants)),
        ]

    def hand(self, proofs: Proofs, entries: Iterable[WireEntry]) -> list[PeerStep]:
        """Answer `HandOver`, as often as needed: entries with what they need to be verified."""
        self._speak()
        self._handed = True
        return [
            *map(_send, split_batch(proofs, entries)),
        ]

    def refuse(self, entry: EntryHash, error: ExplainedError) -> None:
        """Hear, after `Take`, that an entry was not taken: the other is told in this side's next turn."""
        self._refusals.add(entry, error)

    def finish(self, *, again: bool) -> list[PeerStep]:
        """Answer `Finish`; `again` asks for another round, and counts where this side answered and has handed over."""
        self._speak()
        self._state = self._after
        return [*self._say_refusals(), _send(Done(again=again))]

    def share(self, said: Iterable[BlobMessage], *, again: bool) -> list[PeerStep]:
        """Answer `RoundOver` or `BlobTurn`: a turn about blobs.

        Args:
            said: at most BLOB_TURN_MAX messages.
            again: whether this side asked for something. The one who dialled goes on in any case, until it ends.
        """
        self._speak()
        self._state = PeerState.SHARING
        more = again or self._part is Part.DIALLED
        words = tuple(said)
        self._moved = self._moved or any(isinstance(message, BlobChunk) for message in words)
        self._asked_blob = any(isinstance(message, BlobWant) for message in words)
        return [*self._say_refusals(), *map(_send, words), _send(Done(again=more))]

    def end(self) -> list[PeerStep]:
        """Answer `RoundOver` or `BlobTurn`: all is well."""
        self._speak()
        self._state = PeerState.CLOSED
        return [*self._say_refusals(), _send(Done(again=False)), Close(None)]

    def _say_refusals(self) -> list[PeerStep]:
        return [_send(message) for message in self._refusals.say()]

    @property
    def _salt(self) -> Hash:
        assert self._other is not None, "a comparison follows the handshake"
        hellos = self._own.frame, self._other.frame
        return salt_of(*(hellos if self._part is Part.DIALLED else reversed(hellos)))

    def _speak(self) -> None:
        if self._state is not PeerState.TURN:
            raise MisuseError(
                "turn", expected="words in one's own turn", got=self._state.name, do="report this as a bug"
            )

    def _failed(self, message: Failure, _: bytes) -> list[PeerStep]:
        self._state = PeerState.CLOSED
        return [Close(told(message))]

    def _greeted(self, message: PeerHello, frame: bytes) -> list[PeerStep]:
        self._other = Greeting(message, frame)
        check_greeting(self._own, self._other)
        self._state = PeerState.AUTH
        return [self._prove()] if self._part is Part.DIALLED else [Send(self._own.frame)]

    def _proved(self, message: PeerAuth, _: bytes) -> list[PeerStep]:
        assert self._other is not None, "AUTH follows HELLO"
        certificate = check_proof(self._part, self._own, self._other, message, address=self._address, trust=self._trust)
        met = Met(certificate, expired=certificate.value.not_after_ms < self._now_ms)
        if self._part is Part.DIALLED:
            self._state = PeerState.TURN
            return [met, Offer()]
        self._state = PeerState.OFFERED
        return [self._prove(), met]

    def _prove(self) -> Send:
        assert self._other is not None, "AUTH follows HELLO"
        proof = prove(
            self._part,
            self._own,
            self._other,
            address=self._address,
            certificates=self._certificates,
            signer=self._signer,
        )
        return _send(proof)

    def _heard(self, message: PeerNotes, _: bytes) -> list[PeerStep]:
        if self._noted:
            raise malformed("checkpoints once a meeting", "them again")
        self._noted = True
        return [Heard(message.notes)]

    def _digests(self, message: Digests, _: bytes) -> list[PeerStep]:
        if self.last_round:
            raise over_limit("a meeting", MEETING_ROUNDS_MAX, self._rounds + 1, "rounds")
        self._compared = Answering(self._salt, message)
        self._state = PeerState.TURN
        return [*self._confirm(), Offer()]

    def _tags(self, message: Tags, _: bytes) -> list[PeerStep]:
        assert isinstance(self._compared, Beginning), "the one who dialled sent digests"
        if not self._compared.hear(message):
            return []
        self._round.offered = self._compared.offered
        self._state = PeerState.ASKED
        frontiers = split_frontiers({stream: held.frontier for stream, held in self._compared.offered.items()})
        return [*map(_send, frontiers), *map(_send, split_unknown(self._compared.unknown))]

    def _frontiers(self, message: Frontiers, _: bytes) -> list[PeerStep]:
        assert self._compared is not None, "frontiers follow digests"
        if isinstance(self._compared, Answering):
            self._compared.hear(message)
        else:
            self._compared.hear_frontiers(message)
        return []

    def _unknown(self, message: Unknown, _: bytes) -> list[PeerStep]:
        assert isinstance(self._compared, Answering), "the one who answered sent tags"
        if not self._compared.hear_unknown(message):
            return []
        self._round.offered = self._compared.offered
        self._state, self._after = PeerState.TURN, PeerState.ANSWERED
        frontiers = split_frontiers({stream: held.frontier for stream, held in self._round.offered.items()})
        return [*map(_send, frontiers), Ask(self._compared.theirs), Finish()]

    def _not_taken(self, message: Refused, _: bytes) -> list[PeerStep]:
        self._refused.hear(message)
        return []

    def _confirm(self) -> list[PeerStep]:
        """The other's turn after this side handed over is done, or it says something else: what it took is durable."""
        heard, self._refused = self._refused, HeardRefusals()
        handed, self._handed = self._handed, False
        return [Confirmed(frozenset(heard.names), heard.nothing)] if handed else []

    def _have(self, message: Have, _: bytes) -> list[PeerStep]:
        self._round.lacks(message)
        return []

    def _want(self, message: Want, _: bytes) -> list[PeerStep]:
        self._round.wants(message)
        return []

    def _proofs(self, message: ProofsFrame, _: bytes) -> list[PeerStep]:
        self._count(len(message.certificates) + len(message.sessions) + len(message.seals))
        return [*self._gathering.proofs(message)]

    def _entries(self, message: Entries, _: bytes) -> list[PeerStep]:
        self._count(len(message.entries))
        return [self._gathering.entries(message)]

    def _pack(self, message: Pack, _: bytes) -> list[PeerStep]:
        proofs, entries = read_pack(message)
        self._count(len(proofs) + len(entries))
        return [self._gathering.opened(proofs, entries)]

    def _blob(self, message: BlobMessage, _: bytes) -> list[PeerStep]:
        """What the other says of blobs. The first of it takes the place of another round."""
        confirmed = self._confirm()
        self._state = PeerState.SHARING
        self._blobs += 1
        if self._blobs > BLOB_TURN_MAX:
            raise over_limit("one turn about blobs", BLOB_TURN_MAX, self._blobs, "messages")
        if isinstance(message, BlobsHeld) and self._blob_turns:
            raise malformed("what is held in the first turn about blobs", "it in a later one")
        self._moved = self._moved or (self._asked_blob and isinstance(message, BlobChunk))
        return [*confirmed, BlobSaid(message)]

    def _count(self, items: int) -> None:
        if items == 0:
            raise malformed("something in a frame", "an empty one")
        self._items += items
        if self._items > MEETING_ITEMS_MAX:
            raise over_limit("a meeting", MEETING_ITEMS_MAX, self._items, "entries and proofs")

    def _done(self, message: Done, _: bytes) -> list[PeerStep]:
        """A turn of the other is over, or the meeting."""
        over = self._part is Part.ANSWERED and not message.again
        if self._state is PeerState.OFFERED or (self._state is PeerState.SHARING and over):
            self._state = PeerState.CLOSED
            return [*self._confirm(), Close(None)]
        if self._state is PeerState.SHARING:
            self._blob_turn_over()
            return [BlobTurn(message.again)]
        came: list[PeerStep] = [*self._gathering.rest()]
        if self._state is PeerState.ASKED:
            assert isinstance(self._compared, Beginning), "the one who dialled sent digests"
            if not self._compared.heard:
                raise malformed("all frontiers before the end of the turn", "the end")
            self._state, self._after = PeerState.TURN, PeerState.TAKING
            return [Ask(self._compared.theirs), self._hand_over(), Finish()]
        taking = self._state is PeerState.TAKING
        handing = self._hand_over()
        self._state, self._after, self._round = PeerState.TURN, PeerState.OFFERED, PeerRound()
        return [*came, *self._confirm(), RoundOver(message.again)] if taking else [*came, handing, Finish()]

    def _blob_turn_over(self) -> None:
        """Turns go on while something moves: a device that wants what nobody has must not keep another for ever.

        Raises:
            LimitError: nothing did for long.
        """
        self._barren_turns = 0 if self._moved else self._barren_turns + 1
        if self._barren_turns > BLOB_BARREN_TURNS_MAX:
            raise too_often("turns about blobs without a chunk", BLOB_BARREN_TURNS_MAX, self._barren_turns)
        self._state, self._blobs, self._moved = PeerState.TURN, 0, False
        self._blob_turns += 1

    def _hand_over(self) -> HandOver:
        """What was asked for, and the chains that fork, but for those that were handed over as they are now."""
        forks = {chain: ends for chain, ends in self._round.forks().items() if self._forks.get(chain) != ends}
        self._forks.update(forks)
        return HandOver(
            {**self._round.wanted, **dict.fromkeys(forks, 0)},
            {**self._round.seals, **{session: 0 for _, session in forks}},
        )


def _send(message: Message) -> Send:
    return Send(pack_frame(message))


def _in_frames(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """As many at a time as one list of a frame may have."""
    every = iter(items)
    while some := tuple(islice(every, FRAME_ITEMS_MAX)):
        yield some
