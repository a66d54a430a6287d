"""`fieldward bundle`: carry entries in a file, on a stick or by any other way, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.bundle_text import (
    error_json,
    import_json,
    inspection_json,
    many,
    say_failure,
    say_import,
    say_inspection,
    total_is_well,
)
from edge_runtime.cli.output import (
    EXIT_DAMAGE,
    EXIT_DONE,
    EXIT_REFUSED,
    check_out,
    json_option,
    out_errors,
    print_json,
    say,
    with_device,
    working,
)
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.settings import replacing
from sync_protocol.errors import PeerError

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.bundle_import import BundleReport
    from sync_protocol.errors import ExplainedError
    from sync_protocol.ids import ChartId

_PIECE_BYTES: Final = 1024 * 1024
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def bundle() -> None:
    """Carry entries in a file: export, import, inspect.

    What is in a bundle is sealed: whoever finds it reads no text and no names, but sees ids of charts and members,
    times and sizes, as a relay does.
    """


@bundle.command()
@click.argument("file", type=_FILE)
@click.option("--chart", "charts", multiple=True, help="Only this chart; may be repeated.")
@click.option("--everything", is_flag=True, help="Also what the relay has: for a device that cannot reach it.")
@click.option("--no-attachments", is_flag=True, help="Leave files out that are attached to charts.")
@with_device()
def export(
    runtime: Runtime, file: Path, charts: tuple[str, ...], *, everything: bool, no_attachments: bool, as_json: bool
) -> None:
    """Write a bundle: what the relay does not have yet, with the records on which it hangs.

    Any enrolled device can import it, keeps what it may hold, and brings it to the relay at its next sync. Your entries
    stay on this device, and count as unsent, until the relay has receipted them. That you exported is recorded.

    \b
    Examples:
      fieldward bundle export /media/stick/ward3.fwb --home kit
      fieldward bundle export all.fwb --everything --chart 3f2a90bc --home kit
    """
    from edge_runtime.sync.bundle_export import Exported

    check_out(file)
    _check_replaced(file)
    wanted = _charts(runtime, charts)
    with working("Writing", as_json=as_json) as words, out_errors(), replacing(file) as target:
        done: Exported = runtime.connections.bundles.export(
            target.write,
            charts=wanted,
            everything=everything,
            attachments=not no_attachments,
            progress=lambda count: words(f"Writing: {count} entries"),
        )
    size = file.stat().st_size
    if as_json:
        counts = {"entries": done.entries, "streams": done.streams, "charts": done.charts}
        print_json({"file": str(file), "bytes": size} | counts | {"attachments": done.attachments})
        return
    files = f" and {many(done.attachments, 'attachment')}" if done.attachments else ""
    if not done.charts and not everything:
        say(f"Nothing of a chart waits for the relay: in {file} are only records of the organisation and this device.")
        say("For what the relay has, too: --everything.")
        return
    say(f"{done.entries} entries of {many(done.charts, 'chart')}{files} are in {file} ({_size(size)}).")
    say("On the other device: fieldward bundle import FILE. Nothing here counts as sent by this.")


@bundle.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@with_device()
def take_in(runtime: Runtime, files: tuple[Path, ...], *, as_json: bool) -> int:
    """Take in bundles: in any order, again, or in part; what came before a stick was pulled counts.

    Everything is verified as if it came from a device that was met. What is new waits for the relay and goes up with
    the next sync. Exit code 1: something was not taken, or a file is no bundle of this organisation; 3: a file is
    damaged or cut off, and what was whole was taken.

    \b
    Example:
      fieldward bundle import /media/stick/ward3.fwb --home clinic
    """
    reports: list[tuple[Path, BundleReport]] = []
    failed: list[tuple[Path, ExplainedError]] = []
    for file in files:
        with working(f"Importing {file.name}", as_json=as_json) as words:

            def show(report: BundleReport, name: str = file.name) -> None:
                words(f"Importing {name}: {report.entries} entries, {report.received} new")

            try:
                report = runtime.connections.bundles.take_in(_pieces(file), progress=show)
            except (PeerError, RefusedError, InputError) as error:
                if len(files) == 1:
                    raise
                failed.append((file, error))  # one wrong file keeps nobody from the others
                continue
        reports.append((file, report))
        if not as_json:
            say_import(file, report)
    if as_json:
        done = [import_json(file, report) for file, report in reports]
        done += [{"file": str(file), "error": error_json(reason)} for file, reason in failed]
        print_json({"ok": not failed and total_is_well(reports), "files": done})
    else:
        for file, reason in failed:
            say_failure(file, reason)
    if any(report.damaged or not report.is_whole for _, report in reports):
        return EXIT_DAMAGE
    return EXIT_DONE if not failed and total_is_well(reports) else EXIT_REFUSED


@bundle.command()
@click.argument("file", type=_FILE)
@json_option
def inspect(file: Path, *, as_json: bool) -> int:
    """Say what a bundle holds and whether it is whole, without a device, a passphrase, or any key.

    What the file says of its maker is a claim here; an import checks it. Exit code 3: it is damaged or cut off.

    \b
    Example:
      fieldward bundle inspect /media/stick/ward3.fwb
    """
    from edge_runtime.sync.bundle_inspection import inspect_bundle

    with working("Reading", as_json=as_json) as words:
        found = inspect_bundle(_pieces(file), progress=lambda count: words(f"Reading: {count} entries"))
    if as_json:
        print_json(inspection_json(file, found))
    else:
        say_inspection(file, found)
    return EXIT_DONE if found.is_whole else EXIT_DAMAGE


def _check_replaced(file: Path) -> None:
    """Refuse to write over a file that is no bundle; one is replaced, since the newer one holds what it held unsent."""
    from edge_runtime.sync.bundle_inspection import inspect_bundle

    if not file.exists() or not file.stat().st_size:
        return
    try:
        inspect_bundle(islice(_pieces(file), 1), progress=lambda _: None)
    except PeerError:
        raise InputError(
            "out_file", expected="a new file, or an older bundle", got="a file of another kind", do="name another file"
        ) from None


def _charts(runtime: Runtime, texts: tuple[str, ...]) -> frozenset[ChartId] | None:
    return frozenset(map(runtime.charts.find, texts)) if texts else None


def _pieces(file: Path) -> Iterator[bytes]:
    """The file's bytes.

    Raises:
        InputError: it cannot be read; the first time before anything was taken.
    """
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise InputError(
            "bundle_file",
            expected=f"to read {file}",
            got=error.strerror or "an error of the file system",
            do="check the name, or the stick; what was read before is kept, and the import can be repeated",
        ) from None


def _size(size: int) -> str:
    """Bytes for a person."""
    amount: float = size
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000 or unit == "MB":  # noqa: PLR2004 decimal units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("MB is the last unit")
