"""`fieldward break-glass`: opening a chart in an emergency, and everything before and after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import (
    check_out,
    json_option,
    print_json,
    read_passphrase,
    say,
    when,
    with_device,
    working,
    write_out,
)
from edge_runtime.errors import InputError, RemoteError
from sync_protocol.emergency_records import BreakGlassReason

if TYPE_CHECKING:
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.break_glass.opening import Opened
    from edge_runtime.break_glass.review import Access
    from edge_runtime.break_glass.stored import Stored
    from edge_runtime.runtime import Runtime
    from edge_runtime.transports.http import HttpClient
    from sync_protocol.ids import ChartId
    from sync_protocol.key_wrap import WrapPrivateKey

TOKEN_PASSPHRASE: Final = "FIELDWARD_TOKEN_PASSPHRASE"  # noqa: S105 - the variable's name
_FILE = click.Path(path_type=Path, dir_okay=False)
_token_passphrase_option = click.option(
    "--token-passphrase-file",
    type=_FILE,
    help=f"Read the token's passphrase from its first line. Otherwise {TOKEN_PASSPHRASE}, or a prompt.",
)


@click.group("break-glass")
def break_glass() -> None:
    """Open a chart in an emergency; prepare for it; review it."""


@break_glass.group()
def token() -> None:
    """Make the facility's token."""


@token.command()
@click.option(
    "--out", type=_FILE, required=True, help="Where to write TOKEN: into the emergency box, on paper or a stick."
)
@click.option("--public", type=_FILE, required=True, help="Where to write its public line, for 'announce'.")
@_token_passphrase_option
@json_option
def create(out: Path, public: Path, token_passphrase_file: Path | None, *, as_json: bool) -> None:
    """Make the token of a facility: a line of text that a passphrase closes. Nobody sees anything of it.

    TOKEN opens nothing by itself: the desk, or a kit with its own passphrase, is needed beside it.

    \b
    Example:
      fieldward break-glass token create --out token.txt --public token-public.txt
    """
    from edge_runtime.break_glass.token import make_token
    from edge_runtime.runtime import entropy
    from edge_runtime.vault.passphrase import Passphrase

    check_out(out)
    check_out(public)
    secret, line = make_token(Passphrase(_token_passphrase(token_passphrase_file, confirm=True)), entropy)
    write_out(out, secret.encode())
    write_out(public, line.encode())
    if as_json:
        print_json({"token": str(out), "public": str(public)})
        return
    say(f"The token is in {out}, its public line in {public}.")
    say("Print the token or show it as a QR code, lay it into the emergency box, and delete the file.")
    say(f"Next, on the founder's device: fieldward break-glass announce --desk URL --token-public {public}")


@break_glass.command()
@click.option("--desk", "desk_url", required=True, help="The desk's address, as it printed it.")
@click.option("--token-public", type=_FILE, required=True, help="The token's public line.")
@click.option("--fingerprint", help="What the desk printed when it was made: checked.")
@with_device()
def announce(runtime: Runtime, desk_url: str, token_public: Path, fingerprint: str | None, *, as_json: bool) -> None:
    """Name the organisation's desk and token, as its root. The founder's device does this.

    From then on every new key of a chart is wrapped for emergencies too, and older ones as members sync. Others will
    see: that there is a desk, where it is, and its public keys.

    \b
    Example:
      fieldward break-glass announce --home admin --desk http://127.0.0.1:8430 --token-public token-public.txt
    """
    from edge_runtime.break_glass.announcing import announce as announce_desk
    from edge_runtime.break_glass.desk import desk_facts
    from edge_runtime.break_glass.token import read_public
    from edge_runtime.runtime import clock
    from edge_runtime.transports.link import address_of

    address = address_of(desk_url)
    public = read_public(_text(token_public))
    with working("Asking the desk who it is", as_json=as_json), closing(runtime.http(address)) as http:
        shown = desk_facts(http)
    record = announce_desk(
        _holder(runtime), runtime.recorder, shown,
        token=public, addresses=(address,), fingerprint=fingerprint, now_ms=clock(),
    )  # fmt: skip
    if as_json:
        print_json({"record": str(record.hash), "desk": address, "fingerprint": shown.fingerprint})
        return
    say(f"The break-glass desk at {address} is announced.")
    say(f"  fingerprint  {shown.fingerprint}")
    say("Next: fieldward sync once")


@break_glass.command("open")
@click.argument("chart_id", metavar="CHART")
@click.option(
    "--reason",
    type=click.Choice([one.value for one in BreakGlassReason]),
    required=True,
    help="Why, as a word that everybody sees.",
)
@click.option("--why", required=True, help="Why, in your own words; sealed for the team and the compliance officer.")
@click.option("--token", "token_file", type=_FILE, required=True, help="TOKEN, from the emergency box.")
@click.option("--relay", help="The relay's address; else the last one used.")
@_token_passphrase_option
@with_device()
def open_chart(
    runtime: Runtime,
    chart_id: str,
    reason: str,
    why: str,
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

    chart = _chart(chart_id)
    passphrase = Passphrase(_token_passphrase(token_passphrase_file, confirm=False))
    opened_token = open_token(_text(token_file), passphrase)
    holder = _holder(runtime)
    kit = bool(carried(holder, chart))
    stored = broken_before(holder, chart, now_ms=clock()) or break_the_glass(
        holder, runtime.recorder, chart, reason=BreakGlassReason(reason), why=why, kit=kit, entropy=entropy
    )
    opened = (
        _open_on_kit(runtime, stored, opened_token)
        if kit
        else _open_online(runtime, stored, opened_token, relay, why=why, as_json=as_json)
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


@break_glass.command()
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

    holder = _holder(runtime)
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


@break_glass.command()
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

    address = runtime.relay_address(relay)
    holder = _holder(runtime)
    rows: list[dict[str, Any]] = []
    with working("Loading", as_json=as_json):
        runtime.sync_once(address, attempts=3)
        glass = present_glass(holder).value
        with closing(runtime.http(address)) as http, closing(_desk(runtime, glass.addresses)) as desk:
            log, keeper = FetchedLog(http), runtime.log_keeper()
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


@break_glass.command("list")
@with_device()
def list_accesses(runtime: Runtime, *, as_json: bool) -> None:
    """List emergency accesses to charts on this device that nobody has reviewed yet.

    \b
    Example:
      fieldward break-glass list --home ward
    """
    from edge_runtime.break_glass.review import open_accesses

    found = list(open_accesses(_holder(runtime)))
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
    access = close_access(_holder(runtime), runtime.recorder, chart, entry)
    if as_json:
        print_json({"chart": str(chart), "entry": str(access.broken.record)})
        return
    say(f"The emergency access of entry {access.broken.record.short} to chart {chart.short} is closed.")
    say("Next: fieldward sync once")


@break_glass.command()
@with_device()
def tell(runtime: Runtime, *, as_json: bool) -> None:
    """Hand the desk what it lacks of the organisation's records: who was enrolled, revoked, given another role.

    Run it after each revocation: the desk syncs with nobody. Others will see: nothing new.

    \b
    Example:
      fieldward break-glass tell --home admin
    """
    from edge_runtime.break_glass.announcing import present_glass
    from edge_runtime.break_glass.desk import tell_desk

    holder = _holder(runtime)
    addresses = present_glass(holder).value.addresses
    with working("Telling the desk", as_json=as_json), closing(_desk(runtime, addresses)) as desk:
        told = tell_desk(holder, desk)
    if as_json:
        print_json({"told": told})
        return
    say(f"The desk knows what this device knows; {told} records were new to it.")


def _open_on_kit(runtime: Runtime, stored: Stored, token: WrapPrivateKey) -> Opened:
    from edge_runtime.break_glass.kit import carried
    from edge_runtime.break_glass.opening import open_with_token

    holder = _holder(runtime)
    return open_with_token(holder, runtime.recorder, stored, carried(holder, stored.chart), token)


def _open_online(
    runtime: Runtime, stored: Stored, token: WrapPrivateKey, relay: str | None, *, why: str, as_json: bool
) -> Opened:
    from edge_runtime.break_glass.announcing import present_glass
    from edge_runtime.break_glass.online import layers_online
    from edge_runtime.break_glass.opening import open_with_token
    from edge_runtime.runtime import entropy
    from sync_protocol.audit import Purpose

    address = runtime.relay_address(relay)
    holder = _holder(runtime)
    with working("Telling the relay", as_json=as_json) as words:
        runtime.sync_once(address, attempts=3)
        if holder.keyring.membership(stored.chart) is None:
            runtime.sync_once(address, attempts=3)  # the chart comes once the relay knows that its glass is broken
        glass = present_glass(holder).value
        words("Asking the desk")
        with closing(_desk(runtime, glass.addresses)) as http:
            layers = layers_online(holder, stored, http, glass=glass, entropy=entropy)
        opened = open_with_token(holder, runtime.recorder, stored, layers, token)
        detail = {"reason": stored.record.reason.value, "why": why.strip(), "entry": stored.entry.hash.hex()}
        runtime.auditor.record("break_glass", purpose=Purpose.EMERGENCY, chart=stored.chart, detail=detail)
        words("Telling the team")
        try:
            runtime.sync_once(address)
        except RemoteError as error:
            if not as_json:
                say(f"(that it was opened is told at the next sync: {error.got})")
    return opened


def _desk(runtime: Runtime, addresses: Sequence[str]) -> HttpClient:
    from edge_runtime.break_glass.desk import reachable

    return reachable([runtime.http(address) for address in addresses])


def _holder(runtime: Runtime) -> Holder:
    from edge_runtime.audit.device_source import Holder

    return Holder(runtime.store, runtime.identity, runtime.keyring)


def _chart(text: str) -> ChartId:
    from sync_protocol.errors import PeerError
    from sync_protocol.ids import ChartId

    digits = "".join(character for character in text.lower() if character.isalnum())
    try:
        return ChartId.parse(digits)
    except PeerError:
        raise InputError(
            "chart_id",
            expected="a chart's id in full, 32 digits from 0 to f",
            got=f"{len(digits)} characters",
            do="copy it from the wristband, with or without spaces and dashes",
        ) from None


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


def _token_passphrase(file: Path | None, *, confirm: bool) -> str:
    given = os.environ.get(TOKEN_PASSPHRASE)
    if file is not None:
        return read_passphrase(file, confirm=False)
    if given:
        return given
    if not sys.stdin.isatty():
        raise InputError(
            "no_token_passphrase",
            expected="the token's passphrase",
            got="none, and nobody to ask",
            do=f"give --token-passphrase-file, or set {TOKEN_PASSPHRASE}",
        )
    return str(click.prompt("Token's passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def _text(file: Path) -> str:
    from edge_runtime.break_glass.token import TOKEN_BYTES_MAX

    try:
        with file.open("rb") as opened:
            return opened.read(TOKEN_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as error:
        raise InputError(
            "token_file", expected="a readable file", got=error.strerror or "an error", do="check the path"
        ) from None
