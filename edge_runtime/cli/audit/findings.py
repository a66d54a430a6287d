"""`fieldward audit findings`: what a verification found, each kind with what to do about it."""

from __future__ import annotations

import click

from edge_runtime.cli.audit.verifying import Where, evidence_options, run_verification
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, print_json, say


@click.command()
@evidence_options
def findings(where: Where, *, as_json: bool) -> int:
    """Show what does not hold, and what somebody should look at: gaps, forks, clocks, silent devices.

    Takes the same evidence as `verify`, and ends with the same exit codes.

    \b
    Examples:
      fieldward audit findings
      fieldward audit findings --bundle evidence.fwe
    """
    from edge_runtime.cli.audit.finding_text import WORDS, print_findings

    report = run_verification(where, as_json=as_json).report
    if as_json:
        print_json(
            {
                "ok": report.ok,
                "findings": [finding.to_json() | {"do": WORDS[finding.kind][1]} for finding in report.findings],
                "counts": {kind.value: count for kind, count in sorted(report.counts.items())},
            }
        )
    elif report.counts:
        print_findings(report, brief=False)
    else:
        say("Nothing: everything holds.")
    return EXIT_DONE if report.ok else EXIT_DAMAGE
