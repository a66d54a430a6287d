"""Control records travel to the desk in parts that fit, in an order in which each part can be verified."""

from __future__ import annotations

from sync_protocol import glass_news
from sync_protocol.certificates import Trust
from sync_protocol.control import Invite
from sync_protocol.entries import VerifiedEntry
from sync_protocol.glass_news import GlassFrontier, GlassNews, news_of
from sync_protocol.ids import Hash, InvitationId, SessionId
from sync_protocol.intake import Intake, Proofs
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.memory_store import MemoryStore
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.store import put_proofs
from tests.support.people import START_MS, Organisation

WORLD = Organisation.make(11)
SESSION = WORLD.admin.session()


def invitation(number: int) -> Invite:
    """Some control record."""
    return Invite(
        invitation=InvitationId(number.to_bytes(16, "big")),
        role=Role.NURSE,
        expires_ms=START_MS,
        proof=Hash(bytes(32)),
    )


ENTRIES: list[VerifiedEntry] = [
    SESSION.write_control(WORLD.root.value.control, [invitation(number)])[1][0] for number in range(40)
]


def groups():
    """Every entry; the first brings all proofs."""
    first = SESSION.proofs
    return [(first if index == 0 else Proofs(), entry.wire) for index, entry in enumerate(ENTRIES)]


def taken(parts):
    """How many entries somebody has who knows the root alone and takes these parts in order."""
    store, trust = MemoryStore(), Trust(WORLD.root)
    found = 0
    for part in parts:
        again = unpack(GlassNews, pack(part))
        checked = Intake(trust, store).check(again.proofs, again.entries)
        assert not checked.refused
        with store.writing() as writer:
            put_proofs(writer, checked)
            writer.append(checked.entries)
        found += len(checked.entries)
    return found


def test_everything_arrives_in_one_part_or_in_many(monkeypatch):
    """Each part is good once those before it were taken, and none is longer than a request may be."""
    assert len(list(news_of(groups()))) == 1
    assert taken(news_of(groups())) == len(ENTRIES)
    monkeypatch.setattr(glass_news, "_ROOM_BYTES", 8 * 1024)
    parts = list(news_of(groups()))
    assert len(parts) > 2
    assert taken(parts) == len(ENTRIES)
    assert max(len(pack(part)) for part in parts) < 9 * 1024


def test_a_part_has_only_so_many_items(monkeypatch):
    """The count binds where the bytes do not."""
    monkeypatch.setattr(glass_news, "NEWS_ITEMS_MAX", 7)
    parts = list(news_of(groups()))
    assert max(max(len(part.seals), len(part.entries)) for part in parts) == 7
    assert taken(parts) == len(ENTRIES)


def test_no_news_takes_no_part():
    """Nothing is sent for nothing."""
    assert list(news_of([])) == []


def test_the_fullest_part_is_no_longer_than_a_request():
    """The room leaves space for the heads of the lists."""
    big = b"x" * 70_000
    session = Proofs(seals=(big,) * 5)
    parts = list(news_of([(session, ENTRIES[0].wire)]))
    assert [len(part.seals) for part in parts] == [3, 2]
    assert all(len(pack(part)) <= RECORD_BYTES_MAX for part in parts)


def test_a_frontier_travels():
    """The next number of each session."""
    frontier = GlassFrontier(sessions={SessionId(b"s" * 16): 7})
    assert unpack(GlassFrontier, pack(frontier)) == frontier
