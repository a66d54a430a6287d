"""SIGKILL in a loop under load: a real device and a real relay lose nothing that they acknowledged."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.relay.database import open_engine
from server.relay.store import SqlStore
from sync_protocol.ids import EntryHash
from tests.e2e.test_device_admin import Fieldward, FoundedRelay, enrol, fixture_fieldward, fixture_relay

__all__ = ["fixture_fieldward", "fixture_relay"]
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("kill_loop")


@dataclass
class Book:
    """What was acknowledged until now.

    Attributes:
        written: entries that the device recorded, by their place in their chain.
        receipted: those of which it has a receipt.
        seed: of this run, for who replays it.
    """

    seed: int
    written: dict[tuple[str, str, str], str] = field(default_factory=dict)
    receipted: set[str] = field(default_factory=set)
    syncs: int = 0

    def note(self, line: str) -> None:
        """Take down one line of the device's."""
        what, *words = line.split()
        if what == "W":
            name, stream, session, seq = words
            known = self.written.setdefault((stream, session, seq), name)
            assert known == name, f"seed {self.seed}: number {seq} of a chain was used for two entries"
        elif what == "R":
            self.receipted.add(words[0])
        self.syncs += what == "S"


def run(command: list[str], book: Book, lines: int, kill: FoundedRelay | None) -> None:
    """Let the device work for so many lines, kill it, or the relay first and the device some lines later."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            take(process, book)
        if kill is not None:
            kill.kill()
            for _ in range(5):
                take(process, book)
            kill.start()
        process.kill()
        for line in process.stdout.read().rpartition("\n")[0].splitlines():
            book.note(line)


def take(process: subprocess.Popen[str], book: Book) -> None:
    """Read one line; a device that ended by itself is a failure, with what it said."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"seed {book.seed}: {process.communicate()[1]}"
    book.note(line)


def loop(folder: Path, fieldward: Fieldward, relay: FoundedRelay, *, kills: int, seed: int) -> Book:
    """Kill so many times, and look after each: the device is sound."""
    enrol(fieldward, relay, "tablet", "--role", "physician")
    phone = enrol(fieldward, relay, "phone", "--role", "physician")
    fieldward("sync", "once", "--home", "tablet")
    chart = fieldward("chart", "create", "--name", "Ana Lima", "--workflow", "encounter", "--home", "tablet")["chart"]
    fieldward("chart", "share", chart, "--device", phone, "--home", "tablet")
    chance, book = random.Random(seed), Book(seed)
    for number in range(kills):
        command = [sys.executable, "-m", "tests.support.kill_writer", str(folder / "tablet"), relay.url, chart]
        victim = relay if number % 4 == 3 else None
        run([*command, str(chance.randrange(1 << 30))], book, chance.randrange(1, 60), victim)
        sound = fieldward("doctor", "--home", "tablet")
        assert sound["problems"] == [], f"seed {seed}, kill {number}: {sound}"
    for home in ("tablet", "phone"):
        fieldward("sync", "once", "--relay", relay.url, "--home", home)
    return book


def judge(relay: FoundedRelay, book: Book) -> None:
    """Everything that was acknowledged is at the relay, once, and on the device that only read."""
    assert book.receipted <= set(book.written.values())
    engine = open_engine(f"sqlite:///{relay.home / 'relay.sqlite3'}")
    try:
        store = SqlStore(engine)
        chains: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        for arrived in store.arrivals(after=0, limit=1 << 30):
            header = arrived.entry.header
            chains[str(header.stream), str(header.session), str(header.seq)].add(str(arrived.entry.hash))
        assert all(len(found) == 1 for found in chains.values()), f"seed {book.seed}: a number was used twice"
        lost = {place for place, name in book.written.items() if chains.get(place) != {name}}
        assert not lost, f"seed {book.seed}: {len(lost)} acknowledged entries are not at the relay"
        assert all(store.entry(EntryHash.parse(name)) is not None for name in book.receipted)
    finally:
        engine.dispose()


@pytest.mark.parametrize("part", [1, 2])
def test_twenty_kills(tmp_path: Path, fieldward: Fieldward, relay: FoundedRelay, part: int) -> None:
    """Ten kills a part: every acknowledged entry is there, no number was used twice, the doctor is content."""
    book = loop(tmp_path, fieldward, relay, kills=10, seed=part)
    assert len(book.written) > 20
    judge(relay, book)


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path, fieldward: Fieldward, relay: FoundedRelay) -> None:
    """The same, two hundred times, from a seed of its own."""
    seed = random.SystemRandom().randrange(1 << 30)
    judge(relay, loop(tmp_path, fieldward, relay, kills=200, seed=seed))
