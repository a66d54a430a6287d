"""A drill: the holders show that their sheets are there and read well, and nothing but the canary is opened.

Refuses live words. The drill's seed makes a key to which no chart was ever wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy, Identity
from edge_runtime.recorder.record import Recorder
from edge_runtime.recovery.create import CANARY, canary_bound, canary_context
from edge_runtime.recovery.run import announce_use
from edge_runtime.recovery.seeds import drill_key
from edge_runtime.recovery.shares import check_drill, combine_drill
from edge_runtime.recovery.words import DrillShare
from sync_protocol.emergency_records import RecoveryRecord
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash
from sync_protocol.key_wrap import unwrap
from sync_protocol.sealing import ContentKey, open_sealed
from sync_protocol.signed import Verified


def hold_drill(
    recorder: Recorder,
    identity: Identity,
    record: Verified[RecoveryRecord],
    shares: Sequence[DrillShare],
    *,
    entropy: Entropy,
) -> EntryHash:
    """Record a drill, then open the canary with the shares of drills.

    Returns:
        The record of it, which others see.

    Raises:
        InputError: the shares are wrong, too few, of another set or one of them twice; or they open nothing. In the
            last case alone the drill is recorded.
        RefusedError: the record's canary is none.
    """
    check_drill(shares, record.value)
    name = announce_use(recorder, record, drill=True, entropy=entropy)
    key = drill_key(combine_drill(shares, record))
    value = record.value
    context = canary_context(identity.root, canary=value.canary, drill=key.public)
    try:
        secret = ContentKey(unwrap(key, value.canary_wrap, context=context))
        sung = open_sealed(secret, value.canary_body, aad=canary_bound(value.organisation, value.canary))
    except PeerError:
        sung = b""
    if sung != CANARY:
        raise RefusedError(
            "canary",
            expected="the canary that the recovery record holds",
            got="another, or one that does not open",
            do="the shares are right and the record is not: make another key with 'fieldward recovery create'",
        )
    return name
