"""`fieldward chart`: charts on this device. Nothing here needs a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.chart_access import COMMANDS
from edge_runtime.cli.chart_adopt import adopt
from edge_runtime.cli.chart_attachments import ATTACHMENT_COMMANDS, attachments_json
from edge_runtime.cli.chart_export import export_chart
from edge_runtime.cli.chart_members import members
from edge_runtime.cli.chart_purge import destruction_json, destruction_lines
from edge_runtime.cli.fhir_import import import_command
from edge_runtime.cli.output import print_json, say, with_device, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.text_file import read_text
from edge_runtime.errors import InputError
from sync_protocol.audit import Purpose

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime

_TEXT_BYTES_MAX: Final = 64 * 1024


@click.group()
def chart() -> None:
    """Create, import, show, change and share charts."""


for _command in (members, adopt, export_chart, import_command("chart"), *ATTACHMENT_COMMANDS, *COMMANDS):
    chart.add_command(_command)


@chart.command()
@click.option("--name", help="The patient's name.")
@click.option("--birth-date", help="YYYY-MM-DD, or what is known of it.")
@click.option(
    "--sex", type=click.Choice(["female", "male", "other", "unknown"]), help="As FHIR's administrative gender."
)
@click.option("--workflow", default="encounter", show_default=True, help="The first document; 'none' for none.")
@with_device()
def create(
    runtime: Runtime, name: str | None, birth_date: str | None, sex: str | None, workflow: str, *, as_json: bool
) -> None:
    """Create a chart with a first document. This device is its only member until you share it.

    Others will see: that a chart exists, and who its members are; nothing that is in it.

    \b
    Example:
      fieldward chart create --home tablet --name "Ana Lima" --birth-date 1961-04-02
    """
    from edge_runtime.clinical.layout import Kind, WorkflowType
    from edge_runtime.clinical.times import question
    from edge_runtime.facts import Fact

    apart = (WorkflowType.CHART, WorkflowType.INCIDENT)  # of which a chart has one at most, made otherwise
    kinds = {str(one): one for one in WorkflowType if one not in apart}
    if workflow != "none" and workflow not in kinds:
        raise InputError(
            "workflow", expected=f"one of {', '.join(kinds)}, none", got=f"{workflow[:32]!r}", do="name one of these"
        )
    kind = kinds.get(workflow)
    stated = {"name": name, "birth_date": birth_date, "sex": sex}
    payload: dict[str, Any] = {key: value for key, value in stated.items() if value}
    facts = [Fact(kind=Kind.IDENTITY, payload=payload, supersedes=())] if payload else []
    asked = next((found for fact in facts if (found := question(fact, now_ms=runtime.surroundings.clock()))), None)
    made, documents = runtime.charts.create(facts, workflow=kind)
    if as_json:
        types = ["chart", *([kind.value] if kind else [])]
        print_json(
            {
                "chart": str(made),
                "documents": [
                    {"document": str(document), "workflow_type": type_}
                    for document, type_ in zip(documents, types, strict=True)
                ],
                "confirm": asked,
            }
        )
        return
    say(f"Chart {made} is created.")
    for document in documents:
        say(f"  document  {document}")
    if asked is not None:
        say(f"Please check: {asked}")
    say(f"Next: fieldward chart show {made.short}")


@chart.command("list")
@with_device()
def list_charts(runtime: Runtime, *, as_json: bool) -> None:
    """List the charts on this device.

    \b
    Example:
      fieldward chart list --home tablet
    """
    from edge_runtime.cli.chart_text import summary_line, summary_of

    rows: list[dict[str, Any]] = []
    with working("Opening charts", as_json=as_json):
        rows.extend(summary_of(runtime.charts.open(name)) for name in runtime.keyring.charts())
    if rows:
        runtime.auditor.listed(runtime.keyring.charts())
    if as_json:
        print_json({"charts": rows})
        return
    for row in rows:
        say(summary_line(row))
    if not rows:
        say("No charts yet. Create one, import FHIR, or sync.")


@chart.command()
@click.argument("chart_id", metavar="CHART")
@click.option(
    "--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.TREATMENT.value, show_default=True
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file as HTML instead.")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file as PDF instead.")
@click.option("--authors", is_flag=True, help="Show who typed each part of a text.")
@with_device()
def show(
    runtime: Runtime,
    chart_id: str,
    *,
    purpose: str,
    html: Path | None,
    pdf: Path | None,
    authors: bool,
    as_json: bool,
) -> None:
    """Show a chart: what is known, who wrote it, and what a person must decide.

    Others will see: that you read, exported (--html) or printed (--pdf) it, what of it by name, and the purpose that
    you name. A file holds patient data in the clear.

    \b
    Examples:
      fieldward chart show 3f2a90bc --home tablet
      fieldward chart show 3f2a90bc --pdf transfer.pdf --home tablet
    """
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.cli.chart_text import chart_json, print_chart

    found = runtime.charts.find(chart_id)
    if html is not None or pdf is not None:
        from edge_runtime.cli.chart_print import print_to_file

        print_to_file(runtime, found, purpose=Purpose(purpose), html=html, pdf=pdf, as_json=as_json)
        return
    opened = open_to_show(runtime.charts, runtime.auditor, found, purpose=Purpose(purpose))
    retention = runtime.access.retention(found)
    attached = runtime.attachments.listed(opened)
    if as_json:
        beside = {"destruction": destruction_json(retention), "attachments": attachments_json(attached)}
        print_json(chart_json(opened, authors=authors) | beside)
        return
    print_chart(opened, warnings=destruction_lines(retention, found), attached=attached, authors=authors)


@chart.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--document", "document_id", required=True, help="Its id or beginning, 'chart', or a workflow type.")
@click.option("--section", help="The text section: complaint, history, subjective, objective, assessment, plan.")
@click.option("--text-file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="Its new text.")
@click.option("--fact", help='A fact as JSON, such as {"kind": "status", "to": "completed"}.')
@with_device()
def edit(
    runtime: Runtime,
    chart_id: str,
    document_id: str,
    section: str | None,
    text_file: Path | None,
    fact: str | None,
    *,
    as_json: bool,
) -> None:
    """Change a document: make a section read a text, or state a fact. Recorded durably before this returns.

    \b
    Examples:
      fieldward chart edit 3f2a90bc --document encounter --section plan --text-file plan.txt
      fieldward chart edit 3f2a90bc --document chart --fact '{"kind":"allergy","text":"Penicillin","severity":"severe"}'
    """
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.clinical.asking import questions
    from edge_runtime.clinical.fact_json import fact_from_json
    from edge_runtime.codes import asking as codes

    if (fact is None) == (section is None) or (section is None) != (text_file is None):
        raise click.UsageError("give either --section with --text-file, or --fact")
    charts = runtime.charts
    found = charts.find(chart_id)
    asked: tuple[str, ...] = ()
    with noting_refusals(runtime.auditor, found):
        opened = charts.open(found)
        document = charts.find_document(opened, document_id)
        if fact is not None:
            stated = fact_from_json(_json(fact))
            asked = questions(
                stated,
                now_ms=runtime.surroundings.clock(),
                state=opened.document(document),
                identity=opened.state.identity,
                chart=opened.state,
            )
            asked += codes.questions(stated)
            entries = charts.add_facts(found, document, [stated])
        else:
            assert section is not None, "checked above"
            assert text_file is not None, "checked above"
            entries = charts.edit_text(found, document, section, read_text(text_file, _TEXT_BYTES_MAX))
    names = [str(entry.hash) for entry in entries]
    if as_json:
        confirm = next(iter(asked), None)
        whole = {"chart": str(found), "document": str(document), "entries": names, "confirm": confirm}
        print_json(whole | {"questions": [*asked]})
        return
    say(f"Recorded in document {document.short}." if names else "Nothing to change: it reads so already.")
    for question in asked:
        say(f"Please check: {safe(question)}")  # it may name what others wrote


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=_no_float)
    except (ValueError, RecursionError):
        raise InputError(
            "fact_json", expected="one JSON object", got="other text", do="check quotes and braces"
        ) from None


def _no_float(_: str) -> object:
    raise InputError(
        "fact_json", expected='decimals as text, such as "37.5"', got="a bare decimal number", do="put it in quotes"
    )
