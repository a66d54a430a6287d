"""An opened chart as a page: who, what threatens, the safety list, what a person must decide, then each document.

Owns the order, which is the screen's, and what the top of the page must say: that the glass is broken, that the chart
is to be destroyed, and all that is not on the paper. What is disputed stands with every value, its author and its time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edge_runtime.clinical.drafts import DRAFTING
from edge_runtime.clinical.drug_allergies import check_chart, uncovered_words
from edge_runtime.clinical.drugs.table import Degree
from edge_runtime.clinical.marks import SAFETY_LIST
from edge_runtime.clinical.subjects import said
from edge_runtime.printing.document_pages import document_name, draw_document, triage_row
from edge_runtime.printing.drafting import Draft
from edge_runtime.printing.page import Page, Row, Span, Table, Tone, Words, plain
from edge_runtime.printing.statements import behind, label_of, unverified, value_words
from edge_runtime.printing.workflow_pages import link_row
from edge_runtime.wording import when, who

if TYPE_CHECKING:
    from edge_runtime.clinical.allergies import Allergy
    from edge_runtime.clinical.chart import ChartState
    from edge_runtime.clinical.diagnoses import Diagnosis
    from edge_runtime.clinical.medications import Medication
    from edge_runtime.clinical.reviews import Review
    from edge_runtime.facts import PlacedFact
    from edge_runtime.opened import OpenChart
    from sync_protocol.chart_shape import Broken


def chart_page(opened: OpenChart, *, made_ms: int, warnings: Sequence[str] = ()) -> Page:
    """A whole chart, as far as this device may read it.

    Args:
        opened: the chart.
        made_ms: the time to state, in milliseconds since 1970.
        warnings: lines of ours that must stand on top, as that the chart is to be destroyed.
    """
    draft = Draft()
    _safety(draft, opened)
    _decide(draft, opened)
    for state in opened.states():
        draw_document(draft, opened, state)
    _decided(draft, opened)
    top = Draft()
    top.rows(list(_patient(opened)))
    for line in warnings:
        top.notice(line)
    if opened.membership.broken:
        lines = (_glass(one) for one in opened.membership.broken)
        top.notice("THE GLASS IS BROKEN", *lines, tone=Tone.DANGER)
    missing = [*_not_here(opened), *draft.left_off]
    if missing:
        top.notice("NOT EVERYTHING IS ON THIS PAGE", *map(plain, missing))
    return Page(
        title=f"Chart {opened.chart.short}",
        blocks=(*top.blocks, *draft.blocks),
        footer=f"Chart {opened.chart}. Patient data in the clear: destroy this page after use.",
        made_ms=made_ms,
    )


def _patient(opened: OpenChart) -> Iterator[Row]:
    """Every identity that stands: none may be hidden by another."""
    standing = [item.fact for item in opened.state.identity if not item.superseded_by]
    for fact in standing:
        yield Row("Name", (Span(said(fact.fact, "name") or "(no name)", Tone.STRONG),), behind([fact]))
        for key, value in fact.fact.payload.items():
            if key != "name":
                yield Row(label_of(key), plain(value_words(value)))
    if not standing:
        yield Row("Name", plain("(no name)"))
    for link in (one for one in opened.state.links if one.joined or one.disputed):
        yield link_row(link)


def _glass(broken: Broken) -> Words:
    on_kit = " on a kit" if broken.act.kit else ""
    reason = broken.act.reason.value.replace("_", " ")
    return (Span(f"{when(broken.wall_ms)}  {reason}  by {broken.author.short}{on_kit}  entry {broken.record.short}"),)


def _not_here(opened: OpenChart) -> Iterator[str]:
    """What the chart holds and this page does not show."""
    documents = opened.documents.values()
    states = opened.state.documents
    unreadable = (item for one in states for item in one.unreadable if item.fact.fact.kind not in DRAFTING)
    counted = (
        (sum(len(one.unread) for one in documents), "entries are kept and cannot be shown on this device yet"),
        (
            sum(len(one.withheld) for one in states),
            "statements are withheld until a member adopts them, as the reviews say",
        ),
        (sum(len(one.void) for one in documents), "statements do not count, because their author may not make them"),
        (sum(1 for _ in unreadable), "statements cannot be used by this version: see their documents"),
    )
    for number, words in counted:
        if number:
            yield f"{number:,} {words}."


def _safety(draft: Draft, opened: OpenChart) -> None:
    state = opened.state
    draft.heading(1, Span("Safety"))
    for incomplete, words in (
        (state.allergies_incomplete, "THE ALLERGY LIST IS NOT SETTLED"),
        (state.medications_incomplete, "THE MEDICATION LIST IS NOT SETTLED"),
    ):
        if incomplete:
            draft.notice(words, plain("See what a person must decide, and what is UNVERIFIED."))
    rows = [triage_row(state.triage)] if state.triage.value is not None else []
    rows += [_allergy(item) for item in state.allergies.items]
    if not state.allergies.items:
        none = state.allergies.groups_denied
        rows.append(Row("Allergy", plain("none known" if none else "nothing stated"), behind(none)))
    rows += [_denied(fact) for fact in state.allergies.substances_denied]
    rows += [_medication(item) for item in state.medications]
    if not state.medications:
        rows.append(Row("Medication", plain("nothing stated")))
    rows += _cross_check(state)
    rows += [_diagnosis(item) for item in state.diagnoses]
    rows += unverified(item for item in state.unverified if item.fact.fact.kind in SAFETY_LIST)
    draft.rows(rows)


def _allergy(item: Allergy) -> Row:
    tone = Tone.DANGER if item.live else Tone.STRUCK
    words = [Span(" / ".join(item.names), tone)]
    if item.severity:
        words.append(Span(f", {item.severity}", tone))
    if not item.live:
        words.append(Span("  (refuted)", Tone.STRONG))
    return Row("Allergy", tuple(words), behind(item.heads))


def _denied(fact: PlacedFact) -> Row:
    """That there is no allergy to one substance: kept as it was said, and no allergy."""
    return Row("Allergy", plain(f"stated: {said(fact.fact, 'text') or ''}"), behind([fact]))


def _cross_check(state: ChartState) -> Iterator[Row]:
    check = check_chart(state)
    for one in check.found:
        tone = Tone.DANGER if one.degree in {Degree.SAME, Degree.LIKELY} else Tone.WARNING
        yield Row("Check", (Span(one.words, tone),), ((Span(one.because, Tone.DIM),),) if one.because else ())
    if check.more:
        yield Row("Check", (Span(f"{check.more:,} more of these: too many to list", Tone.WARNING),))
    if check.not_covered:
        yield Row("Not checked", (Span(uncovered_words(check), Tone.WARNING),))


def _medication(item: Medication) -> Row:
    words = [Span(" / ".join(item.names), Tone.STRONG)]
    for number, line in enumerate(item.lines):
        words += [Span("  |  " if number else "  "), Span(line.words)]
        words += [Span(f" ({line.reasons})", Tone.DIM)] if line.reasons else []
    if item.disputed:
        words.append(Span("  DISPUTED", Tone.WARNING))
    return Row("Medication", tuple(words), behind(item.heads))


def _diagnosis(item: Diagnosis) -> Row:
    tone = Tone.STRONG if item.live else Tone.STRUCK
    words = [Span(" / ".join(item.names), tone)]
    codes = dict.fromkeys(code for fact in item.heads if (code := said(fact.fact, "code")))
    words += [Span(f"  {code}", Tone.DIM) for code in codes]
    words += [Span(f"  {item.certainty}", Tone.DIM)] if item.certainty else []
    words += [] if item.live else [Span("  (refuted)", Tone.STRONG)]
    words += [Span("  DISPUTED", Tone.WARNING)] if item.disputed else []
    return Row("Problem", tuple(words), behind(item.heads))


def _decide(draft: Draft, opened: OpenChart) -> None:
    reviews = [review for review in opened.state.reviews if review.open]
    if not reviews:
        return
    draft.heading(1, Span("A person must decide"))
    for review in draft.newest(reviews, "what a person must decide"):
        draft.heading(2, Span(label_of(review.kind)), Span(f"  {review.id.short}", Tone.DIM))
        draft.rows([Row("Why", plain(review.reason))])
        draft.blocks.append(_values(draft, review, opened))


def _values(draft: Draft, review: Review, opened: OpenChart) -> Table:
    names = {state.document: document_name(opened, state) for state in opened.states()}
    rows = tuple(
        (
            (Span(value.display, Tone.STRONG),),
            plain(who(value.author)),
            plain(when(value.wall_ms)),
            plain(names.get(value.document, value.document.short)),
        )
        for value in draft.newest(review.values, f"review {review.id.short}")
    )
    return Table(("What it says", "Who wrote it", "When, by their clock", "Where"), rows)


def _decided(draft: Draft, opened: OpenChart) -> None:
    decisions = [fact for state in opened.states() for fact in state.decisions]
    if not decisions:
        return
    draft.heading(1, Span("Decided"))
    draft.rows([_decision(fact) for fact in draft.newest(decisions, "decisions")])


def _decision(fact: PlacedFact) -> Row:
    conflict, decision = (said(fact.fact, key) or "" for key in ("conflict", "decision"))
    return Row(conflict[:8], (Span(decision, Tone.STRONG),), behind([fact]))
