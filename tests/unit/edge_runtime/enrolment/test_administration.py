"""Renewals, roles and revocations: who signs them, what a relay may say about them, what a device does with one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.enrolment.register import Member, members, of_device, of_either, of_user
from edge_runtime.enrolment.renewal import DAY_MS, fetch_renewal, renew
from edge_runtime.enrolment.revoking import Subject, asked_endings, authority, known_endings, revoke, subject_of
from edge_runtime.enrolment.roles import set_role
from edge_runtime.enrolment.sessions import SessionBook, told_sessions
from edge_runtime.errors import EdgeError, RefusedError, RemoteError, StoreError
from edge_runtime.identity import CHAIN, SESSION, load_identity
from edge_runtime.sync.renewing import take_over
from sync_protocol.certificates import Certificate, Trust, issue
from sync_protocol.control import Certify
from sync_protocol.encoding import encode
from sync_protocol.errors import MalformedError, PeerError, UntrustedError
from sync_protocol.ids import CertificateHash, DeviceId, Hash, SealHash, SessionId
from sync_protocol.labels import Label
from sync_protocol.limits import CUTS_MAX
from sync_protocol.revocation import RevocationReason
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import SigningKey
from sync_protocol.store import walk_seals
from tests.support.people import YEAR_MS
from tests.unit.edge_runtime.clinic import Clinic, Device, carry
from tests.unit.edge_runtime.enrolment.desk import Desk


def everybody(device: Device) -> list[Member]:
    """The organisation as a device knows it."""
    return members(device.identity, device.keyring.organisation())


def of(device: Device, clinic: Clinic) -> list[Member]:
    """One device, as the first administrator's knows it."""
    return of_device(everybody(clinic.admin), device.id)


def prolong(clinic: Clinic, *devices: Device, days: int = 800) -> list[Verified[Certificate]]:
    """Renew devices by the first administrator, whose store holds the root's keys."""
    admin = clinic.admin
    chosen = [one for device in devices for one in of(device, clinic)]
    done = renew(admin.recorder, admin.identity, admin.store, chosen, days=days, now_ms=clinic.clock())
    return list(done.made)


def cut_off(clinic: Clinic, device: Device) -> None:
    """Revoke a device by the first administrator, at what is known there."""
    admin = clinic.admin
    subject = subject_of(of(device, clinic), user=False, again=False)
    by = authority(admin.store, admin.identity, everybody(admin), subject, root=False)
    endings = known_endings(admin.store, admin.identity, subject)
    reason = RevocationReason.COMPROMISED
    revoke(admin.recorder, admin.identity, by, subject, endings, reason=reason, now_ms=clinic.clock())


# ------------------------------------------------------------------------------------------------------------ the list


def test_a_person_means_a_device_or_a_user_by_its_beginning(clinic: Clinic):
    """Either, by four digits at least; what fits nobody, or several, is refused."""
    nurse = clinic.device(Role.NURSE)
    known = everybody(clinic.admin)
    user = nurse.identity.certificate.user
    for found in (of_device(known, nurse.id[:8]), of_user(known, str(user)[:8]), of_either(known, str(user))):
        assert [one.principal for one in found] == [nurse.identity.principal]
    for act in (of_device, of_user, of_either):
        for text in ("", "abc", "ffffffffffff"):
            with pytest.raises(RefusedError):
                act(known, text)


def test_whom_an_administrator_enrolled_after_its_revocation_is_not_trusted(clinic: Clinic):
    """The list says so, and that nobody revoked it."""
    second = clinic.device(Role.ADMIN)
    carry(clinic.admin, second)
    before, after = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    administrator = second.identity.keys.administrator
    assert administrator is not None
    cut_off(clinic, second)
    rogue = replace(
        after.identity.certificate, issuer=Hash(second.identity.principal), device=DeviceId(b"r" * 16), issued_ms=9
    )
    signed = issue(rogue, administrator)
    batch = second.recorder.begin()
    batch.organisation_control(Certify(certificate=signed.wire))
    second.recorder.write(batch)
    carry(second, clinic.admin)
    rows = {one.principal: one for one in everybody(clinic.admin)}
    assert rows[second.identity.principal].trusted is False
    assert rows[second.identity.principal].reason is RevocationReason.COMPROMISED
    found = rows[CertificateHash(signed.hash)]
    assert (found.trusted, found.revoked_ms, found.reason) == (False, None, None)
    assert rows[before.identity.principal].trusted is True


# ------------------------------------------------------------------------------------------------------------- renewal


def test_a_renewal_is_taken_over_in_one_transaction(clinic: Clinic):
    """Certificate, chain and session change together, and are there after a restart; the principal stays."""
    nurse = clinic.device(Role.NURSE)
    before, session = nurse.identity.name, nurse.identity.session.value.session
    (made,) = prolong(clinic, nurse)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    nurse.sync(relay)
    for identity in (nurse.identity, load_identity(nurse.store, nurse.store)):
        assert (identity.name, identity.principal) == (made.hash, before)
        assert identity.certificate.not_after_ms == made.value.not_after_ms
        assert identity.session.value.session != session
        assert identity.session.value.certificate == made.hash
        assert [one.hash for one in identity.chain] == [clinic.admin.name, before, made.hash]
        assert identity.renewal() is None
    nurse.restart()
    nurse.sync(relay)
    assert nurse.pending() == 0


def test_a_renewal_that_came_without_the_relay_waits_for_the_next_connection(clinic: Clinic):
    """Where nothing can open a session, the certificate is kept; the next sync begins with it."""
    nurse = clinic.device(Role.NURSE)
    (made,) = prolong(clinic, nurse)
    carry(clinic.admin, nurse)
    assert nurse.identity.name == nurse.identity.principal
    found = nurse.identity.renewal()
    assert found is not None
    assert found.hash == made.hash
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    nurse.sync(relay)
    assert nurse.identity.name == made.hash


def test_somebody_elses_renewal_changes_nothing_here(clinic: Clinic):
    """It is known, and this device goes on as it was."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    prolong(clinic, other)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    session = nurse.identity.session.value.session
    nurse.sync(relay)
    assert nurse.identity.name == nurse.identity.principal
    assert nurse.identity.session.value.session == session
    newest = nurse.identity.trust.newest(other.identity.principal)
    assert newest is not None
    assert newest.value.renews == other.identity.principal


def test_a_renewal_that_cannot_be_kept_is_not_used(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A full store leaves the device as it was, whole."""
    nurse = clinic.device(Role.NURSE)
    prolong(clinic, nurse)
    carry(clinic.admin, nurse)
    before = {name: nurse.store.get_value(name) for name in (CHAIN, SESSION)}
    full = StoreError("store_full", expected="room", got="none", do="make room")

    def refuse() -> None:
        raise full

    monkeypatch.setattr(nurse.store, "writing", refuse)
    with pytest.raises(StoreError):
        take_over(nurse.store, nurse.identity, now_ms=1, entropy=nurse.entropy)
    assert nurse.identity.name == nurse.identity.principal
    assert {name: nurse.store.get_value(name) for name in (CHAIN, SESSION)} == before


def test_a_renewed_administrator_signs_as_it_was_enrolled(clinic: Clinic):
    """What it issues names its first certificate, so its renewals never stand between others and the root."""
    second, nurse = clinic.device(Role.ADMIN), clinic.device(Role.NURSE)
    prolong(clinic, second)
    carry(clinic.admin, second)
    assert take_over(second.store, second.identity, now_ms=clinic.clock(), entropy=second.entropy)
    assert not take_over(second.store, second.identity, now_ms=clinic.clock(), entropy=second.entropy)
    chosen = of_device(everybody(second), nurse.id)
    done = renew(second.recorder, second.identity, second.store, chosen, days=900, now_ms=clinic.clock())
    assert [one.value.issuer for one in done.made] == [second.identity.principal]
    carry(second, clinic.admin)
    assert clinic.admin.identity.trust.newest(nurse.identity.principal) is not None


class EndedDesk(Desk):
    """Hands out what a test says."""

    handed: tuple[bytes, ...] = ()

    def _answer(self, device: str, user: str) -> tuple[int, dict[str, str], bytes]:
        del device, user
        return 200, {}, encode(list(self.handed))


def fetch(desk: Any, device: Device) -> None:
    """Ask for a renewal after the end."""
    now_ms = device.identity.certificate.not_after_ms + 3 * DAY_MS
    fetch_renewal(device.store, device.identity, desk, now_ms=now_ms, entropy=device.entropy)


def test_an_ended_device_asks_the_enrolment_desk(clinic: Clinic):
    """Which hands out the renewal with what shows it; before there is one, the way out is named."""
    nurse, desk = clinic.device(Role.NURSE), EndedDesk(clinic)
    own = nurse.identity.certificate
    desk.handed = (clinic.admin.identity.chain[0].wire, nurse.identity.chain[-1].wire)
    with pytest.raises(RefusedError) as refusal:
        fetch(desk, nurse)
    assert refusal.value.code == "certificate_ended"
    assert "3 days ago" in refusal.value.got
    (made,) = prolong(clinic, nurse)
    desk.handed = (*desk.handed, made.wire)
    fetch(desk, nurse)
    assert nurse.identity.name == made.hash
    assert nurse.identity.certificate == replace(
        own,
        issuer=made.value.issuer,
        issued_ms=made.value.issued_ms,
        not_after_ms=made.value.not_after_ms,
        renews=nurse.identity.principal,
    )


def test_a_device_that_is_good_asks_nobody(clinic: Clinic):
    """Nor does one whose renewal is here already."""
    nurse, desk = clinic.device(Role.NURSE), EndedDesk(clinic)
    fetch_renewal(nurse.store, nurse.identity, desk, now_ms=1, entropy=nurse.entropy)
    prolong(clinic, nurse)
    carry(clinic.admin, nurse)
    fetch(desk, nurse)
    assert desk.asked == []


def test_what_a_relay_hands_out_is_no_renewal_unless_it_is_this_device_s(clinic: Clinic, tmp_path: Path):
    """Another's renewal, another organisation's, a forged or shorter one: the device stays ended, and itself."""
    nurse, other, desk = clinic.device(Role.NURSE), clinic.device(Role.NURSE), EndedDesk(clinic)
    (theirs,) = prolong(clinic, other)
    first = clinic.admin.identity.chain[0].wire
    desk.handed = (first, other.identity.chain[-1].wire, theirs.wire)
    with pytest.raises(RefusedError):
        fetch(desk, nurse)
    (tmp_path / "foreign").mkdir()
    foreign = Clinic(tmp_path / "foreign", seed=9)
    stranger = foreign.device(Role.NURSE)
    (made,) = prolong(foreign, stranger)
    desk.handed = (made.wire,)
    with pytest.raises(UntrustedError):
        fetch(desk, nurse)
    (own,) = prolong(clinic, nurse, days=366)
    desk.handed = (own.wire[:-1] + bytes([own.wire[-1] ^ 1]),)
    with pytest.raises(PeerError):
        fetch(desk, nurse)
    desk.handed = (own.wire,)
    with pytest.raises(RefusedError):  # it is a renewal, and has ended as well
        fetch(desk, nurse)
    desk.down = True
    with pytest.raises(RemoteError):
        desk.request("GET", "/v1/relay")
    foreign.close()


# --------------------------------------------------------------------------------------------------------------- roles


def test_only_administrators_change_roles_renew_and_revoke(clinic: Clinic):
    """Everybody else is refused by name, before anything is written."""
    nurse = clinic.device(Role.NURSE)
    chosen = of(nurse, clinic)
    subject = subject_of(chosen, user=False, again=False)
    size = nurse.store.size()
    for act in (
        lambda: set_role(nurse.recorder, nurse.identity, chosen, Role.PHYSICIAN),
        lambda: renew(nurse.recorder, nurse.identity, nurse.store, chosen, days=9, now_ms=1),
        lambda: authority(nurse.store, nurse.identity, chosen, subject, root=False),
    ):
        with pytest.raises(EdgeError) as refusal:
            act()
        assert refusal.value.code == "not_an_administrator"
    with pytest.raises(EdgeError) as refusal:
        authority(nurse.store, nurse.identity, chosen, subject, root=True)
    assert refusal.value.code == "no_root_keys"
    assert nurse.store.size() == size


# --------------------------------------------------------------------------------------------------- sessions and cuts


def written(clinic: Clinic, device: Device, count: int = 3) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Have a device write; its certificates, sessions and seals."""
    del clinic
    for _ in range(count):
        batch = device.recorder.begin()
        batch.create_chart(device.charts.entropy(16))
        device.recorder.write(batch)
    session = device.identity.session
    seals = [seal.wire for seal in walk_seals(device.store, session.value.session)]
    return [one.wire for one in device.identity.chain], [session.wire], seals


def subject(clinic: Clinic, device: Device) -> Subject:
    """A device as what is revoked."""
    return subject_of(of(device, clinic), user=False, again=False)


def test_cuts_are_the_last_seals_whose_signatures_hold(clinic: Clinic):
    """The highest number, in whatever order they were told; what is known here counts as well."""
    nurse = clinic.device(Role.NURSE)
    certificates, sessions, seals = written(clinic, nurse)
    name = nurse.identity.session.value.session
    for told in (seals, seals[::-1]):
        book = SessionBook(clinic.admin.identity.trust, subject(clinic, nurse).covers)
        assert book.add_told(certificates, sessions, told) == 0
        assert book.endings().cuts == {name: (len(seals) - 1, SealHash(Signed(Certificate, seals[-1]).hash))}
    book = SessionBook(nurse.identity.trust, subject(clinic, nurse).covers)
    book.add_own(nurse.store)
    assert book.endings().cuts[name][0] == len(seals) - 1
    assert book.endings().left_out == 0


def test_what_does_not_verify_cuts_nothing(clinic: Clinic, tmp_path: Path):
    """Forged seals and sessions, those of other devices and organisations, and nonsense: counted, and not used."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    certificates, sessions, seals = written(clinic, nurse)
    _, their_sessions, their_seals = written(clinic, other)
    (tmp_path / "foreign").mkdir()
    foreign = Clinic(tmp_path / "foreign", seed=9)
    stranger = foreign.device(Role.NURSE)
    foreign_certificates, foreign_sessions, foreign_seals = written(foreign, stranger)
    forged = sign(nurse.identity.session.value, SigningKey(bytes(32)), Label.SESSION).wire
    book = SessionBook(Trust(clinic.root), subject(clinic, nurse).covers)
    assert book.add_told([*certificates, *foreign_certificates, b"\x00"], [forged, *foreign_sessions], seals) > 0
    assert book.endings().cuts == {}
    book = SessionBook(clinic.admin.identity.trust, subject(clinic, nurse).covers)
    spoiled = seals[-1][:-1] + bytes([seals[-1][-1] ^ 1])
    told = [*seals[:1], spoiled, *their_seals, *foreign_seals, b"\x00"]
    assert book.add_told(certificates, [*sessions, *their_sessions], told) == 2
    assert {name: number for name, (number, _) in book.endings().cuts.items()} == {
        nurse.identity.session.value.session: 0
    }
    foreign.close()


def test_more_sessions_than_a_revocation_names_are_counted(clinic: Clinic):
    """Those that began last are cut where they ended; the others' entries will await review, and that is said."""
    book = SessionBook(clinic.admin.identity.trust, lambda _: True)
    for number in range(CUTS_MAX + 3):
        name = SessionId(number.to_bytes(16, "big"))
        book._sessions[name] = (number, clinic.admin.identity.certificate)
        book._last[name] = (0, SealHash(bytes(32)))
    endings = book.endings()
    assert (len(endings.cuts), endings.left_out) == (CUTS_MAX, 3)
    assert SessionId(bytes(16)) not in endings.cuts


class ToldDesk:
    """Answers one request with given bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def request(self, method: str, path: str, *, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        self.asked.append(f"{method} {path} {headers['Authorization']}")
        return 200, {}, self.answer


GOOD: dict[Any, Any] = {"certificates": [b"c"], "sessions": [b"s"], "seals": [[bytes(16), b"w", None]]}


def test_the_relay_is_asked_by_id_and_time():
    """With a token; its answer is three lists, each seal with its session and the relay's time or none."""
    desk = ToldDesk(encode({**GOOD, "seals": [[bytes(16), b"w", None], [bytes(16), b"x", 7]]}))
    found = told_sessions(desk, b"\x01" * 32, DeviceId(b"d" * 16), before_ms=None)
    assert found == ((b"c",), (b"s",), (b"w", b"x"))
    told_sessions(desk, b"\x01" * 32, DeviceId(b"d" * 16), before_ms=5)
    assert desk.asked == [
        f"GET /v1/principals/{'64' * 16}/sessions Bearer {'01' * 32}",
        f"GET /v1/principals/{'64' * 16}/sessions?before_ms=5 Bearer {'01' * 32}",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        encode([]),
        encode({**GOOD, "more": 1}),
        encode({"certificates": [], "sessions": []}),
        encode({**GOOD, "certificates": "x"}),
        encode({**GOOD, "sessions": [1]}),
        encode({**GOOD, "seals": {}}),
        encode({**GOOD, "seals": [[bytes(16), b"w"]]}),
        encode({**GOOD, "seals": [b"w"]}),
        encode({**GOOD, "seals": [[bytes(15), b"w", None]]}),
        encode({**GOOD, "seals": [[bytes(16), b"", None]]}),
        encode({**GOOD, "seals": [[bytes(16), b"w", -1]]}),
        encode({**GOOD, "seals": [[bytes(16), b"w", "x"]]}),
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes):
    """Whole, before any of it is used."""
    with pytest.raises(MalformedError):
        told_sessions(ToldDesk(answer), bytes(32), DeviceId(bytes(16)), before_ms=None)


def test_a_time_excludes_what_this_device_knows(clinic: Clinic):
    """It has not noted when that came; without a time it counts beside what the relay says."""
    nurse = clinic.device(Role.NURSE)
    written(clinic, nurse)
    carry(nurse, clinic.admin)
    desk: Any = ToldDesk(encode({"certificates": [], "sessions": [], "seals": []}))
    admin = clinic.admin
    known, unsound = asked_endings(admin.store, admin.identity, desk, bytes(32), subject(clinic, nurse), before_ms=None)
    assert (set(known.cuts), unsound) == ({nurse.identity.session.value.session}, 0)
    asked, _ = asked_endings(admin.store, admin.identity, desk, bytes(32), subject(clinic, nurse), before_ms=5)
    assert asked.cuts == {}


def test_a_renewal_later_than_a_revocation_is_revoked_too(clinic: Clinic):
    """The record names the device, not its certificates."""
    nurse = clinic.device(Role.NURSE)
    cut_off(clinic, nurse)
    assert prolong(clinic, nurse) == []
    first = nurse.identity.certificate
    administrator = clinic.admin.identity.keys.administrator
    assert administrator is not None
    late = replace(first, issued_ms=9, not_after_ms=first.not_after_ms + YEAR_MS, renews=nurse.identity.principal)
    clinic.admin.identity.trust.admit(Signed(Certificate, issue(late, administrator).wire))
    assert [one.trusted for one in of(nurse, clinic)] == [False]
