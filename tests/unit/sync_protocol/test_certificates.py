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
from sync_protocol.ids import Hash, OrganisationId, RootHash
from sync_protocol.labels import Label
from sync_protocol.limits import CERTIFICATE_CHAIN_MAX
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, sign, sign_hybrid
from sync_protocol.signing import CosigningKey, HybridSigningKey, MlDsaVerifyKey, VerifyKey
from tests.support.people import Device, Organisation

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
