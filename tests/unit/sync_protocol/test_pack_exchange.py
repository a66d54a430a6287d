"""Packs in exchanges: a device takes them from the relay and from another device, and ends with who sends a bad one."""

from __future__ import annotations

from typing import Any

import pytest

from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import LimitError, MalformedError, PeerError
from sync_protocol.frames import pack_frame
from sync_protocol.messages import ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_writing import Batch, write_pack
from sync_protocol.roles import Role
from sync_protocol.steps import EMPTY_CURSOR, Close, Send, Take
from tests.support.meetings import PeerWire, meet
from tests.support.people import ADDRESS, Organisation
from tests.support.shells import SyncingDevice
from tests.unit.sync_protocol.pack_samples import packed, write

PACK = 16
ENTRIES = 40
NONE = Pack(columns=b"no zlib", hashes=b"", signatures=b"", bodies=b"")


@pytest.fixture(name="device")
def open_device() -> DeviceExchange:
    """A device that the relay has let in."""
    organisation = Organisation.make(31)
    device = organisation.device(Role.NURSE)
    exchange = DeviceExchange(
        root=organisation.root,
        certificates=device.chain,
        signer=device.signer,
        address=ADDRESS,
        nonce=organisation.entropy(32),
        cursor=EMPTY_CURSOR,
        sessions=(),
    )
    exchange.resume(organisation.relay)
    return exchange


def closed(steps: list[Any]) -> PeerError:
    """The error by which a machine ended, after it told the other."""
    sent, end = steps
    assert isinstance(sent, Send)
    assert isinstance(end, Close)
    assert isinstance(end.error, PeerError)
    return end.error


def test_a_device_takes_a_pack_as_it_takes_entries(device: DeviceExchange):
    """With the proofs that came before it."""
    written = write(31)
    (one,) = packed(written.proofs, written.wires)
    assert device.receive(pack_frame(ProofsFrame(certificates=(b"c",), sessions=(), seals=()))) == []
    (taken,) = device.receive(pack_frame(one))
    assert isinstance(taken, Take)
    assert (taken.proofs.certificates[0], list(taken.entries)) == (b"c", written.wires)


def test_a_bad_pack_ends_the_exchange(device: DeviceExchange):
    """The relay is told why."""
    assert isinstance(closed(device.receive(pack_frame(NONE))), MalformedError)


def two_devices() -> tuple[SyncingDevice, SyncingDevice]:
    """The first wrote so much that it hands it over in packs."""
    organisation = Organisation.make(32)
    one, two = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    one.write(organisation.stream(), ENTRIES)
    return one, two


@pytest.mark.parametrize("dialler", [0, 1])
def test_two_devices_hand_over_in_packs(dialler: int):
    """What one has written in many entries, the other holds after a meeting, whoever of them dialled."""
    one, two = devices = two_devices()
    frames = meet(devices[dialler], devices[1 - dialler]).frames
    assert PACK in {frame[4] for frame in frames}
    assert two.store.size() == one.store.size() == ENTRIES


def interrupted(bad: Pack) -> PeerError:
    """Why a device ends a meeting in which it got this pack in place of the right one."""
    wire = PeerWire(*two_devices())
    while not (wire.up and wire.up[0][4] == PACK):
        assert wire.step(), "the first hands over a pack"
    wire.up[0] = pack_frame(bad)
    wire.step()
    end = wire.second.closed
    assert end is not None
    assert isinstance(end.error, PeerError)
    assert wire.second.home.store.size() == 0
    return end.error


def test_a_bad_pack_ends_a_meeting():
    """One that is none, and one with nothing in it, which could be sent for ever."""
    assert isinstance(interrupted(NONE), MalformedError)
    assert "an empty one" in interrupted(write_pack(Batch())).got


def test_what_packs_bring_counts_as_taken(monkeypatch: pytest.MonkeyPatch):
    """A meeting's limit holds for what comes out of them."""
    monkeypatch.setattr("sync_protocol.peer_exchange.MEETING_ITEMS_MAX", ENTRIES)
    written = write(33, batches=20)
    (one,) = packed(written.proofs, written.wires)
    assert isinstance(interrupted(one), LimitError)
