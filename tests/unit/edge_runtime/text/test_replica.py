"""What every replica does, and how the in-process one behaves when the engine fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replica import InProcessReplica, MakeReplica, Replica
from edge_runtime.text.splices import Splice
from edge_runtime.text.worker import TextWorker
from tests.unit.edge_runtime.text.encoder import GC, edit, number, typed, update

ME, OTHER = 9, 7
PANIC = edit(ME, 0, typed("ab"), bytes([GC]) + number(2**32 - 1))
"""A GC overflow in 21 bytes: the engine panics and the Doc is poisoned."""


def awake_ms() -> int:
    """A clock that nobody sets, for a child's deadlines."""
    return time.monotonic_ns() // 1_000_000


@pytest.fixture(scope="module")
def worker() -> Iterator[TextWorker]:
    """A child for all tests here."""
    with closing(TextWorker(clock=awake_ms)) as made:
        yield made
        assert not made.failures


@pytest.fixture(params=["in_process", "worker"])
def make_replica(request: pytest.FixtureRequest, worker: TextWorker) -> MakeReplica:
    """Each way to hold a Doc."""
    return InProcessReplica if request.param == "in_process" else worker.replica


@pytest.fixture
def replica(make_replica: MakeReplica) -> Replica:
    """A replica that holds "dose 5😀 mg"."""
    made = make_replica()
    made.apply(edit(OTHER, 0, typed("dose 5😀 mg")))
    return made


def read_after(replica: Replica, update: bytes) -> str:
    """Apply and read: an update may fail at either."""
    replica.apply(update)
    return replica.text()


def test_starts_empty(make_replica: MakeReplica) -> None:
    """No text without updates."""
    assert make_replica().text() == ""


def test_shows_what_was_applied(replica: Replica) -> None:
    """Updates in causal order make the text."""
    replica.apply(update([], {OTHER: [(5, 1)]}))
    assert replica.text() == "dose 😀 mg"


def test_an_edit_is_one_update_by_the_client_and_leaves_the_replica(replica: Replica) -> None:
    """The update holds this edit only, and changes nothing before it is applied."""
    made = replica.edit(ME, [Splice(5, 6, "25"), Splice(7, 8, ""), Splice(10, 10, "!")])
    assert replica.text() == "dose 5😀 mg"
    assert made[2] == ME
    assert b"dose" not in made
    replica.apply(made)
    assert replica.text() == "dose 25😀mg!"
    again = replica.edit(ME, [Splice(0, 4, "")])
    assert again == update([], {OTHER: [(0, 4)]})


def test_a_failed_engine_is_one_error(replica: Replica) -> None:
    """A panic derives from BaseException; it arrives as ReplicaFailedError, without what the engine said."""
    with pytest.raises(ReplicaFailedError) as failed:
        read_after(replica, PANIC)
    assert failed.value.got == "PanicException"
    assert failed.value.__cause__ is None
    assert replica.taken == 1


@pytest.mark.parametrize("data", [b"", b"\xff", b"\1\1"])
def test_bytes_that_the_engine_refuses_are_the_same_error(replica: Replica, data: bytes) -> None:
    """Ordinary exceptions of the engine are wrapped too."""
    with pytest.raises(ReplicaFailedError):
        read_after(replica, data)


def test_an_edit_that_changes_nothing_is_a_failure(replica: Replica) -> None:
    """The draft asks for edits that change the text; an engine that makes no update did not do it."""
    with pytest.raises(ReplicaFailedError):
        replica.edit(ME, [])


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_stopping_the_program_is_no_failure(stop: type[BaseException]) -> None:
    """Whoever ends the program ends it, also in the middle of an update."""

    class Stopped:
        def apply_update(self, _: bytes) -> None:
            raise stop

    replica = InProcessReplica()
    replica._doc = Stopped()  # type: ignore[assignment]
    with pytest.raises(stop):
        replica.apply(b"")
