"""`fieldward audit prove`: that one entry is in the relay's log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import (
    EXIT_DAMAGE,
    EXIT_DONE,
    check_out,
    out_errors,
    print_error,
    print_json,
    say,
    when,
    with_device,
)
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.audit.proving import Inclusion, Named
    from edge_runtime.runtime import Runtime


@click.command()
@click.argument("entry")
@click.option("--relay", help="Prove it now from the log that the relay at this address publishes.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proof as an evidence file.")
@with_device()
def prove(runtime: Runtime, entry: str, *, relay: str | None, out: Path | None, as_json: bool) -> int:
    """Show that ENTRY, by its hash or the beginning of it, is in the relay's log.

    The proof is the receipt that this device keeps, verified again from the organisation's root on. With --relay, or
    where it keeps none, as for what others wrote, the proof is made from the log that the relay publishes, which must
    begin with what this device knew of it; if not, the exit code is 3.

    \b
    Examples:
      fieldward audit prove 3f2a90bc
      fieldward audit prove 3f2a90bc --relay https://relay.example.org --out proof.fwe
    """
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.audit.proving import entry_named
    from edge_runtime.audit.watching import WatchError

    holder = Holder(runtime.store, runtime.identity, runtime.keyring)
    named = entry_named(holder, entry)
    try:
        found = _found(runtime, holder, named, relay)
    except WatchError as alarm:
        print_error(alarm, as_json=as_json)
        return EXIT_DAMAGE
    if out is not None:
        _write(runtime, holder, named, found, out)
    if as_json:
        print_json(_facts(named, found, out))
    else:
        _tell(named, found, out)
    return EXIT_DONE


def _found(runtime: Runtime, holder: Holder, named: Named, relay: str | None) -> Inclusion:
    """The kept proof, or a fresh one where that is asked for or there is no other."""
    from edge_runtime.audit.log_fetching import FetchedLog
    from edge_runtime.audit.proving import fresh_inclusion, kept_inclusion, without_receipt

    name = named.entry.hash
    if relay is None:
        kept = kept_inclusion(holder, name)
        if kept is not None:
            return kept
    try:
        address = runtime.connections.relay_address(relay)
    except RefusedError:
        raise without_receipt(name) from None
    with closing(runtime.connections.http(address)) as http:
        return fresh_inclusion(holder, name, FetchedLog(http), hear=runtime.connections.log_keeper().gossip)


def _write(runtime: Runtime, holder: Holder, named: Named, found: Inclusion, out: Path) -> None:
    from edge_runtime.audit.evidence_file import write_evidence_file
    from edge_runtime.audit.selection import Selection
    from edge_runtime.cli.audit.selecting import record_look
    from edge_runtime.runtime import clock

    check_out(out)
    with out_errors():
        write_evidence_file(
            out,
            holder,
            Selection(),
            made_ms=clock(),
            entry=named.entry.hash,
            receipt=found.receipt if found.fresh else None,
            finish=lambda done: record_look(runtime, "audit_exported", Selection(), done, format="proof"),
        )


def _facts(named: Named, found: Inclusion, out: Path | None) -> dict[str, object]:
    header, checkpoint = named.entry.header, found.checkpoint
    return {
        "entry": str(named.entry.hash),
        "device": str(named.device),
        "session": str(header.session),
        "seq": header.seq,
        "log_index": found.receipt.index,
        "log_size": checkpoint.size,
        "root": str(checkpoint.root),
        "path": [str(node) for node in found.receipt.path],
        "origin": checkpoint.origin,
        "source": "published_log" if found.fresh else "kept_receipt",
        "size_before": None if found.before is None else found.before.size,
        "file": None if out is None else str(out),
    }


def _tell(named: Named, found: Inclusion, out: Path | None) -> None:
    header, checkpoint = named.entry.header, found.checkpoint
    say(f"Entry {named.entry.hash}")
    say(f"  written on device {named.device.short}, session {header.session.short}, number {header.seq},")
    say(f"  dated {when(header.wall_ms)} by its clock, is leaf {found.receipt.index} of {checkpoint.size}")
    say(f"  in the log {checkpoint.origin}, under the root")
    say(f"  {checkpoint.root}")
    for node in found.receipt.path:
        say(f"    {node}")
    if not found.fresh:
        say("The proof is from: kept receipt")
    else:
        say("The proof is from: the relay's published log, checked now")
        if found.before is None:
            say("This device had verified no state of that log before, so there is nothing to compare it with.")
        else:
            say(f"The log begins with the {found.before.size} entries that this device had verified before.")
    if out is not None:
        say(f"The proof is in {out}. Check it anywhere: fieldward audit verify --bundle {out}")
