"""Who a device is: kept whole, read back the same, and nobody's by accident."""

from __future__ import annotations

import pytest

from edge_runtime.errors import RefusedError
from edge_runtime.identity import (
    CHAIN,
    INVITATION,
    KEYS,
    ROOT,
    SESSION,
    DeviceKeys,
    is_enrolled,
    load_identity,
    new_session,
    stored_invitation,
    stored_root,
    trust_of,
)
from sync_protocol.certificates import open_session
from sync_protocol.ids import InvitationId, RootHash
from sync_protocol.invitations import Invitation
from sync_protocol.records import pack
from sync_protocol.roles import Role
from tests.support.people import Entropy
from tests.unit.edge_runtime.clinic import Clinic, Device


class _Values:
    """Small values in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get_value(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def put_value(self, name: str, value: bytes | None) -> None:
        self.kept[name] = value or b""


@pytest.mark.parametrize("administrator", [False, True])
def test_keys_come_back_as_they_were_made(administrator: bool):
    """Signing, wrapping and, of an administrator, long-term keys; an administrator signs with both halves of one."""
    values = _Values()
    assert DeviceKeys.load(values) is None
    keys = DeviceKeys.make(Entropy(1), administrator=administrator)
    keys.save(values)
    again = DeviceKeys.load(values)
    assert again is not None
    assert (again.signer.reveal(), again.wrap.reveal()) == (keys.signer.reveal(), keys.wrap.reveal())
    assert (again.administrator is None) == (not administrator)
    if again.administrator is not None:
        assert again.administrator.public == keys.administrator.public
        assert again.administrator.public.ed25519 == again.signer.public


def test_keys_are_drawn_from_the_given_entropy_and_never_shown():
    """The same entropy makes the same keys; no representation shows one."""
    one, two = (DeviceKeys.make(Entropy(7), administrator=True) for _ in range(2))
    assert one.signer.reveal() == two.signer.reveal()
    for secret in (one.signer.reveal(), one.wrap.reveal(), one.administrator.reveal()):
        assert secret.hex() not in repr(one)
        assert repr(secret) not in repr(one)


def test_an_enrolled_device_is_read_back_whole(clinic: Clinic):
    """Root, chain, keys, session and everybody's certificates, across a restart."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    before = nurse.identity
    after = nurse.restart().identity
    assert after.root.hash == before.root.hash
    assert [one.hash for one in after.chain] == [one.hash for one in before.chain]
    assert after.session.value == before.session.value
    assert (after.certificate, after.name) == (before.certificate, before.name)
    assert after.trust.certificate(other.name) is not None
    assert trust_of(nurse.store, after.root).certificate(nurse.name) is not None


def test_a_chain_is_verified_again_where_the_store_lacks_it(clinic: Clinic):
    """The chain stands in a value of its own, so a device knows itself even before anything was stored."""
    nurse = clinic.device(Role.NURSE)

    class Bare:
        """A store without certificates."""

        def certificates(self) -> list:
            """None."""
            return []

    identity = load_identity(nurse.store, Bare())  # type: ignore[arg-type]
    assert identity.name == nurse.name


def test_who_is_not_enrolled_is_told_what_to_do():
    """A home of no organisation, and one that waits for its approval, each with its own way out."""
    values = _Values()
    for waiting in (False, True):
        if waiting:
            values.kept[INVITATION] = pack(_invitation())
        with pytest.raises(RefusedError) as refusal:
            load_identity(values, None)  # type: ignore[arg-type]
        assert refusal.value.code == "not_enrolled"
        assert ("approve" in refusal.value.do) == waiting
    assert stored_root(values) is None
    assert stored_invitation(values) == _invitation()
    assert not is_enrolled(values)


@pytest.mark.parametrize("missing", [ROOT, KEYS, CHAIN, SESSION])
def test_half_an_identity_is_none(clinic: Clinic, missing: str):
    """Without any one of its parts a device is not enrolled."""
    nurse = clinic.device(Role.NURSE)
    with nurse.store.writing() as writer:
        writer.put_value(missing, None)
    with pytest.raises(RefusedError):
        load_identity(nurse.store, nurse.store)


def test_a_session_is_signed_by_its_device_and_new_each_time(clinic: Clinic):
    """Two sessions of one device differ by their nonce; both verify under its certificate."""
    nurse = clinic.device(Role.NURSE)
    made = [
        new_session(nurse.identity.keys, nurse.identity.chain[-1], now_ms=5, entropy=nurse.entropy) for _ in range(2)
    ]
    assert made[0].value.session != made[1].value.session
    for session in made:
        assert open_session(session.wire, nurse.identity.trust).value.certificate == nurse.name


def _invitation() -> Invitation:
    return Invitation(
        invitation=InvitationId(bytes(16)),
        root=RootHash(bytes(32)),
        address="https://relay.example:443",
        secret=bytes(32),
        role=Role.NURSE,
        expires_ms=5,
    )


def test_a_device_of_the_tests_is_one_of_ours(clinic: Clinic):
    """What the tests make by hand is what the program would have made."""
    assert isinstance(clinic.admin, Device)
    assert is_enrolled(clinic.admin.store)
