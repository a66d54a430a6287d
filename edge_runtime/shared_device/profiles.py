"""The people of a shared device, as anybody who holds it may see them: an opaque folder and a label of their choice.

Somebody who wants to unlock must first find themselves in a list, so the list is readable without a key. It holds no
name but the label, which its owner chose knowing that: a folder's name is random, and neither user nor device id stands
outside the encrypted stores. Owns the label's file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.errors import InputError, RefusedError, StoreError
from edge_runtime.runtime import has_vault
from edge_runtime.settings import Home, replace_file
from edge_runtime.shared_device.locking import LABEL_CHARS_MAX, PROFILES_MAX, State
from sync_protocol.errors import PeerError
from sync_protocol.records import key, pack, string, unpack

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""The name of a home's folder."""
_LABEL_BYTES_MAX: Final = 4 * LABEL_CHARS_MAX
_FILE_BYTES_MAX: Final = 256
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that a screen does not show, or that turn the words around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One person's home on a shared device.

    Attributes:
        name: of its folder; random, unless somebody made the folder by hand.
        label: what its owner is called in the list; the folder's name where no label was chosen.
    """

    name: str
    label: str
    state: State = State.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    label: str = key(1, string(_LABEL_BYTES_MAX))


def list_profiles(folder: Path) -> tuple[Profile, ...]:
    """The homes in a folder by label; at most PROFILES_MAX, and nothing that is no home."""
    try:
        names = sorted(one.name for one in folder.iterdir() if re.fullmatch(NAME, one.name, re.ASCII))
    except OSError:
        return ()
    found = [Profile(name=name, label=label_of(folder, name)) for name in names if has_vault(Home(folder / name))]
    return tuple(sorted(found[:PROFILES_MAX], key=lambda profile: (profile.label.casefold(), profile.name)))


def check_profile(folder: Path, name: str) -> None:
    """Check that there is such a home.

    Raises:
        RefusedError: "no_profile".
    """
    if re.fullmatch(NAME, name, re.ASCII) is None or not has_vault(Home(folder / name)):
        raise RefusedError(
            "no_profile", expected="the name of a home on this device", got="another", do="enrol it first"
        )


def label_of(folder: Path, name: str) -> str:
    """What a home is called; its folder's name where its label cannot be read or should not be shown."""
    try:
        with Home(folder / name).label.open("rb") as file:
            label = unpack(_Label, file.read(_FILE_BYTES_MAX + 1), bytes_max=_FILE_BYTES_MAX).label
        return check_label(label)
    except (OSError, PeerError, InputError):
        return name


def set_label(folder: Path, name: str, label: str) -> None:
    """Call a home something else.

    Raises:
        InputError: not a label.
        StoreError: it cannot be kept.
    """
    data = pack(_Label(label=check_label(label)))
    try:
        replace_file(Home(folder / name).label, data)
    except OSError as error:
        raise unkept(error) from error


def check_label(label: str) -> str:
    """The label as it is shown.

    Raises:
        InputError: blank, too long, or with characters that a screen does not show.
    """
    shown = unicodedata.normalize("NFC", label).strip()
    hidden = any(unicodedata.category(character) in _HIDDEN for character in shown)
    if not shown or hidden or len(shown) > LABEL_CHARS_MAX:
        raise InputError(
            "label_unfit",
            expected=f"a label of 1 to {LABEL_CHARS_MAX} characters that can be seen",
            got="characters that cannot" if hidden else f"{len(shown)} characters",
            do="choose initials or a word; whoever holds the device can read it",
        )
    return shown


def unkept(error: OSError) -> StoreError:
    """Explain why a small file beside the homes was not written."""
    return StoreError(
        "home_unusable",
        expected="a folder of homes to write in",
        got=error.strerror or "an error of the file system",
        do="check the folder's owner and free space",
    )
