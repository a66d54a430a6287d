"""Certificates chain to the root, and nobody speaks for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.certificates import (
    Certificate,
    Session,
    Trust,
    issue,
    make_root,
    open_relay,
    open_root,
    open_session,
)
from sync_protocol.errors import ForgedError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import CertificateHash, DeviceId, Hash, OrganisationId, RootHash, UserId
from sync_protocol.labels import Label
from sync_protocol.limits import CERTIFICATE_CHAIN_MAX, CERTIFICATES_MAX
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified, sign, sign_hybrid
from sync_protocol.signing import CosigningKey, HybridSigningKey, MlDsaVerifyKey, VerifyKey
from tests.support.people import YEAR_MS, Device, Organisation

ONE, OTHER = Organisation.make(1), Organisation.make(2)
NURSE = ONE.device(Role.NURSE)


def admin_key(device: Device) -> HybridSigningKey:
    """An administrator's key, which signs for the long term."""
    assert isinstance(device.key, HybridSigningKey)
    return device.key


def certified(certificate: Certificate, signer: HybridSigningKey) -> Signed[Certificate]:
    """Signed without the checks that an honest issuer makes."""
    return Signed(Certificate, sign_hybrid(certificate, signer, Label.CERTIFICATE).wire)


def test_a_root_is_known_by_its_hash():
    """The hash comes out of band; a root is verified by its own keys."""
    assert open_root(ONE.root.wire, expected=RootHash(ONE.root.hash)).value == ONE.root.value
    assert open_root(ONE.root.wire, expected=None).hash == ONE.root.hash
    with pytest.raises(UntrustedError):
        open_root(OTHER.root.wire, expected=RootHash(ONE.root.hash))


def test_a_root_that_names_keys_of_another_is_forged():
    """Nobody can sign for keys that are not theirs."""
    stolen = replace(ONE.root.value, ed25519=OTHER.root.value.ed25519, ml_dsa=OTHER.root.value.ml_dsa)
    with pytest.raises(ForgedError):
        open_root(make_root(stolen, ONE.root_key).wire, expected=None)


def test_a_chain_is_admitted_from_the_root_down():
    """Root, administrator, nurse: in this order, and the chain tells it back."""
    trust = Trust(ONE.root)
    with pytest.raises(UntrustedError):
        trust.admit(Signed(Certificate, NURSE.certificate.wire))
    admitted = [trust.admit(Signed(Certificate, device.certificate.wire)) for device in (ONE.admin, NURSE)]
    assert [item.hash for item in trust.chain(NURSE.name)] == [item.hash for item in admitted]
    assert trust.certificate(NURSE.name) is admitted[1]
    assert trust.certificates() == tuple(admitted)
    assert trust.chain(b"nobody") == ()


def test_a_certificate_signed_again_is_the_same():
    """ML-DSA signs with randomness, so one certificate may have several wires; the first stays."""
    trust = ONE.trust()
    again = issue(NURSE.certificate.value, admin_key(ONE.admin))
    assert again.wire != NURSE.certificate.wire
    assert trust.admit(Signed(Certificate, again.wire)).wire == NURSE.certificate.wire


def test_another_organisation_s_certificate_is_refused():
    """Whoever signed it."""
    foreign = OTHER.device(Role.NURSE).certificate
    with pytest.raises(UntrustedError):
        ONE.trust().admit(Signed(Certificate, foreign.wire))


def test_only_administrators_enrol():
    """A nurse's key certifies nobody, even if it could sign."""
    forged = replace(NURSE.certificate.value, issuer=Hash(NURSE.certificate.hash))
    with pytest.raises(UntrustedError):
        ONE.trust().admit(certified(forged, admin_key(ONE.admin)))


def test_the_issuer_s_own_keys_must_have_signed():
    """Not those of another administrator."""
    second = ONE.device(Role.ADMIN)
    with pytest.raises(ForgedError):
        ONE.trust().admit(certified(replace(NURSE.certificate.value, issued_ms=1), admin_key(second)))


def test_a_chain_has_an_end():
    """An administrator may enrol another, but not without limit."""
    trust, issuer = ONE.trust(), ONE.admin
    for _ in range(CERTIFICATE_CHAIN_MAX - 1):
        issuer = Device(ONE, Role.ADMIN, issuer=issuer.certificate.hash, issuer_key=admin_key(issuer))
        trust.admit(Signed(Certificate, issuer.certificate.wire))
    assert len(trust.chain(issuer.name)) == CERTIFICATE_CHAIN_MAX
    last = Device(ONE, Role.NURSE, issuer=issuer.certificate.hash, issuer_key=admin_key(issuer))
    with pytest.raises(UntrustedError):
        trust.admit(Signed(Certificate, last.certificate.wire))


def test_what_the_store_kept_is_taken_back():
    """With its depth, so that the limit holds after a restart."""
    trust = Trust(ONE.root)
    for certificate in (ONE.admin.certificate, NURSE.certificate):
        trust.restore(certificate)
    assert len(trust.chain(NURSE.name)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"wrap": b"\xff" * 1216},
        {"wrap": NURSE.certificate.value.wrap[:1184] + bytes(32)},
        {"ed25519": VerifyKey(b"\x01" + bytes(31))},
        {"ml_dsa": MlDsaVerifyKey(bytes(1952))},
        {"role": Role.ADMIN},
    ],
)
def test_keys_that_would_harm_others_are_certified_by_nobody(change: dict[str, Any]):
    """A key that takes no wrap, verifies nothing or may not enrol is refused before it is signed, and on receipt."""
    bad = replace(NURSE.certificate.value, **change)
    with pytest.raises(PeerError):
        issue(bad, admin_key(ONE.admin))
    with pytest.raises((ForgedError, MalformedError, UntrustedError)):
        ONE.trust().admit(certified(bad, admin_key(ONE.admin)))


def test_a_relay_is_the_root_s_word():
    """Of this organisation, and signed by its root, not by an administrator."""
    assert open_relay(ONE.relay.wire, ONE.root).value == ONE.relay.value
    with pytest.raises(ForgedError):
        open_relay(OTHER.relay.wire, ONE.root)
    with pytest.raises(ForgedError):
        open_relay(sign_hybrid(ONE.relay.value, admin_key(ONE.admin), Label.RELAY).wire, ONE.root)
    foreign = replace(ONE.relay.value, organisation=OrganisationId(bytes(16)))
    with pytest.raises(UntrustedError):
        open_relay(sign_hybrid(foreign, ONE.root_key, Label.RELAY).wire, ONE.root)


def test_a_relay_s_record_may_name_its_cosigner():
    """An ML-DSA-44 key of 1,312 bytes under key 6; a record from before there were such keys has none."""
    assert ONE.relay.value.cosigner is None
    cosigner = CosigningKey(bytes(32)).public
    named = sign_hybrid(replace(ONE.relay.value, cosigner=cosigner), ONE.root_key, Label.RELAY)
    found = open_relay(named.wire, ONE.root).value.cosigner
    assert found == cosigner
    assert len(cosigner) == 1312


def test_a_session_is_its_certificate_s():
    """Signed by that key, and by a certificate that is known."""
    session = NURSE.session().record
    assert open_session(session.wire, ONE.trust()).value == session.value
    with pytest.raises(UntrustedError):
        open_session(session.wire, Trust(ONE.root))
    with pytest.raises(ForgedError):
        open_session(sign(session.value, ONE.admin.signer, Label.SESSION).wire, ONE.trust())


def test_nobody_can_claim_another_s_session():
    """A session's id follows from certificate and nonce: the same nonce gives another certificate another session."""
    victim = NURSE.session().record.value
    thief = Session(certificate=ONE.admin.name, nonce=victim.nonce, started_ms=victim.started_ms)
    assert thief.session != victim.session
    assert victim.session == Session(certificate=NURSE.name, nonce=victim.nonce, started_ms=0).session


def test_keys_of_a_root_come_as_a_pair():
    """For whoever verifies by them."""
    assert ONE.root.value.keys == ONE.root_key.public


# --------------------------------------------------------------------------------------------------------- renewals


def renewal(device: Device, years: int, issuer: Device | None = None, /, **changes: Any) -> Signed[Certificate]:
    """A certificate that prolongs a device's, by `issuer` or the root; `changes` are what it should not have."""
    first = device.certificate.value
    fields: dict[str, Any] = {
        "issuer": ONE.root.hash if issuer is None else Hash(issuer.certificate.hash),
        "issued_ms": first.issued_ms + 1,
        "not_after_ms": first.not_after_ms + years * YEAR_MS,
        "renews": device.name,
    }
    return certified(replace(first, **(fields | changes)), ONE.root_key if issuer is None else admin_key(issuer))


def below(issuer: Device, role: Role = Role.ADMIN) -> Device:
    """A device that `issuer` enrolled."""
    return Device(ONE, role, issuer=issuer.certificate.hash, issuer_key=admin_key(issuer))


def test_a_renewal_is_the_same_principal_for_longer():
    """Whoever signed it: the name, the depth and the keys are those of the first certificate."""
    trust, other = ONE.trust(), ONE.device(Role.ADMIN)
    trust.admit(Signed(Certificate, other.certificate.wire))
    assert trust.principal(NURSE.name) == NURSE.name
    assert trust.newest(NURSE.name) is trust.certificate(NURSE.name)
    depth, principals = trust.depth(NURSE.name), trust.principals()
    later = trust.admit(renewal(NURSE, 2, ONE.admin))
    sooner = trust.admit(renewal(NURSE, 1, other))
    for one in (later, sooner):
        assert trust.principal(one.hash) == NURSE.name
        assert trust.depth(one.hash) == trust.depth(NURSE.name) == depth == 2
    assert trust.newest(NURSE.name) is later
    assert trust.newest(later.hash) is None
    assert trust.principals() == principals


def test_whoever_is_unknown_is_named_by_itself():
    """A hash of which nothing is known stands for nobody else, and has no newest certificate."""
    trust, unknown = ONE.trust(), CertificateHash(bytes(32))
    assert trust.principal(unknown) == unknown
    assert trust.newest(unknown) is None
    assert trust.depth(ONE.root.hash) == 0


def test_of_two_renewals_that_end_together_everybody_takes_the_same():
    """The one of the higher hash, whatever came first."""
    both = [renewal(NURSE, 1, ONE.admin), renewal(NURSE, 1, ONE.admin, issued_ms=7)]
    newest = []
    for order in (both, both[::-1]):
        trust = ONE.trust()
        for one in order:
            trust.admit(one)
        newest.append(trust.newest(NURSE.name))
    assert newest[0] is not None
    assert newest[1] is not None
    assert newest[0].hash == newest[1].hash == max(one.hash for one in both)


def test_a_renewal_by_somebody_nearer_to_the_root_raises_nobody():
    """Depth decides who may revoke whom: it is the first certificate's, for the renewed and for whom it enrols."""
    senior = ONE.admin
    junior = below(below(senior))
    trust = ONE.trust()
    assert trust.depth(junior.name) == 3
    renewed = trust.admit(renewal(junior, 1))
    assert trust.depth(renewed.hash) == 3
    enrolled = below(junior, Role.NURSE)
    assert trust.depth(trust.admit(Signed(Certificate, enrolled.certificate.wire)).hash) == 4


def test_a_renewed_administrator_enrols_by_its_first_certificate():
    """So that proofs stay short; its later certificate issues nothing."""
    trust, administrator = ONE.trust(), ONE.device(Role.ADMIN)
    trust.admit(Signed(Certificate, administrator.certificate.wire))
    renewed = trust.admit(renewal(administrator, 1, ONE.admin))
    by_renewal = replace(NURSE.certificate.value, issuer=Hash(renewed.hash), issued_ms=3)
    with pytest.raises(UntrustedError, match="first certificate"):
        trust.admit(certified(by_renewal, admin_key(administrator)))
    by_first = replace(by_renewal, issuer=Hash(administrator.certificate.hash))
    assert trust.admit(certified(by_first, admin_key(administrator))).value == by_first


@pytest.mark.parametrize(
    "change",
    [
        {"device": DeviceId(bytes(16))},
        {"user": UserId(bytes(16))},
        {"role": Role.PHYSICIAN},
        {"ed25519": ONE.admin.signer.public},
        {"wrap": ONE.admin.wrap_key.public},
        {"ml_dsa": admin_key(ONE.admin).public.ml_dsa, "role": Role.ADMIN},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_renewal_that_changes_anything_is_refused(change: dict[str, Any]):
    """Another device, user, role or key is another enrolment, which is compared and approved."""
    trust = ONE.trust()
    with pytest.raises(UntrustedError, match="changes nothing but the time"):
        trust.admit(renewal(NURSE, 1, ONE.admin, **change))
    assert trust.newest(NURSE.name) is trust.certificate(NURSE.name)


@pytest.mark.parametrize("later_ms", [-1, 0])
def test_a_renewal_ends_later(later_ms: int):
    """Nobody shortens a certificate by a renewal: that is what revocation is for."""
    end = NURSE.certificate.value.not_after_ms
    with pytest.raises(UntrustedError, match="ends later"):
        ONE.trust().admit(renewal(NURSE, 1, ONE.admin, not_after_ms=end + later_ms))


def test_a_renewal_of_something_unknown_is_refused():
    """It waits for what it renews; afterwards it is taken."""
    trust = Trust(ONE.root)
    trust.admit(Signed(Certificate, ONE.admin.certificate.wire))
    one = renewal(NURSE, 1, ONE.admin)
    with pytest.raises(UntrustedError, match="known certificate"):
        trust.admit(one)
    trust.admit(Signed(Certificate, NURSE.certificate.wire))
    assert trust.admit(one).value.renews == NURSE.name


def test_a_renewal_of_a_renewal_is_refused():
    """A line is one step long, however often it is renewed, so a proof is as well; no cycle can be made of it."""
    trust = ONE.trust()
    first = trust.admit(renewal(NURSE, 1, ONE.admin))
    with pytest.raises(UntrustedError, match="first certificate of its line"):
        trust.admit(renewal(NURSE, 2, ONE.admin, renews=CertificateHash(first.hash)))


def test_nobody_renews_itself():
    """An administrator whose certificate has ended would let itself in again. The root may, or another one."""
    trust, other = ONE.trust(), ONE.device(Role.ADMIN)
    trust.admit(Signed(Certificate, other.certificate.wire))
    with pytest.raises(UntrustedError, match="another administrator"):
        trust.admit(renewal(ONE.admin, 1, ONE.admin))
    assert trust.admit(renewal(ONE.admin, 1)).value.issuer == ONE.root.hash
    assert trust.admit(renewal(ONE.admin, 2, other)).value.renews == ONE.admin.name


@pytest.mark.parametrize("signer", ["nurse", "stranger", "other"])
def test_a_forged_renewal_is_refused(signer: str):
    """By the renewed device's own key, by another administrator's than it names, by another organisation's root."""
    keys = {
        "nurse": HybridSigningKey(NURSE.signer.reveal() + bytes(32)),
        "stranger": admin_key(ONE.device(Role.ADMIN)),
        "other": OTHER.root_key,
    }
    claim = renewal(NURSE, 1, ONE.admin).claimed()
    with pytest.raises(ForgedError):
        ONE.trust().admit(certified(claim, keys[signer]))


def test_a_renewal_by_another_organisation_is_refused():
    """Whether it says so or not."""
    foreign = replace(renewal(NURSE, 1).claimed(), organisation=OTHER.root.value.organisation)
    with pytest.raises(UntrustedError, match="this organisation"):
        ONE.trust().admit(certified(foreign, OTHER.root_key))
    with pytest.raises(UntrustedError, match="issuer"):
        ONE.trust().admit(certified(replace(renewal(NURSE, 1).claimed(), issuer=OTHER.root.hash), OTHER.root_key))


def test_a_nurse_renews_nobody():
    """As it enrols nobody."""
    second = ONE.device(Role.NURSE)
    trust = ONE.trust()
    claim = replace(renewal(NURSE, 1).claimed(), issuer=Hash(second.certificate.hash))
    with pytest.raises(UntrustedError, match="may enrol"):
        trust.admit(certified(claim, admin_key(ONE.admin)))


def test_the_chain_of_a_renewal_proves_it_to_a_stranger():
    """What it renews comes first, then its issuer; in that order somebody who has the root alone takes it."""
    trust, other = ONE.trust(), below(ONE.admin)
    trust.admit(Signed(Certificate, other.certificate.wire))
    newest = trust.admit(renewal(NURSE, 1, other))
    chain = trust.chain(newest.hash)
    assert {one.hash for one in chain} == {one.certificate.hash for one in (ONE.admin, other, NURSE)} | {newest.hash}
    assert chain[-1] is newest
    stranger = Trust(ONE.root)
    for one in chain:
        stranger.admit(Signed(Certificate, one.wire))
    assert stranger.principal(newest.hash) == NURSE.name


def test_a_proof_has_a_limit():
    """The longest: a device at the end of a full chain, renewed by an administrator at the end of another."""
    trust, ends = ONE.trust(), []
    for _ in range(2):
        at = ONE.admin
        for _ in range(CERTIFICATE_CHAIN_MAX - 2):
            at = below(at)
            trust.admit(Signed(Certificate, at.certificate.wire))
        ends.append(at)
    last = below(ends[0], Role.NURSE)
    trust.admit(Signed(Certificate, last.certificate.wire))
    found = trust.admit(renewal(last, 1, ends[1]))
    assert len(trust.chain(found.hash)) == 2 * CERTIFICATE_CHAIN_MAX - 1 <= CERTIFICATES_MAX


def test_what_the_store_kept_is_taken_back_in_any_order():
    """Principal, depth and newest follow from the set alone."""
    trust = ONE.trust()
    renewed = [trust.admit(renewal(NURSE, years, ONE.admin)) for years in (2, 1)]
    kept: list[Verified[Certificate]] = [ONE.admin.certificate, NURSE.certificate, *renewed]
    for order in (kept, kept[::-1]):
        again = Trust(ONE.root)
        for one in order:
            again.restore(one)
        assert {again.principal(one.hash) for one in (NURSE.certificate, *renewed)} == {NURSE.name}
        assert {again.depth(one.hash) for one in (NURSE.certificate, *renewed)} == {2}
        newest = again.newest(NURSE.name)
        assert newest is not None
        assert newest.hash == renewed[0].hash
        assert set(again.principals()) == {ONE.admin.name, NURSE.name}
