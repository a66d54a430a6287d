"""What every store does. Each rule runs on every kind of store in `stores.STORES`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from sync_protocol.entries import Draft, VerifiedEntry, seal_batch, verify_entry
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import EntryHash, SealHash
from sync_protocol.roles import Role
from sync_protocol.store import Arrived, Outcome, Store
from tests.contracts.stores import kinds
from tests.support.people import DeviceSession, Organisation

ALL = 1_000_000


def append(store: Store, entries: Sequence[VerifiedEntry]) -> list[tuple[Outcome, int]]:
    """Append in a block of its own."""
    with store.writing() as writer:
        return writer.append(entries)


def hashes(found: Sequence[Arrived]) -> list[EntryHash]:
    """What was found, by name."""
    return [arrived.entry.hash for arrived in found]


@pytest.fixture
def nurse(organisation: Organisation) -> DeviceSession:
    """A nurse's session."""
    return organisation.device(Role.NURSE).session()


@pytest.fixture
def physician(organisation: Organisation) -> DeviceSession:
    """A physician's session."""
    return organisation.device(Role.PHYSICIAN).session()


class TestRecords:
    def test_an_empty_store_knows_nothing(self, store: Store, organisation: Organisation, nurse: DeviceSession) -> None:
        """A new store answers every question with nothing, and raises nothing."""
        stream, name = organisation.stream(), EntryHash(bytes(32))
        assert (store.certificates(), store.sessions(), store.arrivals(after=0, limit=ALL)) == ([], [], [])
        assert (store.session(nurse.id), store.last_seal(nurse.id), store.entry(name)) == (None, None, None)
        assert (store.seals(nurse.id, 0), store.seals_from(nurse.id, 0, limit=ALL)) == ((), [])
        assert (store.chain(stream, nurse.id, first=0, limit=ALL), dict(store.frontier(stream))) == ([], {})
        assert (store.forked(stream), store.streams(), store.size()) == (frozenset(), frozenset(), 0)

    def test_certificates_come_back_in_order_of_arrival(self, store: Store, organisation: Organisation) -> None:
        """Issuers, which arrive first, come before those whom they enrolled; again is nothing."""
        for role in Role:
            organisation.device(role)
        for _ in range(2):
            for certificate in organisation.certificates:
                with store.writing() as writer:
                    writer.put_certificate(certificate)
                    writer.put_certificate(certificate)
        assert [found.wire for found in store.certificates()] == [known.wire for known in organisation.certificates]
        assert [found.value for found in store.certificates()] == [known.value for known in organisation.certificates]

    def test_many_records_in_one_block_keep_their_order(self, store: Store, organisation: Organisation) -> None:
        """The order within a block is the order of arrival, however many records it has."""
        sessions = [organisation.admin.session() for _ in range(700)]
        with store.writing() as writer:
            for session in sessions:
                writer.put_session(session.record)
        assert [found.wire for found in store.sessions()] == [session.record.wire for session in sessions]

    def test_a_session_stays_as_it_came_first(
        self, store: Store, nurse: DeviceSession, physician: DeviceSession
    ) -> None:
        """A session is found by its id; putting it again, in the same block or later, changes nothing."""
        with store.writing() as writer:
            for session in (nurse, physician, nurse):
                writer.put_session(session.record)
        with store.writing() as writer:
            writer.put_session(nurse.record)
        found = store.session(physician.id)
        assert found is not None
        assert (found.value, found.hash) == (physician.record.value, physician.record.hash)
        assert [found.wire for found in store.sessions()] == [nurse.record.wire, physician.record.wire]

    def test_seals_are_listed_by_number(
        self, store: Store, organisation: Organisation, nurse: DeviceSession, physician: DeviceSession
    ) -> None:
        """A session's seals come in ascending order from a number on, at most so many; other sessions' do not."""
        stream = organisation.stream()
        for _ in range(5):
            nurse.write(stream, organisation.bodies(1))
            physician.write(stream, organisation.bodies(1))
        with store.writing() as writer:
            for seal in (*reversed(nurse.seals), *physician.seals, *nurse.seals):
                writer.put_seal(seal)
        wires = [seal.wire for seal in nurse.seals]
        for first in range(7):
            for limit in range(7):
                found = store.seals_from(nurse.id, first, limit=limit)
                assert [seal.wire for seal in found] == wires[first:][:limit]
        last = store.last_seal(nurse.id)
        assert last is not None
        assert last.wire == wires[-1]
        assert [seal.wire for seal in store.seals(nurse.id, 3)] == [wires[3]]
        assert store.seals(nurse.id, 5) == ()

    def test_a_fork_of_seals_keeps_both(self, store: Store, organisation: Organisation, nurse: DeviceSession) -> None:
        """Two seals of one number are both kept, in order of hash; the last one is then that of lowest hash."""
        twin, stream = nurse.branch(), organisation.stream()
        for session in (nurse, twin):
            session.write(stream, organisation.bodies(1))
        both = sorted([nurse.seals[0], twin.seals[0]], key=lambda seal: seal.hash)
        with store.writing() as writer:
            for seal in reversed(both):
                writer.put_seal(seal)
        wires = [seal.wire for seal in both]
        assert [seal.wire for seal in store.seals(nurse.id, 0)] == wires
        assert [seal.wire for seal in store.seals_from(nurse.id, 0, limit=ALL)] == wires
        assert [seal.wire for seal in store.seals_from(nurse.id, 0, limit=1)] == wires[:1]
        last = store.last_seal(nurse.id)
        assert last is not None
        assert last.wire == wires[0]


class TestAppending:
    def test_arrival_indices_are_dense(
        self, store: Store, organisation: Organisation, nurse: DeviceSession, physician: DeviceSession
    ) -> None:
        """Entries get the next indices in the order in which they are appended, whatever chains they are of."""
        streams = [organisation.stream() for _ in range(2)]
        batches = [
            session.write_all([(stream, body) for stream in streams for body in organisation.bodies(2)])[1]
            for session in (nurse, physician, nurse)
        ]
        outcomes = [outcome for batch in batches for outcome in append(store, batch)]
        assert outcomes == [(Outcome.STORED, index) for index in range(12)]
        assert store.size() == 12
        found = store.arrivals(after=0, limit=ALL)
        assert [arrived.index for arrived in found] == list(range(12))
        assert hashes(found) == [entry.hash for batch in batches for entry in batch]
        assert store.streams() == frozenset(streams)

    def test_an_entry_comes_back_as_it_came(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """Header, body and path come back to the byte, so that they verify elsewhere; empty and long bodies too."""
        bodies = [b"", b"\0", organisation.entropy(160 * 1024), *organisation.bodies(5)]
        seal, entries = nurse.write(organisation.stream(), bodies)
        append(store, entries)
        for index, entry in enumerate(entries):
            found = store.entry(entry.hash)
            assert found is not None
            assert (found.index, found.entry.wire, found.entry.header) == (index, entry.wire, entry.header)
            assert verify_entry(found.entry.wire, found.entry.header, seal).body == entry.body

    def test_a_duplicate_names_the_first_arrival(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """An entry that is there already is not stored again, be it from this batch, this block or an earlier one."""
        _, entries = nurse.write(organisation.stream(), organisation.bodies(3))
        with store.writing() as writer:
            assert writer.append([entries[0], entries[0]]) == [(Outcome.STORED, 0), (Outcome.DUPLICATE, 0)]
            assert writer.append(entries[:2]) == [(Outcome.DUPLICATE, 0), (Outcome.STORED, 1)]
        assert append(store, entries) == [(Outcome.DUPLICATE, 0), (Outcome.DUPLICATE, 1), (Outcome.STORED, 2)]
        assert append(store, entries) == [(Outcome.DUPLICATE, index) for index in range(3)]
        assert store.size() == 3

    def test_a_gap_is_not_stored(self, store: Store, organisation: Organisation, nurse: DeviceSession) -> None:
        """An entry without its predecessor is left out alone; it is welcome once the predecessor is there."""
        _, entries = nurse.write(organisation.stream(), organisation.bodies(4))
        stranger = organisation.device(Role.NURSE).session().write(organisation.stream(), organisation.bodies(1))[1]
        assert append(store, [entries[1], entries[0], entries[3], *stranger]) == [
            (Outcome.GAP, -1),
            (Outcome.STORED, 0),
            (Outcome.GAP, -1),
            (Outcome.STORED, 1),
        ]
        assert (store.size(), store.entry(entries[1].hash), store.entry(entries[3].hash)) == (2, None, None)
        assert append(store, entries) == [
            (Outcome.DUPLICATE, 0),
            (Outcome.STORED, 2),
            (Outcome.STORED, 3),
            (Outcome.STORED, 4),
        ]

    def test_a_predecessor_stands_just_before_in_the_same_chain(
        self, store: Store, organisation: Organisation, nurse: DeviceSession, physician: DeviceSession
    ) -> None:
        """An entry that names another chain's entry, or one of another number, as its predecessor is a gap."""
        stream, elsewhere = organisation.stream(), organisation.stream()
        own = nurse.write(stream, organisation.bodies(3))[1]
        strange = [
            nurse.write(elsewhere, organisation.bodies(2))[1][0],
            physician.write(stream, organisation.bodies(2))[1][0],
            own[0],
        ]
        append(store, [*own[:2], *strange[:2]])
        for before in strange:
            header = replace(own[2].header, prev=before.hash, seal=len(nurse.seals))
            forged = seal_batch(
                [Draft(header=header, body=own[2].body)],
                session=nurse.record.value,
                number=len(nurse.seals),
                previous=SealHash(nurse.seals[-1].hash),
                signer=nurse.device.signer,
            )[1]
            assert append(store, forged) == [(Outcome.GAP, -1)]
        assert append(store, own[2:]) == [(Outcome.STORED, 4)]

    @pytest.mark.parametrize("together", [True, False], ids=["one-batch", "two-blocks"])
    def test_a_fork_is_stored_and_reported(
        self, store: Store, organisation: Organisation, nurse: DeviceSession, *, together: bool
    ) -> None:
        """Every entry of the second branch is stored and reported; both branches are read, and the fork is known."""
        stream, elsewhere = organisation.stream(), organisation.stream()
        trunk = nurse.write_all([(stream, b"1"), (elsewhere, b"2"), (stream, b"3")])[1]
        twin = nurse.branch()
        first = nurse.write(stream, organisation.bodies(2))[1]
        second = twin.write(stream, organisation.bodies(3))[1]
        batches = [[*trunk, *first, *second]] if together else [[*trunk, *first], list(second)]
        outcomes = [outcome for batch in batches for outcome, _ in append(store, batch)]
        assert outcomes == [Outcome.STORED] * 5 + [Outcome.FORK] * 2 + [Outcome.STORED]
        for entry in (*trunk, *first, *second):
            assert store.entry(entry.hash) is not None
        assert store.forked(stream) == {nurse.id}
        assert store.forked(elsewhere) == frozenset()

    def test_a_fork_at_the_first_entry(self, store: Store, organisation: Organisation, nurse: DeviceSession) -> None:
        """Two first entries of one chain are a fork too, though neither has a predecessor."""
        stream, twin = organisation.stream(), nurse.branch()
        one, other = nurse.write(stream, [b"1"])[1], twin.write(stream, [b"2"])[1]
        assert append(store, [*one, *other]) == [(Outcome.STORED, 0), (Outcome.FORK, 1)]

    def test_a_big_batch(self, store: Store, organisation: Organisation, nurse: DeviceSession) -> None:
        """Two thousand entries of many chains go in at once, and their duplicates are told at once."""
        streams = [organisation.stream() for _ in range(300)]
        entries = nurse.write_all([(streams[i * i % 300], organisation.entropy(40)) for i in range(2000)])[1]
        assert append(store, entries) == [(Outcome.STORED, index) for index in range(2000)]
        assert append(store, entries) == [(Outcome.DUPLICATE, index) for index in range(2000)]
        assert hashes(store.arrivals(after=0, limit=ALL)) == [entry.hash for entry in entries]


class TestReading:
    def test_a_chain_is_read_from_a_number_on(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """A chain ascends by number, of a fork by arrival, from a number on and at most so many."""
        stream = organisation.stream()
        trunk = nurse.write(stream, organisation.bodies(3))[1]
        twin = nurse.branch()
        first, second = (session.write(stream, organisation.bodies(2))[1] for session in (nurse, twin))
        append(store, [*trunk, *second, *first])
        append(store, nurse.write(organisation.stream(), organisation.bodies(2))[1])
        expected = [*trunk, second[0], first[0], second[1], first[1]]
        for start in range(7):
            for limit in range(9):
                found = store.chain(stream, nurse.id, first=start, limit=limit)
                assert hashes(found) == [entry.hash for entry in expected if entry.header.seq >= start][:limit]

    def test_the_frontier_is_the_end_of_each_chain(
        self, store: Store, organisation: Organisation, nurse: DeviceSession, physician: DeviceSession
    ) -> None:
        """Of each session the last place; of a fork the longest branch's, and of equals that of lowest hash."""
        stream, elsewhere = organisation.stream(), organisation.stream()
        twin = nurse.branch()
        one, other = nurse.write(stream, organisation.bodies(2))[1], twin.write(stream, organisation.bodies(2))[1]
        theirs = physician.write_all([(stream, b"1"), (elsewhere, b"2")])[1]
        append(store, [*one, *other, *theirs])
        lowest = min(one[1].hash, other[1].hash)
        assert dict(store.frontier(stream)) == {nurse.id: (1, lowest), physician.id: (0, theirs[0].hash)}
        assert dict(store.frontier(elsewhere)) == {physician.id: (0, theirs[1].hash)}
        longer = (twin if lowest == one[1].hash else nurse).write(stream, [b"3"])[1]
        append(store, longer)
        assert store.frontier(stream)[nurse.id] == (2, longer[0].hash)

    def test_arrivals_are_read_by_page_and_by_stream(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """A page begins at an index, ascends, has at most so many entries, and of the given streams only."""
        streams = [organisation.stream() for _ in range(5)]
        append(store, nurse.write_all([(streams[i * i % 5], b"%d" % i) for i in range(60)])[1])
        log = store.arrivals(after=0, limit=ALL)
        strangers = [organisation.stream() for _ in range(3000)]
        for wanted in (None, [], streams[:1], streams[1:3], streams, [*strangers, streams[4]], strangers):
            mine = [item for item in log if wanted is None or item.entry.header.stream in wanted]
            for after in (0, 1, 30, 59, 60, 61):
                for limit in (0, 1, 7, ALL):
                    found = store.arrivals(after=after, limit=limit, streams=wanted)
                    expected = [item for item in mine if item.index >= after][:limit]
                    assert [(item.index, item.entry.hash) for item in found] == [
                        (item.index, item.entry.hash) for item in expected
                    ]

    def test_rare_streams_are_found_in_a_long_log(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """Entries that lie far apart are all found, in order, however few of the log they are."""
        common, rare = organisation.stream(), organisation.stream()
        places = [rare if i in {3, 1500, 4990, 4999} else common for i in range(5000)]
        for start in range(0, 5000, 2500):
            append(store, nurse.write_all([(place, b"") for place in places[start : start + 2500]])[1])
        found = store.arrivals(after=0, limit=ALL, streams=[rare])
        assert [item.index for item in found] == [3, 1500, 4990, 4999]
        assert [item.index for item in store.arrivals(after=4, limit=2, streams=[rare])] == [1500, 4990]


class TestBlocks:
    def test_an_exception_undoes_the_block(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """Of a block that fails nothing remains, and the next one goes on as if it had never been."""
        stream = organisation.stream()
        kept = nurse.write(stream, organisation.bodies(2))[1]
        append(store, kept)
        lost = nurse.write_all([(stream, b"1"), (organisation.stream(), b"2")])[1]

        def fail() -> None:
            with store.writing() as writer:
                writer.put_certificate(nurse.device.certificate)
                writer.put_session(nurse.record)
                writer.put_seal(nurse.seals[0])
                assert writer.append(lost) == [(Outcome.STORED, 2), (Outcome.STORED, 3)]
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (store.certificates(), store.sessions(), store.seals(nurse.id, 0)) == ([], [], ())
        assert (store.size(), store.streams()) == (2, frozenset({stream}))
        assert store.frontier(stream)[nurse.id] == (1, kept[1].hash)
        assert append(store, lost) == [(Outcome.STORED, 2), (Outcome.STORED, 3)]

    def test_a_block_within_a_block_is_refused(self, store: Store, organisation: Organisation) -> None:
        """It would wait for itself; the outer block is undone with it."""

        def nest() -> None:
            with store.writing() as writer:
                writer.put_session(organisation.admin.session().record)
                with store.writing():
                    pass

        with pytest.raises(ExplainedError):
            nest()
        assert store.sessions() == []

    def test_readers_see_only_what_is_committed(
        self, store: Store, organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """Another thread that reads during a block sees all of the blocks before it and nothing of this one."""
        stream = organisation.stream()
        before, during = (nurse.write(stream, organisation.bodies(2))[1] for _ in range(2))
        append(store, before)
        seen: list[object] = []

        def read() -> None:
            seen.append((store.size(), hashes(store.arrivals(after=0, limit=ALL)), store.sessions()))

        with store.writing() as writer:
            writer.put_session(nurse.record)
            writer.append(during)
            reader = threading.Thread(target=read)
            reader.start()
            reader.join(30)
        assert seen == [(2, [entry.hash for entry in before], [])]
        assert (store.size(), len(store.sessions())) == (4, 1)

    @pytest.mark.parametrize("kind", kinds(lambda kind: kind.threads), indirect=True)
    def test_a_second_writer_waits(self, store: Store, organisation: Organisation) -> None:
        """Blocks of several threads follow each other, and each sees what those before it appended."""
        stream = organisation.stream()
        chains = [organisation.admin.session().write(stream, organisation.bodies(10))[1] for _ in range(4)]
        outcomes: list[tuple[Outcome, int]] = []

        def write(entries: Sequence[VerifiedEntry]) -> None:
            for entry in entries:
                outcomes.extend(append(store, [entry]))

        threads = [threading.Thread(target=write, args=(entries,)) for entries in chains]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(index for _, index in outcomes) == list(range(40))
        assert {outcome for outcome, _ in outcomes} == {Outcome.STORED}

    @pytest.mark.parametrize("kind", kinds(lambda kind: kind.lasting), indirect=True)
    def test_everything_is_there_after_a_restart(
        self, reopen: Callable[[], AbstractContextManager[Store]], organisation: Organisation, nurse: DeviceSession
    ) -> None:
        """A store that is opened again has what its blocks wrote, and goes on where it was."""
        stream = organisation.stream()
        first, second = (nurse.write(stream, organisation.bodies(3))[1] for _ in range(2))
        with reopen() as store, store.writing() as writer:
            writer.put_certificate(nurse.device.certificate)
            writer.put_session(nurse.record)
            for seal in nurse.seals:
                writer.put_seal(seal)
            writer.append(first)
        with reopen() as store:
            assert [found.wire for found in store.certificates()] == [nurse.device.certificate.wire]
            assert [found.wire for found in store.sessions()] == [nurse.record.wire]
            assert [found.wire for found in store.seals_from(nurse.id, 0, limit=ALL)] == [s.wire for s in nurse.seals]
            assert [found.entry.wire for found in store.arrivals(after=0, limit=ALL)] == [e.wire for e in first]
            assert append(store, [*first, *second]) == [(Outcome.DUPLICATE, i) for i in range(3)] + [
                (Outcome.STORED, i) for i in range(3, 6)
            ]
