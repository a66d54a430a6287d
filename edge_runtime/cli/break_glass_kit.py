"""`fieldward break-glass preload` and `load`: kits that carry charts, closed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.break_glass_input import holder_of, reached_desk
from edge_runtime.cli.output import print_json, say, with_device, working

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.command()
@click.argument("chart_ids", metavar="CHART...", nargs=-1, required=True)
@click.option("--kit", "kit_id", required=True, help="The kit's device id, or its beginning.")
@with_device()
def preload(runtime: Runtime, chart_ids: Sequence[str], kit_id: str, *, as_json: bool) -> None:
    """Let a kit carry charts, closed, so that its user can open them in an emergency without a network.

    A member of the charts does this. Others will see: that the kit carries them. A thief who has the kit, its
    passphrase and the token reads them.

    \b
    Example:
      fieldward break-glass preload 3f2a90bc 77ab01de --kit 5cd2e1f0 --home ward
    """
    from edge_runtime.break_glass.kit import let_carry
    from edge_runtime.recorder.naming import one_named
    from sync_protocol.ids import CertificateHash

    holder = holder_of(runtime)
    charts = [runtime.charts.find(text) for text in chart_ids]
    trust = holder.identity.trust
    known = {one.value.device: CertificateHash(one.hash) for one in trust.certificates()}
    device = one_named(kit_id, known, "device", "list them with 'fieldward device list', or sync first")
    let_carry(holder, runtime.recorder, charts, trust.principal(known[device]))
    if as_json:
        print_json({"kit": str(device), "charts": [str(chart) for chart in charts]})
        return
    say(f"Kit {device.short} may carry {len(charts)} charts.")
    say("Next: fieldward sync once here, then on the kit: fieldward break-glass load")


@click.command()
@click.option("--relay", help="The relay's address; else the last one used.")
@with_device()
def load(runtime: Runtime, relay: str | None, *, as_json: bool) -> None:
    """Load this kit with the charts that members let it carry, closed. Again after their keys changed.

    Others will see: that this kit asked the desk for these charts.

    \b
    Example:
      fieldward break-glass load --home kit
    """
    from edge_runtime.audit.log_fetching import FetchedLog
    from edge_runtime.audit.proving import fresh_inclusion
    from edge_runtime.break_glass.announcing import present_glass
    from edge_runtime.break_glass.desk import ask, tell_desk
    from edge_runtime.break_glass.kit import carried, carry, to_carry
    from edge_runtime.runtime import entropy

    address = runtime.connections.relay_address(relay)
    holder = holder_of(runtime)
    rows: list[dict[str, Any]] = []
    with working("Loading", as_json=as_json):
        runtime.connections.sync_once(address, attempts=3)
        glass = present_glass(holder).value
        reached = runtime.connections
        with closing(reached.http(address)) as http, closing(reached_desk(runtime, glass.addresses)) as desk:
            log, keeper = FetchedLog(http), reached.log_keeper()
            tell_desk(holder, desk)
            for chart, entry in to_carry(holder).items():
                new = carry(
                    holder, chart, entry,
                    prove=lambda one: fresh_inclusion(holder, one.hash, log, hear=keeper.gossip).receipt,
                    glass=glass, send=lambda wire: ask(desk, wire), entropy=entropy,
                )  # fmt: skip
                rows.append({"chart": str(chart), "new": new, "layers": len(carried(holder, chart))})
    if as_json:
        print_json({"charts": rows})
        return
    for row in rows:
        say(f"{row['chart']}  {row['layers']} keys carried, closed  ({row['new']} new)")
    if not rows:
        say("No member has let this kit carry a chart. They run: fieldward break-glass preload CHART --kit THIS")
