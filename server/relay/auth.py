"""Handshakes and tokens of devices that sync by HTTP requests, where no open connection stands for who they are.

Both are kept in memory, bounded, and gone after a restart: a device then shakes hands again. A token is kept as its
hash, so that a memory dump or a debugger shows none that works.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from server.relay.errors import TokenError
from sync_protocol.ids import CertificateHash, Hash

T = TypeVar("T")

TOKEN_BYTES: Final = 32
HANDSHAKE_BYTES: Final = 16
HANDSHAKES_MAX: Final = 1024
HANDSHAKE_LIFE_MS: Final = 60_000
TOKENS_MAX: Final = 4096
TOKENS_OF_ONE_MAX: Final = 4
"""Tokens of one certificate at once; a further one ends the oldest."""
_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    owner: CertificateHash | None
    expires_ms: int


class Shelf(Generic[T]):
    """Things that are fetched by a secret name for a while. The oldest makes room."""

    def __init__(self, *, items_max: int, of_one_max: int | None = None) -> None:
        """Begin empty.

        Args:
            items_max: things at once.
            of_one_max: of them, things of one owner; None where they have none.
        """
        self._items_max = items_max
        self._of_one_max = of_one_max
        self._kept: OrderedDict[bytes, _Kept[T]] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kept)

    def put(self, name: bytes, value: T, *, owner: CertificateHash | None, expires_ms: int) -> None:
        """Keep a thing until then."""
        if self._of_one_max is not None:
            mine = [key for key, kept in self._kept.items() if kept.owner == owner]
            for key in mine[: max(0, len(mine) + 1 - self._of_one_max)]:
                del self._kept[key]
        while len(self._kept) >= self._items_max:
            self._kept.popitem(last=False)
        self._kept[Hash.of(name)] = _Kept(value, owner, expires_ms)

    def get(self, name: bytes, *, now_ms: int) -> T | None:
        """The thing of that name, if it is there and has not ended."""
        kept = self._kept.get(Hash.of(name))
        if kept is not None and kept.expires_ms < now_ms:
            del self._kept[Hash.of(name)]
            return None
        return None if kept is None else kept.value

    def take(self, name: bytes, *, now_ms: int) -> T | None:
        """The same, and it is here no longer."""
        found = self.get(name, now_ms=now_ms)
        self._kept.pop(Hash.of(name), None)
        return found

    def revoke(self, owner: CertificateHash) -> None:
        """Let go of everything of one owner."""
        for key in [key for key, kept in self._kept.items() if kept.owner == owner]:
            del self._kept[key]


def bearer(header: str | None) -> bytes:
    """The token in an `Authorization` header.

    Raises:
        TokenError: no such header, or not `Bearer` and hexadecimal digits.
    """
    scheme, token = (header or "")[: len(_SCHEME)], (header or "")[len(_SCHEME) :]
    if scheme.lower() == _SCHEME and len(token) == 2 * TOKEN_BYTES:
        try:
            return bytes.fromhex(token)
        except ValueError:
            pass
    raise no_token()


def no_token() -> TokenError:
    """Make the error of a request without a good token; it does not tell which of the two it was."""
    return TokenError(
        "token",
        expected="Authorization: Bearer and a token of this relay that has not ended",
        got="none, or one that is unknown or has ended",
        do="shake hands again: POST /v1/sync/hello, then /v1/sync/auth",
    )
