"""The relay's side of an exchange with a device: a state machine without I/O.

It knows frames and order, not charts or storage. The shell verifies, stores, locates and loads; a receipt is made from
what the shell says is durable, and never before. `base` is the state of the log from which the device can follow a
proof: the newest that the device named, or that was sent to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sync_protocol.accusations import own_checkpoint
from sync_protocol.blob_messages import BlobChunk, BlobMessage, BlobOffer, BlobWant
from sync_protocol.certificates import RelayRecord, Trust
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.comparing import Answering
from sync_protocol.comparison_messages import Digests, Frontiers, Unknown, Want
from sync_protocol.digests import Holding, salt_of
from sync_protocol.entries import Place, WireEntry
from sync_protocol.errors import ExplainedError, MisuseError, PeerError, malformed, too_often
from sync_protocol.exchange_states import RELAY_ACCEPTS, RelayState
from sync_protocol.frames import pack_frame, split_entries, split_proofs, unpack_frame
from sync_protocol.frontier import Frontier
from sync_protocol.gathering import Gathering
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Ready, Welcome
from sync_protocol.handshake import Said, check_auth, check_hello, welcome
from sync_protocol.ids import Hash, SessionId, StreamId
from sync_protocol.intake import Proofs, Refusal
from sync_protocol.limits import (
    AGAIN_CHAINS_MAX,
    ASKS_MAX,
    BEYOND_HEADS_MAX,
    COMPARISONS_MAX,
    FRAME_ITEMS_MAX,
    RECEIPT_LEAVES_MAX,
    REWINDS_MAX,
)
from sync_protocol.log_messages import Backed, Cursor, Growth, Have, Leaf, Page, Receipt, Resync
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.refusal_messages import Failure, Refused, failure, refused, told
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from sync_protocol.steps import BlobSaid, Close, Compare, Feed, FeedAgain, Greet, Hold, Locate, Peer, RelayStep, Send


class RelayExchange:
    """One connection of the relay to a device."""

    def __init__(
        self,
        *,
        record: Verified[RelayRecord],
        signer: SigningKey,
        trust: Trust,
        addresses: Collection[str],
        nonce: bytes,
    ) -> None:
        """Prepare an exchange.

        Args:
            record: the relay's own record, by the organisation's root.
            signer: the relay's key.
            trust: the organisation's certificates.
            addresses: under which this relay may have been dialled.
            nonce: 32 random bytes, never used for another connection.
        """
        self._record = record
        self._signer = signer
        self._trust = trust
        self._addresses = addresses
        self._nonce = nonce
        self._state = RelayState.HELLO
        self._hello: Said[Hello] | None = None
        self._welcome: Said[Welcome] | None = None
        self._salt = Hash.of(b"")
        self._compared: Answering | None = None
        self._asks = 0
        self._rewinds = 0
        self._comparisons = 0
        self._largest = 0
        self._beyond_heads = 0
        self._again = 0
        self._fed_again: dict[tuple[StreamId, SessionId], tuple[int, int]] = {}
        self._fed = 0
        self._shown: tuple[Checkpoint | None, ...] = ()
        self._known = 0
        self._named = 0
        self.base = 0
        """The size of the state of the log from which what comes next is to be proven; 0 where nothing has to be."""
        self._now_ms = 0
        self._gathering = Gathering()
        self._acts: Mapping[type[Message], Callable[[Any, bytes], list[RelayStep]]] = {
            Failure: self._failure,
            Hello: self._greet,
            Auth: self._authenticate,
            Cursor: self._locate,
            ProofsFrame: self._proofs,
            Entries: self._entries,
            Want: self._want,
            Digests: self._digests,
            Frontiers: self._frontiers,
            Unknown: self._unknown,
            **dict.fromkeys((BlobOffer, BlobWant, BlobChunk), _blob),
        }

    def receive(self, frame: bytes, *, now_ms: int) -> list[RelayStep]:
        """Take one frame from the device. A frame that should not come closes the connection, with the reason."""
        if self._state is RelayState.CLOSED:
            return []
        try:
            message = unpack_frame(frame)
            if type(message) not in RELAY_ACCEPTS[self._state]:
                raise malformed("a message that may come now", f"{type(message).__name__} in state {self._state.name}")
            self._now_ms = now_ms
            return self._acts[type(message)](message, frame)
        except PeerError as error:
            return self.fail(error)

    def fail(self, error: ExplainedError) -> list[RelayStep]:
        """End the connection because of `error`, telling the device."""
        self._state = RelayState.CLOSED
        return [_send(failure(error)), Close(error)]

    def resume(self) -> None:
        """Open without a handshake, where an HTTP token stands for one."""
        self._state = RelayState.OPEN

    def greeted(self, *, note: bytes, paths: Iterable[tuple[Hash, ...] | None]) -> list[RelayStep]:
        """Answer `Greet`.

        Args:
            note: the log's newest checkpoint, read after `Greet` came: it contains all that was signed before.
            paths: one for each of `Greet.shown`, to `note`; None where that is no state of the log. What is said of
                another relay's note is passed over.

        Raises:
            MisuseError: nobody asked.
        """
        if self._state is not RelayState.GREETING or self._hello is None:
            raise MisuseError("greeted", expected="an answer to Greet", got="another state", do="report this as a bug")
        proofs = tuple(
            NoteProof(own=shown is not None, path=None if shown is None else path)
            for shown, path in zip(self._shown, paths, strict=True)
        )
        self._welcome = welcome(
            self._hello, record=self._record, nonce=self._nonce, note=note, proofs=proofs, signer=self._signer
        )
        self._salt = salt_of(self._hello.frame, self._welcome.frame)
        self._state = RelayState.AUTH
        return [Send(self._welcome.frame)]

    def sent(self, note: bytes) -> None:
        """Hear that a frame with this note was sent: what comes after it may be proven from there."""
        self.base = max(self.base, note_size(note))

    def arrived(self, *, everything: bool) -> None:
        """Hear, where responses may get lost, whether all that was sent has arrived: if not, no proof begins there."""
        if everything:
            self._known = self.base
        else:
            self.base = self._known

    def ready(self, *, token: bytes | None, expires_ms: int | None) -> list[RelayStep]:
        """Let the device in, after `Peer`; the other answer is `fail`.

        Raises:
            MisuseError: no device has proved itself.
        """
        if self._state is not RelayState.DECIDING:
            raise MisuseError("ready", expected="READY after Peer", got="another state", do="report this as a bug")
        self._state = RelayState.OPEN
        return [_send(Ready(token=token, expires_ms=expires_ms))]

    def located(
        self,
        *,
        note: bytes | None,
        seals: Iterable[tuple[SessionId, int]],
        lost: Sequence[tuple[StreamId, SessionId, int]] = (),
    ) -> list[RelayStep]:
        """Answer `Locate`.

        Args:
            note: None when all `Locate.states` are states of this log; otherwise the log's newest checkpoint.
            seals: the first seal number that is lacking, a session that was asked for.
            lost: the chains of `Locate.beyond` whose heads the log does not know, from 0 on.
        """
        have = _send(Have(seals=tuple(seals)))
        if self._state is not RelayState.OPEN:
            return [have]  # a cursor that crossed RESYNC on the way
        if note is None:
            self._known = max(self._known, self._named)
            self.base = max(self.base, self._named)
            return [*_wants(lost), have, Feed()]  # with HAVE the device has heard of all that was lost
        self._state = RelayState.RESYNC
        self.base = self._known = note_size(note)
        self._fed = self._largest = 0
        return [have, _send(Resync(note=note))]

    def holding(self, holdings: Mapping[StreamId, Holding]) -> list[RelayStep]:
        """Answer `Hold`.

        Raises:
            MisuseError: nobody asked.
        """
        if self._state is not RelayState.HOLDING or self._compared is None:
            raise MisuseError("holding", expected="an answer to Hold", got="another state", do="report this as a bug")
        self._state = RelayState.TAGGED
        return [*map(_send, self._compared.answer(holdings))]

    def compared(self, lacking: Sequence[tuple[StreamId, SessionId, int]]) -> list[RelayStep]:
        """Answer `Compare`: ask for what the log lacks, then feed what the device lacks."""
        return [*_wants(lacking), Feed()]

    def page(
        self,
        proofs: Proofs,
        entries: Iterable[WireEntry],
        *,
        note: bytes | None,
        more: bool,
        consistency: Growth | None = None,
        backed: Backed | None = None,
    ) -> list[RelayStep]:
        """Answer `Feed` with the next page, or push one unasked when something new came.

        Args:
            proofs: what the entries need to be verified and the device may lack.
            entries: each chain in ascending order.
            note: a checkpoint at or below which everything was sent; left out where a later one was sent already,
                because a cursor never moves back.
            more: whether the shell has more to feed now.
            consistency: of the note, from `base` as it was not long ago; None where that was 0 or the note's own size.
            backed: what the relay's last backup holds, where that is news; it names a state at or below `base` as this
                page leaves it.
        """
        if self._state is not RelayState.OPEN:
            return []  # loaded before RESYNC or the end; what is to be fed after FRONTIERS is another page
        if note is not None:
            size = note_size(note)
            note = note if size >= self._fed else None
            self._fed = max(size, self._fed)
        steps: list[RelayStep] = [
            *map(_send, split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)),
            *map(_send, split_entries(entries)),
            _send(Page(note=note, more=more, consistency=None if note is None else consistency, backed=backed)),
        ]
        return [*steps, Feed()] if more else steps

    def ingested(
        self,
        *,
        note: bytes,
        leaves: Sequence[Leaf],
        refused: Iterable[Refusal],
        consistency: Growth | None = None,
    ) -> list[RelayStep]:
        """Answer `Take`: receipts for what is durable now, reasons for what was not taken.

        Args:
            note: the checkpoint under which the leaves stand.
            leaves: what is durable, with its paths.
            refused: what is not, and why.
            consistency: see `page`.
        """
        steps: list[RelayStep] = [
            _send(Receipt(note=note, leaves=tuple(leaves[start : start + RECEIPT_LEAVES_MAX]), consistency=consistency))
            for start in range(0, len(leaves), RECEIPT_LEAVES_MAX)
        ]
        return [*steps, *(_send(_refused(refusal)) for refusal in refused)]

    def _failure(self, message: Failure, _: bytes) -> list[RelayStep]:
        self._state = RelayState.CLOSED
        return [Close(told(message))]

    def _greet(self, message: Hello, frame: bytes) -> list[RelayStep]:
        self._hello = Said(message, frame)
        check_hello(self._hello, self._record)
        # Whoever makes up a note, or changes one, must not get this relay to sign that it cannot prove it.
        self._shown = tuple(own_checkpoint(note, self._record.value) for note in message.notes)
        self._state = RelayState.GREETING
        return [Greet(self._shown)]

    def _authenticate(self, auth: Auth, _: bytes) -> list[RelayStep]:
        assert self._hello is not None, "AUTH follows HELLO"
        assert self._welcome is not None, "AUTH follows WELCOME"
        certificate = check_auth(
            self._hello, self._welcome, auth, trust=self._trust, addresses=self._addresses, now_ms=self._now_ms
        )
        self._state = RelayState.DECIDING
        return [Peer(certificate)]

    def _locate(self, message: Cursor, _: bytes) -> list[RelayStep]:
        self._count_ask()
        self._rewinds += message.size < self._largest
        if self._rewinds > REWINDS_MAX:
            raise too_often("CURSORs below an earlier one", REWINDS_MAX, self._rewinds)
        self._largest = max(self._largest, message.size)
        self._named = message.size if message.newest is None else max(message.size, message.newest[0])
        return [Locate(message.size, message.root, message.sessions, message.newest, self._beyond(message))]

    def _beyond(self, message: Cursor) -> Mapping[StreamId, Frontier]:
        beyond: dict[StreamId, dict[SessionId, Place]] = {}
        for item in message.beyond or ():
            beyond.setdefault(item.stream, {}).update(item.heads)
            self._beyond_heads += len(item.heads)
        if self._beyond_heads > BEYOND_HEADS_MAX:
            raise too_often("heads beyond the cursor", BEYOND_HEADS_MAX, self._beyond_heads)
        return beyond

    def _count_ask(self) -> None:
        self._asks += 1
        if self._asks > ASKS_MAX:
            raise too_often("CURSORs, WANTs and DIGESTs", ASKS_MAX, self._asks)

    def _want(self, message: Want, _: bytes) -> list[RelayStep]:
        self._count_ask()
        self._again += len(message.chains)
        if self._again > AGAIN_CHAINS_MAX:
            raise too_often("chains to feed again", AGAIN_CHAINS_MAX, self._again)
        if self._state is not RelayState.OPEN:
            return []  # it crossed RESYNC on the way; what is lacking comes after the comparison
        chains: list[tuple[StreamId, SessionId, int]] = []
        for stream, (session, seq) in message.chains:
            first, times = self._fed_again.get((stream, session), (seq + 1, 0))
            if seq < first and times <= REWINDS_MAX:  # what was fed again on this connection need not be so twice
                self._fed_again[stream, session] = seq, times + 1
                chains.append((stream, session, seq))
        return [FeedAgain(tuple(chains)), Feed()]

    def _proofs(self, message: ProofsFrame, _: bytes) -> list[RelayStep]:
        return [*self._gathering.proofs(message)]

    def _entries(self, message: Entries, _: bytes) -> list[RelayStep]:
        return [self._gathering.entries(message)]

    def _digests(self, message: Digests, _: bytes) -> list[RelayStep]:
        self._count_ask()
        self._comparisons += 1
        if self._comparisons > COMPARISONS_MAX:
            raise too_often("comparisons", COMPARISONS_MAX, self._comparisons)
        self._compared = Answering(self._salt, message)
        self._state = RelayState.HOLDING
        return [Hold()]

    def _frontiers(self, message: Frontiers, _: bytes) -> list[RelayStep]:
        assert self._compared is not None, "frontiers follow tags"
        self._compared.hear(message)
        return []

    def _unknown(self, message: Unknown, _: bytes) -> list[RelayStep]:
        assert self._compared is not None, "unknown tags follow tags"
        if not self._compared.hear_unknown(message):
            return []
        compared, self._compared = self._compared, None
        self._state = RelayState.OPEN
        return [Compare(compared.theirs, frozenset(compared.offered))]


def note_size(note: bytes) -> int:
    """The size that a note of this relay's own making states."""
    return Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n").size


def _wants(chains: Sequence[tuple[StreamId, SessionId, int]]) -> list[RelayStep]:
    steps: list[RelayStep] = []
    for start in range(0, len(chains), FRAME_ITEMS_MAX):
        chunk = chains[start : start + FRAME_ITEMS_MAX]
        steps.append(_send(Want(chains=tuple((stream, (session, seq)) for stream, session, seq in chunk))))
    return steps


def _refused(refusal: Refusal) -> Refused:
    return refused(refusal.what, refusal.error)


def _blob(message: BlobMessage, _: bytes) -> list[RelayStep]:
    return [BlobSaid(message)]


def _send(message: Message) -> Send:
    return Send(pack_frame(message))
