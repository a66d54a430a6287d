"""One more person on a shared device: a home of their own, and a request for a certificate of this very device.

Owns the mark by which homes are known to be of one device: a digest of its random id, so that the id itself stands
nowhere outside the encrypted stores.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy
from edge_runtime.runtime import Runtime, open_home
from edge_runtime.settings import Home, replace_file
from edge_runtime.shared_device.locking import PROFILES_MAX
from edge_runtime.shared_device.profiles import Profile, check_label, list_profiles, set_label, unkept
from edge_runtime.vault.passphrase import DEFAULT_COST, Cost
from sync_protocol.errors import PeerError
from sync_protocol.ids import DeviceId, Hash
from sync_protocol.records import identifier, key, pack, unpack

_NAME_BYTES: Final = 8
_MARK: Final = "device.cbor"
_MARK_BYTES_MAX: Final = 64
_MARK_OF: Final = b"fieldward/1/shared-device\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    digest: Hash = key(1, identifier(Hash))


def add_profile(
    folder: Path,
    label: str,
    passphrase: str,
    *,
    invited: DeviceId | None,
    entropy: Entropy,
    enrol: Callable[[Runtime], tuple[DeviceId, str]],
    cost: Cost = DEFAULT_COST,
) -> tuple[Profile, DeviceId, str]:
    """Give one more person a home on this device, and ask for their certificate.

    Where it fails before anything was asked, nothing is left behind. Where the request may have gone out, the home
    stays with its keys: enrolling by its name repeats the request.

    Args:
        folder: of the homes; made where there is none.
        label: what the person is called in the list; see `check_label`.
        passphrase: of the new home.
        invited: the device that the invitation names, or None where it is for a new one.
        entropy: for the folder's name.
        enrol: asks the relay; tells the device and the code to compare.
        cost: of the new vault.

    Returns:
        The profile, and what `enrol` told.

    Raises:
        InputError: no label, or no passphrase.
        RefusedError: the invitation is for another device than this one, or too many people share it.
        StoreError: no room or no right to write there.
    """
    shown = check_label(label)
    if len(list_profiles(folder)) >= PROFILES_MAX:
        raise RefusedError(
            "profiles", expected=f"at most {PROFILES_MAX} people on a device", got="one more", do="remove a home first"
        )
    _check_device(folder, invited)
    name, asked = entropy(_NAME_BYTES).hex(), False
    try:
        with open_home(folder / name, passphrase, make=True, cost=cost) as runtime:
            set_label(folder, name, shown)
            try:
                device, code = enrol(runtime)
            finally:
                asked = runtime.waiting
        _keep_mark(folder, device)
    except BaseException:
        if not asked:
            shutil.rmtree(Home(folder / name).folder, ignore_errors=True)
        raise
    return Profile(name=name, label=shown), device, code


def _check_device(folder: Path, invited: DeviceId | None) -> None:
    """Check that an invitation is for the device whose homes lie there, if that is known.

    Raises:
        RefusedError: it is for another, or for a new one.
    """
    mark = _mark_in(folder)
    if mark is not None and (invited is None or _mark_of(invited) != mark):
        raise RefusedError(
            "invitation_other_device",
            expected="an invitation for this very device",
            got="one for a new device" if invited is None else "one for another device",
            do="have an administrator make one that names this device, or choose another folder",
        )


def _keep_mark(folder: Path, device: DeviceId) -> None:
    if _mark_in(folder) is None:
        try:
            replace_file(folder / _MARK, pack(_Mark(digest=_mark_of(device))))
        except OSError as error:
            raise unkept(error) from error


def _mark_in(folder: Path) -> Hash | None:
    try:
        with (folder / _MARK).open("rb") as file:
            return unpack(_Mark, file.read(_MARK_BYTES_MAX + 1), bytes_max=_MARK_BYTES_MAX).digest
    except (OSError, PeerError):
        return None


def _mark_of(device: DeviceId) -> Hash:
    """A digest of the device's 16 random bytes: it says whether another id is the same, and nothing else."""
    return Hash.of(_MARK_OF + device)
