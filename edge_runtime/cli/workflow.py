"""`fieldward workflow`: documents with steps and checks, from a template to their completion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    json_option,
    print_error,
    print_json,
    say,
    why_unreadable,
    with_device,
)
from edge_runtime.cli.workflow_sign import addend, sign
from edge_runtime.cli.workflow_steps import STEP_COMMANDS
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.audit.shown import Shown
    from edge_runtime.clinical.workflows.template import Template
    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime
    from edge_runtime.workflows.report import Report
    from sync_protocol.ids import DocumentId

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_DOCUMENT: Final = "Its id or beginning, or a workflow type."


@click.group()
def workflow() -> None:
    """Work through a document: its steps, what it lacks, its completion, its signatures."""


for _command in (*STEP_COMMANDS, sign, addend):
    workflow.add_command(_command)


@workflow.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("type_", metavar="[TYPE]", required=False)
@click.option("--template", "file", type=_FILE, help="Your organisation's own template, instead of a type.")
@click.option("--title", help="What people call it; the template's title unless you say.")
@click.option("--later", is_flag=True, help="Begin work later: the document is pending until then.")
@with_device()
def new(
    runtime: Runtime,
    chart_id: str,
    type_: str | None,
    file: Path | None,
    title: str | None,
    *,
    later: bool,
    as_json: bool,
) -> None:
    """Begin a document from a template. 'fieldward workflow templates' lists the types.

    \b
    Examples:
      fieldward workflow new 3f2a90bc encounter
      fieldward workflow new 3f2a90bc --template wound_check.toml --title "Left heel"
    """
    from edge_runtime.audit.showing import noting_refusals

    template = _template(type_, file)
    found = runtime.charts.find(chart_id)
    with noting_refusals(runtime.auditor, found):
        document, entries = runtime.workflows.begin(found, template, title=title, start=not later)
    if as_json:
        print_json(
            {
                "chart": str(found),
                "document": str(document),
                "workflow_type": template.workflow_type.value,
                "template": template.name,
                "entries": [str(entry.hash) for entry in entries],
            }
        )
        return
    say(f"Document {document} is begun: {template.title}.")
    say(f"Next: fieldward workflow show {found.short} --document {document.short}")


@workflow.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--document", "document_id", help=f"Only this one. {_DOCUMENT}")
@with_device()
def show(runtime: Runtime, chart_id: str, document_id: str | None, *, as_json: bool) -> None:
    """Show how documents stand: how far, step by step, what lacks, how well kept, how long, who signed.

    Others will see: that you read the chart, or the document that you name.

    \b
    Examples:
      fieldward workflow show 3f2a90bc
      fieldward workflow show 3f2a90bc --document encounter --json
    """
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.audit.shown import shown_whole
    from edge_runtime.cli.workflow_text import print_report, report_json
    from edge_runtime.clinical.layout import WorkflowType

    found = runtime.charts.find(chart_id)
    chosen: list[DocumentId] = []
    part = shown_whole if document_id is None else _only(runtime, document_id, chosen)
    opened = open_to_show(runtime.charts, runtime.auditor, found, part=part)
    if document_id is None:
        besides = {None, WorkflowType.CHART}
        chosen += [state.document for state in opened.states() if state.workflow_type not in besides]
    reports = [runtime.workflows.report(opened, document) for document in chosen]
    if as_json:
        print_json({"chart": str(found), "documents": [report_json(one) for one in reports]})
        return
    for one in reports:
        print_report(one)
    if not reports:
        say("No workflow in this chart yet. Begin one: fieldward workflow new CHART TYPE")


@workflow.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--document", "document_id", required=True, help=_DOCUMENT)
@click.option("--despite", metavar="REASON", help="Complete it although something lacks; the reason stays in it.")
@with_device()
def complete(runtime: Runtime, chart_id: str, document_id: str, despite: str | None, *, as_json: bool) -> int:
    """Complete a document. What it lacks is listed, and it stays as it is then, unless you say why.

    \b
    Examples:
      fieldward workflow complete 3f2a90bc --document encounter
      fieldward workflow complete 3f2a90bc --document encounter --despite "the patient left before the examination"
    """
    from edge_runtime.audit.showing import noting_refusals, open_to_show
    from edge_runtime.workflows.work import check_open

    found = runtime.charts.find(chart_id)
    chosen: list[DocumentId] = []
    opened = open_to_show(runtime.charts, runtime.auditor, found, part=_only(runtime, document_id, chosen))
    (document,) = chosen
    report = runtime.workflows.report(opened, document)
    check_open(report.state)
    if report.completeness.lacking and despite is None:
        return _refused(report, as_json=as_json)
    with noting_refusals(runtime.auditor, found):
        entries, asked = runtime.workflows.complete(found, document, despite=despite)
    lacking = report.completeness.lacking
    if as_json:
        names = [str(entry.hash) for entry in entries]
        lacks = [need.item for need in lacking]
        done = {"chart": str(found), "document": str(document), "entries": names}
        print_json({**done, "despite": lacks, "confirm": asked})
        return EXIT_DONE
    say(f"Document {document.short} is completed" + (f", although {len(lacking)} things lack." if lacking else "."))
    if asked:
        say(f"Please check: {asked}")
    return EXIT_DONE


@workflow.command()
@click.argument("type_", metavar="[TYPE]", required=False)
@json_option
def templates(type_: str | None, *, as_json: bool) -> None:
    """List the templates that come with the program, or show one whole. Needs no device.

    \b
    Examples:
      fieldward workflow templates
      fieldward workflow templates lab_order
    """
    from edge_runtime.cli.template_text import print_template, template_json
    from edge_runtime.clinical.workflows.builtin import TEMPLATES

    found = [*TEMPLATES.values()] if type_ is None else [_template(type_, None)]
    if as_json:
        print_json({"templates": [template_json(one) for one in found]})
        return
    if type_ is not None:
        print_template(found[0])
        return
    for one in found:
        say(f"{one.name:<16}{one.title:<20}{len(one.steps)} steps, {len(one.requires)} things required")


@workflow.command("check-template")
@click.argument("file", type=_FILE)
@json_option
def check_template(file: Path, *, as_json: bool) -> None:
    """Check an organisation's own template, and show what it asks for. Needs no device; keeps nothing.

    \b
    Example:
      fieldward workflow check-template wound_check.toml
    """
    from edge_runtime.cli.template_text import print_template, template_json

    found = _template(None, file)
    if as_json:
        print_json(template_json(found))
        return
    print_template(found)
    say("This template is in order.")


def _only(runtime: Runtime, document_id: str, chosen: list[DocumentId]) -> Callable[[OpenChart], Shown]:
    """One document by what it is called; it is put into `chosen` as it is found."""
    from edge_runtime.audit.shown import shown_documents

    def part(opened: OpenChart) -> Shown:
        chosen.append(runtime.charts.find_document(opened, document_id))
        return shown_documents(opened, chosen)

    return part


def _refused(report: Report, *, as_json: bool) -> int:
    from edge_runtime.cli.workflow_text import lacking_rows
    from edge_runtime.workflows.report_json import need_json
    from edge_runtime.workflows.work import not_complete

    lacking = report.completeness.lacking
    error = not_complete(len(lacking))
    if as_json:
        told = {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}
        print_json({"error": told, "lacking": [need_json(need) for need in lacking]})
        return EXIT_REFUSED
    for row in lacking_rows(lacking):
        say(row)
    print_error(error, as_json=False)
    return EXIT_REFUSED


def _template(type_: str | None, file: Path | None) -> Template:
    """A template of the program, or one from a file.

    Raises:
        InputError: no such type, or no such file, or the file is no template.
    """
    from edge_runtime.clinical.layout import WorkflowType
    from edge_runtime.clinical.workflows.builtin import TEMPLATES
    from edge_runtime.clinical.workflows.toml import TEMPLATE_BYTES_MAX, read_template

    if (type_ is None) == (file is None):
        raise click.UsageError("give either a TYPE, or --template with a file")
    if file is None:
        known = TEMPLATES.get(WorkflowType(type_)) if type_ in frozenset(WorkflowType) else None
        if known is None:
            raise InputError(
                "workflow_type",
                expected=f"one of {', '.join(TEMPLATES)}",
                got=f"{(type_ or '')[:32]!r}",
                do="name one of these, or give your own with --template FILE",
            )
        return known
    try:
        with file.open("rb") as opened:
            data = opened.read(TEMPLATE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            "template_file", expected="a readable file", got=why_unreadable(error), do="check the file's name"
        ) from None
    return read_template(data)
