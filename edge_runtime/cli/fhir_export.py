"""`fieldward fhir export`: charts as FHIR R4, in a Bundle or as NDJSON. What is exported is recorded, each chart apart.

Owns where the bytes go: to a file that takes its place when it is whole, to a folder with a file a type, or to standard
output. Refuses to overwrite unasked. Nothing is named after a patient.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from edge_runtime.cli.output import check_out, open_private, out_errors, print_json, say, with_device, working
from edge_runtime.errors import InputError
from sync_protocol.audit import Purpose

if TYPE_CHECKING:
    from edge_runtime.exporting import Exporter
    from edge_runtime.fhir.exporting.scene import Made
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import ChartId

_STDOUT: Final = "-"
_FORMS: Final = ("collection", "document", "transaction")


@click.command("export")
@click.argument("charts", metavar="[CHART]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every chart that this device may read.")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="The file to write; '-' for standard output; with --ndjson, a folder if it ends in '/'.",
)
@click.option("--bundle", "form", type=click.Choice(_FORMS), help="Which kind of Bundle; a collection by default.")
@click.option("--ndjson", is_flag=True, help="One resource a line; in a folder, one file for each type.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.TREATMENT.value, show_default=True
)
@with_device()
def export_fhir(
    runtime: Runtime,
    charts: Sequence[str],
    *,
    everything: bool,
    out: str,
    form: str | None,
    ndjson: bool,
    force: bool,
    purpose: str,
    as_json: bool,
) -> None:
    """Write charts as FHIR R4. What came by import goes out as it came, with what was stated since laid over it.

    Others will see: that you exported each chart, and the purpose that you name. The file holds patient data in the
    clear. What nobody has decided yet is marked in it: medications in dispute have status unknown.

    \b
    Examples:
      fieldward fhir export 3f2a90bc --out referral.json --home tablet
      fieldward fhir export --all --ndjson --out folder/ --home tablet
      fieldward fhir export 3f2a90bc --bundle document --out letter.json
    """
    if bool(charts) == everything:
        raise click.UsageError("name the charts, or give --all")
    if ndjson and form is not None:
        raise click.UsageError("give either --bundle or --ndjson")
    if out == _STDOUT and as_json:
        raise click.UsageError("--json and --out - both write to standard output: name a file")
    if form == "document" and len(charts) != 1:
        raise click.UsageError("a document is of one chart: name it")
    names = runtime.keyring.charts() if everything else list(dict.fromkeys(map(runtime.charts.find, charts)))
    job = _Job(runtime, names, purpose=Purpose(purpose), quiet=as_json or out == _STDOUT, strict=not everything)
    size = _write_ndjson(job, out, force=force) if ndjson else _write_bundle(job, out, form or _FORMS[0], force=force)
    _tell(job, out, "ndjson" if ndjson else form or _FORMS[0], size, as_json=as_json)


class _Job:
    """The charts of one export, made one by one."""

    def __init__(
        self, runtime: Runtime, names: Sequence[ChartId], *, purpose: Purpose, quiet: bool, strict: bool
    ) -> None:
        from edge_runtime.exporting import Exporter

        self.exporter: Exporter = Exporter(runtime.charts, runtime.auditor, runtime.identity, runtime.notes)
        self.now_ms = runtime.surroundings.clock()
        self.quiet = quiet
        self._names, self._purpose, self._strict = names, purpose, strict

    def charts(self) -> Iterator[tuple[ChartId, list[Made]]]:
        """Each chart with its resources; of charts that nobody named, those that this device may read."""
        with working("Exporting", as_json=self.quiet) as words:
            named = ((name, self._one(name)) for name in self._names)
            readable = self.exporter.export_open(self._names, purpose=self._purpose, now_ms=self.now_ms)
            found: Iterator[tuple[ChartId, list[Made]]] = named if self._strict else readable
            for done, one in enumerate(found, start=1):
                yield one
                words(f"Exporting: {done} of {len(self._names)} charts")

    def _one(self, name: ChartId) -> list[Made]:
        made = self.exporter.export(name, purpose=self._purpose, now_ms=self.now_ms)
        return [*made, *self.exporter.beside(made, purpose=self._purpose, now_ms=self.now_ms)]


def _write_bundle(job: _Job, out: str, form: str, *, force: bool) -> int:
    from edge_runtime.fhir.exporting.bundles import Form, bundle, document, with_ids

    if out.endswith(("/", "\\")) or Path(out).is_dir():
        raise InputError(
            "out_folder", expected="a file for one Bundle", got="a folder", do="name a file, or add --ndjson"
        )
    wanted, counted = Form(form), Counter[str]()

    def made() -> Iterator[Made]:
        for _, chart in job.charts():
            for one in document(chart) if wanted is Form.DOCUMENT else chart:
                counted[one.type] += 1
                yield one
        job.exporter.report.resources = dict(counted)  # a document holds only what its letter rests on

    resources = with_ids(made()) if wanted is Form.TRANSACTION else made()
    with _opened(out, force=force) as file:
        return _written(file, bundle(resources, wanted, now_ms=job.now_ms))


def _write_ndjson(job: _Job, out: str, *, force: bool) -> int:
    if out.endswith(("/", "\\")) or (out != _STDOUT and Path(out).is_dir()):
        return _write_folder(job, Path(out).absolute())
    with _opened(out, force=force) as file:
        return _written(file, (line for _, line in _lines(job)))


def _lines(job: _Job) -> Iterator[tuple[str, bytes]]:
    from edge_runtime.fhir.exporting.bundles import names_of, ndjson
    from edge_runtime.fhir.exporting.identity import source_of

    for name, chart in job.charts():
        yield from ndjson(chart, names_of(chart), source=source_of(name))


def _write_folder(job: _Job, folder: Path) -> int:
    """A file a type, as bulk data has it; the folder is there when all of them are whole."""
    with out_errors():
        if not folder.name or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            raise _there()
        part = part_of(folder)
        part.mkdir(mode=0o700)
        try:
            size = _write_types(part, _lines(job))
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
            for file in sorted(part.iterdir()):
                file.replace(folder / file.name)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return size


def part_of(folder: Path) -> Path:
    """Where a folder is written until it is whole.

    Raises:
        InputError: something is there already. It may be somebody's own; what a broken export left is patient data,
            of which its owner must learn.
    """
    part = folder.with_name(folder.name + ".part")
    if part.exists() or part.is_symlink():
        raise InputError(
            "out_exists",
            expected="nothing beside the folder that is named as it is, with .part behind",
            got="something, maybe what an export that broke off left in the clear",
            do="look at it and remove it, or name another folder",
        )
    return part


def _write_types(folder: Path, lines: Iterable[tuple[str, bytes]]) -> int:
    size = 0
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for type_, line in lines:
            if type_ not in files:
                files[type_] = stack.enter_context(open_private(folder / f"{type_}.ndjson"))
            size += files[type_].write(line)
    return size


@contextmanager
def _opened(out: str, *, force: bool) -> Iterator[BinaryIO]:
    """Where one file's bytes go; a file takes its place only when it is whole."""
    from edge_runtime.settings import replacing

    if out == _STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    if path.exists() and not path.is_dir() and not force:
        raise _there()
    check_out(path)
    with out_errors(), replacing(path) as file:
        yield file


def _written(file: BinaryIO, pieces: Iterable[bytes]) -> int:
    return sum(file.write(piece) for piece in pieces)


def _there() -> InputError:
    return InputError(
        "out_exists",
        expected="a place where nothing is yet",
        got="one that is taken",
        do="name another, or add --force",
    )


def _tell(job: _Job, out: str, form: str, size: int, *, as_json: bool) -> None:
    report = job.exporter.report
    if as_json:
        print_json({"out": out, "form": form, "bytes": size, **report.to_json()})
        return
    if out == _STDOUT:
        return
    total = sum(report.resources.values())
    say(f"{total:,} resources of {report.charts:,} charts are in {out}: {size:,} bytes, for you alone to read.")
    if report.closed:
        say(f"{report.closed:,} charts were left out: this device may not read them.")
    if report.sealed:
        say(f"{report.sealed:,} imported resources were left out: a part of each is sealed from this device.")
    say("WARNING: it holds patient data in the clear. It does not follow later changes of the charts.")
