"""The relay's word for what of its log a backup holds, signed, so that a device knows what it need not keep alone.

An entry is *safe* when it stands below the size that such a statement names. Nobody can check from afar that a backup
exists: the statement is the operator's word in the relay's hand. What is checked is whose word it is, and that it
speaks of the log that the device knows: size and root have to be a state of that log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.limits import LOG_SIZE_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, uint
from sync_protocol.signed import Signed, Verified, sign

if TYPE_CHECKING:
    from sync_protocol.signing import SigningKey, VerifyKey


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What the relay's last backup holds.

    Attributes:
        size: entries of the log, from the first on, headers and bodies.
        root: the log's root at that size.
        made_ms: when the backup was made, by the relay's clock.
        blobs_through: the number up to which the backup holds every blob that the relay receipted, whole.
    """

    size: int = key(1, uint(LOG_SIZE_MAX))
    root: Hash = key(2, identifier(Hash))
    made_ms: int = key(3, uint(WALL_MS_MAX))
    blobs_through: int = key(4, uint(LOG_SIZE_MAX))


def sign_backed_up(said: BackedUp, signer: SigningKey) -> Verified[BackedUp]:
    """Sign a statement with the relay's key.

    Raises:
        LimitError: a number over its limit.
    """
    return sign(said, signer, Label.BACKED_UP)


def open_backed_up(wire: bytes, relay: VerifyKey) -> Verified[BackedUp]:
    """Verify a statement by the key of the record of the relay that is said to have made it.

    Raises:
        MalformedError: not such a statement.
        LimitError: over a limit.
        ForgedError: not signed by that relay's key.
    """
    return Signed(BackedUp, wire).verify(relay, Label.BACKED_UP)
