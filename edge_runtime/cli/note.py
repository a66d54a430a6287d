"""`fieldward note`: signed texts as files, and their check on any machine that has the organisation's file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import (
    EXIT_DAMAGE,
    EXIT_DONE,
    check_out,
    json_option,
    print_error,
    print_json,
    say,
    why_unreadable,
    with_device,
    working,
    write_out,
)
from edge_runtime.errors import InputError
from sync_protocol.audit import Purpose
from sync_protocol.errors import PeerError
from sync_protocol.limits import NOTE_FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import RootHash
    from sync_protocol.note_checks import CheckedNote

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_ORGANISATION: Final = click.option(
    "--organisation",
    type=_FILE,
    help="The organisation's file, from elsewhere: accept its root and no other. Without it a note only shows that it "
    "agrees with itself.",
)


@click.group()
def note() -> None:
    """Take signed texts along as a file, and check one: with the organisation's file, and nothing else."""


@note.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--document", "document_id", required=True, help="Its id or beginning, 'chart', or a workflow type.")
@click.option("--out", type=_FILE, required=True, help="The file to write.")
@click.option(
    "--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.TREATMENT.value, show_default=True
)
@with_device()
def export(runtime: Runtime, chart_id: str, document_id: str, out: Path, purpose: str, *, as_json: bool) -> None:
    """Write what was signed in a document to a note file: texts, signatures, and what shows them in chain and log.

    The file holds patient data in the clear. Others will see: that you exported it, and for which purpose.

    \b
    Example:
      fieldward note export 3f2a90bc --document encounter --out visit.fwn --home tablet
    """
    from edge_runtime.audit.showing import make_to_hand_out
    from edge_runtime.opened import OpenChart

    check_out(out)
    found, auditor = runtime.charts.find(chart_id), runtime.auditor

    def made(opened: OpenChart) -> bytes:
        document = runtime.charts.find_document(opened, document_id)
        return runtime.notes.write(opened, runtime.signing.signatures(opened, document))

    data = make_to_hand_out(
        runtime.charts,
        auditor,
        found,
        purpose=Purpose(purpose),
        make=made,
        record=partial(auditor.exported, purpose=Purpose(purpose), form="note"),
    )
    write_out(out, data)
    if as_json:
        print_json({"chart": str(found), "out": str(out), "bytes": len(data)})
        return
    say(f"Written to {out}: {len(data):,} bytes.")
    say("WARNING: this file holds patient data in the clear.")
    say(f"Check it anywhere: fieldward note verify {out} --organisation ORGANISATION-FILE")


@note.command()
@click.argument("file", type=_FILE)
@_ORGANISATION
@json_option
def verify(file: Path, organisation: Path | None, *, as_json: bool) -> int:
    """Check a note file: every signature, every text, and that nothing of it was changed. Needs no device.

    Exit code 0 where all of it holds, 3 where it does not.

    \b
    Example:
      fieldward note verify visit.fwn --organisation clinic.org
    """
    told = partial(_tell_verified, pinned=organisation is not None, as_json=as_json)
    return _checked(file, organisation, as_json=as_json, tell=told)


@note.command()
@click.argument("file", type=_FILE)
@_ORGANISATION
@click.option("--html", type=_FILE, help="Write it to this file as HTML instead.")
@click.option("--pdf", type=_FILE, help="Write it to this file as PDF instead.")
@json_option
def show(file: Path, organisation: Path | None, html: Path | None, pdf: Path | None, *, as_json: bool) -> int:
    """Show a note file that holds: on the terminal, or as a page. Needs no device.

    \b
    Examples:
      fieldward note show visit.fwn --organisation clinic.org
      fieldward note show visit.fwn --organisation clinic.org --pdf visit.pdf
    """
    if html is not None and pdf is not None:
        raise click.UsageError("give either --html or --pdf")
    out = html or pdf
    if out is None:
        whole = partial(_tell_whole, pinned=organisation is not None, as_json=as_json)
        return _checked(file, organisation, as_json=as_json, tell=whole)
    check_out(out)
    tell = partial(_write_page, out=out, pdf=pdf is not None, pinned=organisation is not None, as_json=as_json)
    return _checked(file, organisation, as_json=as_json, tell=tell)


def _checked(file: Path, organisation: Path | None, *, as_json: bool, tell: Callable[[CheckedNote], None]) -> int:
    from sync_protocol.note_checks import check_note

    data, expected = _read(file), _pinned(organisation)
    try:
        found = check_note(data, expected=expected)
    except PeerError as error:
        print_error(error, as_json=as_json)
        return EXIT_DAMAGE
    tell(found)
    if expected is None and not as_json:
        say(click.style("NOTE: no --organisation was given: anybody could have made this file.", fg="yellow"))
    return EXIT_DONE


def _tell_verified(found: CheckedNote, *, pinned: bool, as_json: bool) -> None:
    from edge_runtime.cli.note_text import note_json, print_signatures

    if as_json:
        print_json(note_json(found, pinned=pinned, texts=False))
        return
    print_signatures(found)


def _tell_whole(found: CheckedNote, *, pinned: bool, as_json: bool) -> None:
    from edge_runtime.cli.note_text import note_json, print_note

    if as_json:
        print_json(note_json(found, pinned=pinned, texts=True))
        return
    print_note(found)


def _write_page(found: CheckedNote, *, out: Path, pdf: bool, pinned: bool, as_json: bool) -> None:
    from edge_runtime.cli.note_text import to_print
    from edge_runtime.printing.note_pages import note_page

    page = note_page(to_print(found, pinned=pinned), made_ms=found.made_ms)
    with working("Making the page", as_json=as_json):
        if pdf:
            from edge_runtime.printing.pdf import to_pdf

            data = to_pdf(page)
        else:
            from edge_runtime.printing.html import to_html

            data = to_html(page)
    write_out(out, data)
    if as_json:
        print_json({"out": str(out), "form": "pdf" if pdf else "html", "bytes": len(data)})
        return
    say(f"Written to {out}: {len(data):,} bytes, patient data in the clear.")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(NOTE_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(
            "note_file",
            expected="a note file as 'fieldward note export' wrote it",
            got=why_unreadable(error),
            do="name the file",
        ) from None


def _pinned(file: Path | None) -> RootHash | None:
    from edge_runtime.cli.audit.verifying import pinned_root
    from sync_protocol.ids import RootHash

    root = pinned_root(file)
    return None if root is None else RootHash(root.hash)
