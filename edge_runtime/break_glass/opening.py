"""From layers to keys: by the token, and only after the act is durable.

Owns the last step. A key is believed when it is the one that its epoch committed to. It is kept, and wrapped to this
device's principal in the chart's own records, so that a restart finds it again and the token can go back into its box.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.asking import Layer
from edge_runtime.break_glass.stored import Stored
from edge_runtime.keyring import frontier_digest
from edge_runtime.recorder.record import Recorder
from sync_protocol.break_glass import open_inner
from sync_protocol.epochs import Epoch
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.sealing import ContentKey, check_commitment


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of it.

    Attributes:
        epochs: whose keys came out.
        closed: those of the compartments in question that stay closed here.
    """

    epochs: int
    closed: int


def open_with_token(
    holder: Holder, recorder: Recorder, stored: Stored, layers: Iterable[Layer], token: WrapPrivateKey
) -> Opened:
    """Open layers with the facility's token, and keep the keys for good.

    Args:
        holder: the device.
        recorder: writes the wraps to this device's principal.
        stored: the act: without it there is nothing to open.
        layers: of the same chart.
        token: the facility's.
    """
    chart = stored.chart
    membership = holder.keyring.membership(chart)
    assert membership is not None, "layers are of epochs that are here"
    found = 0
    for layer in layers:
        epoch = membership.epochs.get(layer.wrap.epoch)
        if epoch is None or holder.keyring.open_epoch(chart, epoch) is not None:
            continue
        key = _opened(holder, chart, layer, epoch, token)
        if key is not None:
            holder.keyring.keep(epoch.id, key)
            found += 1
    recorder.mend((chart,))
    return Opened(found, len(still_closed(holder, chart)))


def still_closed(holder: Holder, chart: ChartId) -> list[Epoch]:
    """The epochs with a wrap for emergencies that this device may read and cannot open."""
    membership = holder.keyring.membership(chart)
    assert membership is not None, "asked of a chart that is here"
    reads = membership.members.get(holder.identity.principal, frozenset())
    return [
        epoch
        for compartment in sorted(reads)
        for epoch in membership.epochs_of(compartment)
        if epoch.glass and holder.keyring.open_epoch(chart, epoch) is None
    ]


def _opened(holder: Holder, chart: ChartId, layer: Layer, epoch: Epoch, token: WrapPrivateKey) -> ContentKey | None:
    """The key under a layer; None where the token is another, or what is there is not the epoch's key."""
    organisation = holder.identity.root.value.organisation
    record = epoch.record
    try:
        key = ContentKey(open_inner(token, layer.inner, layer.wrap, organisation=organisation, chart=chart))
        frontier = frontier_digest(epoch.heads)
        check_commitment(record.commitment, key, minter=epoch.minter, frontier=frontier, nonce=record.nonce)
    except PeerError:
        return None
    return key
