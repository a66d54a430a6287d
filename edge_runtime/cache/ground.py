"""What an opened chart rests on beside its entries: when any of it changes, what was kept is worth nothing.

Owns the list: the organisation's records and certificates, the chart's own, which keys open here, who this device is,
and how this program keeps and reads. Entries are not in it, because a store only ever appends: an arrival index says
which of them were read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge_runtime.cache.plans import SHAPE
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from sync_protocol.chart_history import ChartHistory
from sync_protocol.ids import Hash
from sync_protocol.store import Store

RULES: Final = 4
"""Raised whenever the same entries add up to something else than before, by this program's rules."""
_LABEL: Final = b"fieldward opened chart\x00"
"""Of no signature and no key: it only keeps this hash apart from others on this device."""
_COUNT_BYTES: Final = 8


def ground_of(history: ChartHistory, keyring: Keyring, identity: Identity, store: Store) -> Hash:
    """Name everything beside its entries that decides what a chart reads here.

    Args:
        history: of the chart, by the organisation as it is known now.
        keyring: the device's.
        identity: the device's.
        store: the device's; how many entries it holds counts while seals are awaited that may change who is revoked.
    """
    organisation = history.organisation
    parts = (
        (SHAPE, RULES.to_bytes(_COUNT_BYTES)),
        (identity.principal, bytes(identity.keys.wrap.public)),
        (history.chart,),
        (entry.hash for entry in keyring.organisation_entries()),
        (certificate.hash for certificate in organisation.trust.certificates()),
        (entry.hash for entry in keyring.control_entries(history.chart)),
        (epoch.id for epoch, _ in keyring.opened(history)),
        (store.size().to_bytes(_COUNT_BYTES),) if organisation.unfinished else (),
    )
    return Hash.of(_LABEL + b"".join(_packed(part) for part in parts))


def _packed(items: Iterable[bytes]) -> bytes:
    """A list, so that no two different ones read alike."""
    found = sorted(items)
    return len(found).to_bytes(_COUNT_BYTES) + b"".join(len(item).to_bytes(_COUNT_BYTES) + item for item in found)
