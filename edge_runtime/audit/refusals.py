"""Control records that are kept and do not count: said by who may not say it, copied, answered by its own author.

Owns where they are looked for: in the organisation's records, in every chart's and in every ledger's. Why each does not
count is the core's word; the sentences for people are the command line's.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge_runtime.keyring import Keyring
from sync_protocol.ids import ChartId, EntryHash

Refusals = Mapping[EntryHash, tuple[str, ChartId | None]]
"""By entry: a word for the reason, and the chart or ledger; None for the organisation's records."""


def refusals(keyring: Keyring) -> Refusals:
    """The control records that a device holds and that count for nothing, by everything that it knows now."""
    found: dict[EntryHash, tuple[str, ChartId | None]] = {
        name: (why, None) for name, why in keyring.organisation().now.refused.items()
    }
    for chart in (*keyring.charts(), *keyring.ledgers()):
        membership = keyring.membership(chart)
        if membership is not None:
            found.update({name: (why, chart) for name, why in membership.refused.items()})
    return found
