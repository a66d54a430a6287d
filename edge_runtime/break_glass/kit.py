"""Kits: devices that carry charts sealed, with the outer layers already off, for where there is no network.

A member says which kit may carry which chart; the desk takes the layers off against that word. What lies here then
opens with the token, after the act is durable on the kit. A kit's thief who has its passphrase and the token reads the
charts that it carries, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.asking import Layer, ask_for_layers, wraps_behind_glass
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.values import VALUE_BYTES_MAX
from sync_protocol.chart_records import Preload
from sync_protocol.emergency_records import BreakGlassRecord
from sync_protocol.entries import VerifiedEntry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import CertificateHash, ChartId
from sync_protocol.records import key, many, nested, pack, unpack

LAYERS: Final = "glass/"
"""Prefix of the stored values that hold the layers of the charts which this kit carries."""
LAYERS_MAX: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    layers: tuple[Layer, ...] = key(1, many(nested(Layer), LAYERS_MAX))


def let_carry(holder: Holder, recorder: Recorder, charts: Iterable[ChartId], kit: CertificateHash) -> None:
    """Let a kit carry charts, by this member's word.

    Raises:
        RefusedError: the kit's role reads no charts, or this device is no member of one of them.
    """
    if not holder.keyring.organisation().now.reads(kit) & IN_GLASS:
        raise RefusedError(
            "role_reads_no_chart",
            expected="a kit of somebody who reads charts",
            got="another role",
            do="name the kit of an emergency responder or another clinician",
        )
    batch = recorder.begin()
    for chart in charts:
        batch.say(chart, Preload(certificate=kit))
    recorder.write(batch)


def to_carry(holder: Holder) -> dict[ChartId, VerifiedEntry]:
    """The charts that members let this kit carry, each with the record that says so."""
    own, trust = holder.identity.principal, holder.identity.trust
    found: dict[ChartId, VerifiedEntry] = {}
    for chart in holder.keyring.charts():
        membership = holder.keyring.membership(chart)
        if membership is None:
            continue
        for control in holder.keyring.control_entries(chart):
            record = control.record
            named = isinstance(record, Preload) and trust.principal(record.certificate) == own
            arrived = holder.store.entry(control.hash) if named and control.hash not in membership.refused else None
            if arrived is not None and (
                chart not in found or found[chart].header.wall_ms < arrived.entry.header.wall_ms
            ):
                found[chart] = arrived.entry  # the newest serves at the desk for longest
    return found


def carry(
    holder: Holder,
    chart: ChartId,
    entry: VerifiedEntry,
    *,
    prove: Callable[[VerifiedEntry], ReceiptProof],
    glass: BreakGlassRecord,
    send: Callable[[bytes], bytes],
    entropy: Entropy,
) -> int:
    """Have the desk take off the outer layers of a chart's wraps, and keep what is under them.

    Args:
        holder: the kit.
        chart: which.
        entry: the member's word.
        prove: the proof that it is in the relay's log.
        glass: the root's word on the desk.
        send: carries a request to the desk and gives its answer.
        entropy: for nonces.

    Returns:
        How many layers are new here.
    """
    kept = carried(holder, chart)
    have = {layer.wrap for layer in kept}
    wraps = wraps_behind_glass(holder, chart, known=have.__contains__)
    if not wraps:
        return 0
    new = ask_for_layers(holder, chart, entry, prove(entry), wraps, glass=glass, send=send, entropy=entropy)
    data = pack(_Carried(layers=(*kept, *new)[-LAYERS_MAX:]))
    with holder.store.writing() as writer:
        writer.put_value(LAYERS + chart.hex(), data)
    return len(new)


def carried(holder: Holder, chart: ChartId) -> tuple[Layer, ...]:
    """The layers of a chart that this kit carries."""
    data = holder.store.get_value(LAYERS + chart.hex())
    return () if data is None else unpack(_Carried, data, bytes_max=VALUE_BYTES_MAX).layers
