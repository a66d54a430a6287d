"""Taking over a renewal of this device's own certificate that came with the organisation's records."""

from __future__ import annotations

from edge_runtime.identity import Entropy, Identity, new_session, take_renewal
from edge_runtime.store.device import DeviceStore


def take_over(store: DeviceStore, identity: Identity, *, now_ms: int, entropy: Entropy) -> bool:
    """Use a renewal of this device's certificate that is known here, under a new session; whether there is one.

    Raises:
        StoreError: it cannot be kept; the device goes on as it was.
    """
    renewal = identity.renewal()
    if renewal is None:
        return False
    session = new_session(identity.keys, renewal, now_ms=now_ms, entropy=entropy)
    with store.writing() as writer:
        for one in identity.trust.chain(renewal.hash):
            writer.put_certificate(one)
        take_renewal(writer, identity.trust, renewal, session)
    identity.renewed(renewal, session)
    return True
