"""Every kind of store against the memory store, through random blocks, failures and restarts."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from sync_protocol.entries import VerifiedEntry
from sync_protocol.memory_store import MemoryStore
from sync_protocol.roles import Role
from sync_protocol.store import Store
from tests.contracts.stores import StoreKind, kinds
from tests.support.people import DeviceSession, Organisation

ALL = 1_000_000


class World:
    """Three sessions, one of them twice, that wrote to three streams in turns and saw each other's entries."""

    def __init__(self) -> None:
        self.organisation = Organisation.make(5)
        self.streams = [self.organisation.stream() for _ in range(3)]
        sessions = [self.organisation.device(role).session() for role in (Role.NURSE, Role.PHYSICIAN, Role.ADMIN)]
        self.entries: list[VerifiedEntry] = []
        for number in range(3):
            for at, session in enumerate(sessions):
                self._write(session, number + at)
        twin = sessions[0].branch()
        for number in range(2):
            self._write(sessions[0], number)
            self._write(twin, number)
        self.sessions = sessions
        self.seals = [seal for session in (*sessions, twin) for seal in session.seals]

    def _write(self, session: DeviceSession, number: int) -> None:
        stream, other = self.streams[number % 3], self.streams[(number + 1) % 3]
        session.see(entry for entry in self.entries[-2:] if entry.header.session != session.id)
        bodies = self.organisation.bodies(3, 30)
        self.entries += session.write_all(list(zip((stream, other, stream), bodies, strict=True)))[1]


@functools.cache
def world() -> World:
    """The one world of these tests."""
    return World()


picks = st.lists(st.integers(0, 10_000), max_size=6)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the memory store, and asks both the same."""

    kind: ClassVar[StoreKind]

    def __init__(self) -> None:
        super().__init__()
        self.model = MemoryStore()
        self.stack = contextlib.ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.opened = contextlib.ExitStack()
        self.store = self.opened.enter_context(self.kind.open(self.folder))

    @initialize()
    def begin(self) -> None:
        """Half of the runs would spend their steps on gaps if the first entries were missing."""
        self.append(runs=[(0, 4)], fail=False)

    @rule(runs=st.lists(st.tuples(st.integers(0, 38), st.integers(1, 12)), max_size=4), fail=st.booleans())
    def append(self, runs: list[tuple[int, int]], *, fail: bool) -> None:
        """One block that appends several stretches, perhaps with gaps and duplicates, and perhaps fails."""
        entries = world().entries
        batches = [entries[start : start + length] for start, length in runs]
        said = []
        for store in (self.store, self.model):
            with contextlib.suppress(ZeroDivisionError), store.writing() as writer:
                said.append([writer.append(batch) for batch in batches])
                if fail:
                    raise ZeroDivisionError
        assert said[0] == said[1]

    @rule(certificates=picks, sessions=picks, seals=picks)
    def put(self, certificates: list[int], sessions: list[int], seals: list[int]) -> None:
        """One block that puts records, some of them again."""
        for store in (self.store, self.model):
            with store.writing() as writer:
                for pick in certificates:
                    known = world().organisation.certificates
                    writer.put_certificate(known[pick % len(known)])
                for pick in sessions:
                    writer.put_session(world().sessions[pick % len(world().sessions)].record)
                for pick in seals:
                    writer.put_seal(world().seals[pick % len(world().seals)])

    @rule()
    def restart(self) -> None:
        """Close the store and open it again."""
        if self.kind.lasting:
            self.opened.close()
            self.store = self.opened.enter_context(self.kind.open(self.folder))

    @rule(after=st.integers(0, 60), limit=st.integers(0, 20), number=st.integers(0, 8))
    def read_pages(self, after: int, limit: int, number: int) -> None:
        """Pages of the log, of a chain and of seals are the same."""
        answers = []
        for store in (self.store, self.model):
            arrived = [store.arrivals(after=after, limit=limit, streams=s) for s in (None, world().streams[:2])]
            for session in world().sessions:
                arrived += [store.chain(s, session.id, first=number, limit=limit) for s in world().streams]
            seals = [store.seals_from(s.id, number, limit=limit) for s in world().sessions]
            answers.append(
                (
                    [[(item.index, item.entry.wire) for item in page] for page in arrived],
                    [[seal.wire for seal in page] for page in seals],
                )
            )
        assert answers[0] == answers[1]

    @invariant()
    def both_say_the_same(self) -> None:
        """Whatever happened, both hold the same."""
        assert summary(self.store) == summary(self.model)

    def teardown(self) -> None:
        """Close the store."""
        self.opened.close()
        self.stack.close()


def summary(store: Store) -> object:
    """What a store holds, for comparison."""
    return (
        store.size(),
        store.streams(),
        [certificate.wire for certificate in store.certificates()],
        [session.wire for session in store.sessions()],
        [[seal.wire for seal in store.seals_from(s.id, 0, limit=ALL)] for s in world().sessions],
        [(last := store.last_seal(s.id)) and last.wire for s in world().sessions],
        [dict(store.frontier(stream)) for stream in world().streams],
        [store.forked(stream) for stream in world().streams],
        [(item.index, item.entry.hash) for item in store.arrivals(after=0, limit=ALL)],
    )


@pytest.mark.parametrize("kind", kinds(lambda kind: kind.name != "memory"))
def test_a_store_does_as_the_memory_store_does(kind: StoreKind) -> None:
    """Random blocks, failures and restarts leave every store as they leave the memory store."""
    machine = type("Machine", (StoreMachine,), {"kind": kind})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=15))
