"""Becoming a member: nobody is enrolled whom an administrator did not compare, and no relay can put itself between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.enrolment.answers import read_wires
from edge_runtime.enrolment.approval import Applicant, applicants, approve
from edge_runtime.enrolment.invitations import (
    INVITATION_LIFE_MS,
    INVITED,
    invite,
    read_invitation,
    write_invitation,
)
from edge_runtime.enrolment.newcomer import REQUEST, complete_enrolment, request_enrolment
from edge_runtime.enrolment.organisation import certify_self, found_organisation, require_administrator
from edge_runtime.enrolment.relay import claim_relay, relay_facts
from edge_runtime.errors import EdgeError, InputError, RemoteError
from edge_runtime.identity import (
    CHAIN,
    INVITATION,
    KEYS,
    ORGANISATION_KEYS,
    RELAY_ADDRESS,
    ROOT,
    DeviceKeys,
    is_enrolled,
    load_identity,
    stored_invitation,
    stored_root,
)
from edge_runtime.store.device import DeviceStore
from sync_protocol.certificates import Certificate, issue, open_relay
from sync_protocol.control import AnnounceRelay, Certify, Invite, unpack_control
from sync_protocol.encoding import encode
from sync_protocol.errors import ForgedError, LimitError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import DeviceId, Hash, UserId
from sync_protocol.invitations import Invitation, WireRequest, claimed_request, make_request, proof_of
from sync_protocol.organisation_file import make_organisation_file, open_organisation_file
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import CosigningKey, HybridSigningKey, SigningKey
from tests.support.people import Entropy
from tests.unit.edge_runtime.clinic import ADDRESS, DATA_KEY, Clinic
from tests.unit.edge_runtime.enrolment.desk import Desk

NOW: int = 1_760_000_100_000


class Newcomer:
    """A device with an empty store, and the way to the desk."""

    def __init__(self, folder: Path, desk: Any, seed: int = 500) -> None:
        self.store = DeviceStore(folder / f"new{seed}.db", DATA_KEY, Entropy(seed))
        self.desk = desk
        self.entropy = Entropy(seed + 1)

    def ask(self, invitation: Invitation, now_ms: int = NOW) -> tuple[DeviceId, str]:
        """Ask to be enrolled."""
        return request_enrolment(self.store, self.desk, invitation, now_ms=now_ms, entropy=self.entropy)

    def complete(self) -> None:
        """Fetch the certificate."""
        complete_enrolment(self.store, self.desk, now_ms=NOW, entropy=self.entropy)


@pytest.fixture(name="desk")
def fixture_desk(clinic: Clinic) -> Desk:
    """The relay's desks."""
    return Desk(clinic)


@pytest.fixture(name="new")
def fixture_new(tmp_path: Path, desk: Desk) -> Iterator[Newcomer]:
    """A new device."""
    made = Newcomer(tmp_path, desk)
    yield made
    made.store.close()


def _invite(clinic: Clinic, role: Role = Role.NURSE) -> Invitation:
    admin = clinic.admin
    return invite(admin.recorder, admin.identity, address=ADDRESS, role=role, now_ms=NOW, entropy=clinic.entropy)


def _waiting(clinic: Clinic, desk: Any) -> list[Applicant]:
    return applicants(clinic.admin.store, desk, bytes(32))


def _approve(clinic: Clinic, applicant: Applicant, code: str) -> Hash:
    return approve(clinic.admin.recorder, clinic.admin.identity, applicant, code=code, now_ms=NOW)


def _refused(act: Callable[[], object], code: str) -> EdgeError:
    with pytest.raises(EdgeError) as refusal:
        act()
    assert refusal.value.code == code
    return refusal.value


# ------------------------------------------------------------------------------------------------ the whole way


@pytest.mark.parametrize("role", [Role.NURSE, Role.ADMIN])
def test_from_invitation_to_a_device_that_works(clinic: Clinic, desk: Desk, new: Newcomer, role: Role):
    """Invited, asked, compared, certified: the device's certificate is for its own keys and chains to the root."""
    invitation = read_invitation(write_invitation(_invite(clinic, role)))
    device, code = new.ask(invitation)
    assert not is_enrolled(new.store)
    error = _refused(new.complete, "not_approved")
    assert code in error.do
    assert device.short in error.do
    (applicant,) = _waiting(clinic, desk)
    assert applicant.code == code
    name = _approve(clinic, applicant, f" {code[:4]} {code[4:8]}-{code[8:]} ")
    new.complete()
    identity = load_identity(new.store, new.store)
    assert identity.name == name
    assert identity.certificate.device == device
    assert identity.certificate.role is role
    assert (identity.keys.administrator is None) == (role is not Role.ADMIN)
    assert identity.session.value.certificate == name
    assert new.store.get_value(REQUEST) is None
    assert new.store.get_value(INVITATION) is None
    assert new.store.get_value(RELAY_ADDRESS) == ADDRESS.encode()
    assert clinic.admin.identity.trust.certificate(name) is not None
    assert clinic.admin.store.get_value(INVITED + invitation.invitation.hex()) is None
    assert _waiting(clinic, desk) == []


def test_a_new_administrator_may_enrol_others(clinic: Clinic, desk: Desk, new: Newcomer):
    """An administrator who was enrolled is one; a nurse is not."""
    invitation = _invite(clinic, Role.ADMIN)
    _, code = new.ask(invitation)
    _approve(clinic, _waiting(clinic, desk)[0], code)
    new.complete()
    assert require_administrator(load_identity(new.store, new.store)) is not None
    nurse = clinic.device(Role.NURSE)
    _refused(lambda: require_administrator(nurse.identity), "not_an_administrator")
    _refused(
        lambda: invite(
            nurse.recorder, nurse.identity, address=ADDRESS, role=Role.NURSE, now_ms=NOW, entropy=clinic.entropy
        ),
        "not_an_administrator",
    )
    applicant = Applicant(None, None, None)
    _refused(lambda: approve(nurse.recorder, nurse.identity, applicant, code="1", now_ms=NOW), "not_an_administrator")


# ------------------------------------------------------------------------------------------------- the invitation


def test_an_invitation_says_what_the_control_stream_says_and_keeps_its_secret(clinic: Clinic):
    """The relay learns proof, role and end; never the secret. It lasts three days."""
    invitation = _invite(clinic)
    (entry,) = clinic.admin.store.arrivals(after=clinic.admin.store.size() - 1, limit=1)
    record = unpack_control(entry.entry.body)
    assert isinstance(record, Invite)
    assert (record.invitation, record.role) == (invitation.invitation, Role.NURSE)
    assert record.expires_ms == invitation.expires_ms == NOW + INVITATION_LIFE_MS
    assert invitation.secret not in entry.entry.body
    assert invitation.secret.hex() not in repr(invitation)


def test_an_invitation_survives_paper_and_whitespace(clinic: Clinic):
    """One line of text, with whatever blanks and line ends came around it."""
    invitation = _invite(clinic)
    text = write_invitation(invitation)
    assert "\n" not in text
    assert read_invitation(f"\r\n  {text}\t\n") == invitation


@given(st.text())
def test_any_other_text_is_refused_without_being_shown(text: str):
    """What is no invitation is refused by its length: it may be somebody's secret."""
    with pytest.raises(InputError) as refusal:
        read_invitation(text)
    assert refusal.value.got == f"{len(text)} characters that are none"


def test_a_damaged_invitation_is_refused(clinic: Clinic):
    """A cut, a changed prefix or another record in its place."""
    text = write_invitation(_invite(clinic))
    for damaged in (text[:-4], text[1:], text.lower(), "FIELDWARD1-", text.replace("1-", "2-"), text + "é"):
        with pytest.raises(InputError):
            read_invitation(damaged)


def test_an_expired_invitation_is_refused_before_anything_is_sent(clinic: Clinic, desk: Desk, new: Newcomer):
    """By this device's clock; nothing is asked, and the store stays empty."""
    invitation = _invite(clinic)
    error = _refused(lambda: new.ask(invitation, now_ms=invitation.expires_ms + 1), "invitation_expired")
    assert "clock" in error.do
    assert desk.asked == []
    assert stored_root(new.store) is None
    new.ask(invitation, now_ms=invitation.expires_ms)


def test_an_invitation_of_another_organisation_is_refused(clinic: Clinic, desk: Desk, new: Newcomer, tmp_path: Path):
    """A relay that shows another root than the invitation names gets no request."""
    (tmp_path / "other").mkdir()
    other = Clinic(tmp_path / "other", seed=7)
    invitation = _invite(other)
    with pytest.raises(UntrustedError):
        new.ask(invitation)
    assert desk.filed == {}
    assert stored_root(new.store) is None
    desk.organisation = make_organisation_file(other.root, clinic.admin.identity.chain[0])
    with pytest.raises(PeerError):
        new.ask(invitation)
    other.close()


def test_a_used_invitation_is_refused_and_another_takes_its_place(clinic: Clinic, desk: Desk, tmp_path: Path):
    """Who comes second is told; with a new invitation the same home can still be enrolled."""
    first, second = Newcomer(tmp_path, desk, 600), Newcomer(tmp_path, desk, 700)
    invitation = _invite(clinic)
    first.ask(invitation)
    _refused(lambda: second.ask(invitation), "invitation_used")
    assert stored_invitation(second.store) == invitation
    fresh = _invite(clinic)
    device, code = second.ask(fresh)
    applicant = next(one for one in _waiting(clinic, desk) if one.request.device == device)
    _approve(clinic, applicant, code)
    second.complete()
    assert load_identity(second.store, second.store).certificate.device == device
    for one in (first, second):
        one.store.close()


def test_asking_again_is_the_same_request(clinic: Clinic, desk: Desk, new: Newcomer):
    """Where the answer was lost, or a person runs it again: same device, same keys, same code, one request."""
    invitation = _invite(clinic)
    desk.down = True
    _refused(lambda: new.ask(invitation), "relay_unreachable")
    assert stored_root(new.store) is None
    desk.down = False
    asked = new.ask(invitation)
    keys = new.store.get_value(KEYS)
    assert new.ask(invitation) == asked
    assert new.store.get_value(KEYS) == keys
    assert len(desk.filed) == 1


def test_a_request_that_never_arrived_is_sent_again(clinic: Clinic, desk: Desk, new: Newcomer):
    """The relay knows nothing of the device: the request goes once more, and approval is awaited."""
    new.ask(_invite(clinic))
    filed = dict(desk.filed)
    desk.filed.clear()
    _refused(new.complete, "not_approved")
    assert desk.filed == filed
    desk.down = True
    _refused(new.complete, "relay_unreachable")


def test_an_enrolled_home_is_left_alone(clinic: Clinic, desk: Desk):
    """A second enrolment, and a founding, in a home that has a device are refused."""
    nurse = clinic.device(Role.NURSE)
    before = nurse.store.values()
    _refused(
        lambda: request_enrolment(nurse.store, desk, _invite(clinic), now_ms=NOW, entropy=clinic.entropy),
        "home_in_use_already",
    )
    _refused(lambda: found_organisation(nurse.store, clock=clinic.clock, entropy=clinic.entropy), "home_in_use_already")
    assert nurse.store.values() == before


# ---------------------------------------------------------------------------------------------------- the request


def test_the_code_depends_on_every_key_so_a_swapped_one_is_noticed(clinic: Clinic, desk: Desk, new: Newcomer):
    """Another code is refused, with the advice not to approve; nothing is certified."""
    _, code = new.ask(_invite(clinic))
    (applicant,) = _waiting(clinic, desk)
    wrong = f"{(int(code) + 1) % 10**12:012d}"
    size = clinic.admin.store.size()
    for typed in (wrong, "", "abc", code[:5], code + "0", "\u0661" * 12, "\u00b2" * 12, "\ud800"):
        error = _refused(lambda typed=typed: _approve(clinic, applicant, typed), "code")  # type: ignore[misc]
        assert "do not approve" in error.do
    assert clinic.admin.store.size() == size
    assert _waiting(clinic, desk) != []


def test_a_request_that_was_made_without_the_secret_is_left_out(clinic: Clinic, desk: Desk, new: Newcomer):
    """A relay can neither swap keys nor make a request up; nor does nonsense hide the good ones."""
    invitation = _invite(clinic)
    device, _ = new.ask(invitation)
    good = desk.filed[str(device)]
    wire = unpack(WireRequest, good)
    request = claimed_request(wire)
    thief = SigningKey(bytes(32))
    swapped = replace(request, ed25519=thief.public)
    guessed = replace(invitation, secret=bytes(32))
    desk.filed |= {
        "swapped": pack(replace(make_request(swapped, guessed, thief), proof=wire.proof)),
        "unsigned": pack(replace(wire, signature=type(wire.signature)(bytes(64)))),
        "nonsense": b"\x00",
        "unknown": pack(
            make_request(replace(swapped, invitation=type(invitation.invitation)(bytes(16))), guessed, thief)
        ),
        "promoted": pack(make_request(replace(swapped, role=Role.PHYSICIAN), invitation, thief)),
    }
    assert [applicant.request.device for applicant in _waiting(clinic, desk)] == [device]


def test_a_request_replayed_under_another_invitation_is_left_out(clinic: Clinic, desk: Desk, new: Newcomer):
    """Whoever rules the relay files an honest device's request again in the name of another invitation: none waits."""
    first, second = _invite(clinic), _invite(clinic, Role.ADMIN)
    device, _ = new.ask(first)
    wire = unpack(WireRequest, desk.filed[str(device)])
    request = claimed_request(wire)
    keys = DeviceKeys.load(new.store)
    assert keys is not None
    renamed = make_request(replace(request, invitation=second.invitation), first, keys.signer)
    desk.filed = {
        "its proof": pack(replace(wire, proof=proof_of(second))),
        "its name": pack(renamed),
        "both": pack(replace(renamed, proof=proof_of(second))),
    }
    assert [one.request.device for one in _waiting(clinic, desk)] == [device]
    assert {one.invitation for one in _waiting(clinic, desk)} == {first}


def test_an_invitation_for_a_user_or_a_device_makes_nobody_else(clinic: Clinic, desk: Desk, new: Newcomer):
    """The new device takes the names over; a request for others, though made with the secret, is left out."""
    nurse = clinic.device(Role.NURSE).identity.certificate
    admin = clinic.admin
    invitation = invite(
        admin.recorder,
        admin.identity,
        address=ADDRESS,
        role=Role.NURSE,
        now_ms=NOW,
        entropy=clinic.entropy,
        user=nurse.user,
        device=nurse.device,
    )
    assert read_invitation(write_invitation(invitation)) == invitation
    device, _ = new.ask(invitation)
    (applicant,) = _waiting(clinic, desk)
    assert (device, applicant.request.user) == (nurse.device, nurse.user)
    keys = DeviceKeys.load(new.store)
    assert keys is not None
    for change in ({"user": UserId(bytes(16))}, {"device": DeviceId(bytes(16))}):
        changed = replace(applicant.request, **change)
        desk.filed = {"x": pack(make_request(changed, invitation, keys.signer))}
        assert _waiting(clinic, desk) == []


def test_a_certificate_of_another_organisation_enrols_nobody(clinic: Clinic, desk: Desk, new: Newcomer, tmp_path: Path):
    """For the device's own keys and as it asked, and yet by a root that its invitation does not name."""
    device, _ = new.ask(_invite(clinic))
    (tmp_path / "other").mkdir()
    other = Clinic(tmp_path / "other", seed=7)
    wire = _certificate(other, desk.filed[str(device)])
    for chain in ([wire], [other.admin.identity.chain[0].wire, wire], [clinic.admin.identity.chain[0].wire, wire]):
        desk.chains[str(device)] = chain
        with pytest.raises(UntrustedError):
            new.complete()
        assert not is_enrolled(new.store)
    other.close()


def test_answers_of_the_desk_are_bounded_lists(desk: Desk, clinic: Clinic):
    """Anything but a list of so many byte strings is refused."""
    assert read_wires(encode([b"a", b"b"]), items_max=2) == (b"a", b"b")
    for data in (encode([b"a"] * 3), encode([b"x" * 300_000])):
        with pytest.raises(LimitError):
            read_wires(data, items_max=2)
    for data in (encode({1: b"a"}), encode(["a"]), b"\xff", b""):
        with pytest.raises(MalformedError):
            read_wires(data, items_max=2)
    assert _waiting(clinic, desk) == []


# ------------------------------------------------------------------------------------------------ the certificate


def _certificate(clinic: Clinic, wire: bytes, **changes: Any) -> bytes:
    request = claimed_request(unpack(WireRequest, wire))
    administrator = clinic.admin.identity.keys.administrator
    assert administrator is not None
    fields: dict[str, Any] = {
        "organisation": clinic.root.value.organisation,
        "device": request.device,
        "user": request.user,
        "role": request.role,
        "ed25519": request.ed25519,
        "wrap": request.wrap,
        "issuer": Hash(clinic.admin.name),
        "issued_ms": NOW,
        "not_after_ms": NOW + 5,
    }
    return issue(Certificate(**fields | changes), administrator).wire


@pytest.mark.parametrize("field", ["device", "user", "role", "ed25519", "wrap", "none", "empty"])
def test_only_a_certificate_for_what_was_asked_is_taken(clinic: Clinic, desk: Desk, new: Newcomer, field: str):
    """Another's certificate, another role, another key to wrap to: refused, and the device goes on waiting."""
    device, _ = new.ask(_invite(clinic))
    other = DeviceKeys.make(Entropy(4), administrator=False)
    changes: dict[str, Any] = {
        "device": DeviceId(bytes(16)),
        "user": UserId(bytes(16)),
        "role": Role.PHYSICIAN,
        "ed25519": other.signer.public,
        "wrap": bytes(other.wrap.public),
    }
    wire = _certificate(clinic, desk.filed[str(device)], **{k: v for k, v in changes.items() if k == field})
    first = clinic.admin.identity.chain[0].wire
    desk.chains[str(device)] = [] if field == "empty" else [first, wire]
    if field == "none":
        new.complete()
        assert is_enrolled(new.store)
        return
    _refused(new.complete, "certificate")
    assert not is_enrolled(new.store)


def test_a_certificate_that_does_not_chain_to_the_root_is_refused(clinic: Clinic, desk: Desk, new: Newcomer):
    """Signed by nobody of the organisation, cut short, or no certificate at all."""
    device, _ = new.ask(_invite(clinic))
    wire = _certificate(clinic, desk.filed[str(device)])
    first = clinic.admin.identity.chain[0].wire
    for chain in ([wire], [first, wire[:-1] + bytes([wire[-1] ^ 1])], [first, b"\x00"], "nonsense"):
        desk.chains[str(device)] = chain
        with pytest.raises(PeerError):
            new.complete()
        assert not is_enrolled(new.store)
    desk.chains[str(device)] = [first, wire]
    new.complete()


def test_certificates_beside_the_chain_are_not_part_of_it(clinic: Clinic, desk: Desk, new: Newcomer):
    """The device keeps the way from the root to itself and nothing that a relay slips in between."""
    device, _ = new.ask(_invite(clinic))
    wire = _certificate(clinic, desk.filed[str(device)])
    nurse = clinic.device(Role.NURSE)
    first = clinic.admin.identity.chain[0].wire
    desk.chains[str(device)] = [first, nurse.identity.chain[-1].wire, wire]
    new.complete()
    identity = load_identity(new.store, new.store)
    assert [one.value.device for one in identity.chain] == [clinic.admin.identity.certificate.device, device]


# ------------------------------------------------------------------------------------------ organisation and relay


def test_an_organisation_is_founded_with_its_first_administrator(clinic: Clinic, tmp_path: Path):
    """The file names root and administrator; both keep their keys; the certificate stands on the control stream."""
    store = DeviceStore(tmp_path / "root.db", DATA_KEY, Entropy(70))
    file = found_organisation(store, clock=clinic.clock, entropy=Entropy(71))
    root, administrator = open_organisation_file(pack(file), expected=None)
    identity = load_identity(store, store)
    assert identity.root.hash == root.hash
    assert identity.name == administrator.hash
    assert identity.certificate.role is Role.ADMIN
    assert store.get_value(ORGANISATION_KEYS) is not None
    assert store.get_value(CHAIN) is not None
    assert store.get_value(ROOT) == root.wire
    store.close()
    (arrived,) = clinic.admin.store.arrivals(after=0, limit=1)
    assert unpack_control(arrived.entry.body) == Certify(certificate=clinic.admin.identity.chain[0].wire)
    certify_self(clinic.admin.recorder, clinic.admin.identity)


def _claim(clinic: Clinic, desk: Any, fingerprint: str | None = None) -> None:
    admin = clinic.admin
    claim_relay(admin.store, admin.identity, admin.recorder, desk, fingerprint=fingerprint, now_ms=NOW)


def test_a_relay_is_recorded_by_the_root_at_the_first_contact(clinic: Clinic, desk: Desk):
    """The record names key, log and address, reaches the relay, and is announced; a second contact asks for nothing."""
    _claim(clinic, desk, Hash.of(clinic.relay_key.public).hex())
    assert desk.record is not None
    record = open_relay(desk.record, clinic.root)
    assert record.value.ed25519 == clinic.relay_key.public
    assert record.value.addresses == (ADDRESS,)
    (last,) = clinic.admin.store.arrivals(after=clinic.admin.store.size() - 1, limit=1)
    assert unpack_control(last.entry.body) == AnnounceRelay(record=desk.record)
    size = clinic.admin.store.size()
    _claim(clinic, desk)
    assert clinic.admin.store.size() == size


def test_the_fingerprint_is_of_the_key_that_is_to_be_signed(clinic: Clinic, desk: Desk):
    """A stranger that shows the right fingerprint beside its own key is found out; groups and case do not matter."""
    right = Hash.of(clinic.relay_key.public).hex()
    grouped = " ".join(right[at : at + 4].upper() for at in range(0, 64, 4))
    facts = relay_facts(desk)
    assert facts.fingerprint == right
    stranger = SigningKey(bytes(range(32)))
    clinic.relay_key = stranger
    told = {**desk.told, "fingerprint": right}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Desk, "told", property(lambda _: told))
        _refused(lambda: _claim(clinic, desk, right), "relay_fingerprint")
        _refused(lambda: _claim(clinic, desk, ""), "relay_fingerprint")
    assert desk.record is None
    assert grouped.replace(" ", "").lower() == right


def test_grouped_fingerprints_are_the_same(clinic: Clinic, desk: Desk):
    """As the relay prints it, in groups, or typed in capitals."""
    right = Hash.of(clinic.relay_key.public).hex()
    _claim(clinic, desk, " ".join(right[at : at + 4].upper() for at in range(0, 64, 4)))
    assert desk.record is not None


def test_a_record_that_is_not_the_roots_is_not_believed(clinic: Clinic, desk: Desk):
    """A relay that shows a record of its own making is forged; one of another key is recorded anew."""
    stranger = HybridSigningKey(bytes(64))
    desk.record = sign_hybrid(clinic.relay.value, stranger, _relay_label()).wire
    with pytest.raises(ForgedError):
        _claim(clinic, desk)
    desk.record = clinic.relay_record(key=SigningKey(bytes(range(32)))).wire
    _claim(clinic, desk)
    assert open_relay(desk.record, clinic.root).value.ed25519 == clinic.relay_key.public


def test_the_cosigning_key_is_recorded_too(clinic: Clinic, desk: Desk):
    """It stands in the record; one that a relay got later is added by whoever holds the root's keys, once."""
    _claim(clinic, desk)
    assert desk.record is not None
    assert open_relay(desk.record, clinic.root).value.cosigner is None
    desk.cosigner = CosigningKey(bytes(range(32)))
    admin = clinic.device(Role.ADMIN)
    older = desk.record
    claim_relay(admin.store, admin.identity, admin.recorder, desk, fingerprint=None, now_ms=NOW)
    assert desk.record == older, "good without it, where nobody can sign another"
    _claim(clinic, desk)
    newer = desk.record
    assert open_relay(newer, clinic.root).value.cosigner == desk.cosigner.public
    for shown in (desk.cosigner, None):
        desk.cosigner = shown
        _claim(clinic, desk)
        assert desk.record == newer


def test_a_cosigning_key_that_the_relay_s_own_did_not_sign_is_refused(clinic: Clinic, desk: Desk):
    """The fingerprint that people compare is of the one key, so that must vouch for the other."""
    desk.cosigner = CosigningKey(bytes(range(32)))
    desk.cosigner_proof = SigningKey(bytes(32)).sign(_relay_label(), b"")
    with pytest.raises(ForgedError):
        _claim(clinic, desk)
    assert desk.record is None


def _relay_label() -> Any:
    from sync_protocol.labels import Label

    return Label.RELAY


def test_only_the_founders_device_records_a_relay(clinic: Clinic, desk: Desk):
    """Another administrator without the root's keys is told where they are."""
    admin = clinic.device(Role.ADMIN)
    error = _refused(
        lambda: claim_relay(admin.store, admin.identity, admin.recorder, desk, fingerprint=None, now_ms=NOW),
        "root_keys",
    )
    assert "org init" in error.do


def test_a_relay_of_another_organisation_is_not_recorded(clinic: Clinic, desk: Desk):
    """Its own word is enough to stay away from it."""
    told = {**desk.told, "organisation": "00" * 16}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Desk, "told", property(lambda _: told))
        _refused(lambda: _claim(clinic, desk), "relay_of_another_organisation")


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b"1", b'{"record": 1}', b"[" * 100_000]))
def test_whatever_else_answers_is_no_relay(data: bytes):
    """No answer of a stranger makes anything but one clear error."""

    class Stranger:
        """Answers anything."""

        address = ADDRESS

        def request(self, *_: object, **__: object) -> tuple[int, dict[str, str], bytes]:
            """The same each time."""
            return 200, {}, data

    with pytest.raises(RemoteError) as refusal:
        relay_facts(Stranger())
    assert refusal.value.code == "not_a_relay"


@pytest.mark.parametrize(
    "change",
    [
        {"origin": 5},
        {"origin": ""},
        {"origin": "x" * 600},
        {"key": "zz"},
        {"record": "zz"},
        {"organisation": None},
        {"cosigner": "zz"},
        {"cosigner": "00" * 1312},
        {"cosigner": "00" * 1312, "cosigner_proof": "00"},
    ],
)
def test_a_relay_that_tells_half_is_none(desk: Desk, change: dict[str, Any]):
    """Each fact has its form."""
    told = {**desk.told, **change}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Desk, "told", property(lambda _: told))
        with pytest.raises(RemoteError) as refusal:
            relay_facts(desk)
        assert refusal.value.code == "not_a_relay"
