"""`fieldward org`: the beginning of everything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import check_out, print_json, say, with_device, write_out

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.group()
def org() -> None:
    """Found an organisation."""


@org.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write ORG.")
@with_device(make=True)
def init(runtime: Runtime, out: Path, *, as_json: bool) -> None:
    """Make an organisation's root and its first administrator's device.

    ORG is public: a relay needs it to know whom to trust. The root's keys stay in this home, sealed by its passphrase.
    Others will see: an organisation with one device.

    \b
    Example:
      fieldward org init --home admin --out clinic.org
    """
    from edge_runtime.enrolment.organisation import certify_self, found_organisation
    from edge_runtime.runtime import clock, entropy
    from sync_protocol.records import pack

    check_out(out)
    file = found_organisation(runtime.store, clock=clock, entropy=entropy)
    certify_self(runtime.recorder, runtime.identity)
    write_out(out, pack(file))
    root = runtime.identity.root
    facts = {
        "organisation": str(root.value.organisation),
        "root": str(root.hash),
        "device": str(runtime.identity.certificate.device),
        "file": str(out),
    }
    if as_json:
        print_json(facts)
        return
    say(f"Organisation {root.value.organisation.short} is founded; this device is its first administrator.")
    say(f"  root    {root.hash}")
    say(f"  device  {facts['device']}")
    say(f"Next: fieldward server run --home RELAY --organisation {out} --port 8440 --ready-file relay.json")
