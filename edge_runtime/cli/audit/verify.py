"""`fieldward audit verify`: whether the record holds. Exit code 0, or 3 where something does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.audit.verifying import Where, evidence_options, run_verification
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, print_json, say

if TYPE_CHECKING:
    from edge_runtime.cli.audit.verifying import Verification
    from sync_protocol.verification import Report


@click.command()
@evidence_options
def verify(where: Where, *, as_json: bool) -> int:
    """Check every chain, seal, receipt and checkpoint, offline: of this device, an evidence file, or a relay's data.

    The exit code is 0 where everything holds, and 3 where it does not. Notices, such as a wrong clock, do not count.

    \b
    Examples:
      fieldward audit verify
      fieldward audit verify --bundle evidence.fwe --organisation clinic.org
      fieldward audit verify --server-data relay --json
    """
    found = run_verification(where, as_json=as_json)
    if as_json:
        print_json(report_json(found.report))
    else:
        _tell(found)
    return EXIT_DONE if found.report.ok else EXIT_DAMAGE


def report_json(report: Report) -> dict[str, Any]:
    """The stable form: `ok`, `entries`, `devices` and `findings` before all."""
    return {
        "ok": report.ok,
        "entries": report.entries,
        "devices": sum(1 for device in report.devices if device.entries),
        "findings": [finding.to_json() for finding in report.findings],
        "counts": {kind.value: count for kind, count in sorted(report.counts.items())},
        "sessions": report.sessions,
        "checkpoints": report.checkpoints,
        "receipts": report.receipts,
        "log_size": report.log_size,
        "unwitnessed": report.unwitnessed,
        "by_device": [
            {
                "device": str(device.device),
                "sessions": device.sessions,
                "entries": device.entries,
                "witnessed": device.witnessed,
                "unwitnessed": device.unwitnessed,
            }
            for device in report.devices
        ],
    }


def _tell(found: Verification) -> None:
    from edge_runtime.cli.audit.finding_text import print_findings

    report = found.report
    devices = sum(1 for device in report.devices if device.entries)
    pace = f", {report.entries / found.seconds:,.0f} a second" if found.seconds and report.entries else ""
    say(f"{report.entries:,} entries of {devices} devices in {found.seconds:.1f} s{pace}.")
    if report.log_size is not None:
        say(f"The log has {report.log_size:,} leaves under {report.checkpoints:,} checkpoints.")
    elif report.receipts:
        say(f"{report.receipts:,} receipts under the relay's checkpoints.")
    if report.unwitnessed:
        say(f"{report.unwitnessed:,} entries are not yet witnessed: if they were cut off, nobody could tell.")
    print_findings(report, brief=True)
    say(click.style("Everything holds.", fg="green") if report.ok else click.style("This does not hold.", fg="red"))
