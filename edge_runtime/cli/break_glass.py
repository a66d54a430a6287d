"""`fieldward break-glass`: opening a chart in an emergency, and its review."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.break_glass_input import (
    FILE,
    holder_of,
    line_of,
    reached_desk,
    reason_given,
    token_passphrase,
    token_passphrase_option,
    whole_id,
    why_file_option,
    why_option,
)
from edge_runtime.cli.break_glass_kit import load, preload
from edge_runtime.cli.break_glass_setup import announce, tell, token
from edge_runtime.cli.output import print_json, say, when, with_device, working
from edge_runtime.errors import RemoteError
from sync_protocol.emergency_records import BreakGlassReason

if TYPE_CHECKING:
    from edge_runtime.break_glass.opening import Opened
    from edge_runtime.break_glass.review import Access
    from edge_runtime.break_glass.stored import Stored
    from edge_runtime.runtime import Runtime
    from sync_protocol.key_wrap import WrapPrivateKey


@click.group("break-glass")
def break_glass() -> None:
    """Open a chart in an emergency; prepare for it; review it."""


for _command in (token, announce, preload, load, tell):
    break_glass.add_command(_command)


@break_glass.command("open")
@click.argument("chart_id", metavar="CHART")
@click.option(
    "--reason",
    type=click.Choice([one.value for one in BreakGlassReason]),
    required=True,
    help="Why, as a word that everybody sees.",
)
@why_option
@why_file_option
@click.option("--token", "token_file", type=FILE, required=True, help="TOKEN, from the emergency box.")
@click.option("--relay", help="The relay's address; else the last one used.")
@token_passphrase_option
@with_device()
def open_chart(
    runtime: Runtime,
    chart_id: str,
    reason: str,
    why: str | None,
    why_file: Path | None,
    token_file: Path,
    relay: str | None,
    token_passphrase_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Open a chart in an emergency, as no member of it. CHART is its id in full: 32 digits, as on the wristband.

    Others will see: that you broke this glass, when and with which reason, at once and for good; the team and the
    compliance officer also read why. Somebody else reviews it. A kit that carries the chart needs no network.

    \b
    Example:
      fieldward break-glass open 3f2a90bc8d7e6f5a4b3c2d1e0f9a8b7c --reason unconscious \\
        --why "Found alone, no papers, not breathing well" --token token.txt
    """
    from edge_runtime.break_glass.kit import carried
    from edge_runtime.break_glass.stored import break_the_glass, broken_before
    from edge_runtime.break_glass.token import open_token
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.vault.passphrase import Passphrase

    chart, words = whole_id(chart_id), reason_given(why, why_file)
    passphrase = Passphrase(token_passphrase(token_passphrase_file, confirm=False))
    opened_token = open_token(line_of(token_file), passphrase)
    holder = holder_of(runtime)
    kit = bool(carried(holder, chart))
    stored = broken_before(holder, chart, now_ms=clock()) or break_the_glass(
        holder, runtime.recorder, chart, reason=BreakGlassReason(reason), why=words, kit=kit, entropy=entropy
    )
    opened = (
        _open_on_kit(runtime, stored, opened_token)
        if kit
        else _open_online(runtime, stored, opened_token, relay, why=words, as_json=as_json)
    )
    if as_json:
        told = {"chart": str(chart), "entry": str(stored.entry.hash), "kit": kit}
        print_json(told | {"epochs": opened.epochs, "closed": opened.closed})
        return
    say(f"The glass of chart {chart.short} is broken: entry {stored.entry.hash.short}. This will be reviewed.")
    say(f"  keys opened  {opened.epochs}")
    if opened.closed:
        say(f"  still closed {opened.closed}: of another token or desk, or newer than what this kit carries")
    if kit:
        say("This kit has told nobody yet: sync it as soon as there is a network.")
    say(f"Next: fieldward chart show {chart.short} --purpose emergency")


@break_glass.command("list")
@with_device()
def list_accesses(runtime: Runtime, *, as_json: bool) -> None:
    """List emergency accesses to charts on this device that nobody has reviewed yet.

    \b
    Example:
      fieldward break-glass list --home ward
    """
    from edge_runtime.break_glass.review import open_accesses

    found = list(open_accesses(holder_of(runtime)))
    if as_json:
        print_json({"accesses": [_access_json(access) for access in found]})
        return
    for access in found:
        broken = access.broken
        who = "somebody unknown here" if access.by is None else f"{access.by.role.value} {access.by.device.short}"
        how = "on a kit" if broken.act.kit else "online"
        say(
            f"{access.chart.short}  entry {broken.record.short}  {when(broken.wall_ms)}  {who:<28} "
            f"{broken.act.reason.value:<16} {how}{'  (you)' if access.own else ''}"
        )
    if found:
        say("Review each with the team, then: fieldward break-glass close CHART ENTRY")
    else:
        say("No emergency access is open.")


@break_glass.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("entry")
@with_device()
def close(runtime: Runtime, chart_id: str, entry: str, *, as_json: bool) -> None:
    """Close an emergency access after its review. Another user than who broke the glass does this.

    Others will see: that you reviewed it. The access ends, and the chart's keys change with the next thing written.

    \b
    Example:
      fieldward break-glass close 3f2a90bc 5d1e77aa --home ward
    """
    from edge_runtime.break_glass.review import close as close_access

    chart = runtime.charts.find(chart_id)
    access = close_access(holder_of(runtime), runtime.recorder, chart, entry)
    if as_json:
        print_json({"chart": str(chart), "entry": str(access.broken.record)})
        return
    say(f"The emergency access of entry {access.broken.record.short} to chart {chart.short} is closed.")
    say("Next: fieldward sync once")


def _open_on_kit(runtime: Runtime, stored: Stored, token: WrapPrivateKey) -> Opened:
    from edge_runtime.break_glass.kit import carried
    from edge_runtime.break_glass.opening import open_with_token

    holder = holder_of(runtime)
    return open_with_token(holder, runtime.recorder, stored, carried(holder, stored.chart), token)


def _open_online(
    runtime: Runtime, stored: Stored, token: WrapPrivateKey, relay: str | None, *, why: str, as_json: bool
) -> Opened:
    from edge_runtime.break_glass.announcing import present_glass
    from edge_runtime.break_glass.online import layers_online
    from edge_runtime.break_glass.opening import open_with_token
    from edge_runtime.runtime import entropy
    from sync_protocol.audit import Purpose

    address = runtime.connections.relay_address(relay)
    holder = holder_of(runtime)
    with working("Telling the relay", as_json=as_json) as words:
        runtime.connections.sync_once(address, attempts=3)
        if holder.keyring.membership(stored.chart) is None:
            # The chart comes once the relay knows that its glass is broken.
            runtime.connections.sync_once(address, attempts=3)
        glass = present_glass(holder).value
        words("Asking the desk")
        with closing(reached_desk(runtime, glass.addresses)) as http:
            layers = layers_online(holder, stored, http, glass=glass, entropy=entropy)
        opened = open_with_token(holder, runtime.recorder, stored, layers, token)
        detail = {"reason": stored.record.reason.value, "why": why.strip(), "entry": stored.entry.hash.hex()}
        runtime.auditor.record("break_glass", purpose=Purpose.EMERGENCY, chart=stored.chart, detail=detail)
        words("Telling the team")
        try:
            runtime.connections.sync_once(address)
        except RemoteError as error:
            if not as_json:
                say(f"(that it was opened is told at the next sync: {error.got})")
    return opened


def _access_json(access: Access) -> dict[str, Any]:
    broken, by = access.broken, access.by
    return {
        "chart": str(access.chart),
        "entry": str(broken.record),
        "certificate": str(broken.author),
        "device": None if by is None else str(by.device),
        "user": None if by is None else str(by.user),
        "role": None if by is None else by.role.value,
        "reason": broken.act.reason.value,
        "kit": broken.act.kit,
        "wall_ms": broken.wall_ms,
        "own": access.own,
    }
