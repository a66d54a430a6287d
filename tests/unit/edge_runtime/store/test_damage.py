"""A damaged file: noticed, or harmless; never another answer.

Bits and pages of a closed store are changed, and everything is asked. What was changed follows from the seed in the
failure's message. FIELDWARD_SOAK=1 changes many more.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store.boxes import Table
from tests.unit.edge_runtime.store.world import World, open_store

SOAK = os.environ.get("FIELDWARD_SOAK") == "1"
FLIPS = 6_000 if SOAK else 250
PAGES = 4_000 if SOAK else 250
PAGE_BYTES = 4096
NOTICED = {"store_damaged", "store_foreign", "store_newer"}


@dataclass
class Subject:
    """A store to damage: the world in it, its bytes, and what it answers while it is whole."""

    world: World
    path: Path
    content: bytes
    answers: dict[str, Any]

    def judge(self, content: bytes | None = None) -> tuple[bool, list[str]]:
        """Ask everything of the store, of these bytes or as it lies there.

        Returns:
            Whether something was noticed, and which questions got another answer than the right one.
        """
        if content is not None:
            self.path.write_bytes(content)
        store, code = attempt(lambda: open_store(self.path))
        if store is None:
            assert code in NOTICED
            return True, []
        codes, wrong, lost = set[str](), list[str](), False
        lookups = self.world.lookups()
        with store:
            for name, ask in (self.world.questions() | lookups).items():
                answer, code = attempt(lambda ask=ask: ask(store))  # type: ignore[misc]
                if code:
                    codes.add(code)
                elif answer is None and name in lookups:
                    lost = True
                elif answer != self.answers[name]:
                    wrong.append(name)
            assert not lost or store.check(), "a look-up lost its index, and the check did not tell"
        assert codes <= NOTICED
        return bool(codes) or lost, wrong

    def change(self, statement: str, *arguments: Any) -> Any:
        """Change the store as somebody may who can write the file; the first row of what the statement returns."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        found = connection.execute(statement, arguments).fetchone()
        connection.close()
        return found

    def told(self) -> bool:
        """Whether opening or the check tells of the damage."""
        store, code = attempt(lambda: open_store(self.path))
        if store is None:
            return code in NOTICED
        with store:
            return bool(store.check())


def attempt(ask: Callable[[], Any]) -> tuple[Any, str]:
    """The answer, or the code of the StoreError; any other exception is a failure of the test."""
    try:
        return ask(), ""
    except StoreError as error:
        return None, error.code


@pytest.fixture(scope="module")
def whole(world: World, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A closed store that holds the world."""
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with open_store(path) as store:
        world.fill(store)
        answers = {name: ask(store) for name, ask in (world.questions() | world.lookups()).items()}
    return Subject(world, path, path.read_bytes(), answers)


@pytest.fixture
def subject(whole: Subject, path: Path) -> Subject:
    """A copy of it."""
    shutil.copy(whole.path, path)
    return Subject(whole.world, path, whole.content, whole.answers)


@pytest.mark.campaign
def test_no_flipped_bit_changes_an_answer(subject: Subject) -> None:
    """A flipped bit anywhere in the file: each question is answered as before or refused, and many are noticed."""
    noticed = 0
    for seed in range(FLIPS):
        content = bytearray(subject.content)
        flip(content, random.Random(seed))
        saw, wrong = subject.judge(bytes(content))
        assert not wrong, f"seed {seed} changed {wrong}"
        noticed += saw
    assert noticed > FLIPS // 4, "the bits that were flipped hit records"


@pytest.mark.campaign
def test_no_overwritten_page_changes_an_answer(subject: Subject) -> None:
    """A page that is zero, noise, or another page's content: answered as before or refused."""
    pages = [subject.content[at : at + PAGE_BYTES] for at in range(0, len(subject.content), PAGE_BYTES)]
    for seed in range(PAGES):
        chance = random.Random(seed)
        at = seed % len(pages)
        page = chance.choice([bytes(PAGE_BYTES), chance.randbytes(PAGE_BYTES), *pages, *pages, *pages])
        _, wrong = subject.judge(b"".join([*pages[:at], page, *pages[at + 1 :]]))
        assert not wrong, f"seed {seed}: page {at} changed {wrong}"


def test_a_cut_file_is_noticed(subject: Subject) -> None:
    """A file that ends too early, at a page or within one, answers nothing wrong, and is noticed."""
    size = len(subject.content)
    for left in (*range(0, size, PAGE_BYTES), 1, 99, 100, 511, 4097, size - 1, size - 1000):
        noticed, wrong = subject.judge(subject.content[:left])
        assert noticed, f"cut to {left} of {size} bytes"
        assert not wrong, f"cut to {left} of {size} bytes: {wrong}"


def test_noise_raises_store_errors_only(subject: Subject) -> None:
    """Noise all over the file: opening, reading and checking raise StoreError, never anything else."""
    for seed in range(40):
        chance = random.Random(seed)
        content = bytearray(subject.content)
        for _ in range(30):
            content[chance.randrange(100, len(content))] = chance.randrange(256)
        _, wrong = subject.judge(bytes(content))
        assert not wrong, f"seed {seed} changed {wrong}"
        assert subject.told(), f"seed {seed}"


def test_writing_to_a_damaged_store(subject: Subject) -> None:
    """Writing to a damaged store works on whole parts of it, or raises StoreError and changes nothing."""
    session = subject.world.organisation.admin.session()
    batch = session.write_all([(stream, b"more") for stream in subject.world.streams])

    def write(store: Any) -> None:
        with store.writing() as writer:
            writer.put_session(session.record)
            writer.put_seal(batch[0])
            writer.append(batch[1])
            writer.put_value("kind/0/0", b"new")

    for seed in range(60):
        content = bytearray(subject.content)
        for part in range(3):
            flip(content, random.Random(1000 * part + seed))
        subject.path.write_bytes(content)
        store, _ = attempt(lambda: open_store(subject.path))
        if store is None:
            continue
        with store:
            before = store.size()
            _, code = attempt(lambda: write(store))  # noqa: B023 - called at once
            assert code in NOTICED | {""}, f"seed {seed}"
            assert store.size() == before + (0 if code else len(batch[1])), f"seed {seed}"


SWAPS = [
    ("value", "box", 1, 2),
    ("value", "name", 1, 2),
    ("entry", "box", 0, 1),
    ("entry", "seq", 0, 12),
    ("entry", "chain", 0, 1),
    ("entry", "stream", 0, 1),
    ("entry", "rank", 0, 12),
    ("entry", "name", 0, 1),
    ("seal", "box", 1, 2),
    ("seal", "number", 1, 4),
    ("seal", "chain", 1, 2),
    ("chain", "box", 1, 2),
    ("chain", "stream", 2, 3),
    ("chain", "name", 2, 3),
    ("stream", "box", 1, 2),
    ("stream", "name", 1, 2),
    ("session", "box", 1, 2),
    ("session", "name", 1, 2),
    ("certificate", "box", 1, 2),
    ("upload", "box", 40, 41),
    ("upload", "state", 40, 41),
]


@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: f"{swap[0]}-{swap[1]}")
def test_swapped_columns_are_noticed(subject: Subject, swap: tuple[str, str, int, int]) -> None:
    """Who can write the file but not read it cannot pass one record for another: each is bound to its place."""
    table, column, one, two = swap
    query = f"SELECT {column} FROM {table} WHERE id = ?"
    first, second = (subject.change(query, row)[0] for row in (one, two))
    assert first != second
    spare: Any = b"spare" if isinstance(first, bytes) else -1
    for row, content in ((one, spare), (two, first), (one, second)):
        subject.change(f"UPDATE {table} SET {column} = ? WHERE id = ?", content, row)
    noticed, wrong = subject.judge()
    assert noticed
    assert not wrong
    assert subject.told()


@pytest.mark.parametrize("table", ["value", "entry", "seal", "chain", "stream", "upload", "certificate", "session"])
@pytest.mark.parametrize("which", ["min", "max"])
def test_removed_records_are_noticed(subject: Subject, table: str, which: str) -> None:
    """Who can write the file cannot leave a record out: what is read is counted."""
    where = "WHERE state <> 2" if table == "upload" else ""
    subject.change(f"DELETE FROM {table} WHERE id = (SELECT {which}(id) FROM {table} {where})")
    noticed, wrong = subject.judge()
    assert noticed
    assert not wrong
    assert subject.told()


def test_the_error_names_the_place(subject: Subject) -> None:
    """A damaged entry is named by table and arrival number, with what to do."""
    subject.change("UPDATE entry SET box = zeroblob(900) WHERE id = 7")
    with open_store(subject.path) as store:
        assert len(store.arrivals(after=0, limit=7)) == 7
        with pytest.raises(StoreError) as caught:
            store.arrivals(after=0, limit=8)
        assert caught.value.code == "store_damaged"
        assert "entry 7" in caught.value.expected
        assert "doctor" in caught.value.do
        assert [(problem.table, problem.row) for problem in store.check()][:1] == [("entry", 7)]


def test_an_entry_that_its_index_lost_is_not_appended_again(subject: Subject) -> None:
    """The chain still knows it: the store says that it is damaged, and no fork comes of it."""
    entry = subject.world.batches[0][1][0]
    with open_store(subject.path) as store:
        keyed = store._boxes.name(Table.ENTRY, entry.hash)
    places = [at for at in range(len(subject.content)) if subject.content.startswith(keyed, at)]
    assert len(places) == 2, "once in the table and once in the index"

    def append(store: Any) -> None:
        with store.writing() as writer:
            writer.append([entry])

    codes = []
    for at in places:
        content = bytearray(subject.content)
        content[at] ^= 0x80
        subject.path.write_bytes(content)
        with open_store(subject.path) as store:
            codes.append(attempt(lambda: append(store))[1])
            assert store.size() == len(subject.world.entries)
            assert store.check()
    assert "store_damaged" in codes


def flip(content: bytearray, chance: random.Random) -> None:
    """Flip one bit."""
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
