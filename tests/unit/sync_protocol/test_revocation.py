"""A revocation is the word of the root or of a senior administrator, and says where trust ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.certificates import Certificate, Trust
from sync_protocol.control import pack_control, unpack_control
from sync_protocol.errors import ForgedError, LimitError, MalformedError, UntrustedError
from sync_protocol.ids import CertificateHash, DeviceId, Hash, OrganisationId, SealHash, SessionId, UserId
from sync_protocol.labels import Label
from sync_protocol.limits import CUTS_MAX
from sync_protocol.records import pack, to_map, unpack
from sync_protocol.revocation import (
    Revocation,
    RevocationReason,
    Revoke,
    is_senior,
    issue_revocation,
    open_revocation,
)
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, sign, sign_hybrid
from sync_protocol.signing import HybridSigningKey
from tests.support.people import YEAR_MS, Device, Organisation

ONE, OTHER = Organisation.make(1), Organisation.make(2)
NURSE = ONE.device(Role.NURSE)
TWO = ONE.device(Role.ADMIN)


def key_of(device: Device) -> HybridSigningKey:
    """An administrator's key."""
    assert isinstance(device.key, HybridSigningKey)
    return device.key


def revocation(**changes: Any) -> Revocation:
    """Of the nurse's device, by the first administrator."""
    fields: dict[str, Any] = {
        "organisation": ONE.root.value.organisation,
        "issuer": Hash(ONE.admin.certificate.hash),
        "cuts": {SessionId(b"s" * 16): (4, SealHash(b"h" * 32)), SessionId(b"t" * 16): (0, SealHash(b"i" * 32))},
        "reason": RevocationReason.STOLEN,
        "issued_ms": 9,
        "device": NURSE.certificate.value.device,
    }
    return Revocation(**(fields | changes))


def signed(record: Revocation, key: HybridSigningKey) -> bytes:
    """Signed without an honest issuer's checks."""
    return sign_hybrid(record, key, Label.REVOCATION).wire


def test_an_administrator_s_revocation_opens():
    """With its cuts, its reason and whom it names; it stands in the control stream as it was signed."""
    made = issue_revocation(revocation(), key_of(ONE.admin))
    opened = open_revocation(made.wire, ONE.trust())
    assert opened.value == revocation()
    assert unpack_control(pack_control(Revoke(record=made.wire))) == Revoke(record=made.wire)


def test_the_root_s_revocation_opens():
    """Where no administrator is senior to the one who is to go."""
    made = issue_revocation(revocation(issuer=ONE.root.hash), ONE.root_key)
    assert open_revocation(made.wire, Trust(ONE.root)).value.issuer == ONE.root.hash


@pytest.mark.parametrize("role", [Role.NURSE, Role.ADMIN])
def test_only_the_named_issuer_s_keys_will_do(role: Role):
    """Not another administrator's, not the revoked one's own, and not those of somebody who calls itself the root."""
    keys = key_of(TWO) if role is Role.ADMIN else HybridSigningKey(NURSE.signer.reveal() + bytes(32))
    for issuer in (Hash(ONE.admin.certificate.hash), ONE.root.hash):
        with pytest.raises(ForgedError):
            open_revocation(signed(revocation(issuer=issuer), keys), ONE.trust())


def test_one_kind_of_signature_is_not_enough():
    """A revocation holds for as long as what it cuts: both kinds of key must have signed."""
    single = sign(revocation(), ONE.admin.signer, Label.REVOCATION)
    with pytest.raises(ForgedError):
        open_revocation(single.wire, ONE.trust())


def test_a_signature_for_something_else_is_none():
    """Each type of record has a label of its own."""
    wire = sign_hybrid(revocation(), key_of(ONE.admin), Label.CERTIFICATE).wire
    with pytest.raises(ForgedError):
        open_revocation(wire, ONE.trust())


def test_another_organisation_s_revocation_is_refused():
    """Its administrators revoke nobody here, even under this organisation's name."""
    foreign = revocation(organisation=OTHER.root.value.organisation, issuer=OTHER.root.hash)
    with pytest.raises(UntrustedError, match="this organisation"):
        open_revocation(signed(foreign, OTHER.root_key), ONE.trust())
    disguised = replace(foreign, organisation=ONE.root.value.organisation)
    with pytest.raises(UntrustedError, match="known administrator"):
        open_revocation(signed(disguised, OTHER.root_key), ONE.trust())
    assert OrganisationId(bytes(16)) != ONE.root.value.organisation


def test_an_unknown_issuer_revokes_nobody():
    """Until its certificate is known."""
    trust = Trust(ONE.root)
    wire = signed(revocation(), key_of(ONE.admin))
    with pytest.raises(UntrustedError, match="known administrator"):
        open_revocation(wire, trust)
    trust.admit(Signed(Certificate, ONE.admin.certificate.wire))
    open_revocation(wire, trust)


def test_who_is_no_administrator_revokes_nobody():
    """Not even itself: a nurse's certificate has no long-term key."""
    own = revocation(issuer=Hash(NURSE.certificate.hash))
    with pytest.raises(UntrustedError, match="administrator"):
        open_revocation(signed(own, HybridSigningKey(NURSE.signer.reveal() + bytes(32))), ONE.trust())


def test_a_revocation_names_a_device_or_a_user():
    """One of neither would be of everybody."""
    with pytest.raises(MalformedError, match="device or a user"):
        open_revocation(signed(revocation(device=None), key_of(ONE.admin)), ONE.trust())
    with pytest.raises(AssertionError):
        issue_revocation(revocation(device=None), key_of(ONE.admin))


def test_what_is_no_revocation_is_refused():
    """Another record, and bytes that are none."""
    with pytest.raises(MalformedError):
        open_revocation(NURSE.certificate.wire, ONE.trust())
    with pytest.raises(MalformedError):
        open_revocation(b"\x00", ONE.trust())


def test_there_is_a_limit_to_cuts():
    """Reached, it is named before anything is signed."""
    many = {SessionId(number.to_bytes(16, "big")): (0, SealHash(bytes(32))) for number in range(CUTS_MAX + 1)}
    with pytest.raises(LimitError):
        pack(revocation(cuts=many))


def test_cuts_travel_in_one_order():
    """A revocation with its sessions in another order, or one twice, is refused."""
    assert unpack(Revocation, pack(revocation())) == revocation()
    shuffled = revocation(cuts=dict(reversed(list(revocation().cuts.items()))))
    assert pack(shuffled) == pack(revocation())
    fields: Any = to_map(revocation())
    assert fields[3] == sorted(fields[3])


@pytest.mark.parametrize(
    ("device", "user", "named"),
    [
        (NURSE.certificate.value.device, None, True),
        (None, NURSE.certificate.value.user, True),
        (NURSE.certificate.value.device, NURSE.certificate.value.user, True),
        (DeviceId(bytes(16)), None, False),
        (None, UserId(bytes(16)), False),
        (NURSE.certificate.value.device, UserId(bytes(16)), False),
        (DeviceId(bytes(16)), NURSE.certificate.value.user, False),
    ],
)
def test_whom_a_revocation_names(device: DeviceId | None, user: UserId | None, named: bool):
    """All of a device, all of a user, or one user on one device and nobody else."""
    assert revocation(device=device, user=user).names(NURSE.certificate.value) is named


def test_the_senior_revokes_the_junior():
    """Nearer to the root by enrolment: never an equal, never oneself, never somebody senior. The root revokes all."""
    trust = ONE.trust()
    below = Device(ONE, Role.ADMIN, issuer=TWO.certificate.hash, issuer_key=key_of(TWO))
    trust.admit(Signed(Certificate, below.certificate.wire))
    first, second, third = (Hash(one.certificate.hash) for one in (ONE.admin, TWO, below))
    names = [CertificateHash(one) for one in (first, second, third)]
    assert [is_senior(ONE.root.hash, name, trust) for name in names] == [True, True, True]
    assert [is_senior(first, name, trust) for name in names] == [False, True, True]
    assert [is_senior(second, name, trust) for name in names] == [False, False, True]
    assert [is_senior(third, name, trust) for name in names] == [False, False, False]
    assert is_senior(second, NURSE.name, trust) is False
    assert trust.depth(NURSE.name) == trust.depth(TWO.name)


def test_a_renewal_makes_nobody_senior():
    """Whoever signed it, depth is that of the first certificate: a junior renewed by the root stays one."""
    trust = ONE.trust()
    first = TWO.certificate.value
    renewed = replace(
        first, issuer=ONE.root.hash, issued_ms=1, not_after_ms=first.not_after_ms + YEAR_MS, renews=TWO.name
    )
    name = trust.admit(Signed(Certificate, sign_hybrid(renewed, ONE.root_key, Label.CERTIFICATE).wire)).hash
    assert is_senior(name, CertificateHash(ONE.admin.certificate.hash), trust) is False
    assert is_senior(name, NURSE.name, trust) is False
    assert is_senior(Hash(ONE.admin.certificate.hash), CertificateHash(name), trust) is True
