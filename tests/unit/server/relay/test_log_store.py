"""What the store proves of its log: growth between any two sizes, roots of any size, in few reads, archived or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from server.relay import log, log_store
from server.relay.store import SqlStore
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.errors import MisuseError
from sync_protocol.ids import Hash
from tests.support.databases import BOTH, fresh, sql_store
from tests.support.people import ORIGIN, Organisation

LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(66_000)]


def put_log(store: SqlStore, leaves: list[Hash]) -> None:
    """A log of these leaves, without the entries under them."""
    organisation = Organisation.make(3)
    checkpoint = Checkpoint(origin=ORIGIN, size=len(leaves), root=merkle.root(leaves))
    with store._changing() as connection:
        log.extend(connection, 0, leaves)
        log.put_checkpoint(connection, len(leaves), sign_checkpoint(checkpoint, organisation.note_key))


@contextmanager
def statements(store: SqlStore) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    yield asked
    event.remove(store._engine, "before_cursor_execute", note)


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A store with a log of 66,000 leaves."""
    with sql_store(fresh(request.param, tmp_path)) as opened:
        put_log(opened, LEAVES)
        yield opened


def test_any_two_sizes_are_proved_consistent(store: SqlStore) -> None:
    """From every kind of size to every larger one, by the roots that the leaves have."""
    pick = random.Random(1)
    sizes = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, len(LEAVES), *pick.choices(range(len(LEAVES)), k=8)]
    roots = {size: merkle.root(LEAVES[:size]) for size in sizes}
    for second in sizes:
        firsts = [first for first in sizes if first <= second]
        assert store.root_at(second) == roots[second]
        for first, path in zip(firsts, store.consistency_paths(firsts, second), strict=True):
            merkle.verify_consistency(
                first=first, first_root=roots[first], second=second, second_root=roots[second], path=path
            )
    assert store.consistency_path(300, 1000) == merkle.consistency_path(LEAVES[:1000], 300)


def test_sizes_beyond_the_log_are_refused(store: SqlStore) -> None:
    """Nothing is proved of leaves that no checkpoint covers, nor backwards."""
    for first, second in ((1, len(LEAVES) + 1), (5, 4), (-1, 4), (-2, -1)):
        with pytest.raises(MisuseError):
            store.consistency_path(first, second)
    for size in (-1, len(LEAVES) + 1):
        with pytest.raises(MisuseError):
            store.root_at(size)
    with pytest.raises(MisuseError):
        store.consistency_paths((), len(LEAVES) + 1)


def test_tiles_for_a_proof_are_read_at_once(store: SqlStore) -> None:
    """However many proofs are asked for together: one look at the newest checkpoint, one at the tiles."""
    with statements(store) as asked:
        store.consistency_paths(range(100, 60_000, 5000), len(LEAVES))
    assert len([one for one in asked if one.startswith("SELECT")]) == 2


def test_a_pair_that_many_ask_for_is_read_once(store: SqlStore) -> None:
    """A proof is remembered, so that connections that ask for the same one do not read it again."""
    wanted = store.consistency_path(300, 66_000)
    with statements(store) as asked:
        assert store.consistency_paths((300, 300), 66_000) == [wanted, wanted]
    assert asked == []


def test_what_is_remembered_is_bounded(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for ever other pairs fills no memory; what was asked for last stays."""
    monkeypatch.setattr(log_store, "PATHS_KEPT", 3)
    for first in (1, 2, 3, 1, 4):
        store.consistency_path(first, 500)
    assert set(store._paths) == {(3, 500), (1, 500), (4, 500)}


def test_tiles_are_told_by_name(store: SqlStore) -> None:
    """Full and partial ones as they are; those that the log does not have are left out."""
    found = store.tiles([(0, 0), (0, 257), (1, 1), (2, 0), (0, 258), (3, 0)])
    assert {name: len(hashes) // 32 for name, hashes in found.items()} == {
        (0, 0): 256,
        (0, 257): 208,
        (1, 1): 1,
        (2, 0): 1,
    }
    assert found[0, 257] == b"".join(LEAVES[257 * 256 :])
