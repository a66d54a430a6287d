"""A relay that loses its power in the middle of a push: what it receipted is there, and its log goes on."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from server.relay.database import open_engine
from server.relay.store import SqlStore
from sync_protocol import merkle
from sync_protocol.frames import FrameReader, pack_frame, split_entries, split_proofs, unpack_frame
from sync_protocol.ids import EntryHash
from sync_protocol.log_messages import Receipt
from sync_protocol.roles import Role
from tests.e2e.conftest import LIFE_MS
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess, SocketLine, keep
from tests.support.shells import SyncingDevice

pytestmark = pytest.mark.xdist_group("relay_crash")


def test_every_receipt_survives_a_power_cut(tmp_path: Path):
    """SIGKILL while entries stream in, several times over: receipts hold, the log is whole, the rest is re-sent."""
    organisation = Organisation.make(31)
    home = SyncingDevice(organisation.device(Role.PHYSICIAN, life_ms=LIFE_MS, by_root=True))
    relay = RelayProcess(tmp_path / "home", organisation)
    relay.start()
    relay.claim()
    chart = ChartWriter.begin(home.session)
    for _ in range(30):
        chart.write(count=20)
    keep(home, home.session, chart.written)
    receipted: dict[EntryHash, int] = {}
    for receipts in (1, 150, 350):
        receipted |= push_until_cut(relay, home, chart, receipts)
        relay.start()
        check(relay, receipted)
    with relay.dial(home) as line:
        line.run()
    assert {entry.hash for entry in chart.written} <= home.receipted
    assert relay.stop() == 0
    check(relay, receipted)


def push_until_cut(relay: RelayProcess, home: SyncingDevice, chart: ChartWriter, count: int) -> dict[EntryHash, int]:
    """Push everything, frame by frame, and kill the relay as soon as there are so many receipts; all that came."""
    receipted: dict[EntryHash, int] = {}
    proofs = home.session.proofs
    frames = [
        *map(pack_frame, split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)),
        *(pack_frame(next(split_entries([entry.wire]))) for entry in chart.written),
    ]
    with relay.dial(home) as line:
        line.receive()  # WELCOME; what follows AUTH is pushed by hand
        sender = threading.Thread(target=send, args=(line, frames))
        sender.start()
        with contextlib.suppress(ConnectionClosed):
            while len(receipted) < count:
                take(line, receipted)
            relay.kill()
            while True:
                take(line, receipted)
        sender.join()
    return receipted


def send(line: SocketLine, frames: list[bytes]) -> None:
    """Send until the connection is cut."""
    with contextlib.suppress(ConnectionClosed):
        line.send(frames)


def take(line: SocketLine, receipted: dict[EntryHash, int]) -> None:
    """Note the receipts in the next message."""
    message = line.socket.recv(timeout=20)
    assert isinstance(message, bytes)
    for frame in map(unpack_frame, FrameReader().feed(message)):
        if isinstance(frame, Receipt):
            receipted.update({leaf.entry: leaf.index for leaf in frame.leaves})


def check(relay: RelayProcess, receipted: dict[EntryHash, int]) -> None:
    """Every receipted entry stands where its receipt says, and the newest checkpoint is the root of what is stored."""
    engine = open_engine(f"sqlite:///{relay.home / 'relay.sqlite3'}")
    try:
        store = SqlStore(engine)
        names = [item.entry.hash for item in store.arrivals(after=0, limit=1 << 30)]
        latest = store.latest_checkpoint()
        assert latest is not None
        assert latest[0].size == len(names)
        assert latest[0].root == merkle.root([merkle.leaf_hash(name) for name in names])
        assert all(names[index] == name for name, index in receipted.items())
    finally:
        engine.dispose()
