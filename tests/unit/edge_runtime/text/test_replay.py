"""A failed replica is replaced; what cannot be replayed is incomplete, here and for now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replay import REBUILDS_MAX, Replay
from edge_runtime.text.splices import Splice


class Engine:
    """Makes replicas that append updates and fail on demand; a stand-in for an engine's faults."""

    def __init__(self, *faults: tuple[int, bytes]) -> None:
        """Replica number n fails on the given update; replica number -1 stands for all."""
        self.faults = faults
        self.made = 0

    def __call__(self) -> Faulty:
        """Make the next replica."""
        self.made += 1
        return Faulty([update for number, update in self.faults if number in (-1, self.made)])


class Faulty:
    """One replica of an `Engine`."""

    def __init__(self, faults: list[bytes]) -> None:
        """Fail on these updates."""
        self.faults = faults
        self.shown = ""
        self.taken = 0

    def apply(self, update: bytes) -> None:
        """Append, or fail."""
        if update in self.faults:
            raise failure()
        self.shown += update.decode()
        self.taken += 1

    def text(self) -> str:
        """What was appended, or a failure."""
        if b"text" in self.faults:
            raise failure()
        return self.shown

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Hand back what it was asked."""
        return f"{client}{splices}".encode()


def failure() -> ReplicaFailedError:
    """What a dead replica raises."""
    return ReplicaFailedError("text_engine", expected="x", got="y", do="z")


def extended(engine: Engine, updates: bytes = b"abcd") -> Replay:
    """A replay that was given the updates one by one."""
    replay = Replay(engine)
    for place in range(len(updates)):
        replay.extend(updates[place : place + 1])
    return replay


def test_shows_updates_as_they_come() -> None:
    """Without faults one replica does."""
    engine = Engine()
    replay = extended(engine)
    assert (replay.complete, replay.text("abcd"), engine.made) == (True, "abcd", 1)


def test_one_failure_costs_a_rebuild_and_nothing_else() -> None:
    """The dead replica is thrown away and everything is replayed."""
    engine = Engine((1, b"c"))
    replay = extended(engine)
    assert (replay.complete, replay.text("abcd"), engine.made) == (True, "abcd", 2)


def test_a_lasting_failure_shows_the_start() -> None:
    """What stands before the update that the engine cannot bear is shown; what comes after waits."""
    engine = Engine((-1, b"c"))
    replay = extended(engine)
    assert not replay.complete
    assert replay.text("abcd") == "ab"
    assert engine.made == 3


def test_failures_everywhere_end_in_an_empty_replica() -> None:
    """Rebuilding is bounded."""
    engine = Engine((1, b"d"), (2, b"c"), (3, b"b"), (4, b"a"))
    replay = extended(engine)
    assert (replay.complete, replay.text("abcd"), engine.made) == (False, "", 2 + REBUILDS_MAX)


def test_retry_after_the_fault_is_gone() -> None:
    """Incomplete is a local state: it ends when the engine bears the updates, those included that came meanwhile."""
    engine = Engine((-1, b"c"))
    replay = extended(engine)
    assert not replay.retry()
    engine.faults = ()
    assert replay.retry()
    assert (replay.complete, replay.text("abcd")) == (True, "abcd")


def test_another_text_than_expected_is_incomplete() -> None:
    """Text that is not what the model says is shown, and not trusted."""
    replay = extended(Engine())
    assert replay.text("abxd") == "abcd"
    assert not replay.complete
    assert replay.retry()


def test_a_text_that_cannot_be_read_costs_a_rebuild() -> None:
    """A failure while reading loses the replica, too; another one shows everything."""
    replay = extended(Engine((1, b"text")))
    assert (replay.text("abcd"), replay.complete) == ("abcd", True)


def test_a_text_that_can_never_be_read_is_incomplete() -> None:
    """Reading is tried a bounded number of times; the state ends when the engine works again."""
    engine = Engine((-1, b"text"))
    replay = extended(engine)
    assert (replay.text("abcd"), replay.complete) == ("", False)
    assert engine.made == 1 + REBUILDS_MAX
    engine.faults = ()
    assert replay.retry()
    assert (replay.text("abcd"), replay.complete) == ("abcd", True)


class PutOff(Faulty):
    """Takes updates no earlier than somebody reads, as a replica in another process does."""

    def __init__(self, faults: list[bytes]) -> None:
        """Start with nothing put off."""
        super().__init__(faults)
        self.waiting: list[bytes] = []

    def apply(self, update: bytes) -> None:
        """Put it off."""
        self.waiting.append(update)

    def text(self) -> str:
        """Take everything now."""
        while self.waiting:
            super().apply(self.waiting.pop(0))
        return super().text()


def test_an_update_that_fails_late_leaves_out_what_follows_it() -> None:
    """A replica may fail at the reading for an update that it was given earlier: the start before it is shown."""
    faults = [b"c"]
    replay = Replay(lambda: PutOff(faults))
    for update in (b"a", b"b", b"c", b"d"):
        replay.extend(update)
    assert (replay.text("abcd"), replay.complete) == ("ab", False)
    faults.clear()
    assert replay.retry()
    assert (replay.text("abcd"), replay.complete) == ("abcd", True)


def test_restart_shows_other_updates() -> None:
    """A changed history is replayed from the start."""
    replay = extended(Engine())
    replay.restart([b"x", b"y"])
    assert (replay.complete, replay.text("xy")) == (True, "xy")


def test_edits_go_to_the_replica() -> None:
    """The replica that shows the text makes its edits."""
    assert extended(Engine()).edit(7, []) == b"7[]"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_stopping_the_program_passes(stop: type[BaseException]) -> None:
    """Only failures of the engine are caught."""

    class Stopped(Faulty):
        def apply(self, _: bytes) -> None:
            raise stop

    with pytest.raises(stop):
        Replay(lambda: Stopped([])).extend(b"a")
