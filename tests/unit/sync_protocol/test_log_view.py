"""A device believes of the relay's log what was proven to belong to what it believed before, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from sync_protocol.accusations import Denial, Split, judge
from sync_protocol.errors import MisuseError
from sync_protocol.evidence import ConsistencyProof
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.greeting_messages import Hello, NoteProof, Welcome
from sync_protocol.ids import Hash
from sync_protocol.intake import Proofs
from sync_protocol.limits import EXCHANGE_STATES_MAX
from sync_protocol.log_messages import Cursor, Growth, Leaf, Page, Receipt, Resync
from sync_protocol.log_view import ContradictionError, LogView
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.refusal_messages import Failure
from sync_protocol.steps import (
    RELAY_LOG_DENIED,
    RELAY_LOG_DIFFERS,
    RELAY_LOG_SPLIT,
    RELAY_LOG_UNPROVEN,
    UNFINISHED,
    Accused,
    Advance,
    Doubted,
    Greet,
    Greeted,
    Receipted,
    SupplyHoldings,
)
from tests.support.people import Organisation
from tests.unit.sync_protocol.messages_samples import ENTRY
from tests.unit.sync_protocol.test_exchange_states import (
    ORGANISATION,
    alarms,
    checkpoint,
    device,
    failed,
    greeting,
    grown,
    hear,
    heard,
    note,
    only_frame,
    opened,
    page,
    receipt,
    relay,
    sent,
    serving,
)

RECORD = ORGANISATION.relay.value


def greeted(machine: Any, other: Any, *, size: int = 9, **changes: Any) -> list[Any]:
    """A device's steps at the WELCOME of an honest relay with a log of that size, or of one that answers otherwise."""
    (greet,) = other.receive(only_frame(machine.start()), now_ms=0)
    paths = [
        None if shown is None or shown.size > size or shown != checkpoint(shown.size) else grown(shown.size, size).path
        for shown in greet.shown
    ]
    answer: dict[str, Any] = {"note": note(size), "paths": paths} | changes
    steps: list[Any] = machine.receive(only_frame(other.greeted(**answer)))
    return steps


# -------------------------------------------------------------------------------------------- what is shown in HELLO


def test_a_relay_answers_for_its_own_notes_alone():
    """It looks at signature and origin before it asks what its log says: a made-up note is nobody's to answer for."""
    foreign = note(5, key=Organisation.make(4).note_key)
    machine, other = device(notes=(note(3), foreign, b"no note", note(7, forked=True))), relay()
    (greet,) = other.receive(only_frame(machine.start()), now_ms=0)
    assert isinstance(greet, Greet)
    assert greet.shown[:3] == (checkpoint(3), None, None)
    assert greet.shown[3] is not None
    assert greet.shown[3].size == 7
    path = grown(3, 9).path
    (welcome,) = sent(other.greeted(note=note(9), paths=[path, path, None, None]))
    assert isinstance(welcome, Welcome)
    assert welcome.proofs == (
        NoteProof(own=True, path=path),
        NoteProof(own=False, path=None),
        NoteProof(own=False, path=None),
        NoteProof(own=True, path=None),
    )


def test_a_relay_is_greeted_once_and_when_it_asked():
    """Anything else is a bug of the shell, and nothing is heard before the answer."""
    with pytest.raises(MisuseError):
        relay().greeted(note=note(1), paths=[])
    machine = relay()
    frame = only_frame(device().start())
    machine.receive(frame, now_ms=0)
    assert isinstance(sent(machine.receive(frame, now_ms=0))[0], Failure)
    machine = relay()
    greeting(machine, frame)
    with pytest.raises(MisuseError):
        machine.greeted(note=note(1), paths=[])


def test_what_is_proven_is_the_newest_now():
    """A device that knew nothing takes the first checkpoint; one that knew some takes what contains that, by proof."""
    first = device()
    steps = greeted(first, relay())
    assert steps[0] == Greeted(checkpoint=checkpoint(9), note=note(9), linked=True, proofs=(), settled=())
    assert (first._log.newest, first._log.held) == (checkpoint(9), note(9))
    machine = device(checkpoint(3), newest=checkpoint(5), notes=(note(5), note(7)))
    steps = greeted(machine, relay())
    assert steps[0] == Greeted(
        checkpoint=checkpoint(9),
        note=note(9),
        linked=True,
        proofs=(
            ConsistencyProof(first=note(5), second=note(9), path=grown(5, 9).path),
            ConsistencyProof(first=note(7), second=note(9), path=grown(7, 9).path),
        ),
        settled=(note(5), note(7)),
    )
    assert machine.record.hash == ORGANISATION.relay.hash
    (cursor,) = [message for message in sent(machine.resume(machine.record)) if isinstance(message, Cursor)]
    assert cursor.newest == (9, checkpoint(9).root)


def test_what_does_not_contain_what_was_known_is_not_the_newest():
    """A device without its newest note, or in the middle of a resync, or with one of another log, says so by CURSOR."""
    foreign = note(5, key=Organisation.make(4).note_key)
    for machine in (
        device(checkpoint(3)),
        device(checkpoint(3), newest=UNFINISHED, notes=(note(3),)),
        device(checkpoint(3), newest=checkpoint(5), notes=(foreign,)),
    ):
        known = machine._log.newest
        step, _ = greeted(machine, relay())
        assert isinstance(step, Greeted)
        assert not step.linked
        assert machine._log.newest == known


def test_a_denial_is_an_alarm_with_its_transcript():
    """The exchange goes on: what the relay lost has to be sent again, and it says RESYNC to what CURSOR names."""
    machine: Any
    other: Any
    machine, other = device(checkpoint(3), newest=checkpoint(5), notes=(note(5),)), relay()
    accused, alarm, step, auth = greeted(machine, other, size=4)
    assert isinstance(accused.accusation, Denial)
    judge(accused.accusation, ORGANISATION.root, RECORD)
    assert alarm.code == RELAY_LOG_DENIED
    assert (step.linked, step.settled, step.proofs) == (False, (note(5),), ())
    other.receive(auth.frame, now_ms=0)
    _, cursor = machine.receive(only_frame(other.ready(token=None, expires_ms=None)))
    (locate,) = other.receive(cursor.frame, now_ms=0)
    assert locate.states == ((3, checkpoint(3).root), (5, checkpoint(5).root))
    _, resync = sent(other.located(note=note(4), seals=()))
    assert hear(machine, resync)[0].code == RELAY_LOG_DIFFERS


def test_another_root_at_the_size_is_a_split_at_once():
    """Two notes say more than the handshake, and less of the device."""
    machine = device(checkpoint(3), notes=(note(9, forked=True), note(3)))
    split, first, denial, second, step, _ = greeted(machine, relay())
    assert split == Accused(Split(note(9, forked=True), note(9)))
    assert isinstance(denial.accusation, Denial)
    assert [first.code, second.code] == [RELAY_LOG_SPLIT, RELAY_LOG_DENIED]
    assert step.linked


# ------------------------------------------------------------------------------------------------- pages and receipts


@pytest.mark.parametrize(
    "growth",
    [
        None,
        Growth(base=5, path=()),
        Growth(base=5, path=(*grown(5, 8).path, Hash(bytes(32)))),
        Growth(base=4, path=grown(4, 8).path),
        Growth(base=0, path=()),
        Growth(base=5, path=grown(4, 8).path),
    ],
    ids=["none", "empty", "too long", "from what is not known", "from nothing", "from elsewhere"],
)
def test_a_larger_checkpoint_needs_its_proof(growth: Growth | None):
    """From a state that this exchange knows; otherwise nothing is believed, a person hears, and the note is kept."""
    for message in (
        Page(note=note(8), more=False, consistency=growth),
        Receipt(note=note(8), leaves=(), consistency=growth),
    ):
        machine = opened(checkpoint(3), newest=checkpoint(5))
        steps = hear(machine, message)
        assert failed(steps).code == RELAY_LOG_UNPROVEN
        assert alarms(steps) == [RELAY_LOG_UNPROVEN]
        assert steps[0] == Doubted(note(8))
        assert not any(isinstance(step, Advance | Receipted) for step in steps)


def test_a_forked_log_has_no_proof():
    """Whatever path it shows."""
    steps = hear(opened(checkpoint(5)), page(8, base=5, forked=True))
    assert failed(steps).code == RELAY_LOG_UNPROVEN


def test_proofs_may_begin_at_whatever_the_exchange_knows():
    """Frames cross on their way: the relay may prove from a state that is not the newest any more, or of the cursor."""
    machine = opened(checkpoint(3), newest=checkpoint(5))
    assert isinstance(hear(machine, page(8, base=5))[0], Advance)
    assert isinstance(hear(machine, page(12, base=5))[0], Advance)
    assert isinstance(hear(machine, receipt(14, base=3))[0], Receipted)
    assert isinstance(hear(machine, receipt(10, base=14))[0], Receipted)
    assert isinstance(hear(machine, receipt(10))[0], Receipted)


def test_an_older_checkpoint_is_proven_from_the_other_end():
    """Receipts come beside pages; a receipt under another history of the log must not count."""
    machine = opened(checkpoint(3), newest=checkpoint(9))
    assert hear(machine, receipt(6, base=9)) == [Receipted(checkpoint(6), note(6), (), checkpoint(9), None)]
    assert failed(hear(machine, receipt(7))).code == RELAY_LOG_UNPROVEN
    machine = opened(checkpoint(3), newest=checkpoint(9))
    assert failed(hear(machine, receipt(6, base=9, forked=True))).code == RELAY_LOG_UNPROVEN


def test_to_a_device_that_knows_nothing_the_first_checkpoint_is_news():
    """The second is not."""
    machine = opened()
    assert isinstance(hear(machine, page(4))[0], Advance)
    assert failed(hear(machine, page(6))).code == RELAY_LOG_UNPROVEN


def test_a_resync_forgets_what_was_known_but_not_what_was_promised():
    """A relay that proved what it then denies is asked again in the next HELLO by the very note that it proved."""
    machine, other = device(checkpoint(3), newest=checkpoint(5), notes=(note(5),)), relay()
    auth = greeted(machine, other)[-1]
    other.receive(auth.frame, now_ms=0)
    machine.receive(only_frame(other.ready(token=None, expires_ms=None)))
    doubted, alarm, ask = hear(machine, Resync(note=note(12, forked=True)))
    assert doubted == Doubted(note(9))
    assert (alarm.code, ask) == (RELAY_LOG_DIFFERS, SupplyHoldings())


def test_an_exchange_remembers_so_many_states():
    """A relay cannot fill a device's memory; what a CURSOR named counts as met again."""
    view = LogView(checkpoint(3), checkpoint(5))
    for number in range(EXCHANGE_STATES_MAX - 3):
        view._remember(type(checkpoint(1))(origin="o", size=100 + number, root=Hash(bytes(32))), None)
    view.named(checkpoint(5))
    view.named(checkpoint(30))
    view._remember(checkpoint(35), None)
    view._remember(checkpoint(36), None)
    assert len(view._states) == EXCHANGE_STATES_MAX
    assert view.open(note(8), grown(5, 8), RECORD) == checkpoint(8)
    with pytest.raises(ContradictionError):
        view.open(note(9), grown(3, 9), RECORD)


# ------------------------------------------------------------------------------------------------------- the relay


def test_a_relay_proves_from_what_a_device_named_or_was_sent():
    """Its base only grows while what is sent arrives, and goes back where a response was lost."""
    machine = serving()
    assert machine.base == 0
    heard(machine, Cursor(size=3, root=checkpoint(3).root, sessions=(), newest=(5, checkpoint(5).root)))
    machine.located(note=None, seals=())
    assert machine.base == 5
    machine.sent(note(8))
    machine.sent(note(7))
    assert machine.base == 8
    heard(machine, Cursor(size=5, root=checkpoint(5).root, sessions=()))
    machine.located(note=None, seals=())
    assert machine.base == 8
    machine.arrived(everything=False)
    assert machine.base == 5
    machine.sent(note(9))
    machine.arrived(everything=True)
    machine.arrived(everything=False)
    assert machine.base == 9
    heard(machine, Cursor(size=0, root=EMPTY_ROOT, sessions=()))
    machine.located(note=note(4), seals=())
    assert machine.base == 4


def test_what_a_handshake_shows_is_no_base_before_a_device_named_it():
    """A device that could not link WELCOME's checkpoint with what it knows names that, and can follow nothing else."""
    machine: Any
    other: Any
    machine, other = device(checkpoint(3), newest=checkpoint(5)), relay()
    auth = greeted(machine, other)[-1]
    assert other.base == 0
    other.receive(auth.frame, now_ms=0)
    _, cursor = machine.receive(only_frame(other.ready(token=None, expires_ms=None)))
    other.receive(cursor.frame, now_ms=0)
    other.located(note=None, seals=())
    assert other.base == 5
    assert isinstance(hear(machine, page(7, base=other.base))[0], Advance)


def test_a_receipt_and_a_page_carry_their_proof():
    """As the shell made it; every frame of one answer the same."""
    growth = grown(2, 4)
    assert sent(serving().page(Proofs(), (), note=note(4), more=False, consistency=growth)) == [
        Page(note=note(4), more=False, consistency=growth)
    ]
    leaf = Leaf(entry=ENTRY, index=0, path=())
    receipts = sent(serving().ingested(note=note(4), leaves=[leaf] * 129, refused=(), consistency=growth))
    assert [message.consistency for message in receipts if isinstance(message, Receipt)] == [growth, growth]


def test_a_hello_is_judged_before_its_notes():
    """Another organisation's device learns nothing of this log."""
    machine = relay()
    hello = unpack_frame(only_frame(device(notes=(note(3),)).start()))
    assert isinstance(hello, Hello)
    steps = machine.receive(
        pack_frame(
            Hello(
                versions=hello.versions,
                organisation=Organisation.make(4).root.value.organisation,
                certificate=hello.certificate,
                nonce=hello.nonce,
                notes=hello.notes,
            )
        ),
        now_ms=0,
    )
    assert failed(steps).code == "untrusted"
