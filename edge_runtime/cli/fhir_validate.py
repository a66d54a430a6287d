"""`fieldward fhir validate`: is this sound FHIR R4? Needs no device, opens nothing and keeps nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

import click

from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, json_option, print_json

if TYPE_CHECKING:
    from edge_runtime.cli.fhir_findings import FileFindings
    from edge_runtime.fhir.validation.files import FileCheck

STDIN: Final = "-"
_Bar: TypeAlias = Callable[[str, int | None], Callable[[int], None]]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--quiet", is_flag=True, help="Show only files that are not valid, and of those only the errors.")
@json_option
def validate(files: tuple[str, ...], *, quiet: bool, as_json: bool) -> int:
    """Check files: FHIR R4 (4.0.1) as JSON, a Bundle of any size, or NDJSON; plain or gzip; '-' is standard input.

    Checked are structure, required bindings, references and what they lead to, invariants, dates and ids, narratives,
    the rules of Bundles, and the profiles that ship with R4 where a resource names one. Terminologies beyond R4's own
    and other profiles are not.

    Exit code 0: every file is valid, warnings or not; 3: at least one is not.

    \b
    Examples:
      fieldward fhir validate transfer.json
      fieldward fhir validate --quiet export/*.ndjson.gz
      curl https://... | fieldward fhir validate - --json
    """
    from edge_runtime.cli.fhir_findings import FileFindings, print_findings, print_summary
    from edge_runtime.fhir.validation.definitions import load_definitions
    from edge_runtime.fhir.validation.files import FileCheck
    from edge_runtime.fhir.validation.validator import open_validator

    validator, definitions = open_validator(), load_definitions()
    results: list[FileFindings] = []
    with _progress(as_json=as_json) as bar:
        for file in files:
            found = FileFindings(file, as_json=as_json)
            _read(file, FileCheck(validator, definitions), found, bar)
            results.append(found)
            if not as_json:
                print_findings(found, quiet=quiet)
    if as_json:
        print_json([found.to_json() for found in results])
    elif len(results) > 1:
        print_summary(results)
    return EXIT_DONE if all(found.valid for found in results) else EXIT_DAMAGE


def _read(file: str, check: FileCheck, found: FileFindings, bar: _Bar) -> None:
    """Check one file; one that cannot be read is not valid, and the next one is checked."""
    try:
        with _opened(file) as stream:
            size = None if file == STDIN else Path(file).stat().st_size
            for problem in check.problems(stream, found.name, progress=bar(found.name, size)):
                found.take(problem)
    except OSError as error:
        found.unreadable(error)
    found.done(check.resources)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 what is done with it below may raise a ValueError of its own
    except ValueError:
        raise OSError(0, "no file's name") from None
    with stream:
        yield stream


@contextmanager
def _progress(*, as_json: bool) -> Iterator[_Bar]:
    """Show how far reading is, where a person looks."""
    if as_json or not sys.stderr.isatty():
        yield lambda _name, _size: lambda _bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from edge_runtime.cli.safe_text import safe

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def bar(name: str, size: int | None) -> Callable[[int], None]:
            for task in shown.task_ids:
                shown.remove_task(task)
            task = shown.add_task(f"Checking {safe(name)}", total=size)
            return lambda done: shown.update(task, completed=done)

        yield bar
