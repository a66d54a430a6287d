"""A PIN: a few digits that bring a home back which its passphrase opened before. It opens nothing by itself.

Owns a salted slow hash, in memory only: no key is derived from a PIN, and nothing of it is ever stored. So a tablet
that is switched off holds nothing on which PINs could be tried, and one that runs allows WRONG_PINS_MAX tries. What
the hash slows down is reading the digits, which may be those of a bank card, out of a copy of the memory.
"""

from __future__ import annotations

import hmac
from itertools import pairwise
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edge_runtime.errors import InputError
from edge_runtime.identity import Entropy
from edge_runtime.vault.passphrase import Cost

PIN_DIGITS_MIN: Final = 6
"""Source: NIST SP 800-63B section 5.1.1.1 wants as many of a number that a person chose not by chance alone."""
PIN_DIGITS_MAX: Final = 12
PIN_COST: Final = Cost(memory_kib=19 * 1024, passes=2, lanes=1)
"""Some 30 ms: switching is to be quick, and the vault's own cost guards the vault. Source: OWASP Password Storage."""
_DIFFERENT_MIN: Final = 3
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32


class Pin:
    """The hash of one PIN. It shows nothing, and compares in constant time."""

    __slots__ = ("_cost", "_digest", "_salt")

    def __init__(self, digits: str, entropy: Entropy, *, cost: Cost = PIN_COST) -> None:
        """Hash `digits`.

        Raises:
            InputError: "pin_unfit": too short, too long, not digits, or among the first that anybody would try.
        """
        refusal = _refusal(digits)
        if refusal:
            raise InputError(
                "pin_unfit",
                expected=f"{PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits that are no simple pattern",
                got=refusal,
                do="choose another PIN",
            )
        self._cost = cost
        self._salt = entropy(_SALT_BYTES)
        self._digest = self._derive(digits)

    def __repr__(self) -> str:
        """Show the type only."""
        return "Pin(secret)"

    def matches(self, digits: str) -> bool:
        """Whether these are the digits. Costs the same, whatever they are."""
        return hmac.compare_digest(self._digest, self._derive(digits))

    def _derive(self, digits: str) -> bytes:
        cost = self._cost
        kdf = Argon2id(
            salt=self._salt, length=_DIGEST_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
        )
        return kdf.derive(digits.encode("utf-8", "surrogatepass"))


def _refusal(digits: str) -> str:
    """What is wrong with a new PIN, without saying any of it; nothing when it will do."""
    if not (digits.isascii() and digits.isdigit()):
        return "other characters than the digits 0 to 9"
    if not PIN_DIGITS_MIN <= len(digits) <= PIN_DIGITS_MAX:
        return f"{len(digits)} digits"
    if len(set(digits)) < _DIFFERENT_MIN:
        return f"fewer than {_DIFFERENT_MIN} different digits"
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    return "digits that only count up or down" if len(steps) == 1 else ""
