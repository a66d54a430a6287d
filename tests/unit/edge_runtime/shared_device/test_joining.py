"""One more person on a shared device: a home of their own, of this very device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import InputError, RefusedError, RemoteError, StoreError
from edge_runtime.identity import INVITATION
from edge_runtime.runtime import Runtime, open_home
from edge_runtime.settings import Home
from edge_runtime.shared_device.joining import add_profile
from edge_runtime.shared_device.locking import PROFILES_MAX
from edge_runtime.shared_device.profiles import Profile, list_profiles
from sync_protocol.ids import DeviceId, InvitationId, RootHash
from sync_protocol.invitations import Invitation
from sync_protocol.records import pack
from sync_protocol.roles import Role
from tests.support.people import Entropy
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE

TABLET = DeviceId(bytes(range(16)))
OTHER = DeviceId(bytes(16))


def asks(runtime: Runtime, device: DeviceId = TABLET) -> tuple[DeviceId, str]:
    """An enrolment that sends its request."""
    invitation = Invitation(
        invitation=InvitationId(bytes(16)),
        root=RootHash(bytes(32)),
        address="http://relay",
        secret=bytes(32),
        role=Role.NURSE,
        expires_ms=1,
    )
    with runtime.store.writing() as writer:
        writer.put_value(INVITATION, pack(invitation))
    return device, "123456"


def gone() -> RemoteError:
    """Why nobody answers."""
    return RemoteError("relay_unreachable", expected="a relay", got="none", do="try again")


def add(folder: Path, label: str = "Ana", *, seed: int = 1, **options: Any) -> tuple[Profile, DeviceId, str]:
    """Add somebody."""
    given = {"invited": None, "entropy": Entropy(seed), "enrol": asks, "cost": CHEAP} | options
    return add_profile(folder, label, PASSPHRASE, **given)


def test_a_home_gets_an_opaque_name_and_the_label(tmp_path: Path):
    """Nothing of the label, the device or the user is in the folder's name; its passphrase opens it."""
    profile, device, code = add(tmp_path / "homes", " Ana ")
    assert (device, code, profile.label) == (TABLET, "123456", "Ana")
    assert profile.name == Entropy(1)(8).hex()
    assert list_profiles(tmp_path / "homes") == (profile,)
    with open_home(tmp_path / "homes" / profile.name, PASSPHRASE) as runtime:
        assert runtime.waiting


def test_the_next_one_must_be_invited_to_this_device(tmp_path: Path):
    """An invitation for a new device, or for another, is refused before a home is made."""
    add(tmp_path)
    for invited in (None, OTHER):
        with pytest.raises(RefusedError) as caught:
            add(tmp_path, "Ben", seed=2, invited=invited)
        assert caught.value.code == "invitation_other_device"
    assert len(list_profiles(tmp_path)) == 1
    add(tmp_path, "Ben", seed=2, invited=TABLET)
    assert [one.label for one in list_profiles(tmp_path)] == ["Ana", "Ben"]
    assert bytes(TABLET) not in (tmp_path / "device.cbor").read_bytes()


def test_a_damaged_mark_keeps_nobody_out(tmp_path: Path):
    """It is a guard against mistakes: the certificate says which device it is."""
    add(tmp_path)
    (tmp_path / "device.cbor").write_bytes(b"x")
    add(tmp_path, "Ben", seed=2, invited=OTHER, enrol=lambda runtime: asks(runtime, OTHER))
    with pytest.raises(RefusedError):
        add(tmp_path, "Cleo", seed=3, invited=TABLET)


def test_nothing_is_left_of_one_who_did_not_get_to_ask(tmp_path: Path):
    """No relay, no passphrase, no label: no home."""

    def fails(_: Runtime) -> tuple[DeviceId, str]:
        raise gone()

    with pytest.raises(RemoteError):
        add(tmp_path, enrol=fails)
    with pytest.raises(InputError):
        add_profile(tmp_path, "Ana", " ", invited=None, entropy=Entropy(1), enrol=asks, cost=CHEAP)
    with pytest.raises(InputError):
        add(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_asked_is_kept(tmp_path: Path):
    """Its keys may be on their way to an administrator: enrolling it again by its name repeats the request."""

    def asks_in_vain(runtime: Runtime) -> tuple[DeviceId, str]:
        asks(runtime)
        raise gone()

    with pytest.raises(RemoteError):
        add(tmp_path, enrol=asks_in_vain)
    assert [one.label for one in list_profiles(tmp_path)] == ["Ana"]


def test_only_so_many_share_a_device(tmp_path: Path):
    """A limit, named."""
    for number in range(PROFILES_MAX):
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        Home(folder).vault.touch()
    with pytest.raises(RefusedError) as caught:
        add(tmp_path)
    assert caught.value.code == "profiles"


def test_a_mark_that_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The home stays: its request went out."""

    def fails(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("edge_runtime.shared_device.joining.replace_file", fails)
    with pytest.raises(StoreError) as caught:
        add(tmp_path)
    assert caught.value.code == "home_unusable"
    assert len(list_profiles(tmp_path)) == 1
