"""`fieldward audit prove`: that one entry is in the relay's log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import check_out, out_errors, print_json, say, when, with_device

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.command()
@click.argument("entry")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proof as an evidence file.")
@with_device()
def prove(runtime: Runtime, entry: str, *, out: Path | None, as_json: bool) -> None:
    """Show that ENTRY, by its hash or the beginning of it, is in the relay's log.

    The proof is the receipt that this device keeps, verified again from the organisation's root on.

    \b
    Examples:
      fieldward audit prove 3f2a90bc
      fieldward audit prove 3f2a90bc --out proof.fwe
    """
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.audit.evidence_file import write_evidence_file
    from edge_runtime.audit.proving import prove_inclusion
    from edge_runtime.audit.selection import Selection
    from edge_runtime.cli.audit.selecting import record_look
    from edge_runtime.runtime import clock

    holder = Holder(runtime.store, runtime.identity, runtime.keyring)
    found = prove_inclusion(holder, entry)
    header, checkpoint = found.entry.header, found.checkpoint
    if out is not None:
        check_out(out)
        with out_errors():
            write_evidence_file(
                out,
                holder,
                Selection(),
                made_ms=clock(),
                entry=found.entry.hash,
                finish=lambda done: record_look(runtime, "audit_exported", Selection(), done, format="proof"),
            )
    if as_json:
        print_json(
            {
                "entry": str(found.entry.hash),
                "device": str(found.device),
                "session": str(header.session),
                "seq": header.seq,
                "log_index": found.receipt.index,
                "log_size": checkpoint.size,
                "root": str(checkpoint.root),
                "path": [str(node) for node in found.receipt.path],
                "origin": checkpoint.origin,
                "file": None if out is None else str(out),
            }
        )
        return
    say(f"Entry {found.entry.hash}")
    say(f"  written on device {found.device.short}, session {header.session.short}, number {header.seq},")
    say(f"  dated {when(header.wall_ms)} by its clock, is leaf {found.receipt.index} of {checkpoint.size}")
    say(f"  in the log {checkpoint.origin}, under the root")
    say(f"  {checkpoint.root}")
    for node in found.receipt.path:
        say(f"    {node}")
    if out is not None:
        say(f"The proof is in {out}. Check it anywhere: fieldward audit verify --bundle {out}")
