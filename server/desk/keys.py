"""The desk's own keys, in a file that its owner alone may read: the one that opens outer layers, the one that signs.

Like the relay's key they lie open on the desk's disk, so that it starts by itself after a power cut. Whoever has the
file still needs the facility's token, and the wraps, which only members of a chart and the relay hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.desk.errors import StartError
from sync_protocol.ids import Hash
from sync_protocol.key_wrap import WrapPrivateKey, WrapPublicKey
from sync_protocol.signing import SigningKey, VerifyKey

KEY_FILE: Final = "desk.key"
_SEED_BYTES: Final = 32
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_GROUP_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class DeskKeys:
    """Both keys."""

    wrap: WrapPrivateKey
    signer: SigningKey

    @property
    def fingerprint(self) -> str:
        """Of both public keys."""
        return fingerprint(self.wrap.public, self.signer.public)


def fingerprint(wrap: WrapPublicKey, signer: VerifyKey) -> str:
    """The SHA-256 of both public keys in hexadecimal, in groups that two people can read to each other."""
    digits = Hash.of(wrap + signer).hex()
    return " ".join(digits[at : at + _GROUP_DIGITS] for at in range(0, len(digits), _GROUP_DIGITS))


def make_keys(path: Path, entropy: Callable[[int], bytes]) -> DeskKeys:
    """Make the desk's keys, whole on the disk or not at all.

    Raises:
        StartError: there are keys already, or they cannot be written.
    """
    if path.exists():
        raise _bad("a home without a desk's keys", f"{path}", "use it, or name another --home: wraps need these keys")
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        try:
            os.write(handle, entropy(2 * _SEED_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    except OSError as error:
        raise _bad("a key file that can be written", f"{error.strerror}: {path}", "mend that") from None
    return load_keys(path)


def load_keys(path: Path) -> DeskKeys:
    """Read the desk's keys.

    Raises:
        StartError: there are none, others may read them, or the file is none of ours.
    """
    try:
        mode = path.stat().st_mode
        seeds = path.read_bytes()
    except OSError as error:
        raise _bad(
            "a desk's keys", f"{error.strerror}: {path}", "run `fieldward server break-glass-desk init` first"
        ) from None
    if mode & _OTHERS:
        raise _bad(f"{path} readable by its owner alone", f"mode {mode & 0o777:o}", f"run: chmod 600 {path}")
    if len(seeds) != 2 * _SEED_BYTES:
        raise _bad(f"keys of {2 * _SEED_BYTES} bytes in {path}", f"{len(seeds)} bytes", "restore it from a backup")
    return DeskKeys(WrapPrivateKey(seeds[:_SEED_BYTES]), SigningKey(seeds[_SEED_BYTES:]))


def _bad(expected: str, got: str, do: str) -> StartError:
    return StartError("desk_keys", expected=expected, got=got, do=do)
