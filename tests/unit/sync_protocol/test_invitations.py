"""An invitation enrols whoever holds its secret, with the keys that both screens confirm, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.errors import ForgedError, LimitError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import DeviceId, Hash, InvitationId, RootHash, UserId
from sync_protocol.invitations import (
    CODE_DIGITS,
    CODE_MEMORY_KIB,
    CODE_PASSES,
    Invitation,
    Request,
    WireRequest,
    claimed_request,
    code_of,
    make_request,
    open_request,
    proof_digest,
    proof_of,
)
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signing import HybridSigningKey, SigningKey

SIGNER = SigningKey(b"s" * 32)
ADMIN = HybridSigningKey(b"s" * 32 + b"l" * 32)
INVITATION = Invitation(
    invitation=InvitationId(b"i" * 16),
    root=RootHash(b"r" * 32),
    address="https://relay.example:443",
    secret=b"x" * 32,
    role=Role.NURSE,
    expires_ms=1000,
)
REQUEST = Request(
    invitation=INVITATION.invitation,
    device=DeviceId(b"d" * 16),
    user=UserId(b"u" * 16),
    role=Role.NURSE,
    ed25519=SIGNER.public,
    wrap=bytes(WrapPrivateKey(b"w" * 32).public),
    made_ms=7,
)
WIRE = make_request(REQUEST, INVITATION, SIGNER)
OTHER_SECRET = replace(INVITATION, secret=b"y" * 32)


def test_a_request_opens_under_its_invitation():
    """On the administrator's device; on the relay it only shows who asks."""
    assert open_request(WIRE, INVITATION) == REQUEST == claimed_request(WIRE)


def test_an_invitation_hides_its_secret():
    """In logs and error messages."""
    assert "x" * 32 not in repr(INVITATION)
    assert b"x" * 32 in pack(INVITATION)
    assert unpack(Invitation, pack(INVITATION)) == INVITATION


def test_without_the_secret_nothing_opens():
    """The relay sees the proof, and cannot make a request of it."""
    with pytest.raises(ForgedError):
        open_request(WIRE, OTHER_SECRET)
    with pytest.raises(ForgedError):
        open_request(make_request(REQUEST, OTHER_SECRET, SIGNER), INVITATION)


def test_the_relay_cannot_put_its_own_keys_in():
    """A request with other keys has another MAC, and the old MAC does not fit it."""
    thief = SigningKey(b"t" * 32)
    swapped = make_request(replace(REQUEST, ed25519=thief.public), OTHER_SECRET, thief)
    with pytest.raises(ForgedError):
        open_request(replace(swapped, mac=WIRE.mac, proof=WIRE.proof), INVITATION)


def test_nobody_enrols_a_key_that_is_not_theirs():
    """The new key signs the request."""
    stolen = make_request(REQUEST, INVITATION, SigningKey(b"t" * 32))
    with pytest.raises(ForgedError):
        open_request(stolen, INVITATION)
    with pytest.raises(ForgedError):
        claimed_request(stolen)


@pytest.mark.parametrize("change", [{"invitation": InvitationId(b"j" * 16)}, {"role": Role.PHYSICIAN}])
def test_invitation_and_role_are_those_that_were_given_out(change: dict[str, Any]):
    """A nurse's invitation makes no physician."""
    with pytest.raises(ForgedError):
        open_request(make_request(replace(REQUEST, **change), INVITATION, SIGNER), INVITATION)


@pytest.mark.parametrize("change", [{"wrap": b"\xff" * 1216}, {"ml_dsa": ADMIN.public.ml_dsa}, {"role": Role.ADMIN}])
def test_keys_that_may_not_be_certified_are_refused_at_once(change: dict[str, Any]):
    """Before an administrator sees them."""
    with pytest.raises((MalformedError, UntrustedError)):
        claimed_request(make_request(replace(REQUEST, **change), INVITATION, SIGNER))


def test_an_administrator_s_request_carries_both_keys():
    """Who enrols others signs for the long term."""
    invitation = replace(INVITATION, role=Role.ADMIN)
    request = replace(REQUEST, role=Role.ADMIN, ml_dsa=ADMIN.public.ml_dsa)
    assert open_request(make_request(request, invitation, SIGNER), invitation) == request


def test_the_relay_knows_the_proof_by_its_digest():
    """The digest stands in the invite record and tells nothing of the proof, the proof nothing of the secret."""
    assert WIRE.proof == proof_of(INVITATION) != proof_of(OTHER_SECRET)
    assert proof_digest(WIRE.proof) != WIRE.proof
    assert proof_of(INVITATION) != proof_of(replace(INVITATION, invitation=InvitationId(b"j" * 16)))


def test_the_code_depends_on_every_key_and_on_the_secret():
    """Twelve digits, leading zeros kept."""
    codes = {
        code_of(make_request(replace(REQUEST, **change), invitation, SIGNER), invitation)
        for invitation in (INVITATION, OTHER_SECRET)
        for change in (
            {},
            {"made_ms": 8},
            {"device": DeviceId(b"e" * 16)},
            {"ed25519": ADMIN.public.ed25519, "made_ms": 9},
        )
    }
    assert len(codes) == 8
    assert all(len(code) == 12 and code.isdigit() for code in codes)


@pytest.mark.usefixtures("_cheap_codes")
def test_a_code_has_twelve_digits():
    """Whatever the request; small numbers have leading zeros."""
    codes = [
        code_of(make_request(replace(REQUEST, made_ms=made_ms), INVITATION, SIGNER), INVITATION)
        for made_ms in range(60)
    ]
    assert {len(code) for code in codes} == {12}
    assert any(code.startswith("0") for code in codes)


def test_each_guess_at_a_code_has_its_price():
    """Whoever stole the invitation and looks for keys with an honest device's code pays 64 MiB and three passes a try.

    The parameters are RFC 9106's second recommended option, on one lane.
    """
    assert (CODE_DIGITS, CODE_MEMORY_KIB, CODE_PASSES) == (12, 64 * 1024, 3)


@pytest.fixture
def _cheap_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many codes are needed and their price is not the question."""
    monkeypatch.setattr("sync_protocol.invitations.CODE_MEMORY_KIB", 8)


# --------------------------------------------------------------------------- a known user's device, a device's new user


@pytest.mark.parametrize(
    ("named", "others"),
    [
        ({"user": REQUEST.user}, [{"user": UserId(b"v" * 16)}]),
        ({"device": REQUEST.device}, [{"device": DeviceId(b"e" * 16)}]),
        (
            {"user": REQUEST.user, "device": REQUEST.device},
            [{"user": UserId(b"v" * 16)}, {"device": DeviceId(b"e" * 16)}],
        ),
    ],
)
def test_an_invitation_may_name_a_user_and_a_device(named: dict[str, Any], others: list[dict[str, Any]]):
    """A request by it is for these; nobody becomes another user's, or another device's, by it."""
    invitation = replace(INVITATION, **named)
    assert unpack(Invitation, pack(invitation)) == invitation
    assert open_request(make_request(REQUEST, invitation, SIGNER), invitation) == REQUEST
    for change in others:
        with pytest.raises(ForgedError, match="names"):
            open_request(make_request(replace(REQUEST, **change), invitation, SIGNER), invitation)


def test_a_request_replayed_under_another_invitation_is_refused():
    """Its MAC is of the invitation's secret, and it names the invitation: neither a copy nor a copy made anew fits."""
    second = replace(INVITATION, invitation=InvitationId(b"j" * 16), secret=b"z" * 32)
    with pytest.raises(ForgedError):
        open_request(WIRE, second)
    with pytest.raises(ForgedError):
        open_request(replace(WIRE, proof=proof_of(second)), second)
    with pytest.raises(ForgedError):
        open_request(make_request(REQUEST, second, SIGNER), second)


@given(st.data())
def test_no_changed_byte_survives(data: st.DataObject):
    """Of the request as it travels; the proof is the relay's to check, by its digest."""
    wire = pack(WIRE)
    at = data.draw(st.integers(0, len(wire) - 1).filter(lambda at: not proof_at <= at < proof_at + 32))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != wire[at]))
    with pytest.raises(PeerError):
        open_request(unpack(WireRequest, wire[:at] + bytes([value]) + wire[at + 1 :]), INVITATION)


proof_at = pack(WIRE).index(WIRE.proof)


def test_a_request_over_the_limit_is_refused_unread():
    """The relay files requests of people whom it does not know."""
    long = WireRequest(request=bytes(16 * 1024 + 1), proof=WIRE.proof, mac=Hash(bytes(32)), signature=WIRE.signature)
    with pytest.raises(LimitError):
        claimed_request(long)
