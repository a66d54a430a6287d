"""A desk that follows a relay knows of a revocation that nobody told it, and answers nobody while the relay is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.desk import relay_reader
from server.desk.errors import RelayError, StartError
from server.desk.following import ANEW_MS, FRESH_MS, Following
from server.desk.journal import JOURNAL, read_journal
from server.desk.organisation_book import ORGANISATION_RECORDS, OrganisationBook
from server.desk.relay_reader import ControlPage, RelayReader
from server.relay.routes import control
from sync_protocol.certificates import Trust
from sync_protocol.control import Certify
from sync_protocol.ids import EntryHash
from sync_protocol.intake import Proofs
from sync_protocol.roles import Role
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread
from tests.support.shells import SyncingDevice
from tests.unit.server.desk.conftest import Hands
from tests.unit.server.relay.test_revocation import cut_at, revoke, say


@pytest.fixture
def organisation() -> Organisation:
    """For each test its own: revocations stay."""
    return Organisation.make(53)


@pytest.fixture
def relay(tmp_path: Path, organisation: Organisation) -> Iterator[RelayThread]:
    """A claimed relay."""
    with RelayThread(tmp_path / "relay", organisation) as opened:
        opened.claim()
        yield opened


@pytest.fixture
def book(tmp_path: Path, organisation: Organisation) -> Iterator[OrganisationBook]:
    """What the desk knows: nothing yet."""
    trust = Trust(organisation.root)
    trust.restore(organisation.admin.certificate)
    made = OrganisationBook(tmp_path / ORGANISATION_RECORDS, trust)
    yield made
    made.close()


class Clock:
    """A clock that a test sets."""

    now_ms = 0

    def __call__(self) -> int:
        """What it shows."""
        return self.now_ms


def test_a_revocation_is_known_though_nobody_told_the_desk(
    relay: RelayThread, organisation: Organisation, book: OrganisationBook, monkeypatch: pytest.MonkeyPatch
):
    """From the first request after it, in as many answers as it takes; what is known already is not kept twice."""
    monkeypatch.setattr(control, "ENTRIES_MAX", 1)
    home, thief = SyncingDevice(organisation.admin), organisation.device(Role.EMERGENCY_RESPONDER)
    say(relay, home, Certify(certificate=thief.certificate.wire))
    clock = Clock()
    following = Following(RelayReader(relay.url), book, offline=False, elapsed_ms=clock)
    following.catch_up()
    assert book.known.trust.certificate(thief.name) is not None
    say(relay, home, revoke(organisation, thief, cut_at(), by=organisation.admin))
    following.catch_up()
    assert thief.name not in book.known.people().revoked, "what was fetched a moment ago serves"
    clock.now_ms = FRESH_MS
    following.catch_up()
    assert thief.name in book.known.people().revoked
    kept = len(book.known.entries)
    clock.now_ms = ANEW_MS
    following.catch_up()
    assert len(book.known.entries) == kept


def test_without_its_relay_the_desk_refuses_unless_it_was_told_to_go_on(
    relay: RelayThread, book: OrganisationBook, caplog: pytest.LogCaptureFixture
):
    """In words that say what to do."""
    relay.stop()
    strict = Following(RelayReader(relay.url), book, offline=False, elapsed_ms=Clock())
    with pytest.raises(RelayError, match="--offline"):
        strict.catch_up()
    with pytest.raises(RelayError):
        strict.catch_up()
    Following(RelayReader(relay.url), book, offline=True, elapsed_ms=Clock()).catch_up()
    assert "relay_unreachable" in caplog.text
    relay.start()


def test_a_refused_request_is_written_down(tmp_path, scene):
    """As every other, and nothing comes off."""
    hands = Hands(tmp_path, scene)

    def away() -> None:
        raise RelayError("relay_unreachable", expected="a relay", got="none", do="start it")

    hands.desk._catch_up = away
    with pytest.raises(RelayError):
        hands.desk.answer(scene.request().wire)
    assert [line.outcome for line in read_journal(tmp_path / JOURNAL)] == ["relay_unreachable"]
    hands.close()


def test_a_relay_with_a_shorter_log_is_read_from_its_beginning(book: OrganisationBook):
    """It was restored from a backup."""

    class Restored(RelayReader):
        size = 9
        asked: tuple[int, ...] = ()

        def control(self, after: int) -> ControlPage:
            self.asked = (*self.asked, after)
            return ControlPage(proofs=(), entries=(), following=self.size, size=self.size)

    clock, restored = Clock(), Restored("http://relay.example")
    following = Following(restored, book, offline=False, elapsed_ms=clock)
    for size in (9, 4, 5):
        restored.size = size
        following.catch_up()
        clock.now_ms += FRESH_MS
    assert restored.asked == (0, 9, 0)


def test_what_verifies_as_nothing_is_left_out(book: OrganisationBook):
    """A relay that makes something up adds nothing."""

    class Liar(RelayReader):
        def control(self, after: int) -> ControlPage:
            return ControlPage(proofs=(Proofs(certificates=(b"nobody",)),), entries=(), following=after, size=after)

    Following(Liar("http://relay.example"), book, offline=False, elapsed_ms=Clock()).catch_up()
    assert len(book.known.entries) == 0


def test_the_relay_s_answers_are_read_with_care(relay: RelayThread, monkeypatch: pytest.MonkeyPatch):
    """What is no relay's answer is told as such, and answers that lead nowhere end."""
    reader = RelayReader(f"{relay.url}/")
    page = reader.control(10**9)
    assert (page.entries, page.following) == ((), page.size)
    assert reader.index(EntryHash(bytes(32))) is None
    assert reader.get("/v1/none") is None
    with pytest.raises(RelayError):
        RelayReader(f"{relay.url}/elsewhere").control(0)
    with pytest.raises(RelayError):
        reader.get("/v1/organisation/control?after=x")
    monkeypatch.setattr(relay_reader, "ANSWER_BYTES_MAX", 10)
    with pytest.raises(RelayError):
        reader.get("/v1/relay")
    monkeypatch.undo()
    stuck = replace(page, following=0, size=9)
    monkeypatch.setattr(RelayReader, "control", lambda *_: stuck)
    with pytest.raises(RelayError):
        list(reader.pages(0))
    for address in ("relay.example", "ftp://relay.example", "http://"):
        with pytest.raises(StartError):
            RelayReader(address)
