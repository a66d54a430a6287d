"""The relay's word for what is backed up: by its own key, and about the log that the device knows."""

from __future__ import annotations

import pytest

from sync_protocol.backed_up import BackedUp, open_backed_up, sign_backed_up
from sync_protocol.errors import ForgedError, LimitError, MalformedError
from sync_protocol.ids import Hash
from sync_protocol.intake import Proofs
from sync_protocol.labels import Label
from sync_protocol.limits import BACKED_UP_BYTES_MAX, LOG_SIZE_MAX, WALL_MS_MAX
from sync_protocol.log_messages import Backed, Growth, Page
from sync_protocol.merkle import leaf_hash, root
from sync_protocol.signed import Verified, sign
from sync_protocol.steps import EMPTY_CURSOR, RELAY_LOG_UNPROVEN, Advance, Alarm, CaughtUp, SaidSafe
from tests.support.people import Organisation
from tests.unit.sync_protocol.test_exchange_states import (
    LEAVES,
    ORGANISATION,
    alarms,
    checkpoint,
    failed,
    grown,
    hear,
    note,
    opened,
    sent,
    serving,
)

KEY = ORGANISATION.relay.value.ed25519


def statement(size: int, *, of: Hash | None = None) -> Verified[BackedUp]:
    """The relay's word for a state of the log."""
    state = checkpoint(size).root if of is None else of
    return sign_backed_up(BackedUp(size=size, root=state, made_ms=7, blobs_through=3), ORGANISATION.relay_key)


def last(size: int, *, base: int | None = None, of: Hash | None = None) -> Page:
    """A last page without a checkpoint, that says what is backed up, proven from another state."""
    growth = None if base is None else grown(base, size)
    return Page(note=None, more=False, backed=Backed(statement=statement(size, of=of).wire, consistency=growth))


def test_the_relay_s_key_alone_says_what_is_backed_up():
    """Another key's word, another label's, one that was changed, or other bytes are not believed."""
    said = statement(5)
    assert open_backed_up(said.wire, KEY).value == said.value
    other = Organisation.make(2).relay.value.ed25519
    with pytest.raises(ForgedError):
        open_backed_up(said.wire, other)
    with pytest.raises(ForgedError):
        open_backed_up(sign(said.value, ORGANISATION.relay_key, Label.SEAL).wire, KEY)
    with pytest.raises(ForgedError):
        open_backed_up(said.wire.replace(checkpoint(5).root, bytes(32)), KEY)
    with pytest.raises(MalformedError):
        open_backed_up(b"none", KEY)


def test_numbers_keep_to_their_limits():
    """The largest statement fits where it travels; a number beyond its limit is not signed."""
    most = BackedUp(size=LOG_SIZE_MAX, root=Hash(bytes(32)), made_ms=WALL_MS_MAX, blobs_through=LOG_SIZE_MAX)
    assert len(sign_backed_up(most, ORGANISATION.relay_key).wire) <= BACKED_UP_BYTES_MAX
    with pytest.raises(LimitError):
        sign_backed_up(
            BackedUp(size=LOG_SIZE_MAX + 1, root=Hash(bytes(32)), made_ms=0, blobs_through=0), ORGANISATION.relay_key
        )


@pytest.mark.parametrize(("size", "base"), [(5, None), (3, None), (4, 5), (4, 3), (2, 3)])
def test_a_state_of_the_known_log_is_believed(size: int, base: int | None):
    """One that the device knows needs no proof; another below the newest one needs one from a state that it knows."""
    machine = opened(checkpoint(3), newest=checkpoint(5))
    safe, caught_up = hear(machine, last(size, base=base))
    assert isinstance(safe, SaidSafe)
    assert (safe.statement.value, safe.statement.wire) == (statement(size).value, statement(size).wire)
    assert caught_up == CaughtUp()


def test_it_may_name_the_state_that_its_page_brings():
    """The page's checkpoint is taken first, so that nothing is proven twice."""
    machine = opened(checkpoint(3), newest=checkpoint(5))
    said = Backed(statement=statement(8).wire)
    steps = hear(machine, Page(note=note(8), more=False, consistency=grown(5, 8), backed=said))
    assert [type(step) for step in steps] == [Advance, SaidSafe, CaughtUp]


@pytest.mark.parametrize(
    "page",
    [
        last(8, base=5),
        last(4),
        last(4, base=2),
        last(5, of=Hash(bytes(32))),
        last(4, base=5, of=root([leaf_hash(b"another log"), *LEAVES[1:4]])),
        Page(note=None, more=False, backed=Backed(statement=statement(4).wire, consistency=Growth(base=0, path=()))),
    ],
    ids=["beyond", "unproven", "from what is not known", "contradicting", "another log", "from nothing"],
)
def test_what_is_no_state_of_the_known_log_ends_the_connection(page: Page):
    """A relay that vouches for a log that this one is not cannot be believed about either; a person hears of it."""
    steps = hear(opened(checkpoint(3), newest=checkpoint(5)), page)
    assert failed(steps).code == RELAY_LOG_UNPROVEN
    assert alarms(steps) == [RELAY_LOG_UNPROVEN]
    assert isinstance(steps[0], Alarm)
    assert not any(isinstance(step, SaidSafe) for step in steps)


def test_a_device_that_knows_nothing_of_the_log_believes_nothing_about_it():
    """But for the empty state, which every log was once in."""
    assert failed(hear(opened(EMPTY_CURSOR), last(4, base=None))).code == RELAY_LOG_UNPROVEN
    assert isinstance(hear(opened(EMPTY_CURSOR), last(0))[0], SaidSafe)


def test_a_foreign_statement_ends_the_connection():
    """The key is that of the relay that proved itself in the handshake."""
    key = Organisation.make(2).relay_key
    foreign = sign_backed_up(BackedUp(size=5, root=checkpoint(5).root, made_ms=7, blobs_through=0), key)
    machine = opened(checkpoint(3), newest=checkpoint(5))
    page = Page(note=None, more=False, backed=Backed(statement=foreign.wire))
    assert failed(hear(machine, page)).code == "forged"


def test_the_relay_s_machine_sends_it_with_a_page():
    """As it was handed over; a page without one has none."""
    machine, said = serving(), Backed(statement=statement(5).wire)
    (told,) = sent(machine.page(Proofs(), (), note=note(5), more=False, backed=said))
    assert told == Page(note=note(5), more=False, backed=said)
    (plain,) = sent(machine.page(Proofs(), (), note=note(6), more=False))
    assert plain == Page(note=note(6), more=False)
