"""What the relay's store answers beyond every store's contract: feeds' cursors, small values, enrolment requests."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from server.relay import arrivals
from server.relay.models import RequestState
from server.relay.store import SqlStore
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import DeviceId, InvitationId, SessionId
from sync_protocol.roles import Role
from tests.support.databases import BOTH, fresh, sql_store
from tests.support.people import DeviceSession, Organisation

PENDING, APPROVED = RequestState.PENDING, RequestState.APPROVED
ONE, OTHER = InvitationId(b"1" * 16), InvitationId(b"2" * 16)
TABLET, PHONE = DeviceId(b"t" * 16), DeviceId(b"p" * 16)
UNREADABLE: Final = {"pycrdt", "edge_runtime", "sync_protocol.sealing", "sync_protocol.key_wrap"}


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with empty tables."""
    return fresh(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store on it."""
    with sql_store(url) as opened:
        yield opened


class TestFeeds:
    @pytest.fixture
    def organisation(self) -> Organisation:
        """An organisation for this test alone."""
        return Organisation.make(4)

    @pytest.fixture
    def sessions(self, organisation: Organisation) -> list[DeviceSession]:
        """Three writers."""
        return [organisation.device(Role.NURSE).session() for _ in range(3)]

    def test_the_seals_that_a_reader_met(
        self, store: SqlStore, organisation: Organisation, sessions: list[DeviceSession]
    ) -> None:
        """The highest seal of the entries of those sessions, in those streams, below the cursor; else nothing."""
        pick = random.Random(1)
        streams = [organisation.stream() for _ in range(4)]
        entries: list[VerifiedEntry] = []
        for _ in range(30):
            places = [(pick.choice(streams), b"") for _ in range(pick.randint(1, 4))]
            entries += pick.choice(sessions).write_all(places)[1]
        with store.writing() as writer:
            writer.append(entries)
        for before in range(0, len(entries) + 2, 5):
            for read in ([], streams[:1], streams[1:3], [*streams, *(organisation.stream() for _ in range(1500))]):
                asked = [session.id for session in sessions[:2]]
                expected: dict[SessionId, int] = {}
                for entry in entries[:before]:
                    header = entry.header
                    if header.session in asked and header.stream in read:
                        expected[header.session] = max(header.seal, expected.get(header.session, 0))
                assert store.seals_known(asked, read, before) == expected

    def test_many_sessions_are_asked_at_once(self, store: SqlStore, organisation: Organisation) -> None:
        """More sessions than one statement takes, most of them strangers, are looked up together."""
        stream, session = organisation.stream(), organisation.admin.session()
        with store.writing() as writer:
            writer.append(session.write(stream, [b""])[1])
        strangers = [SessionId(organisation.entropy(16)) for _ in range(1000)]
        assert store.seals_known([*strangers, session.id], [stream], 1) == {session.id: 0}
        assert store.seals_known([], [stream], 1) == {}

    def test_a_page_ends_where_its_checkpoint_does(
        self, store: SqlStore, organisation: Organisation, sessions: list[DeviceSession]
    ) -> None:
        """With `until`, entries from that index on are left for a later page, with streams and without."""
        streams = [organisation.stream() for _ in range(2)]
        with store.writing() as writer:
            writer.append(sessions[0].write_all([(streams[i % 2], b"") for i in range(20)])[1])
        for until in (0, 1, 7, 20, 25):
            for after in (0, 5, 19, 30):
                everything = store.arrivals(after=after, limit=100, until=until)
                assert [item.index for item in everything] == list(range(after, min(until, 20)))
                one = store.arrivals(after=after, limit=100, until=until, streams=streams[:1])
                assert [item.index for item in one] == [i for i in range(after, min(until, 20)) if i % 2 == 0]

    def test_windows_are_read_by_row_and_by_stream(
        self,
        store: SqlStore,
        organisation: Organisation,
        sessions: list[DeviceSession],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """However a log is cut into windows, and each window read, a page has the same entries."""
        streams = [organisation.stream() for _ in range(30)]
        with store.writing() as writer:
            writer.append(sessions[0].write_all([(streams[i * i % 30], b"") for i in range(400)])[1])
        monkeypatch.setattr(arrivals, "_WINDOW_ROWS_MIN", 4)
        monkeypatch.setattr(arrivals, "_WINDOW_ROWS_MAX", 64)
        monkeypatch.setattr(arrivals, "_STREAMS_MAX", 3)
        for count in (1, 4, 20, 30):
            wanted = streams[:count]
            expected = [i for i in range(400) if streams[i * i % 30] in wanted]
            for after in (0, 3, 399):
                for limit in (1, 10, 400):
                    found = store.arrivals(after=after, limit=limit, streams=wanted)
                    assert [item.index for item in found] == [i for i in expected if i >= after][:limit]


class TestValues:
    def test_a_value_is_kept_by_name(self, url: str) -> None:
        """A value replaces the one before and outlives the process; a name without one has none."""
        with sql_store(url) as store:
            assert store.get_value("record") is None
            store.put_value("record", b"1")
            store.put_value("record", b"\0\xff")
            store.put_value("other", b"")
        with sql_store(url) as store:
            assert (store.get_value("record"), store.get_value("other")) == (b"\0\xff", b"")


class TestRequests:
    def test_one_request_an_invitation(self, store: SqlStore) -> None:
        """The first request takes the invitation; the same bytes again are fine, other bytes are refused for good."""
        assert store.file_request(invitation=ONE, device=TABLET, wire=b"a", received_ms=5)
        assert store.file_request(invitation=ONE, device=TABLET, wire=b"a", received_ms=6)
        assert not store.file_request(invitation=ONE, device=PHONE, wire=b"b", received_ms=7)
        store.mark_request(TABLET, APPROVED)
        assert not store.file_request(invitation=ONE, device=PHONE, wire=b"b", received_ms=8)
        assert store.file_request(invitation=ONE, device=TABLET, wire=b"a", received_ms=9)
        assert store.request(PHONE) is None
        filed = store.request(TABLET)
        assert filed is not None
        assert (filed.invitation, filed.device, filed.wire) == (ONE, TABLET, b"a")
        assert (filed.state, filed.received_ms) == (APPROVED, 5)

    def test_requests_are_listed_by_state_and_time(self, store: SqlStore) -> None:
        """Pending requests come in the order in which they were received; approved ones are listed apart."""
        store.file_request(invitation=OTHER, device=PHONE, wire=b"b", received_ms=2)
        store.file_request(invitation=ONE, device=TABLET, wire=b"a", received_ms=1)
        assert [filed.device for filed in store.requests(PENDING)] == [TABLET, PHONE]
        store.mark_request(TABLET, APPROVED)
        assert [filed.device for filed in store.requests(PENDING)] == [PHONE]
        assert [filed.device for filed in store.requests(APPROVED)] == [TABLET]

    def test_a_device_may_try_with_another_invitation(self, store: SqlStore) -> None:
        """A device is known by its newest request; its certificate answers all of them."""
        store.file_request(invitation=ONE, device=TABLET, wire=b"a", received_ms=1)
        store.file_request(invitation=OTHER, device=TABLET, wire=b"b", received_ms=2)
        filed = store.request(TABLET)
        assert filed is not None
        assert filed.wire == b"b"
        store.mark_request(TABLET, APPROVED)
        assert (store.requests(PENDING), len(store.requests(APPROVED))) == ([], 2)


def test_the_store_cannot_read() -> None:
    """Nothing that the store or its migrations load can open a body or a wrap, third parties included."""
    code = f"""
import sys, tempfile
from server.relay.database import migrate, open_engine
from server.relay.store import SqlStore
with tempfile.TemporaryDirectory() as folder:
    engine = open_engine("sqlite:///" + folder + "/relay.sqlite3")
    migrate(engine)
    SqlStore(engine).size()
    engine.dispose()
found = {UNREADABLE!r} & set(sys.modules)
sys.exit(f"loaded: {{found}}" if found else 0)
"""
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
