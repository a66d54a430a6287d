"""The intake believes only what verifies, item by item, and remembers nothing that was not stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.certificates import Session, Trust
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry
from sync_protocol.errors import BrokenChainError, ForgedError, LimitError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import Hash, SealHash, SessionId
from sync_protocol.intake import Checked, Intake, Proofs
from sync_protocol.labels import Label
from sync_protocol.limits import SEAL_FORKS_MAX
from sync_protocol.memory_store import MemoryStore
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import Verified, sign
from sync_protocol.store import put_proofs
from tests.support.people import DeviceSession, Organisation

ORGANISATION = Organisation.make(1)
NURSE = ORGANISATION.device(Role.NURSE)
STREAM = ORGANISATION.stream()


def written(seals: int = 2, each: int = 3) -> tuple[DeviceSession, list[VerifiedEntry]]:
    """A session with some entries under some seals."""
    session = NURSE.session()
    return session, [e for _ in range(seals) for e in session.write(STREAM, ORGANISATION.bodies(each))[1]]


def wires(entries: Sequence[VerifiedEntry]) -> list[WireEntry]:
    """The entries as they travel."""
    return [entry.wire for entry in entries]


def fresh(store: MemoryStore | None = None) -> Intake:
    """An intake that knows the root alone, and what a store has."""
    return Intake(Trust(ORGANISATION.root), store or MemoryStore())


def keep(store: MemoryStore, checked: Checked) -> None:
    """Store what an intake verified."""
    with store.writing() as writer:
        put_proofs(writer, checked)
        writer.append(checked.entries)


def test_a_batch_with_all_its_proofs_is_believed():
    """From the root down to the last entry."""
    session, entries = written()
    checked = fresh().check(session.proofs, wires(entries))
    assert [entry.hash for entry in checked.entries] == [entry.hash for entry in entries]
    assert [len(found) for found in (checked.certificates, checked.sessions, checked.seals)] == [2, 1, 2]
    assert checked.refused == []


def test_what_the_store_has_need_not_come_again():
    """And is no news."""
    store, (session, entries) = MemoryStore(), written()
    keep(store, fresh(store).check(session.proofs, wires(entries[:3])))
    _, more = session.write(STREAM, ORGANISATION.bodies(1))
    trust = ORGANISATION.trust()
    checked = Intake(trust, store).check(Proofs(seals=(session.seals[-1].wire,)), wires(more))
    assert [entry.hash for entry in checked.entries] == [more[0].hash]
    again = Intake(trust, store).check(session.proofs, ())
    assert ([seal.wire for seal in again.seals], again.sessions, again.refused) == ([session.seals[-1].wire], [], [])


def test_a_bad_item_refuses_itself_and_not_its_neighbours():
    """Whatever is wrong with it."""
    session, entries = written(seals=1, each=3)
    good, bad, also_good = wires(entries)
    proofs = session.proofs
    checked = fresh().check(
        replace(proofs, certificates=(b"junk", *proofs.certificates), sessions=(b"\xa0", *proofs.sessions)),
        [good, replace(bad, body=b"other"), also_good],
    )
    assert [entry.hash for entry in checked.entries] == [good.hash, also_good.hash]
    assert [refusal.what for refusal in checked.refused] == [None, None, bad.hash]
    assert isinstance(checked.refused[-1].error, ForgedError)


@pytest.mark.parametrize("lost", ["certificates", "sessions", "seals"])
def test_nothing_is_believed_without_its_proofs(lost: str):
    """A session without its certificate, a seal without its session, an entry without its seal."""
    session, entries = written()
    checked = fresh().check(replace(session.proofs, **{lost: ()}), wires(entries))
    assert checked.entries == []
    expected = {"certificates": UntrustedError, "sessions": UntrustedError, "seals": BrokenChainError}[lost]
    assert isinstance(checked.refused[-1].error, expected)


def test_seals_come_without_gaps():
    """A seal whose predecessor is missing is not believed, nor what hangs on it."""
    session, entries = written(seals=3, each=1)
    proofs = session.proofs
    checked = fresh().check(replace(proofs, seals=(proofs.seals[0], proofs.seals[2])), wires(entries))
    assert [entry.hash for entry in checked.entries] == [entries[0].hash]
    assert {type(refusal.error) for refusal in checked.refused} == {BrokenChainError}


def test_a_seal_continues_the_very_seal_that_it_names():
    """Not another of that number."""
    session, _ = written(seals=1)
    wrong = Seal(session=session.id, number=1, previous=SealHash(b"x" * 32), root=Hash(b"r" * 32), size=1)
    checked = fresh().check(
        replace(session.proofs, seals=(*session.proofs.seals, sign(wrong, NURSE.signer, Label.SEAL).wire)), ()
    )
    assert [type(refusal.error) for refusal in checked.refused] == [BrokenChainError]


def test_both_branches_of_a_forked_session_are_believed():
    """In either order: each entry hangs on one of the seals of its number."""
    session, _ = written(seals=1, each=1)
    twin = session.branch()
    _, ours = session.write(STREAM, ORGANISATION.bodies(2))
    _, theirs = twin.write(STREAM, ORGANISATION.bodies(3))
    for seals in (session.seals + twin.seals[1:], twin.seals + session.seals[1:]):
        proofs = replace(session.proofs, seals=tuple(seal.wire for seal in seals))
        checked = fresh().check(proofs, wires([*ours, *theirs]))
        assert [entry.hash for entry in checked.entries] == [entry.hash for entry in (*ours, *theirs)]
        assert checked.refused == []


def forks(session: DeviceSession, count: int) -> tuple[bytes, ...]:
    """So many seals of number 0."""
    records = (
        Seal(session=session.id, number=0, previous=None, root=Hash.of(bytes([n])), size=1) for n in range(count)
    )
    return tuple(sign(record, NURSE.signer, Label.SEAL).wire for record in records)


def test_a_session_cannot_make_every_entry_costly():
    """An entry is tried under each seal of its number, so there is a limit to them, across batches too."""
    store, session = MemoryStore(), NURSE.session()
    seals = forks(session, SEAL_FORKS_MAX + 2)
    first = fresh(store).check(replace(session.proofs, seals=seals[:-1]), ())
    assert [type(refusal.error) for refusal in first.refused] == [LimitError]
    keep(store, first)
    assert len(store.seals(session.id, 0)) == SEAL_FORKS_MAX
    later = Intake(ORGANISATION.trust(), store).check(Proofs(seals=(seals[-1], seals[0])), ())
    assert [type(refusal.error) for refusal in later.refused] == [LimitError]


def test_a_batch_that_was_not_stored_is_not_believed_later():
    """Otherwise a store could hold entries whose session or seal it lost with a batch that failed."""
    intake, (session, entries) = fresh(), written()
    assert intake.check(session.proofs, ()).refused == []
    checked = intake.check(Proofs(), wires(entries))
    assert checked.entries == []
    assert {type(refusal.error) for refusal in checked.refused} == {UntrustedError}


def test_a_store_that_has_a_session_has_its_certificates():
    """Even if the trust knew them before, from a handshake or a batch that failed: a restart must not lose them."""
    session, entries = written()
    trust, store = ORGANISATION.trust(), MemoryStore()
    keep(store, Intake(trust, store).check(replace(session.proofs, certificates=()), wires(entries)))
    restarted = Trust(ORGANISATION.root)
    for certificate in store.certificates():
        restarted.restore(certificate)
    _, more = session.write(STREAM, ORGANISATION.bodies(1))
    checked = Intake(restarted, store).check(Proofs(seals=(session.seals[-1].wire,)), wires(more))
    assert [entry.hash for entry in checked.entries] == [more[0].hash]


def test_a_session_of_a_certificate_that_this_trust_lacks_is_a_refusal():
    """Another connection may have stored it meanwhile; that is no reason to fall over."""
    store, (session, entries) = MemoryStore(), written()
    keep(store, fresh(store).check(session.proofs, wires(entries)))
    session.write(STREAM, ORGANISATION.bodies(1))
    checked = fresh(store).check(Proofs(seals=(session.seals[-1].wire,)), ())
    assert [type(refusal.error) for refusal in checked.refused] == [UntrustedError]


def test_nobody_shuts_a_session_out_by_claiming_its_id():
    """A thief's session record has another id, whenever it comes."""
    session, entries = written()
    thief = ORGANISATION.device(Role.PHYSICIAN)
    claim = Session(certificate=thief.name, nonce=session.record.value.nonce, started_ms=0)
    squatting = sign(claim, thief.signer, Label.SESSION).wire
    store = MemoryStore()
    trust = ORGANISATION.trust()
    keep(store, Intake(trust, store).check(Proofs(sessions=(squatting,)), ()))
    checked = Intake(trust, store).check(session.proofs, wires(entries))
    assert len(checked.entries) == len(entries)
    assert checked.refused == []


def test_a_session_signed_twice_is_one_session():
    """The id fixes certificate and nonce; the record that came first keeps its time."""
    session, _ = written()
    again = sign(replace(session.record.value, started_ms=1), NURSE.signer, Label.SESSION).wire
    checked = fresh().check(replace(session.proofs, sessions=(*session.proofs.sessions, again)), ())
    assert [found.wire for found in checked.sessions] == [session.record.wire]
    assert checked.refused == []


@given(st.data())
def test_no_mutation_is_believed_or_raises(data: st.DataObject):
    """Whatever byte of whatever item differs, either the item is refused or it is what was sent."""
    session, entries = SAMPLE
    proofs = {name: list(getattr(session.proofs, name)) for name in ("certificates", "sessions", "seals")}
    kind = data.draw(st.sampled_from([*proofs, "headers", "bodies"]))
    sent = wires(entries)
    at = data.draw(st.integers(0, (len(sent) if kind not in proofs else len(proofs[kind])) - 1))

    def mutated(wire: bytes) -> bytes:
        where, value = data.draw(st.integers(0, len(wire) - 1)), data.draw(st.integers(0, 255))
        return wire[:where] + bytes([value]) + wire[where + 1 :]

    if kind == "headers":
        sent[at] = replace(sent[at], header=mutated(sent[at].header))
    elif kind == "bodies":
        sent[at] = replace(sent[at], body=mutated(sent[at].body))
    else:
        proofs[kind][at] = mutated(proofs[kind][at])
    checked = fresh().check(Proofs(**{name: tuple(items) for name, items in proofs.items()}), sent)
    assert {entry.hash for entry in checked.entries} <= {entry.hash for entry in entries}
    assert all(isinstance(refusal.error, PeerError) for refusal in checked.refused)


SAMPLE = written()


def test_proofs_add_up_in_order():
    """And count their records."""
    one, two = Proofs(certificates=(b"c",), seals=(b"1",)), Proofs(sessions=(b"s",), seals=(b"2",))
    assert one + two == Proofs(certificates=(b"c",), sessions=(b"s",), seals=(b"1", b"2"))
    assert (len(one), len(two), len(Proofs())) == (2, 2, 0)


def test_a_seal_that_came_already_costs_one_look_up():
    """It is named by its payload's hash; a second signature over it changes nothing."""
    session, _ = written(seals=1)
    (seal,) = session.seals
    checked = fresh().check(replace(session.proofs, seals=(seal.wire, seal.wire)), ())
    assert [found.hash for found in checked.seals] == [seal.hash]
    assert isinstance(checked.seals[0], Verified)
    assert checked.refused == []


@pytest.mark.parametrize("index", [-1, 4096, 1])
def test_a_wrong_place_in_the_seal_is_refused(index: int):
    """Also one that no seal has."""
    session, entries = written(seals=1, each=1)
    checked = fresh().check(session.proofs, [replace(entries[0].wire, index=index)])
    assert [type(refusal.error) for refusal in checked.refused] == [ForgedError]


def test_an_entry_of_nobody_is_refused():
    """Its session is not known."""
    session, entries = written(seals=1, each=1)
    header = replace(entries[0].header, session=SessionId(b"?" * 16))

    checked = fresh().check(
        session.proofs, [replace(entries[0].wire, header=pack(header)), replace(entries[0].wire, header=b"")]
    )
    assert [type(refusal.error) for refusal in checked.refused] == [UntrustedError, MalformedError]
