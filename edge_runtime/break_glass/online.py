"""Opening with a network, once the act is at the relay: the receipt, the desk, the layers, the keys."""

from __future__ import annotations

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.asking import Layer, ask_for_layers, receipt_of, wraps_behind_glass
from edge_runtime.break_glass.desk import ask, tell_desk
from edge_runtime.break_glass.stored import Stored
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy
from edge_runtime.transports.http import HttpClient
from sync_protocol.emergency_records import BreakGlassRecord


def layers_online(
    holder: Holder, stored: Stored, http: HttpClient, *, glass: BreakGlassRecord, entropy: Entropy
) -> list[Layer]:
    """Have the desk take off the outer layers of a chart whose glass this device broke.

    Args:
        holder: the device, synced since.
        stored: the act.
        http: the desk.
        glass: the root's word on it.
        entropy: for nonces.

    Raises:
        RefusedError: the relay has not receipted the act, or the chart has not come from it.
        RemoteError: the desk does not answer, or refuses.
        ForgedError: the answer is not the desk's.
    """
    receipt = receipt_of(holder, stored)
    if holder.keyring.membership(stored.chart) is None:
        raise RefusedError(
            "no_such_chart",
            expected="a chart that the relay has, and hands to who broke its glass",
            got=f"chart {stored.chart.short}, of which nothing came",
            do="compare all 32 digits of the id with the wristband, then run it again",
        )
    wraps = wraps_behind_glass(holder, stored.chart, known=lambda _: False)
    if not wraps:
        return []
    tell_desk(holder, http)
    return ask_for_layers(
        holder, stored.chart, stored.entry, receipt, wraps,
        glass=glass, send=lambda wire: ask(http, wire), entropy=entropy,
    )  # fmt: skip
