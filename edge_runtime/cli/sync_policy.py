"""`fieldward sync policy`: which attachments this device fetches of its own accord, and how much room they may take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.blob_text import size_words
from edge_runtime.cli.output import print_json, say, with_device

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime

_MIB: Final = 1024 * 1024


@click.command()
@click.option("--attachments", type=click.Choice(["all", "small", "none"]), help="What comes without being asked for.")
@click.option("--small-bytes", type=click.IntRange(0, 2**30), metavar="N", help="The longest file that is small.")
@click.option("--room-mib", type=click.IntRange(1, 2**20), metavar="MIB", help="Room for all attachments here.")
@with_device()
def policy(
    runtime: Runtime, attachments: str | None, small_bytes: int | None, room_mib: int | None, *, as_json: bool
) -> None:
    """Show or change which attachments come by themselves. What is asked for comes in any case, and nothing is lost.

    Where the room is full, attachments that are safe at the relay make room for others, the least recently used first.

    \b
    Example:
      fieldward sync policy --attachments small --small-bytes 500000 --home nurse
    """
    from edge_runtime.blobs.policy import Fetch

    stock = runtime.attachments.stock
    decided = stock.policy
    if attachments is not None:
        decided = replace(decided, fetch=Fetch(attachments))
    if small_bytes is not None:
        decided = replace(decided, small_bytes=small_bytes)
    if room_mib is not None:
        decided = replace(decided, room_bytes=room_mib * _MIB)
    if decided != stock.policy:
        stock.decide(decided)
    held = stock.held_bytes()
    if as_json:
        told = {"attachments": decided.fetch.value, "small_bytes": decided.small_bytes}
        print_json(told | {"room_bytes": decided.room_bytes, "held_bytes": held})
        return
    comes = {
        Fetch.ALL: "every attachment of charts on this device",
        Fetch.SMALL: f"attachments of up to {size_words(decided.small_bytes)}",
        Fetch.NONE: "no attachment",
    }
    say(f"Comes by itself: {comes[decided.fetch]}. Others come once somebody asks for them.")
    say(f"Room: {size_words(held)} of {size_words(decided.room_bytes)} are in use.")
