"""Reviews on a terminal and as JSON: the statements that contradict each other, side by side, and who decided what.

Owns how much of a review a list shows: every statement with its author, role, time and what it replaced, so that nobody
decides from a word; a flood of them is cut and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from edge_runtime.cli.authors import author_json, who
from edge_runtime.cli.chart_text import patient_name
from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.section_text import section_rows
from edge_runtime.clinical.deciding import what_follows
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.marks import UNVERIFIED, why
from edge_runtime.clinical.standing import display
from edge_runtime.clinical.state_json import review_to_json
from edge_runtime.clinical.subjects import said
from sync_protocol.verdicts import Standing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge_runtime.clinical.reviews import Review, ReviewValue
    from edge_runtime.facts import FactId, PlacedFact
    from edge_runtime.opened import OpenChart

VALUES_MAX: Final = 8
"""Statements of one review that a list shows."""


def review_json(opened: OpenChart, review: Review, *, whole: bool = False) -> dict[str, Any]:
    """A review for machines: with the decisions about it, and whole with what its statements replaced."""
    facts = _facts(opened)
    told: dict[str, Any] = {"chart": str(opened.chart), "patient": patient_name(opened)} | review_to_json(review)
    told["document_type"] = _document_name(opened, review)
    told["decided"] = [_decision_json(fact) for fact in _decisions(opened, review)]
    told["next"] = what_follows(review.kind)
    if whole:
        told["replaced"] = {
            str(name): display(facts[name]) for value in review.values for name in value.base if name in facts
        }
        told["not_counted"] = [
            {"fact": str(name), "why": reason, "words": why(Verdict(Standing.VOID, reason))}
            for name, reason in sorted(opened.documents[review.document].void.items())
        ]
    return told


def print_list(found: Iterable[tuple[OpenChart, Sequence[Review]]]) -> None:
    """Print the reviews of some charts, under the name of each patient."""
    console = Console(highlight=False)
    for opened, reviews in found:
        if not reviews:
            continue
        name = safe(patient_name(opened) or "(no name)")
        console.print(Text.assemble(("Chart ", "dim"), (opened.chart.short, "bold"), "  ", (name, "bold")))
        for review in reviews:
            for row in _rows(opened, review, values_max=VALUES_MAX):
                console.print(row)
        console.print(Text(f"  Look at one: fieldward review show {opened.chart.short} REVIEW", "dim"), soft_wrap=True)


def print_review(opened: OpenChart, review: Review) -> None:
    """Print one review, whole."""
    console = Console(highlight=False)
    name = safe(patient_name(opened) or "(no name)")
    console.print(Text.assemble(("Chart ", "dim"), (opened.chart.short, "bold"), "  ", (name, "bold")))
    for row in _rows(opened, review, values_max=None):
        console.print(row)
    document = opened.documents[review.document]
    for section, text in document.texts.items():
        if review.subject in {doc.hex() for doc in text.reviews}:
            for line in section_rows(document, only=section):
                console.print(line)
    if document.void:
        console.print(Text(f"  Not counted in this document, with the reason: {len(document.void)}", "yellow"))
        reasons = dict.fromkeys(why(Verdict(Standing.VOID, reason)) for reason in document.void.values())
        for words in reasons:
            console.print(Text(f"    {words}", "yellow"))
    if review.open:
        command = f"fieldward review decide {opened.chart.short} {review.id.short} --decision '...' --reason '...'"
        following = what_follows(review.kind)
        if following is not None:
            console.print(Text(f"  First {following}."))
        console.print(Text(f"  Decide: {command}"), soft_wrap=True)  # as one line, to be copied


def _rows(opened: OpenChart, review: Review, *, values_max: int | None) -> Iterator[Text]:
    state = ("TO DECIDE", "bold yellow") if review.open else ("decided", "green")
    kind, place = review.kind.replace("_", " "), _document_name(opened, review)
    yield Text.assemble("  ", (review.id.short, "bold"), "  ", state, f"  {kind}", (f"  in {place}", "dim"))
    yield Text(f"    {safe(review.reason)}")
    facts = _facts(opened)
    shown = review.values if values_max is None else review.values[:values_max]
    for value in shown:
        yield from _value(value, facts)
    if len(shown) < len(review.values):
        yield Text(f"    and {len(review.values) - len(shown)} more: see 'review show'", "dim")
    for fact in _decisions(opened, review):
        yield _decision(fact)


def _value(value: ReviewValue, facts: dict[FactId, PlacedFact]) -> Iterator[Text]:
    fact = facts.get(value.fact)
    doubt = fact is not None and fact.verdict.standing is Standing.QUARANTINED
    yield Text.assemble(
        "    ",
        (f"{UNVERIFIED} ", "bold black on yellow") if doubt else "",
        (safe(value.display) or "(nothing that can be shown)", "bold"),
    )
    index = f":{value.fact.index}" if value.fact.index else ""
    author = f"{who(value.author)}, user {value.author.user.short}, {when(value.wall_ms)}"
    yield Text.assemble((f"      {author}; id ", "dim"), (f"{value.fact.entry.short}{index}", "cyan"))
    replaced = [display(facts[name]) for name in value.base if name in facts]
    if replaced:
        yield Text(f"      in place of: {safe('; '.join(replaced))}", "dim")


def _decision(fact: PlacedFact) -> Text:
    words = safe(f"{said(fact.fact, 'decision')}; {said(fact.fact, 'reason')}")
    doubt = f"{UNVERIFIED}, counts for nothing: " if not fact.verdict.counts else ""
    return Text.assemble(
        ("    Decision  ", "green"), (doubt, "yellow"), words, (f"   {who(fact.author)}, {when(fact.wall_ms)}", "dim")
    )


def _decision_json(fact: PlacedFact) -> dict[str, Any]:
    return {
        "fact": str(fact.id),
        "author": author_json(fact.author),
        "wall_ms": fact.wall_ms,
        "decision": said(fact.fact, "decision"),
        "reason": said(fact.fact, "reason"),
        "heads": fact.fact.payload.get("heads"),
        "standing": fact.verdict.standing,
    }


def _decisions(opened: OpenChart, review: Review) -> list[PlacedFact]:
    """Every decision of this conflict, those about other statements and those that do not count included."""
    facts = opened.documents[review.document].facts
    return [
        fact
        for fact in facts
        if fact.fact.kind == Kind.REVIEW_DECISION and said(fact.fact, "conflict") == str(review.id)
    ]


def _facts(opened: OpenChart) -> dict[FactId, PlacedFact]:
    return {fact.id: fact for document in opened.documents.values() for fact in document.facts}


def _document_name(opened: OpenChart, review: Review) -> str:
    if review.document == opened.membership.chart_document:
        return "chart document"
    return f"{opened.document(review.document).workflow_type or 'document'} {review.document.short}"
