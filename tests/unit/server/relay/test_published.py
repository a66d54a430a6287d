"""The log as a relay publishes it: from its files alone a stranger rebuilds the tree and checks both signatures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from server.relay.cosigning import COSIGN_EVERY_S, Cosigning
from server.relay.errors import StorageError
from server.relay.identity import COSIGNER_FILE
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.cosignatures import CosignerKey, open_cosigned
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signing import CosignVerifyKey, Ed25519Signature, VerifyKey, verify
from sync_protocol.tile_tree import CheckedTiles
from sync_protocol.tiles import Bundle, Tile, decode_bundle, tiles_of
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, keep
from tests.support.shells import SyncingDevice

ENTRIES = 300
DAY_MS = COSIGN_EVERY_S * 1000


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(23)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, organisation: Organisation) -> Iterator[RelayThread]:
    """A claimed relay with more entries than a tile holds."""
    with RelayThread(tmp_path_factory.mktemp("relay") / "home", organisation) as opened:
        opened.claim()
        fill(opened, organisation, ENTRIES)
        yield opened


def fill(room: RelayThread, organisation: Organisation, count: int) -> None:
    """Push a chart with that many entries, and some of the organisation's control."""
    home = SyncingDevice(organisation.device(Role.PHYSICIAN))
    chart = ChartWriter.begin(home.session)
    chart.write(count=count)
    keep(home, home.session, chart.written)
    line = room.dial_http(home)
    line.handshake()
    line.run()


class Stranger:
    """Somebody who has the relay's record and nothing else."""

    def __init__(self, room: RelayThread) -> None:
        self.room = room
        told = json.loads(room.request("GET", "/v1/relay")[2])
        self.log = NoteVerifyKey(told["origin"], VerifyKey.parse(told["key"]))
        self.cosigner = CosignerKey(told["origin"], CosignVerifyKey.parse(told["cosigner"]))
        self.proof = Ed25519Signature.parse(told["cosigner_proof"])

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """One file of the log."""
        return self.room.request("GET", f"/v1/log/{path}")

    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint, verified."""
        return open_checkpoint(self.get("checkpoint")[2], self.log)

    def fetch(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See `tile_tree.Fetch`."""
        answers = {tile: self.get(tile.path) for tile in tiles}
        return {tile: body for tile, (status, _, body) in answers.items() if status == 200}


@pytest.fixture
def stranger(room: RelayThread) -> Stranger:
    """Who watches the relay."""
    return Stranger(room)


def test_a_stranger_rebuilds_the_log_from_its_tiles(stranger: Stranger):
    """Every tile of the checkpoint's size leads to its root, and every bundle's entries to the leaves."""
    checkpoint = stranger.checkpoint()
    assert checkpoint.size >= ENTRIES
    tiles = CheckedTiles(stranger.fetch, size=checkpoint.size, root=checkpoint.root)
    leaves: list[bytes] = []
    for tile in tiles_of(checkpoint.size):
        if tile.level:
            continue
        hashes = tiles.leaf_hashes(tile.number)
        bundle = stranger.get(Bundle(number=tile.number, width=tile.width).path)[2]
        entries = decode_bundle(bundle, tile.width)
        assert [merkle.leaf_hash(entry) for entry in entries] == hashes
        assert all(stranger.room.services.store.entry(entry) is not None for entry in entries)  # type: ignore[arg-type]
        leaves.extend(hashes)
    assert merkle.root(leaves) == checkpoint.root
    for first in (1, 255, 256, checkpoint.size - 1):
        merkle.verify_consistency(
            first=first,
            first_root=merkle.root(leaves[:first]),
            second=checkpoint.size,
            second_root=checkpoint.root,
            path=tiles.consistency_path(first),
        )
        assert stranger.room.services.store.root_at(first) == tiles.root_at(first)


def test_forms_and_caching_are_c2sp_s(stranger: Stranger):
    """Notes are text that nobody caches; full tiles are octets for ever; partial ones for a while."""
    size = stranger.checkpoint().size
    expected = {
        "checkpoint": ("text/plain; charset=utf-8", "no-cache"),
        "cosigned": ("text/plain; charset=utf-8", "no-cache"),
        "tile/0/000": ("application/octet-stream", "public, max-age=31536000, immutable"),
        "tile/entries/000": ("application/octet-stream", "public, max-age=31536000, immutable"),
        f"tile/0/001.p/{size - 256}": ("application/octet-stream", "public, max-age=3600"),
        "tile/entries/001.p/1": ("application/octet-stream", "public, max-age=3600"),
        "tile/1/000.p/1": ("application/octet-stream", "public, max-age=3600"),
    }
    for path, (kind, caching) in expected.items():
        status, headers, body = stranger.get(path)
        assert (status, headers["content-type"], headers["cache-control"]) == (200, kind, caching), path
        assert body
    assert len(stranger.get("tile/0/000")[2]) == 256 * 32
    assert len(stranger.get("tile/entries/000")[2]) == 256 * 34
    assert stranger.get("tile/0/000.p/100")[2] == stranger.get("tile/0/000")[2][:3200], "of an earlier checkpoint"


def test_an_entry_s_place_is_told_by_its_hash(stranger: Stranger):
    """Of every entry under the newest checkpoint; nobody caches it, and tiles prove it."""
    checkpoint = stranger.checkpoint()
    tiles = CheckedTiles(stranger.fetch, size=checkpoint.size, root=checkpoint.root)
    for index, entry in ((0, 0), (255, 255), (256, 0), (checkpoint.size - 1, (checkpoint.size - 1) % 256)):
        number, width = index // 256, min(256, checkpoint.size - index // 256 * 256)
        name = decode_bundle(stranger.get(Bundle(number=number, width=width).path)[2], width)[entry]
        status, headers, body = stranger.get(f"index/{name.hex()}")
        assert (status, headers["cache-control"], json.loads(body)) == (200, "no-cache", {"index": index})
        merkle.verify_inclusion(
            merkle.leaf_hash(name),
            index=index,
            size=checkpoint.size,
            path=tiles.inclusion_path(index),
            root=checkpoint.root,
        )


def test_an_entry_has_a_place_once_its_checkpoint_is_shown(stranger: Stranger, monkeypatch: pytest.MonkeyPatch):
    """Not a moment before, so that whoever got a place finds it under the checkpoint fetched next."""
    name = decode_bundle(stranger.get("tile/entries/000")[2], 256)[9].hex()
    window = stranger.room.services.window
    earlier = replace(window.tip, checkpoint=replace(window.tip.checkpoint, size=9))
    monkeypatch.setattr(window, "tip", earlier)
    assert stranger.get(f"index/{name}")[0] == 404
    monkeypatch.undo()
    assert stranger.get(f"index/{name}")[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("tile/0/001", 404, "no_such_tile"),
        ("tile/0/002.p/1", 404, "no_such_tile"),
        ("tile/0/001.p/255", 404, "no_such_tile"),
        ("tile/1/000", 404, "no_such_tile"),
        ("tile/1/000.p/2", 404, "no_such_tile"),
        ("tile/2/000.p/1", 404, "no_such_tile"),
        ("tile/entries/001", 404, "no_such_tile"),
        ("tile/entries/002.p/1", 404, "no_such_tile"),
        ("tile/entries/x999/999", 404, "no_such_tile"),
        ("tile/0/0", 400, "malformed"),
        ("tile/0/000.p/256", 400, "malformed"),
        ("tile/0/000.p/0", 400, "malformed"),
        ("tile/00/000", 400, "malformed"),
        ("tile/-1/000", 400, "malformed"),
        ("tile/entries/0", 400, "malformed"),
        ("tile/entries/", 400, "malformed"),
        ("tile/x", 400, "malformed"),
        ("tile/0/x009/x999/x999/x999/999", 413, "limit"),
        ("tile/63/000", 413, "limit"),
        ("tiles", 404, "no_such_address"),
        (f"index/{bytes(32).hex()}", 404, "no_such_entry"),
        (f"index/{'ab' * 31}", 400, "malformed"),
        (f"index/{'AB' * 32}", 400, "malformed"),
        ("index/0", 400, "malformed"),
    ],
)
def test_what_the_log_does_not_have_is_refused(stranger: Stranger, path: str, status: int, code: str):
    """Tiles beyond the size, names in another form: with a reason, as every other address answers."""
    answer = stranger.get(path)
    assert (answer[0], json.loads(answer[2])["error"]["code"]) == (status, code)


def test_the_cosigner_s_key_is_vouched_for(stranger: Stranger):
    """By the key whose fingerprint an administrator compares, and by the record that the root signed."""
    verify(stranger.log.public, Label.RELAY_COSIGNER, stranger.cosigner.public, stranger.proof)
    assert stranger.room.services.identity.record.value.cosigner == stranger.cosigner.public


def test_a_checkpoint_is_cosigned_at_the_start_and_once_a_day(stranger: Stranger):
    """The newest checkpoint of that moment; not again within the day."""
    services = stranger.room.services
    cosigning = Cosigning(services.store, services.identity)
    newest = stranger.checkpoint()
    first = open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner)
    assert first.checkpoint.size < stranger.checkpoint().size, "cosigned when the relay started, on an empty log"
    now_ms = first.time_s * 1000
    assert not cosigning.cosign(newest, now_ms + DAY_MS - 1)
    assert open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner) == first
    assert cosigning.cosign(newest, now_ms + DAY_MS)
    second = open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner)
    assert second.checkpoint == stranger.checkpoint()
    assert second.time_s == first.time_s + COSIGN_EVERY_S
    assert open_checkpoint(stranger.get("cosigned")[2], stranger.log) == second.checkpoint
    assert not cosigning.cosign(newest, now_ms), "a clock that went back makes none"


def test_a_log_that_changed_is_not_cosigned(stranger: Stranger, monkeypatch: pytest.MonkeyPatch):
    """Where the tree no longer begins with what was cosigned, the relay refuses and says why."""
    services = stranger.room.services
    cosigning = Cosigning(services.store, services.identity)
    newest = stranger.checkpoint()
    start = open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner)
    cosigning.cosign(newest, start.time_s * 1000 + DAY_MS)
    last = open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner)
    assert last.checkpoint.size >= ENTRIES
    shorter = Checkpoint(origin=stranger.log.name, size=last.checkpoint.size - 1, root=Hash(bytes(32)))
    with pytest.raises(StorageError, match="begins with"):
        cosigning.cosign(shorter, last.time_s * 1000 + DAY_MS)
    monkeypatch.setattr(services.store, "root_at", lambda _size: Hash(bytes(32)))
    with pytest.raises(StorageError, match="begins with"):
        cosigning.cosign(newest, last.time_s * 1000 + DAY_MS)
    assert open_cosigned(stranger.get("cosigned")[2], stranger.log, stranger.cosigner) == last


def test_another_cosigner_begins_anew(tmp_path: Path, organisation: Organisation):
    """A replaced key never vouched for what the old one cosigned; the relay has to be claimed with it."""
    home = tmp_path / "home"
    with RelayThread(home, organisation) as opened:
        opened.claim()
        old = Stranger(opened)
        note = old.get("cosigned")[2]
    (home / COSIGNER_FILE).unlink()
    with RelayThread(home, organisation) as opened:
        new = Stranger(opened)
        assert new.cosigner != old.cosigner
        assert not opened.services.identity.claimed
        assert new.get("cosigned")[2] != note
        assert open_cosigned(new.get("cosigned")[2], new.log, new.cosigner).checkpoint.size == 0


def test_without_a_cosigned_note_it_is_said(
    tmp_path: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
):
    """404, until there is one."""
    with RelayThread(tmp_path / "home", organisation) as opened:
        monkeypatch.setattr(opened.services.store, "get_value", lambda _name: None)
        status, _, body = opened.request("GET", "/v1/log/cosigned")
        assert (status, json.loads(body)["error"]["code"]) == (404, "no_cosignature")
        assert Cosigning(opened.services.store, opened.services.identity).newest() is None


def test_the_key_s_file_is_its_owner_s_alone(tmp_path: Path, organisation: Organisation):
    """Made like the relay's own, 32 bytes, and the same key after a restart and in a copy of the home."""
    home = tmp_path / "home"
    with RelayThread(home, organisation) as opened:
        key = opened.services.identity.cosigner
    path = home / COSIGNER_FILE
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, 32)
    shutil.copytree(home, tmp_path / "copy")
    with RelayThread(tmp_path / "copy", organisation) as opened:
        assert opened.services.identity.cosigner == key
