"""The facility's token: an X-Wing seed in one line of text, closed by a passphrase; and its public key in another.

The line may lie in a file, stand on paper, or be shown as a QR code. Whoever has line and passphrase still needs the
desk, or a kit with its own passphrase, to open anything.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import InputError, VaultError
from edge_runtime.identity import Entropy
from edge_runtime.vault.keys import WRAPPED_BYTES_MAX, DataKey
from edge_runtime.vault.passphrase import Passphrase
from sync_protocol.errors import PeerError
from sync_protocol.key_wrap import WrapPrivateKey, WrapPublicKey
from sync_protocol.records import identifier, key, octets, pack, unpack

TOKEN_BYTES_MAX: Final = 16 * 1024
_TOKEN: Final = "fieldward-token-1:"  # noqa: S105 - the mark of the form
_PUBLIC: Final = "fieldward-token-public-1:"
_BOUND: Final = b"fieldward/1/break-glass-token\0"
_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """What stands in the line.

    Attributes:
        wrapped: the seed, closed by the passphrase as a vault's key is.
        public: the key that must come of it.
    """

    wrapped: bytes = key(1, octets(1, WRAPPED_BYTES_MAX))
    public: WrapPublicKey = key(2, identifier(WrapPublicKey))


def make_token(passphrase: Passphrase, entropy: Entropy) -> tuple[str, str]:
    """Make a token.

    Returns:
        The token's line, to be kept in the emergency box, and the public line, to be announced.

    Raises:
        InputError: the passphrase will not do.
    """
    private = WrapPrivateKey(entropy(_SEED_BYTES))
    wrapped = passphrase.wrap(DataKey(private.reveal()), bound=_BOUND, entropy=entropy)
    token = _armoured(_TOKEN, pack(_Token(wrapped=wrapped, public=private.public)))
    return token, _armoured(_PUBLIC, bytes(private.public))


def open_token(text: str, passphrase: Passphrase) -> WrapPrivateKey:
    """Open a token.

    Raises:
        InputError: no token, another passphrase, or a damaged line.
    """
    try:
        token = unpack(_Token, _bare(_TOKEN, text, "the line that 'fieldward break-glass token create' wrote"))
        private = WrapPrivateKey(passphrase.unwrap(token.wrapped, bound=_BOUND).reveal())
    except VaultError as error:
        raise InputError(
            "token_passphrase", expected="the token's passphrase", got=error.got, do="type it again"
        ) from None
    except PeerError as error:
        raise _damaged(error.got) from None
    if private.public != token.public:
        raise _damaged("a seed of another key")
    return private


def read_public(text: str) -> WrapPublicKey:
    """Read a token's public line.

    Raises:
        InputError: it is none.
    """
    data = _bare(_PUBLIC, text, "the public line that 'fieldward break-glass token create' wrote")
    try:
        return WrapPublicKey(data)
    except PeerError as error:
        raise _damaged(error.got) from None


def _armoured(mark: str, data: bytes) -> str:
    return mark + base64.b32encode(data).decode().rstrip("=") + "\n"


def _bare(mark: str, text: str, expected: str) -> bytes:
    line = "".join(text.split())
    if not line.startswith(mark):
        raise InputError("token", expected=expected, got="another text", do="name the right file")
    letters = line.removeprefix(mark).upper()
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise _damaged("letters that are none of base32") from None


def _damaged(got: str) -> InputError:
    return InputError("token", expected="a whole token line", got=got, do="copy it again from the emergency box")
