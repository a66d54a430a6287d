"""One entry is in one state, the one in which the sums count it, and what is not in order of it is said with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from edge_runtime.access.entry_states import EntryState, State, entry_state, find_entry
from edge_runtime.errors import RefusedError
from edge_runtime.store.holding import Origin
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.held import Holder
from edge_runtime.sync.safety import tally
from sync_protocol.errors import LimitError
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.access.test_adoption import hand_round, lost_tablet
from tests.unit.edge_runtime.clinic import Clinic, Device, settle
from tests.unit.edge_runtime.sync.test_client import Ward
from tests.unit.edge_runtime.test_verdicts import PULSE


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own, everybody up to date."""
    ward = Ward(clinic)
    ward.settle()
    return ward


def state_of(device: Device, name: EntryHash) -> EntryState:
    """What became of an entry."""
    return entry_state(device.store, device.identity, device.keyring, name)


def names(device: Device) -> list[EntryHash]:
    """Every entry."""
    return [arrived.entry.hash for arrived in device.store.arrivals(after=0, limit=1 << 20)]


def sums(device: Device) -> Counter[State]:
    """How many entries are in which state, each looked at by itself."""
    return Counter(state_of(device, name).state for name in names(device))


def counted(device: Device) -> Counter[State]:
    """The same, as the sums have it."""
    safe, receipted, fed = tally(device.store)
    counts = device.store.upload_counts()
    return +Counter(
        {
            State.SAFE: safe,
            State.RECEIPTED: receipted,
            State.AT_RELAY: fed,
            State.HERE: counts[UploadState.PENDING],
            State.AT_PEER: counts[UploadState.AT_PEER],
            State.REFUSED: counts[UploadState.REFUSED],
        }
    )


def test_each_entry_is_in_the_state_in_which_it_is_counted(ward: Ward) -> None:
    """From this device alone over a peer and the relay to its backup; and what the relay refused, with its words."""
    written = ward.write(ward.one)
    assert state_of(ward.one, written.hash).state is State.HERE
    assert state_of(ward.one, written.hash).author == ward.one.identity.principal
    assert sums(ward.one) == counted(ward.one)
    with ward.one.store.writing() as writer:
        writer.mark_at_peer([written.hash])
    assert state_of(ward.one, written.hash).state is State.AT_PEER
    assert sums(ward.one) == counted(ward.one)
    ward.relay.refuse = lambda _: LimitError("quota", expected="less", got="more", do="wait")
    ward.one.sync(ward.relay)
    refused = state_of(ward.one, written.hash)
    assert refused.state is State.REFUSED
    assert refused.refused is not None
    assert refused.refused[0] == "quota"
    assert sums(ward.one) == counted(ward.one)
    ward.relay.refuse = lambda _: None
    ward.settle()
    receipted = state_of(ward.one, written.hash)
    assert (receipted.state, receipted.refused) == (State.RECEIPTED, None)
    assert receipted.log_index is not None
    assert state_of(ward.two, written.hash).state is State.AT_RELAY
    assert (sums(ward.one), sums(ward.two)) == (counted(ward.one), counted(ward.two))
    ward.relay.back_up(made_ms=1)
    ward.settle()
    assert state_of(ward.one, written.hash).state is state_of(ward.two, written.hash).state is State.SAFE
    assert (sums(ward.one), sums(ward.two)) == (counted(ward.one), counted(ward.two))
    assert state_of(ward.one, written.hash).disputes == ()


def test_what_waits_in_the_pool_is_held(ward: Ward) -> None:
    """It is named by its hash like any other, and says what it waits for."""
    first, second = ward.write(ward.one), ward.write(ward.one, "critical")
    with ward.two.store.writing() as writer:
        for seal in ward.one.store.seals_from(second.header.session, 0, limit=1 << 20):
            writer.put_seal(seal)
        Holder(writer, None).append([second], Origin.PEER)
    assert find_entry(ward.two.store, str(second.hash)[:8]) == second.hash
    found = state_of(ward.two, second.hash)
    assert (found.state, found.author) == (State.HELD, ward.one.identity.principal)
    assert found.held is not None
    assert (found.held.code, found.held.waits_for) == ("waits_for_chain", first.hash)


def test_an_entry_is_named_by_its_beginning(ward: Ward) -> None:
    """Whole or in part; what fits none, and what is too short to choose by, is refused."""
    (name, *_) = names(ward.one)
    assert find_entry(ward.one.store, str(name)) == find_entry(ward.one.store, str(name)[:10].upper()) == name
    for text in ("", str(name)[:3], "0" * 64, "not a hash"):
        with pytest.raises(RefusedError) as caught:
            find_entry(ward.one.store, text)
        assert caught.value.code == "no_such_entry"


def test_what_a_revoked_device_wrote_late_is_disputed(clinic: Clinic) -> None:
    """That entry alone: what the device wrote before is not."""
    chart, document, doctor, tablet, _ = lost_tablet(clinic)
    before = [arrived.entry.hash for arrived in doctor.store.arrivals(after=0, limit=1 << 20)]
    late = tablet.charts.add_facts(chart, document, [PULSE])[-1]
    hand_round(clinic, tablet, doctor)
    (dispute,) = state_of(doctor, late.hash).disputes
    assert dispute.kind.value == "outside_cut"
    assert not any(state_of(doctor, name).disputes for name in before)


def test_both_branches_of_a_fork_are_disputed_from_the_fork_on(ward: Ward, clinic: Clinic, tmp_path: Path) -> None:
    """What the session wrote before it was copied is not."""
    before = ward.write(ward.one)
    ward.settle()
    ward.one.store.checkpoint()
    copy = tmp_path / "twin.db"
    copy.write_bytes(ward.one.path.read_bytes())
    twin = Device(clinic, copy, ward.one.entropy)
    twin.load()
    clinic.devices.append(twin)
    one, two = ward.write(ward.one), ward.write(twin, "critical")
    settle(ward.relay, ward.one, twin, ward.two)
    for name in (one.hash, two.hash):
        (dispute,) = state_of(ward.two, name).disputes
        assert (dispute.kind.value, dispute.entries) == ("fork", 2)
    assert state_of(ward.two, before.hash).disputes == ()
