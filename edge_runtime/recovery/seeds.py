"""The two seeds that are split into shares, and the keys that are made of them.

Owns which key comes of which seed, each derived under a label of its own. The seed of drills opens the canary and makes
nothing else, so a drill has nothing in its hands that could open a chart.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.sealing import ContentKey
from sync_protocol.secret import Secret
from sync_protocol.signing import SigningKey

SEED_BYTES: Final = 32


class RecoverySeed(Secret):
    """What the live words of enough sheets make: 32 bytes."""

    __slots__ = ()


class DrillSeed(Secret):
    """What the drill words of enough sheets make: 32 bytes that open the canary alone."""

    __slots__ = ()


class RecoveryKeys:
    """The recovery key at work.

    Attributes:
        wrap: opens what every epoch wraps to recovery.
        signer: signs the grant that shows that its author had the key.
        escrow: opens the root's keys.
    """

    __slots__ = ("escrow", "signer", "wrap")

    def __init__(self, seed: RecoverySeed) -> None:
        """Derive the three."""
        self.wrap: Final = WrapPrivateKey(_derive(seed, Label.RECOVERY_WRAP))
        self.signer: Final = SigningKey(_derive(seed, Label.RECOVERY_SIGNER))
        self.escrow: Final = ContentKey(_derive(seed, Label.RECOVERY_ESCROW))


def drill_key(seed: DrillSeed) -> WrapPrivateKey:
    """The key that opens the canary."""
    return WrapPrivateKey(_derive(seed, Label.RECOVERY_DRILL))


def _derive(seed: Secret, label: Label) -> bytes:
    """32 bytes for one purpose.

    Source: RFC 5869, without salt: the seed is uniformly random.
    """
    return HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=label.value).derive(seed.reveal())
