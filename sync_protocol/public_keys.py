"""The form of wrapping keys, checked without the library that wraps: the relay must check, and may not reach wrapping.

Owns the one rule: a key to which nothing can be wrapped is never certified. Otherwise its owner, once a member of a
chart, would leave everybody there without an epoch to write under.
"""

from __future__ import annotations

from typing import Final

from sync_protocol.errors import malformed
from sync_protocol.limits import WRAP_KEY_BYTES

_LATTICE_BYTES: Final = 1152
"""Of the ML-KEM-768 half: three polynomials of 256 coefficients of 12 bits; a 32-byte seed follows them."""
_MODULUS: Final = 3329
_CURVE_AT: Final = 1184
_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _FIELD_PRIME - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)
"""The u-coordinates of order 1, 2, 4 and 8 on Curve25519 and its twist: X25519 gives zero for them."""


def check_wrap_key(wrap: bytes) -> None:
    """Check that an X-Wing public key takes a wrap.

    Raises:
        MalformedError: another length, unreduced ML-KEM coefficients, or an X25519 point of small order.

    Source: FIPS 203 section 7.2, modulus check; RFC 7748 section 6.1.
    """
    if len(wrap) != WRAP_KEY_BYTES:
        raise malformed(f"a wrapping key of {WRAP_KEY_BYTES} bytes", f"{len(wrap)} bytes")
    lattice = wrap[:_LATTICE_BYTES]
    for low, middle, high in zip(lattice[::3], lattice[1::3], lattice[2::3], strict=True):
        if (low | (middle & 15) << 8) >= _MODULUS or (middle >> 4 | high << 4) >= _MODULUS:
            raise malformed("an ML-KEM-768 key with reduced coefficients", "a larger coefficient")
    if (int.from_bytes(wrap[_CURVE_AT:], "little") & (_SIGN_BIT - 1)) % _FIELD_PRIME in _SMALL_ORDER:
        raise malformed("an X25519 key of full order", "one of small order")
