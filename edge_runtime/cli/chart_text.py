"""A chart on a terminal: the safety list first, then what a person must decide, then the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_runtime.cli.authors import who
from edge_runtime.cli.chart_attachments import attachment_line
from edge_runtime.cli.chart_marks import ROWS_MAX, flag, not_counted, unverified_rows
from edge_runtime.cli.cross_check_text import cross_check_rows, denied_rows
from edge_runtime.cli.document_text import course_rows, standing_rows
from edge_runtime.cli.glass_text import glass_banner, glass_json
from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.section_text import section_rows, sections_json
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.marks import SAFETY_LIST
from edge_runtime.clinical.state_json import chart_to_json, document_to_json
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.vitals import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_runtime.attaching import Listed
    from edge_runtime.clinical.diagnoses import Diagnosis
    from edge_runtime.clinical.medications import Medication
    from edge_runtime.clinical.reviews import Review
    from edge_runtime.clinical.state import DocumentState
    from edge_runtime.opened import OpenChart

_OBSERVATIONS_SHOWN: Final = 12


def summary_of(opened: OpenChart) -> dict[str, Any]:
    """One chart in a list."""
    state = opened.state
    return {
        "chart": str(opened.chart),
        "sealed": opened.sealed,
        "destroyed": destroyed_json(opened),
        "lacks": None if opened.lacks is None else opened.lacks.value,
        "name": patient_name(opened),
        "documents": len(opened.documents),
        "allergies": len(state.allergies.items),
        "medications": len(state.medications),
        "reviews_open": sum(review.open for review in state.reviews),
        "unread": sum(len(document.unread) for document in opened.documents.values()),
    }


def destroyed_json(opened: OpenChart) -> dict[str, Any] | None:
    """That a chart's content was destroyed here: by which record, and since when; None for one that stands."""
    note = opened.destroyed
    return None if note is None else {"record": str(note.record), "since_ms": note.since_ms}


def summary_line(row: dict[str, Any]) -> str:
    """The same for a person."""
    if row["destroyed"]:
        return f"{row['chart'][:8]}  (destroyed on this device on {when(row['destroyed']['since_ms'])})"
    if row["lacks"]:
        return f"{row['chart'][:8]}  (closed: the patient does not permit {row['lacks'].replace('_', ' ')})"
    if row["sealed"]:
        return f"{row['chart'][:8]}  (sealed: this device may see who did what, and no content)"
    reviews = f"  {row['reviews_open']} to decide" if row["reviews_open"] else ""
    unread = f"  {row['unread']} not readable here yet" if row["unread"] else ""
    return (
        f"{row['chart'][:8]}  {safe(row['name'] or '(no name)'):<32.32} {row['documents']} documents{reviews}{unread}"
    )


def patient_name(opened: OpenChart) -> str | None:
    """The name that stands; several are joined, because none may be hidden."""
    standing = [item.fact.fact for item in opened.state.identity if not item.superseded_by]
    names = list(dict.fromkeys(name for fact in standing if (name := said(fact, "name"))))
    return " / ".join(names) or None


def chart_json(opened: OpenChart, *, authors: bool = False) -> dict[str, Any]:
    """The chart for machines: its state, and of each document the text sections and what is not readable."""
    whole: dict[str, Any] = dict(chart_to_json(opened.state))
    whole["documents"] = [_document_json(opened, state, authors=authors) for state in opened.states()]
    members = [
        {"certificate": str(name), "compartments": sorted(int(c) for c in reads)}
        for name, reads in sorted(opened.membership.members.items())
    ]
    return {"chart": str(opened.chart), "members": members, "broken": glass_json(opened)} | whole


def _document_json(opened: OpenChart, state: DocumentState, *, authors: bool) -> dict[str, Any]:
    found = opened.documents[state.document]
    unread = [{"entry": str(entry), "why": why.value} for entry, why in sorted(found.unread.items())]
    void = [{"fact": str(fact), "why": why} for fact, why in sorted(found.void.items())]
    return document_to_json(state) | {"sections": sections_json(found, authors=authors), "unread": unread, "void": void}


def print_chart(
    opened: OpenChart, *, warnings: Sequence[str] = (), attached: Sequence[Listed] = (), authors: bool = False
) -> None:
    """Print a chart, with what threatens it on top; with the author of each character where `authors` are asked for."""
    console = Console(highlight=False)
    console.print(
        Text.assemble(
            ("Chart ", "dim"),
            (opened.chart.short, "bold"),
            "  ",
            (safe(patient_name(opened) or "(no name)"), "bold"),
            flag(item.fact for item in opened.state.identity if not item.superseded_by),
        )
    )
    for line in warnings:
        console.print(Text(line, "bold yellow"))
    banner = glass_banner(opened)
    if banner is not None:
        console.print(banner)
    console.print(_safety(opened))
    reviews = [review for review in opened.state.reviews if review.open]
    if reviews:
        console.print(_reviews(reviews))
    for state in opened.states():
        console.print(_document(opened, state, attached, authors=authors))
    waiting = [one.fact.id.entry.short for state in opened.state.documents for one in state.drafts.waiting]
    if waiting:
        alone = len(waiting) == 1
        how = f"show {opened.chart.short} {waiting[0]}" if alone else f"list {opened.chart.short}"
        wait = "1 draft waits" if alone else f"{len(waiting)} drafts wait"
        console.print(Text(f"{wait} for a decision: fieldward draft {how}", "yellow"))
    unread = sum(len(document.unread) for document in opened.documents.values())
    if unread:
        console.print(Text(f"{unread} entries are kept and cannot be shown here yet.", "yellow"))
    for left_out in not_counted(opened):
        console.print(left_out)


def _safety(opened: OpenChart) -> Panel:
    state = opened.state
    rows: list[Text] = []
    for item in state.allergies.items:
        style = "bold red" if item.live else "dim strike"
        words = safe(" / ".join(item.names)) + (f", {item.severity}" if item.severity else "")
        refuted = "" if item.live else "  (refuted)"
        rows.append(Text.assemble(("Allergy     ", "red"), (words, style), refuted, flag(item.heads)))
    if not state.allergies.items:
        unverified = any(item.fact.fact.kind == Kind.ALLERGY and not item.superseded_by for item in state.unverified)
        words = "none known" if state.allergies.groups_denied else "nothing stated"
        rows.append(Text(f"Allergy     {words}" + (", but see what is UNVERIFIED" if unverified else "")))
    rows.extend(denied_rows(state))
    rows.extend(_medication(item) for item in state.medications)
    rows.extend(cross_check_rows(state))
    rows.extend(_diagnosis(item) for item in state.diagnoses)
    rows.extend(unverified_rows(state.unverified, SAFETY_LIST))
    for incomplete, words in (
        (state.allergies_incomplete, "The allergy list is not settled: see below."),
        (state.medications_incomplete, "The medication list is not settled: see below."),
    ):
        if incomplete:
            rows.append(Text(words, "bold yellow"))
    return Panel(Group(*rows), title="Safety", title_align="left", border_style="red")


def _medication(item: Medication) -> Text:
    lines = " | ".join(safe(line.words + (f" ({line.reasons})" if line.reasons else "")) for line in item.lines)
    text = Text.assemble(("Medication  ", "magenta"), (safe(" / ".join(item.names)), "bold"), f"  {lines}")
    if item.disputed:
        text.append("  DISPUTED", "bold yellow")
    return text.append_text(flag(item.heads))


def _diagnosis(item: Diagnosis) -> Text:
    """What is refuted stays listed, and says so: it may be why something was given."""
    text = Text.assemble(("Problem     ", "cyan"), safe(" / ".join(item.names)))
    if item.certainty is not None:
        text.append(f"  {item.certainty}", "dim")
    if not item.live:
        text.append("  (refuted)", "bold")
    if item.disputed:
        text.append("  DISPUTED", "bold yellow")
    return text.append_text(flag(item.heads))


def _reviews(reviews: Iterable[Review]) -> Panel:
    table = Table(box=None, pad_edge=False, show_header=False)
    for review in reviews:
        table.add_row(
            Text(review.id.short, "bold"), Text(review.kind.replace("_", " "), "yellow"), Text(safe(review.reason))
        )
        for value in review.values[:ROWS_MAX]:
            table.add_row("", Text(who(value.author), "dim"), Text(f"{safe(value.display)}   {when(value.wall_ms)}"))
        if len(review.values) > ROWS_MAX:
            table.add_row("", "", Text(f"{len(review.values) - ROWS_MAX} more: see --json", "dim"))
    how = "decide: fieldward review show CHART ID"
    return Panel(
        table,
        title="A person must decide",
        title_align="left",
        subtitle=how,
        subtitle_align="left",
        border_style="yellow",
    )


def _document(opened: OpenChart, state: DocumentState, attached: Sequence[Listed], *, authors: bool) -> Panel:
    found = opened.documents[state.document]
    rows: list[Text | Table] = []
    rows.extend(standing_rows(state, opened.state.identity))
    vitals = [item for item in state.observations if not item.corrected_by]
    for item in vitals[-_OBSERVATIONS_SHOWN:]:
        rows.append(
            Text.assemble(
                ("Finding  ", "cyan"),
                safe(display(item.fact)),
                (f"   {who(item.fact.author)}", "dim"),
                flag([item.fact]),
            )
        )
        if item.question:
            rows.append(Text(f"         {item.question}", "yellow"))
    if len(vitals) > _OBSERVATIONS_SHOWN:
        rows.append(Text(f"         {len(vitals) - _OBSERVATIONS_SHOWN} earlier findings", "dim"))
    others = {item.fact.fact.kind for item in state.unverified} - SAFETY_LIST
    rows.extend(unverified_rows(state.unverified, others))
    rows.extend(section_rows(found, authors=authors))
    rows.extend(course_rows(state))
    mine = (one for one in attached if one.fact.document == state.document)
    rows.extend(Text.assemble(("File     ", "cyan"), attachment_line(one)) for one in mine)
    kept = sum(placed.fact.kind == Kind.SOURCE for placed in state.others)
    if kept:
        rows.append(Text(f"{kept} parts of imported resources are kept as they came.", "dim"))
    kind = (
        "chart document"
        if state.document == opened.membership.chart_document
        else str(state.workflow_type or "document")
    )
    title = Text(f"{kind} {state.document.short}" + (f": {safe(state.title)}" if state.title else ""))
    return Panel(
        Group(*rows) if rows else Text("nothing yet", "dim"), title=title, title_align="left", border_style="dim"
    )
