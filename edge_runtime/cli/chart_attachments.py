"""`fieldward chart attach`, `attachments`, `save-attachment`: files that belong to a chart. No network is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.authors import who
from edge_runtime.cli.blob_text import size_words
from edge_runtime.cli.output import check_out, out_errors, print_json, say, when, with_device, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError
from sync_protocol.audit import Purpose

if TYPE_CHECKING:
    from edge_runtime.attaching import Listed
    from edge_runtime.runtime import Runtime

_WORDS: Final = {
    "not_here": "not fetched",
    "this_device_only": "on this device only",
    "at_the_relay": "at the relay",
    "safe": "safe: at the relay and backed up",
}


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--document",
    "document_id",
    default="chart",
    show_default=True,
    help="Its id or beginning, 'chart', or a workflow type.",
)
@click.option("--title", help="What people call it. It is sealed, like the file's name.")
@click.option("--replaces", help="The attachment that this one replaces; that one is kept and shown as replaced.")
@click.option("--sensitive", is_flag=True, help="Keep it with what law or patient keeps apart.")
@with_device()
def attach(
    runtime: Runtime,
    chart_id: str,
    file: Path,
    document_id: str,
    title: str | None,
    replaces: str | None,
    *,
    sensitive: bool,
    as_json: bool,
) -> None:
    """Attach a file to a chart: sealed on this device, sent after everything else. The file itself stays as it is.

    Others will see: that this chart has an attachment, and about how long it is; not its name, nor what it is.

    \b
    Example:
      fieldward chart attach 3f2a90bc wound.jpg --document encounter --title "Left hand, day 2" --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals

    charts = runtime.charts
    found = charts.find(chart_id)
    with noting_refusals(runtime.auditor, found), working("Sealing", as_json=as_json) as words:
        opened = charts.open(found)
        document = charts.find_document(opened, document_id)
        replaced = None if replaces is None else runtime.attachments.named(opened, replaces).fact.id
        fact, attachment = runtime.attachments.attach(
            found,
            document,
            file,
            title=title,
            replaces=replaced,
            sensitive=sensitive,
            progress=lambda done, of: words(f"Sealing: {done} of {of} pieces"),
        )
    if as_json:
        told = {"chart": str(found), "document": str(document), "fact": str(fact)}
        print_json(told | {"attachment": str(attachment.blob), "bytes": attachment.file_bytes})
        return
    say(f"Attached as {attachment.blob.short} to document {document.short}: {size_words(attachment.file_bytes)}.")
    say("It is on this device only; the next sync sends it, after everything else.")


@click.command("attachments")
@click.argument("chart_id", metavar="CHART")
@with_device()
def list_attachments(runtime: Runtime, chart_id: str, *, as_json: bool) -> None:
    """List the files that belong to a chart, and where each is.

    Others will see: that you read which attachments the chart has.

    \b
    Example:
      fieldward chart attachments 3f2a90bc --home tablet
    """
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.audit.shown import shown_documents
    from edge_runtime.clinical.layout import Kind

    found = runtime.charts.find(chart_id)
    opened = open_to_show(
        runtime.charts,
        runtime.auditor,
        found,
        part=lambda chart: replace(
            shown_documents(chart, chart.documents), fields=(Kind.ATTACHMENT.value,), documents=()
        ),
    )
    listed = runtime.attachments.listed(opened)
    if as_json:
        print_json({"chart": str(found), "attachments": attachments_json(listed)})
        return
    for one in listed:
        say(attachment_line(one))
    if not listed:
        say("No attachments. Add one with 'fieldward chart attach'.")


@click.command("save-attachment")
@click.argument("chart_id", metavar="CHART")
@click.argument("attachment_id", metavar="ATTACHMENT")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A file that is not there.")
@click.option(
    "--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.TREATMENT.value, show_default=True
)
@with_device()
def save_attachment(
    runtime: Runtime, chart_id: str, attachment_id: str, out: Path, purpose: str, *, as_json: bool
) -> None:
    """Write an attachment to a file, in the clear, after checking it. One that is not here is asked for.

    Others will see: that you exported it, and the purpose that you name.

    \b
    Example:
      fieldward chart save-attachment 3f2a90bc 81c5d2 --out wound.jpg --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.audit.shown import shown_documents
    from edge_runtime.clinical.layout import Kind
    from edge_runtime.permissions import check_consent
    from edge_runtime.settings import replacing

    if out.exists():
        raise InputError("out_file", expected="a file that is not there", got="one that is", do="name another file")
    check_out(out)
    found = runtime.charts.find(chart_id)
    with noting_refusals(runtime.auditor, found, purpose=Purpose(purpose)):
        opened = runtime.charts.open(found, purpose=Purpose(purpose))
        check_consent(found, opened.lacks)
        listed = runtime.attachments.named(opened, attachment_id)
    runtime.attachments.check_here(listed)
    shown = replace(
        shown_documents(opened, [listed.fact.document]),
        fields=(Kind.ATTACHMENT.value,),
        compartments=(listed.fact.compartment,),
        documents=(),
        seen=(listed.fact.id.entry,),
    )
    runtime.auditor.exported(shown, purpose=Purpose(purpose), form="attachment")
    with working("Opening", as_json=as_json) as words:
        pieces = runtime.attachments.pieces(listed, lambda done, of: words(f"Opening: {done} of {of} pieces"))
        with out_errors(), replacing(out) as file:
            for piece in pieces:
                file.write(piece)
    if as_json:
        print_json({"chart": str(found), "attachment": str(listed.attachment.blob), "out": str(out)})
        return
    say(f"Written to {out}, as its author sealed it. It lies there in the clear.")


def attachments_json(listed: Sequence[Listed]) -> list[dict[str, Any]]:
    """Attachments for machines; without the keys that open them."""
    return [
        {
            "attachment": str(one.attachment.blob),
            "fact": str(one.fact.id),
            "document": str(one.fact.document),
            "name": one.attachment.name,
            "title": one.attachment.title,
            "media_type": one.attachment.media_type,
            "bytes": one.attachment.file_bytes,
            "state": one.state.value,
            "here": one.here,
            "replaced_by": [str(fact) for fact in one.statement.superseded_by],
        }
        for one in listed
    ]


def attachment_line(one: Listed) -> str:
    """An attachment for a person."""
    from edge_runtime.cli.chart_marks import flag

    attachment, fact = one.attachment, one.fact
    title = f" ({safe(attachment.title)})" if attachment.title else ""
    replaced = "  REPLACED" if one.statement.superseded_by else ""
    away = "" if one.here or one.state.value == "not_here" else ", not on this device"
    return (
        f"{attachment.blob.short}  {safe(attachment.name)}{title}  {size_words(attachment.file_bytes)}  "
        f"{_WORDS[one.state.value]}{away}  {who(fact.author)}, {when(fact.wall_ms)}{replaced}{flag([fact]).plain}"
    )


ATTACHMENT_COMMANDS: Final = (attach, list_attachments, save_attachment)
