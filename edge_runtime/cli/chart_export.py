"""`fieldward chart export`: everything of one chart as a folder to hand over, with a manifest of what is in it.

Owns the names of the files: none is made of what a person wrote. The folder takes its place when it is whole; refuses a
place that is taken.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from edge_runtime.cli.chart_purge import destruction_lines
from edge_runtime.cli.fhir_export import part_of
from edge_runtime.cli.output import open_private, out_errors, print_json, say, with_device, working
from edge_runtime.errors import InputError, RefusedError
from sync_protocol.audit import Purpose

if TYPE_CHECKING:
    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import ChartId

MANIFEST: Final = "manifest.json"
_FORMAT: Final = "folder"
_MODE: Final = 0o700


class _Part(NamedTuple):
    """One file of the folder, its bytes piece by piece."""

    name: str
    media_type: str
    pieces: Iterable[bytes]


@click.command("export")
@click.argument("chart_id", metavar="CHART")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to make; not there yet."
)
@click.option(
    "--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.TREATMENT.value, show_default=True
)
@with_device()
def export_chart(runtime: Runtime, chart_id: str, out: Path, purpose: str, *, as_json: bool) -> None:
    """Write everything of a chart to a folder: FHIR, a page to read, signed notes, and the attachments that are here.

    Others will see: that you exported it, and for which purpose. The folder holds patient data in the clear.

    \b
    Example:
      fieldward chart export 3f2a90bc --out handover --home tablet
    """
    from edge_runtime.audit.showing import make_to_hand_out

    if str(out) == "-":
        raise click.UsageError("a folder cannot go to standard output: name one")
    if out.exists():
        raise InputError(
            "out_exists", expected="a folder that is not there yet", got="one that is", do="name another with --out"
        )
    part = part_of(out.absolute())
    found = runtime.charts.find(chart_id)
    record = partial(runtime.auditor.exported, purpose=Purpose(purpose), form=_FORMAT)
    make = partial(_write_folder, runtime, part, chart=found)
    with working("Exporting", as_json=as_json), out_errors(), _cleaned(part):
        manifest = make_to_hand_out(
            runtime.charts, runtime.auditor, found, purpose=Purpose(purpose), make=make, record=record
        )
        part.rename(out)
    if as_json:
        print_json({"out": str(out), **manifest})
        return
    listed = manifest["files"]
    assert isinstance(listed, list), "a manifest lists its files"
    say(f"Chart {found.short} is in {out}: {len(listed)} files and {MANIFEST}, for you alone to read.")
    for words in manifest["missing"] if isinstance(manifest["missing"], list) else ():
        say(f"  not in it: {words}")
    say("WARNING: the folder holds patient data in the clear. It does not follow later changes of the chart.")


class _cleaned:  # noqa: N801 reads as the verb that it is where it is used
    """Leaves no part of a folder behind when a block ends badly."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        """Nothing is there yet."""

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)  # where all went well, it has another name by now


def _write_folder(runtime: Runtime, folder: Path, opened: OpenChart, *, chart: ChartId) -> dict[str, object]:
    """Write the files and their manifest.

    Returns:
        The manifest.
    """
    folder.mkdir(mode=_MODE)
    missing: list[str] = []
    files = []
    for part in _parts(runtime, opened, missing, destruction_lines(runtime.access.retention(chart), chart)):
        path = folder / part.name
        path.parent.mkdir(mode=_MODE, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with open_private(path) as file:
            for piece in part.pieces:
                digest.update(piece)
                size += file.write(piece)
        files.append({"name": part.name, "type": part.media_type, "bytes": size, "sha256": digest.hexdigest()})
    manifest: dict[str, object] = {"chart": str(chart), "files": files, "missing": missing}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest


def _parts(runtime: Runtime, opened: OpenChart, missing: list[str], warnings: list[str]) -> Iterable[_Part]:
    from edge_runtime.exporting import scene_of
    from edge_runtime.fhir.exporting.bundles import Form, bundle
    from edge_runtime.fhir.exporting.charts import resources, sealed

    now_ms = runtime.surroundings.clock()
    scene = scene_of(opened, runtime.identity, now_ms=now_ms, notes=runtime.notes)
    if sealed(scene):
        missing.append(f"{sealed(scene)} imported resources, of which a part is sealed from this device")
    pieces = bundle(resources(scene), Form.COLLECTION, now_ms=now_ms)
    yield _Part("chart.fhir.json", "application/fhir+json", pieces)
    yield from _pages(opened, missing, warnings, made_ms=now_ms)
    for document, note in scene.notes.items():
        yield _Part(f"notes/{document}.fwn", "application/octet-stream", [note])
    yield from _attachments(runtime, opened, missing)


def _pages(opened: OpenChart, missing: list[str], warnings: list[str], *, made_ms: int) -> Iterable[_Part]:
    """The chart as a person reads it: HTML always, PDF where this installation can."""
    from edge_runtime.printing.chart_pages import chart_page
    from edge_runtime.printing.html import to_html
    from edge_runtime.printing.pdf import to_pdf

    page = chart_page(opened, made_ms=made_ms, warnings=warnings)
    yield _Part("chart.html", "text/html", [to_html(page)])
    try:
        yield _Part("chart.pdf", "application/pdf", [to_pdf(page)])
    except RefusedError as error:
        missing.append(f"the PDF: expected {error.expected}; got {error.got}")


def _attachments(runtime: Runtime, opened: OpenChart, missing: list[str]) -> Iterable[_Part]:
    """Those that are here, each once, named by what they hold."""
    listed = {one.attachment.sha256: one for one in runtime.attachments.listed(opened)}
    for digest, one in listed.items():
        if not one.here:
            missing.append(f"attachment {one.attachment.blob}: it is on another device; fetch it first")
            continue
        suffix = mimetypes.guess_extension(one.attachment.media_type) or ".bin"
        yield _Part(f"attachments/{digest.hex()}{suffix}", one.attachment.media_type, runtime.attachments.pieces(one))
