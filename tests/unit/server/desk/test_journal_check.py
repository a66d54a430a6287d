"""The journal is held against the log that everybody sees: a relay that signed for what it hides is found out."""

from __future__ import annotations

import json

import pytest

from server.desk.errors import RelayError
from server.desk.journal import JOURNAL, read_journal
from server.desk.journal_check import check_journal
from server.desk.relay_reader import RelayReader
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.errors import ForgedError
from sync_protocol.ids import Hash
from sync_protocol.signing import SigningKey


class Shown(RelayReader):
    """A relay that shows a log of these leaves, without a network."""

    def __init__(self, world, leaves):
        super().__init__("http://relay.example")
        self.world = world
        self.leaves = list(leaves)
        self.record = world.relay.wire
        self.key = world.note_key
        self.tile = None

    def index(self, entry):
        """Where the leaf is."""
        leaf = merkle.leaf_hash(entry)
        return self.leaves.index(leaf) if leaf in self.leaves else None

    def get(self, path):
        """What is published."""
        if path == "/v1/relay":
            return json.dumps({"record": self.record.hex()}).encode()
        if path == "/v1/log/checkpoint":
            size = len(self.leaves)
            checkpoint = Checkpoint(origin=self.world.note_key.public.name, size=size, root=merkle.root(self.leaves))
            return sign_checkpoint(checkpoint, self.key)
        return b"".join(self.leaves) if self.tile is None else self.tile


@pytest.fixture
def answered(tmp_path, scene, hands):
    """The journal of a desk that answered once, and the leaf that let it."""
    request = scene.request()
    hands.desk.answer(request.wire)
    with pytest.raises(ForgedError):
        hands.desk.answer(scene.request(path=()).wire)
    return list(read_journal(tmp_path / JOURNAL)), merkle.leaf_hash(request.value.entry.hash)


def damage(lines, relay):
    """What does not hold."""
    return [one.code for one in check_journal(lines, relay, relay.world.root)]


def test_a_journal_that_the_log_bears_out(scene, answered):
    """Though the log grew; refused requests are not looked for."""
    lines, leaf = answered
    assert damage(lines, Shown(scene.world, [*scene.leaves, leaf, Hash(b"9" * 32)])) == []
    assert damage([], Shown(scene.world, [leaf])) == []


def test_a_relay_that_hides_the_entry_is_found_out(scene, answered, monkeypatch: pytest.MonkeyPatch):
    """And so is one that rewrote its log, or has a shorter one, or says that a leaf is where it is not."""
    lines, leaf = answered
    other = Hash(b"9" * 32)
    assert damage(lines, Shown(scene.world, [*scene.leaves, other])) == ["not_in_log", "log_differs"]
    assert damage(lines, Shown(scene.world, [leaf, *scene.leaves])) == ["log_differs"]
    assert damage(lines, Shown(scene.world, scene.leaves)) == ["not_in_log", "log_shrank"]
    for place in (0, 99):
        lying = Shown(scene.world, [*scene.leaves, leaf])
        monkeypatch.setattr(lying, "index", lambda _, place=place: place)
        assert damage(lines, lying) == ["not_in_log"]


def test_a_relay_that_was_replaced_cannot_be_checked_here(scene, answered):
    """That is said, and not passed over."""
    lines, leaf = answered
    relay = Shown(scene.world, [*scene.leaves, leaf])
    elsewhere = Checkpoint(origin="elsewhere/0", size=1, root=merkle.root([leaf]))
    note = sign_checkpoint(elsewhere, NoteKey(name="elsewhere/0", key=SigningKey(bytes(32))))
    object.__setattr__(lines[0], "note", note)
    assert damage(lines, relay) == ["other_relay"]


@pytest.mark.parametrize("change", [{"record": b"x"}, {"tile": b""}, {"key": None}])
def test_a_relay_that_is_not_the_organisation_s_is_refused(scene, answered, change):
    """Whose record, checkpoint or tiles are not what the root named."""
    lines, leaf = answered
    relay = Shown(scene.world, [*scene.leaves, leaf])
    stranger = NoteKey(name=scene.world.note_key.public.name, key=SigningKey(bytes(32)))
    for name, value in change.items():
        setattr(relay, name, stranger if value is None else value)
    with pytest.raises(RelayError):
        damage(lines, relay)
