"""Who has a home on a shared device: labels that their owners chose, and nothing else that needs no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import InputError, RefusedError, StoreError
from edge_runtime.runtime import open_home
from edge_runtime.settings import Home
from edge_runtime.shared_device.locking import PROFILES_MAX, State
from edge_runtime.shared_device.profiles import check_profile, label_of, list_profiles, set_label
from tests.support.people import Device
from tests.unit.edge_runtime.shared_device.ward import Tablet
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE


def home(folder: Path, name: str) -> None:
    """A home of nobody."""
    with open_home(folder / name, PASSPHRASE, make=True, cost=CHEAP):
        pass


def test_homes_are_listed_by_label(tmp_path: Path):
    """Without regard to capitals; what is no home is not listed, and a home without a label is called by its folder."""
    for name, label in (("b1", "zoë"), ("a2", "Ärztin"), ("c3", None), ("d4", "Anna")):
        home(tmp_path, name)
        if label is not None:
            set_label(tmp_path, name, label)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    home(tmp_path, "odd name")
    found = list_profiles(tmp_path)
    assert [(one.name, one.label, one.state) for one in found] == [
        ("d4", "Anna", State.CLOSED),
        ("c3", "c3", State.CLOSED),
        ("b1", "zoë", State.CLOSED),
        ("a2", "Ärztin", State.CLOSED),
    ]
    assert list_profiles(tmp_path / "nowhere") == ()


def test_only_so_many_are_listed(tmp_path: Path):
    """A folder that somebody filled does not fill a screen."""
    for number in range(PROFILES_MAX + 1):
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        Home(folder).vault.touch()
    assert len(list_profiles(tmp_path)) == PROFILES_MAX


@pytest.mark.parametrize("label", ["", "  ", "x" * 33, "a\nb", "a\x00b", "Dr\u202egnik", "zero\u200bwidth", "\ue000"])
def test_an_unfit_label_is_refused(tmp_path: Path, label: str):
    """Blank, too long, or with characters that no screen shows or that turn the words around them."""
    home(tmp_path, "a")
    with pytest.raises(InputError) as caught:
        set_label(tmp_path, "a", label)
    assert caught.value.code == "label_unfit"
    assert label_of(tmp_path, "a") == "a"


def test_a_label_is_kept_in_one_form(tmp_path: Path):
    """Composed, without blanks around it; another takes its place."""
    home(tmp_path, "a")
    set_label(tmp_path, "a", " Zoe\u0308 ")
    assert label_of(tmp_path, "a") == "Zo\u00eb"
    set_label(tmp_path, "a", "Z.")
    assert label_of(tmp_path, "a") == "Z."


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\xa1\x01\x62\x0aa", b"\xa1\x01\x61a" + b"x" * 300])
def test_a_damaged_label_is_none(tmp_path: Path, data: bytes):
    """Whoever can write in the folder can spoil a label, and gains a folder's name on the screen."""
    home(tmp_path, "a")
    Home(tmp_path / "a").label.write_bytes(data)
    assert label_of(tmp_path, "a") == "a"


def test_a_label_that_cannot_be_kept(tmp_path: Path):
    """The file system's own reason is told."""
    with pytest.raises(StoreError) as caught:
        set_label(tmp_path, "nobody", "A")
    assert caught.value.code == "home_unusable"


@pytest.mark.parametrize("name", ["nobody", "../ana", "", ".", "ana/../ana"])
def test_only_a_home_is_a_profile(tablet: Tablet, name: str):
    """A path is no name."""
    check_profile(tablet.folder, "ana")
    with pytest.raises(RefusedError) as caught:
        check_profile(tablet.folder, name)
    assert caught.value.code == "no_profile"


def test_a_thief_of_a_locked_tablet_reads_labels_only(tablet: Tablet, people: dict[str, Device]):
    """No id of an organisation, a device, a user or a certificate stands in any file, nor in a file's name."""
    tablet.open("ana")
    tablet.shared.runtime.charts.create((), workflow=None)
    tablet.shared.lock()
    paths = [*tablet.folder.rglob("*")]
    told = b"".join(str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in paths)
    assert b"Ana" in told
    for device in people.values():
        certificate = device.certificate.value
        for secret in (certificate.device, certificate.user, certificate.organisation, device.certificate.hash):
            assert bytes(secret) not in told
            assert secret.hex().encode() not in told
