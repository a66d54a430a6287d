"""A watcher's judgement: honest logs pass, and every way in which a relay can change its past has its own alarm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge_runtime.audit.watch_files import load_watched, save_watched, write_evidence
from edge_runtime.audit.watching import COSIGNATURE_AGE_MAX_S, Look, Shown, Watched, look
from edge_runtime.errors import InputError
from sync_protocol import merkle
from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.cosignatures import Cosigner
from sync_protocol.ids import Hash, OrganisationId
from sync_protocol.signing import CosigningKey, SigningKey
from sync_protocol.tile_tree import grow
from sync_protocol.tiles import Tile

ORIGIN = "fieldward/log"
NOW_S = 1_760_000_000
HOUR_S = 3600
LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(1000)]
FORKED = [*LEAVES[:400], *(merkle.leaf_hash(b"other" + number.to_bytes(4)) for number in range(600))]


@dataclass
class Host:
    """A relay as its watcher sees it."""

    leaves: list[Hash] = field(default_factory=lambda: list(LEAVES))
    key: SigningKey = field(default_factory=lambda: SigningKey(b"k" * 32))
    cosigning: CosigningKey = field(default_factory=lambda: CosigningKey(b"c" * 32))
    missing: frozenset[tuple[int, int]] = frozenset()
    requests: int = 0

    @property
    def record(self) -> RelayRecord:
        """The organisation's word for it."""
        return RelayRecord(
            organisation=OrganisationId(bytes(16)),
            ed25519=self.key.public,
            origin=ORIGIN,
            addresses=(),
            issued_ms=0,
            cosigner=self.cosigning.public,
        )

    def point(self, size: int) -> Checkpoint:
        """A checkpoint of its log."""
        return Checkpoint(origin=ORIGIN, size=size, root=merkle.root(self.leaves[:size]))

    def note(self, size: int) -> bytes:
        """A signed one."""
        return sign_checkpoint(self.point(size), NoteKey(ORIGIN, self.key))

    def cosigned(self, size: int, time_s: int) -> bytes:
        """A cosigned one."""
        return self.note(size) + Cosigner(ORIGIN, self.cosigning).sign(self.point(size), time_s=time_s)

    def shown(self, size: int, *, of: int | None = None, time_s: int = NOW_S) -> Shown:
        """What it shows at a size, cosigned at an earlier one."""
        return Shown(cosigned=self.cosigned(size if of is None else of, time_s), note=self.note(size))

    def fetch(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See `tile_tree.Fetch`."""
        self.requests += 1
        held = grow({}, 0, self.leaves)
        return {tile: held[tile.name][: tile.width * 32] for tile in tiles if tile.name not in self.missing}

    def look(self, watched: Watched | None, shown: Shown, *, now_s: int = NOW_S) -> Look:
        """Judge it."""
        return look(watched, shown, self.record, self.fetch, now_s=now_s)


def codes(found: Look) -> list[str]:
    """The alarms of a look."""
    return [alarm.code for alarm in found.alarms]


@pytest.fixture(name="host")
def host_fixture() -> Host:
    """An honest relay."""
    return Host()


@pytest.fixture(name="watched")
def watched_fixture(host: Host) -> Watched:
    """What a look at 500 entries verified."""
    watched = host.look(None, host.shown(500, of=300, time_s=NOW_S - HOUR_S)).watched
    assert watched is not None
    return watched


class TestHonest:
    @pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700])
    def test_a_first_look_has_nothing_to_compare(self, host: Host, size: int) -> None:
        """It verifies signatures and tiles, and keeps what it saw."""
        found = host.look(None, host.shown(size))
        assert found == Look(
            alarms=(),
            checkpoint=host.point(size),
            before=None,
            watched=Watched(note=host.note(size), cosigned_s=NOW_S),
        )

    @pytest.mark.parametrize("size", [500, 501, 512, 768, 1000])
    def test_a_log_that_grew_passes(self, host: Host, watched: Watched, size: int) -> None:
        """From every size to every larger one, or to the same."""
        found = host.look(watched, host.shown(size, of=499))
        assert found.alarms == ()
        assert found.before == host.point(500)
        assert found.checkpoint == host.point(size)
        assert found.watched == Watched(note=host.note(size), cosigned_s=NOW_S)

    def test_looks_chain(self, host: Host) -> None:
        """A hundred looks, each from what the last one kept."""
        watched: Watched | None = None
        for size in range(0, 1000, 10):
            found = host.look(watched, host.shown(size, of=size // 2))
            assert found.alarms == ()
            watched = found.watched

    def test_a_relay_without_a_cosigning_key_has_no_cosignatures(self, host: Host) -> None:
        """An older record names none; nothing is expected then, and nothing is believed."""
        record = replace(host.record, cosigner=None)
        for cosigned in (None, host.cosigned(3, 1)):
            found = look(None, Shown(cosigned=cosigned, note=host.note(5)), record, host.fetch, now_s=NOW_S)
            assert found.alarms == ()
            assert found.watched == Watched(note=host.note(5), cosigned_s=None)


class TestAlarms:
    def test_a_shorter_log_is_a_rollback(self, host: Host, watched: Watched) -> None:
        """Even where it is an honest earlier state; what was verified is kept."""
        found = host.look(watched, host.shown(499))
        assert codes(found) == ["rollback"]
        assert (found.before, found.checkpoint) == (host.point(500), host.point(499))
        assert found.watched == watched

    def test_an_older_log_than_what_it_cosigned_is_a_rollback(self, host: Host) -> None:
        """At the first look already."""
        assert codes(host.look(None, host.shown(5, of=6))) == ["rollback"]

    def test_an_older_cosignature_is_a_rollback(self, host: Host, watched: Watched) -> None:
        """The relay's own record of it went back in time."""
        found = host.look(watched, host.shown(500, time_s=NOW_S - HOUR_S - 1))
        assert codes(found) == ["rollback"]
        assert found.watched == watched

    def test_another_log_of_the_same_size_is_a_split(self, watched: Watched) -> None:
        """Two notes prove it; no tile has to be fetched."""
        forked = Host(leaves=list(FORKED))
        found = forked.look(watched, forked.shown(500, of=300))
        assert codes(found) == ["split"]
        assert forked.requests == 0
        assert found.alarms[0].shown_root == forked.point(500).root

    @pytest.mark.parametrize("size", [501, 512, 1000])
    def test_a_larger_log_with_another_past_is_a_split(self, watched: Watched, size: int) -> None:
        """The alarm carries a proof that anybody can check with the two notes."""
        forked = Host(leaves=list(FORKED))
        found = forked.look(watched, forked.shown(size, of=300))
        assert codes(found) == ["split"]
        (alarm,) = found.alarms
        assert alarm.shown_root == forked.point(500).root != Host().point(500).root
        merkle.verify_consistency(
            first=500,
            first_root=alarm.shown_root,
            second=size,
            second_root=forked.point(size).root,
            path=alarm.path,
        )
        assert found.watched == watched

    def test_a_cosigned_checkpoint_of_another_log_is_a_split(self, host: Host) -> None:
        """The relay shows one log and cosigned another."""
        forked = Host(leaves=list(FORKED))
        shown = Shown(cosigned=forked.cosigned(450, NOW_S), note=host.note(500))
        assert codes(host.look(None, shown)) == ["split"]

    @pytest.mark.parametrize("name", [(0, 3), (1, 0)])
    def test_missing_edge_tiles_prove_nothing(self, watched: Watched, name: tuple[int, int]) -> None:
        """What is signed must be shown."""
        host = Host(missing=frozenset({name}))
        found = host.look(watched, host.shown(1000))
        assert codes(found) == ["unproven"]
        assert found.watched == watched

    def test_missing_inner_tiles_prove_nothing(self, watched: Watched) -> None:
        """Also those that only the comparison needs."""
        host = Host(missing=frozenset({(0, 1)}))
        assert codes(host.look(watched, host.shown(1000))) == ["unproven"]

    def test_tiles_of_another_log_prove_nothing(self, host: Host, watched: Watched) -> None:
        """They do not lead to the signed root."""
        forked = Host(leaves=list(FORKED))
        found = look(watched, host.shown(1000), host.record, forked.fetch, now_s=NOW_S)
        assert codes(found) == ["unproven"]

    def test_another_key_s_checkpoint_is_foreign(self, host: Host, watched: Watched) -> None:
        """The same log by another key, another key's cosignature, a note that is none, and a state of another key."""
        other = Host(key=SigningKey(b"o" * 32))
        cosigner = Host(cosigning=CosigningKey(b"o" * 32))
        for shown in (
            other.shown(600),
            cosigner.shown(600),
            Shown(cosigned=host.note(5), note=host.note(600)),
            Shown(cosigned=None, note=b"\xff"),
            Shown(cosigned=b"", note=host.note(600)),
        ):
            found = host.look(watched, shown)
            assert codes(found) == ["foreign_key"]
            assert found.watched == watched
        found = other.look(watched, other.shown(600))
        assert codes(found) == ["foreign_key"]
        assert "new state file" in found.alarms[0].do


class TestStale:
    @pytest.mark.parametrize("age_s", [0, COSIGNATURE_AGE_MAX_S, -COSIGNATURE_AGE_MAX_S])
    def test_two_days_are_allowed(self, host: Host, age_s: int) -> None:
        """In both directions, for clocks differ."""
        assert host.look(None, host.shown(5, time_s=NOW_S - age_s)).alarms == ()

    @pytest.mark.parametrize(
        ("age_s", "got"),
        [
            (COSIGNATURE_AGE_MAX_S + 1, "one of 48 hours ago"),
            (-COSIGNATURE_AGE_MAX_S - HOUR_S, "one of 49 hours from now"),
        ],
    )
    def test_an_old_one_is_stale_and_the_log_is_kept_nevertheless(self, host: Host, age_s: int, got: str) -> None:
        """The alarm says how old; what was verified of the log is good."""
        found = host.look(None, host.shown(5, time_s=NOW_S - age_s))
        assert codes(found) == ["stale"]
        assert found.alarms[0].got == got
        assert found.watched == Watched(note=host.note(5), cosigned_s=NOW_S - age_s)

    def test_none_is_stale(self, host: Host, watched: Watched) -> None:
        """Never there, or withdrawn: also under an older record that names no cosigner."""
        shown = Shown(cosigned=None, note=host.note(600))
        assert codes(host.look(None, shown)) == ["stale"]
        found = host.look(watched, shown)
        assert codes(found) == ["stale"]
        assert found.watched == Watched(note=host.note(600), cosigned_s=watched.cosigned_s)
        older = replace(host.record, cosigner=None)
        assert codes(look(watched, shown, older, host.fetch, now_s=NOW_S)) == ["stale"]


class TestFiles:
    @pytest.mark.parametrize("cosigned_s", [None, 0, NOW_S])
    def test_a_state_reads_back(self, tmp_path: Path, host: Host, cosigned_s: int | None) -> None:
        """And before the first there is none."""
        path = tmp_path / "watch.json"
        assert load_watched(path) is None
        watched = Watched(note=host.note(5), cosigned_s=cosigned_s)
        save_watched(path, watched)
        assert load_watched(path) == watched

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{}",
            b"[]",
            b"\xff",
            b"[" * 100_000,
            b'{"version": 1, "note": "x"}',
            b'{"version": 2, "note": "x", "cosigned_s": 1}',
            b'{"version": 1, "note": 1, "cosigned_s": 1}',
            b'{"version": 1, "note": "x", "cosigned_s": "1"}',
            b'{"version": 1, "note": "x", "cosigned_s": true}',
        ],
    )
    def test_a_damaged_state_is_refused(self, tmp_path: Path, data: bytes) -> None:
        """Never taken for a first look: that would forget what was verified."""
        path = tmp_path / "watch.json"
        path.write_bytes(data)
        with pytest.raises(InputError) as caught:
            load_watched(path)
        assert caught.value.code == "watch_state"

    def test_a_state_that_cannot_be_written_is_said(self, tmp_path: Path, host: Host) -> None:
        """A watch that forgets is none."""
        with pytest.raises(InputError):
            save_watched(tmp_path / "nowhere" / "watch.json", Watched(note=host.note(5), cosigned_s=None))

    def test_evidence_has_both_notes_and_the_proof(self, tmp_path: Path, watched: Watched) -> None:
        """Enough for anybody who has the organisation's root; the same evidence is written once."""
        forked = Host(leaves=list(FORKED))
        shown = forked.shown(600, of=300)
        found = forked.look(watched, shown)
        (alarm,) = found.alarms
        state = tmp_path / "watch.json"
        paths = {write_evidence(state, alarm, watched, shown, b"record", now_ms=now_ms) for now_ms in (1, 2)}
        (path,) = paths
        assert path.parent == tmp_path
        assert path.name.startswith("watch.json.split.")
        told = json.loads(path.read_text())
        assert told["trusted_note"].encode() == watched.note
        assert told["shown_note"].encode() == shown.note
        assert told["relay_record"] == b"record".hex()
        assert told["shown_root_at_trusted_size"] == forked.point(500).root.hex()
        merkle.verify_consistency(
            first=500,
            first_root=bytes.fromhex(told["shown_root_at_trusted_size"]),
            second=600,
            second_root=forked.point(600).root,
            path=[bytes.fromhex(node) for node in told["consistency_path"]],
        )

    def test_evidence_of_what_is_no_note_is_kept_too(self, tmp_path: Path, host: Host) -> None:
        """Bytes that are no text are escaped."""
        shown = Shown(cosigned=None, note=b"\xff\xfe")
        (alarm,) = host.look(None, shown).alarms
        path = write_evidence(tmp_path / "watch.json", alarm, None, shown, b"", now_ms=1)
        assert json.loads(path.read_text())["shown_note"] == "\\xff\\xfe"
