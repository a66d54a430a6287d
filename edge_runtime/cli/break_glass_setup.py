"""`fieldward break-glass token`, `announce` and `tell`: what is prepared before any emergency."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.break_glass_input import (
    FILE,
    holder_of,
    line_of,
    reached_desk,
    token_passphrase,
    token_passphrase_option,
)
from edge_runtime.cli.output import check_out, json_option, print_json, say, with_device, working, write_out

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.group()
def token() -> None:
    """Make the facility's token."""


@token.command()
@click.option(
    "--out", type=FILE, required=True, help="Where to write TOKEN: into the emergency box, on paper or a stick."
)
@click.option("--public", type=FILE, required=True, help="Where to write its public line, for 'announce'.")
@token_passphrase_option
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
    secret, line = make_token(Passphrase(token_passphrase(token_passphrase_file, confirm=True)), entropy)
    write_out(out, secret.encode())
    write_out(public, line.encode())
    if as_json:
        print_json({"token": str(out), "public": str(public)})
        return
    say(f"The token is in {out}, its public line in {public}.")
    say("Print the token or show it as a QR code, lay it into the emergency box, and delete the file.")
    say(f"Next, on the founder's device: fieldward break-glass announce --desk URL --token-public {public}")


@click.command()
@click.option("--desk", "desk_url", required=True, help="The desk's address, as it printed it.")
@click.option("--token-public", type=FILE, required=True, help="The token's public line.")
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
    public = read_public(line_of(token_public))
    with working("Asking the desk who it is", as_json=as_json), closing(runtime.connections.http(address)) as http:
        shown = desk_facts(http)
    record = announce_desk(
        holder_of(runtime), runtime.recorder, shown,
        token=public, addresses=(address,), fingerprint=fingerprint, now_ms=clock(),
    )  # fmt: skip
    if as_json:
        print_json({"record": str(record.hash), "desk": address, "fingerprint": shown.fingerprint})
        return
    say(f"The break-glass desk at {address} is announced.")
    say(f"  fingerprint  {shown.fingerprint}")
    say("Next: fieldward sync once")


@click.command()
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

    holder = holder_of(runtime)
    addresses = present_glass(holder).value.addresses
    with working("Telling the desk", as_json=as_json), closing(reached_desk(runtime, addresses)) as desk:
        told = tell_desk(holder, desk)
    if as_json:
        print_json({"told": told})
        return
    say(f"The desk knows what this device knows; {told} records were new to it.")
