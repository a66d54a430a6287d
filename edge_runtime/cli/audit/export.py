"""`fieldward audit export`: the audit trail as a file for other programs. What is exported is recorded.

Each form of export is an option, and has a function here that writes it; how it is made is in `edge_runtime.audit`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.audit.selecting import record_look, selection_of, selection_options
from edge_runtime.cli.output import check_out, out_errors, print_json, say, with_device, working

if TYPE_CHECKING:
    from edge_runtime.audit.selection import Selection
    from edge_runtime.runtime import Runtime

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@selection_options
@click.option("--fhir", metavar="FILE", type=_FILE, help="FHIR R4 AuditEvents, one a line (NDJSON).")
@click.option("--bundle", metavar="FILE", type=_FILE, help="Evidence that anybody can check with 'audit verify'.")
@with_device()
def export(runtime: Runtime, *, fhir: Path | None, bundle: Path | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401 click's
    """Write the audit trail to a file.

    AuditEvents hold random ids, times, kinds and names of fields; no patient's name and nothing that was read.
    Evidence holds the headers of all entries in the chart, or of all that is here; bodies only of control records and,
    within the times, of audit entries, which it makes readable. That you exported is recorded.

    \b
    Examples:
      fieldward audit export --fhir events.ndjson --since 2026-01-01
      fieldward audit export --bundle evidence.fwe --chart 3f2a90bc
    """
    if (fhir is None) == (bundle is None):
        raise click.UsageError("name what to write: --fhir FILE or --bundle FILE")
    selection = selection_of(runtime, options)
    if fhir is not None:
        _export_fhir(runtime, fhir, selection, as_json=as_json)
    if bundle is not None:
        _export_bundle(runtime, bundle, selection, as_json=as_json)


def _export_fhir(runtime: Runtime, path: Path, selection: Selection, *, as_json: bool) -> None:
    from edge_runtime.audit.fhir_export import write_ndjson
    from edge_runtime.cli.audit.timeline import merged_timeline

    check_out(path)
    merged = merged_timeline(runtime, as_json=as_json)
    with working("Writing", as_json=as_json) as words, out_errors():
        count = write_ndjson(
            path,
            merged.events(selection),
            progress=lambda done: words(f"Writing: {done} AuditEvents"),
            finish=lambda done: record_look(runtime, "audit_exported", selection, done, format="fhir-r4-ndjson"),
        )
    if as_json:
        print_json({"file": str(path), "format": "fhir-r4-ndjson", "resources": count})
        return
    say(f"{count} AuditEvents are in {path}.")


def _export_bundle(runtime: Runtime, path: Path, selection: Selection, *, as_json: bool) -> None:
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.audit.evidence_file import write_evidence_file
    from edge_runtime.runtime import clock

    if selection.user or selection.device or selection.kinds or selection.risk is not None:
        raise click.UsageError("evidence has whole chains: --chart, --since and --until narrow it, nothing else")
    check_out(path)
    with working("Writing", as_json=as_json) as words, out_errors():
        count = write_evidence_file(
            path,
            Holder(runtime.store, runtime.identity, runtime.keyring),
            selection,
            made_ms=clock(),
            progress=lambda done: words(f"Writing: {done} entries"),
            finish=lambda done: record_look(runtime, "audit_exported", selection, done, format="evidence"),
        )
    if as_json:
        print_json({"file": str(path), "format": "evidence", "entries": count})
        return
    say(f"{count} entries are in {path}. Check it anywhere: fieldward audit verify --bundle {path}")
