"""`fieldward fhir import`, which is also `fieldward chart import`: charts from what another system hands over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import EXIT_REFUSED, print_json, with_device, working

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


_HELP: Final = """Make charts from FHIR R4: resources, bundles, NDJSON; plain or gzip. Importing again changes nothing.

What is not mapped is kept, sealed. What is wrong is refused, with its place, and the rest imported; check files before
with 'fieldward fhir validate'. The exit code is 1 where nothing of a file could be read. 'fieldward fhir import' and
'fieldward chart import' are one command.

\b
Examples:
  fieldward {group} import --home tablet patients.ndjson.gz
  fieldward {group} import --home tablet --source north-clinic transfer.json
"""


def import_command(group: str) -> click.Command:
    """The command, as the group that it stands in shows it."""

    @click.command("import", help=_HELP.format(group=group))
    @click.argument(
        "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
    )
    @click.option(
        "--source",
        default="",
        metavar="NAME",
        help="Which system the files come from. Only needed where two systems use the same short ids (Patient/17) for "
        "different people: name each always the same.",
    )
    @with_device()
    def command(runtime: Runtime, files: Sequence[Path], *, source: str, as_json: bool) -> None:
        _import(runtime, files, source=source, as_json=as_json)

    return command


import_files: Final = import_command("fhir")


def _import(runtime: Runtime, files: Sequence[Path], *, source: str, as_json: bool) -> None:
    from edge_runtime.cli.import_text import print_import
    from edge_runtime.importing import import_charts

    with working("Importing", as_json=as_json) as words:
        report = import_charts(
            runtime.charts,
            files,
            source=source,
            progress=lambda done, of: words(f"Importing: {done} of {of} charts"),
        )
    if report.entries_new:
        runtime.auditor.imported(
            charts=len(report.plan.charts), entries=report.entries_new, refused=len(report.refused)
        )
    if as_json:
        print_json(report.to_json())
    else:
        print_import(report)
    names = {file.name for file in files}
    if any(one.record in names and not one.path for one in report.plan.refused):
        raise click.exceptions.Exit(EXIT_REFUSED)  # of a file nothing was read, whatever came of the others
