"""The device's side of an exchange with the relay: a state machine without I/O.

    HELLO -> WELCOME -> AUTH -> READY -> CURSOR -> feed and pushes, interleaved, until either side ends
    RESYNC -> DIGESTS -> TAGS -> FRONTIERS, UNKNOWN -> WANT and feed, where the relay's log is not what it was
    the same without RESYNC, where the device looks whether the relay fed it everything

The shell hands in frames and carries out the returned steps in order, storing before it goes on: the cursor moves only
after everything below it is durable here, and an entry counts as receipted only after its inclusion was verified.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from sync_protocol import merkle
from sync_protocol.accusations import Denial, Split, answers
from sync_protocol.backed_up import open_backed_up
from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobMessage, BlobRefused, BlobStored, BlobWant
from sync_protocol.certificates import Certificate, RelayRecord, Root
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.comparing import Beginning, split_unknown
from sync_protocol.comparison_messages import StreamFrontier, Tags, Want
from sync_protocol.digests import Holding, salt_of
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError, MisuseError, PeerError, malformed, too_often
from sync_protocol.evidence import ConsistencyProof, Transcript
from sync_protocol.exchange_states import DEVICE_ACCEPTS, DeviceState
from sync_protocol.frames import (
    frontiers_in_frames,
    pack_frame,
    split_entries,
    split_frontiers,
    split_proofs,
    unpack_frame,
)
from sync_protocol.frontier import Frontier
from sync_protocol.gathering import Gathering
from sync_protocol.greeting_messages import Hello, Ready, Welcome
from sync_protocol.handshake import Said, authenticate, check_welcome
from sync_protocol.ids import CertificateHash, Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import AGAIN_CHAINS_MAX, ASKS_MAX, COMPARISONS_MAX, FRAME_ITEMS_MAX
from sync_protocol.log_messages import Backed, Cursor, Have, Page, Receipt, Resync
from sync_protocol.log_view import ContradictionError, LogView
from sync_protocol.messages import VERSION, Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.refusal_messages import Failure, Refused, failure, told
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from sync_protocol.steps import (
    EMPTY_CURSOR,
    RELAY_LOG_DENIED,
    RELAY_LOG_SPLIT,
    Accused,
    Admitted,
    Advance,
    Alarm,
    BlobSaid,
    CaughtUp,
    Close,
    DeviceStep,
    Doubted,
    Greeted,
    Receipted,
    Rejected,
    SaidSafe,
    Send,
    Supply,
    SupplyChains,
    SupplyHoldings,
)


class DeviceExchange:
    """One connection of a device to the relay."""

    def __init__(
        self,
        *,
        root: Verified[Root],
        certificates: tuple[Verified[Certificate], ...],
        signer: SigningKey,
        address: str,
        nonce: bytes,
        cursor: Checkpoint,
        sessions: tuple[SessionId, ...],
        newest: Checkpoint = EMPTY_CURSOR,
        notes: tuple[bytes, ...] = (),
        beyond: Mapping[StreamId, Frontier] | None = None,
    ) -> None:
        """Prepare an exchange.

        Args:
            root: the organisation's root.
            certificates: the device's own chain, from the one nearest to the root down to its own.
            signer: the device's key.
            address: the address that the shell dialled, as the relay knows it.
            nonce: 32 random bytes.
            cursor: the checkpoint up to which this device holds its feed.
            sessions: sessions that have entries for the relay.
            newest: the largest checkpoint that this device knows to be of the relay's log.
            notes: checkpoints that the relay has to stand by: that of `newest`, and what others were given.
            beyond: how far chains reach here beyond the cursor: what came without its checkpoint, or from peers. What
                the relay wants of these it has lost; what it does not want it has.
        """
        self._root = root
        self._certificates = certificates
        self._signer = signer
        self._address = address
        self._log = LogView(cursor, newest)
        self._sessions = sessions
        self._unannounced = deque(sessions)
        self._announced: set[SessionId] = set()
        self._beyond = deque(frontiers_in_frames(beyond or {}))
        self._salt = Hash.of(b"")
        self._compared: Beginning | None = None
        self._asks = 0
        self._comparisons = 0
        self.unanswered = 0
        """CURSORs for which no HAVE has come, nor thus all of what the relay wants of their `beyond`."""
        self._record: Verified[RelayRecord] | None = None
        self._state = DeviceState.HELLO
        self._gathering = Gathering()
        self._acts: Mapping[type[Message], Callable[[Any, bytes], list[DeviceStep]]] = {
            Failure: self._failure,
            Welcome: self._welcome,
            Ready: self._ready,
            Have: self._have,
            ProofsFrame: self._proofs,
            Entries: self._entries,
            Pack: self._pack,
            Page: self._page,
            Receipt: self._receipt,
            Refused: self._refused,
            Resync: self._resync,
            Tags: self._tags,
            Want: self._want,
            **dict.fromkeys((BlobWant, BlobManifest, BlobChunk, BlobStored, BlobRefused), _blob),
        }
        self._hello = Said.say(
            Hello(
                versions=(VERSION,),
                organisation=root.value.organisation,
                certificate=CertificateHash(certificates[-1].hash),
                nonce=nonce,
                notes=notes,
            )
        )

    def start(self) -> list[DeviceStep]:
        """Begin with HELLO."""
        return [Send(self._hello.frame)]

    def receive(self, frame: bytes) -> list[DeviceStep]:
        """Take one frame from the relay. A frame that should not come closes the connection, with the reason."""
        if self._state is DeviceState.CLOSED:
            return []
        try:
            message = unpack_frame(frame)
            if type(message) not in DEVICE_ACCEPTS[self._state]:
                raise malformed("a message that may come now", f"{type(message).__name__} in state {self._state.name}")
            return self._acts[type(message)](message, frame)
        except ContradictionError as error:
            shown: list[DeviceStep] = [] if error.accusation is None else [Accused(error.accusation)]
            return [*shown, *map(Doubted, error.doubted), error.alarm, *self.fail(error)]
        except PeerError as error:
            return self.fail(error)

    def fail(self, error: ExplainedError) -> list[DeviceStep]:
        """End the connection because of `error`, telling the relay."""
        self._state = DeviceState.CLOSED
        return [_send(failure(error)), Close(error)]

    def resume(self, record: Verified[RelayRecord]) -> list[DeviceStep]:
        """Open without a handshake, where an HTTP token stands for one."""
        self._record = record
        self._state = DeviceState.OPEN
        return self._places()

    def push(self, proofs: Proofs, entries: Iterable[WireEntry]) -> list[DeviceStep]:
        """Send entries with what they need to be verified."""
        return [
            *map(_send, split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)),
            *map(_send, split_entries(entries)),
        ]

    def compare(self, holdings: Mapping[StreamId, Holding]) -> list[DeviceStep]:
        """Answer `SupplyHoldings`.

        Raises:
            MisuseError: nobody asked.
        """
        if self._state is not DeviceState.RESYNC:
            raise MisuseError(
                "compare", expected="holdings after SupplyHoldings", got="others", do="report this as a bug"
            )
        self._state = DeviceState.DIGESTED
        self._compared = Beginning(self._salt, holdings)
        return [_send(self._compared.digests)]

    @property
    def may_compare(self) -> bool:
        """Whether `begin_comparison` would begin one: nothing else is under way, and the relay takes one more."""
        answered = not self.unanswered and not self._unannounced
        return self._state is DeviceState.OPEN and answered and self._comparisons < COMPARISONS_MAX

    @property
    def comparing(self) -> bool:
        """Whether a comparison is under way, what it brings included."""
        return self._state in {DeviceState.ASKED, DeviceState.RESYNC, DeviceState.DIGESTED, DeviceState.COMPARING}

    def begin_comparison(self, holdings: Mapping[StreamId, Holding]) -> list[DeviceStep]:
        """Look whether the relay fed everything: what it holds and did not feed comes now.

        Raises:
            MisuseError: not `may_compare`.
        """
        if not self.may_compare:
            raise MisuseError(
                "begin_comparison", expected="an open exchange at rest", got="another", do="report this as a bug"
            )
        self._comparisons += 1
        self._state = DeviceState.ASKED
        self._compared = Beginning(self._salt, holdings)
        return [_send(self._compared.digests)]

    def request(self, chains: Iterable[tuple[StreamId, SessionId, int]]) -> list[DeviceStep]:
        """Ask the relay to feed chains from these numbers on once more; a PAGE without `more` follows.

        At most AGAIN_CHAINS_MAX on one connection; the rest waits for the next. Nothing is asked while a comparison
        goes on, which brings everything that is lacking.
        """
        if self._state is not DeviceState.OPEN:
            return []
        firsts: dict[tuple[StreamId, SessionId], int] = {}
        for stream, session, seq in islice(chains, AGAIN_CHAINS_MAX):  # several may lack something of one chain
            firsts[stream, session] = min(seq, firsts.get((stream, session), seq))
        wants = [(stream, (session, seq)) for (stream, session), seq in firsts.items()]
        starts = range(0, len(wants), FRAME_ITEMS_MAX)
        return [_send(Want(chains=tuple(wants[start : start + FRAME_ITEMS_MAX]))) for start in starts]

    def poll(self) -> list[DeviceStep]:
        """Ask again for what is new, where the relay cannot push (HTTP)."""
        self._unannounced = deque(self._sessions)
        return [self._place()] if self._state in {DeviceState.OPEN, DeviceState.COMPARING} else []

    def announce(self, sessions: tuple[SessionId, ...]) -> list[DeviceStep]:
        """Say that these sessions have something for the relay; answered by `Supply`, after a resync where one is on.

        More than one CURSOR has room for are announced one CURSOR after the other, each when the feed is caught up.
        """
        self._sessions = sessions
        self._unannounced = deque(sessions)
        return [self._place()] if self._state is DeviceState.OPEN else []

    def _places(self) -> list[DeviceStep]:
        """The first CURSOR, and as many more as it takes to say what is here beyond it."""
        return [self._place(), *(self._place() for _ in range(len(self._beyond)))]

    def _place(self) -> Send:
        sessions = tuple(self._unannounced.popleft() for _ in range(min(len(self._unannounced), FRAME_ITEMS_MAX)))
        self._announced.update(sessions)
        cursor, newest = self._log.cursor, self._log.newest
        self._log.named(newest)
        self.unanswered += 1
        above = (newest.size, newest.root) if newest.size > cursor.size else None
        beyond: tuple[StreamFrontier, ...] | None = self._beyond.popleft() if self._beyond else None
        return _send(Cursor(size=cursor.size, root=cursor.root, sessions=sessions, newest=above, beyond=beyond))

    @property
    def record(self) -> Verified[RelayRecord]:
        """The relay's record, once it proved who it is."""
        assert self._record is not None, "an open exchange knows its relay"
        return self._record

    @property
    def _relay(self) -> RelayRecord:
        return self.record.value

    def _failure(self, message: Failure, _: bytes) -> list[DeviceStep]:
        self._state = DeviceState.CLOSED
        return [Close(told(message))]

    def _welcome(self, message: Welcome, frame: bytes) -> list[DeviceStep]:
        answer = Said(message, frame)
        self._record = check_welcome(self._hello, answer, self._root)
        self._salt = salt_of(self._hello.frame, frame)
        steps = self._judge(answer)
        self._state = DeviceState.AUTH
        auth = authenticate(
            self._hello, answer, address=self._address, certificates=self._certificates, signer=self._signer
        )
        return [*steps, _send(auth)]

    def _judge(self, answer: Said[Welcome]) -> list[DeviceStep]:
        """What the relay's word for its log shows. Guilty or not, the exchange goes on: what is lost has to be sent."""
        message, relay = answer.message, self._relay
        newest = open_checkpoint(message.note, NoteVerifyKey(name=relay.origin, public=relay.ed25519))
        found = answers(self._hello.message, message, newest, relay)
        steps: list[DeviceStep] = []
        denied = [item for item in found if item.checkpoint is not None and item.path is None]
        for item in denied:
            if item.checkpoint is not None and item.checkpoint.size == newest.size:
                steps += [Accused(Split(item.note, message.note)), Alarm(RELAY_LOG_SPLIT, newest)]
        if denied:
            transcript = Transcript(hello=self._hello.frame, welcome=answer.frame)
            steps += [Accused(Denial(transcript)), Alarm(RELAY_LOG_DENIED, newest)]
        proofs = tuple(
            ConsistencyProof(first=item.note, second=message.note, path=item.path)
            for item in found
            if item.path is not None
        )
        linked = self._log.greeted(found, newest, message.note)
        settled = tuple(item.note for item in found)
        return [*steps, Greeted(checkpoint=newest, note=message.note, linked=linked, proofs=proofs, settled=settled)]

    def _ready(self, message: Ready, _: bytes) -> list[DeviceStep]:
        self._state = DeviceState.OPEN
        return [Admitted(self.record, message.token, message.expires_ms), *self._places()]

    def _have(self, message: Have, _: bytes) -> list[DeviceStep]:
        seals = dict(message.seals)
        if len(seals) != len(message.seals) or not self._announced.issuperset(seals):
            raise malformed("seals of announced sessions, each once", "others")
        self.unanswered -= 1
        return [Supply(seals)]

    def _proofs(self, message: ProofsFrame, _: bytes) -> list[DeviceStep]:
        return [*self._gathering.proofs(message)]

    def _entries(self, message: Entries, _: bytes) -> list[DeviceStep]:
        return [self._gathering.entries(message)]

    def _pack(self, message: Pack, _: bytes) -> list[DeviceStep]:
        return [self._gathering.pack(message)]

    def _page(self, page: Page, _: bytes) -> list[DeviceStep]:
        steps: list[DeviceStep] = [*self._gathering.rest()]
        if page.note is not None:
            checkpoint = self._log.open(page.note, page.consistency, self._relay)
            self._log.advance(checkpoint)
            steps.append(Advance(checkpoint, page.note, self._log.kept, self._log.held, not page.more))
        if page.backed is not None:
            steps.append(self._backed(page.backed))
        if self._state is not DeviceState.ASKED and (page.note is not None or not page.more):
            self._state = DeviceState.OPEN
        if not page.more:
            steps.append(CaughtUp())
            if self._unannounced:
                steps.append(self._place())
        return steps

    def _backed(self, backed: Backed) -> SaidSafe:
        statement = open_backed_up(backed.statement, self._relay.ed25519)
        self._log.covers(statement.value.size, statement.value.root, backed.consistency)
        return SaidSafe(statement)

    def _receipt(self, receipt: Receipt, _: bytes) -> list[DeviceStep]:
        checkpoint = self._log.open(receipt.note, receipt.consistency, self._relay)
        for leaf in receipt.leaves:
            merkle.verify_inclusion(
                merkle.leaf_hash(leaf.entry),
                index=leaf.index,
                size=checkpoint.size,
                path=leaf.path,
                root=checkpoint.root,
            )
        return [Receipted(checkpoint, receipt.note, receipt.leaves, self._log.kept, self._log.held)]

    def _refused(self, message: Refused, _: bytes) -> list[DeviceStep]:
        return [Rejected(message.entry, told(message))]

    def _resync(self, message: Resync, _: bytes) -> list[DeviceStep]:
        self._count_ask()
        self._comparisons += 1
        if self._comparisons > COMPARISONS_MAX:
            raise too_often("RESYNC", COMPARISONS_MAX, self._comparisons)
        alarm, doubted = self._log.restart(message.note, self._relay)
        self._state = DeviceState.RESYNC
        self._beyond.clear()  # the comparison says all of it
        return [*([] if doubted is None else [Doubted(doubted)]), alarm, SupplyHoldings()]

    def _tags(self, message: Tags, _: bytes) -> list[DeviceStep]:
        """Say what differs.

        A frontier cannot tell of a fork's shorter branches: where the relay lost something, such a chain is supplied
        unasked.
        """
        assert self._compared is not None, "tags follow digests"
        if not self._compared.hear(message):
            return []
        lost = self._state is DeviceState.DIGESTED
        self._state = DeviceState.COMPARING
        offered = self._compared.offered
        frontiers = split_frontiers({stream: held.frontier for stream, held in offered.items()})
        steps: list[DeviceStep] = [*map(_send, frontiers), *map(_send, split_unknown(self._compared.unknown))]
        self._compared = None
        forked = tuple((stream, session, 0) for stream, held in offered.items() for session in held.tips)
        return [*steps, SupplyChains(forked)] if forked and lost else steps

    def _count_ask(self) -> None:
        self._asks += 1
        if self._asks > ASKS_MAX:
            raise too_often("WANT and RESYNC", ASKS_MAX, self._asks)

    def _want(self, message: Want, _: bytes) -> list[DeviceStep]:
        self._count_ask()
        return [SupplyChains(tuple((stream, session, seq) for stream, (session, seq) in message.chains))]


def _blob(message: BlobMessage, _: bytes) -> list[DeviceStep]:
    return [BlobSaid(message)]


def _send(message: Message) -> Send:
    return Send(pack_frame(message))
