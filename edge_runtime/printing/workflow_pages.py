"""A document's own course on a page: its steps, its specimens and released results, its links, a register's casualties.

Owns one table or row a part; what is disputed says so in its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.clinical.standing import display
from edge_runtime.printing.page import Row, Span, Table, Tone, Words, plain
from edge_runtime.printing.statements import behind, by, label_of

if TYPE_CHECKING:
    from edge_runtime.clinical.casualties import Casualty, Register
    from edge_runtime.clinical.links import Link
    from edge_runtime.clinical.specimens import Specimen
    from edge_runtime.clinical.state import DocumentState
    from edge_runtime.clinical.steps import Step, StepList
    from edge_runtime.clinical.validations import Release
    from edge_runtime.printing.drafting import Draft


def draw_steps(draft: Draft, steps: StepList, name: str) -> None:
    """Add the steps in their order, and events whose step is not here."""
    if steps.items:
        draft.rows([Row("Steps", plain(f"{steps.percentage} % closed"))])
        rows = tuple(map(_step, draft.newest(steps.items, f"{name}, steps")))
        draft.blocks.append(Table(("Step", "Where it stands", "Time and quality", "Who, and when"), rows))
    stray = draft.newest(steps.stray, f"{name}, events of steps that are not here")
    draft.rows([Row("Step not here", plain(display(fact)), behind([fact])) for fact in stray])


def draw_laboratory(draft: Draft, state: DocumentState, name: str) -> None:
    """Add the specimens, and what was said of results."""
    draft.rows([_specimen(item) for item in draft.newest(state.specimens, f"{name}, specimens")])
    findings = {item.fact.id: display(item.fact) for item in state.observations}
    draft.rows(
        [
            _release(item, findings.get(item.observation, f"a result that is not here: {item.observation.entry.short}"))
            for item in draft.newest(state.validations, f"{name}, validations")
        ]
    )


def draw_links(draft: Draft, state: DocumentState, name: str) -> None:
    """Add what is said of other charts, and the casualties of an incident."""
    draft.rows([link_row(item) for item in draft.newest(state.links, f"{name}, links")])
    _register(draft, state.register, name)


def link_row(link: Link) -> Row:
    """What is said of another chart or document."""
    target = " ".join(f"{what} {name}" for what, name in (("chart", link.chart), ("document", link.document)) if name)
    relation = label_of(link.stands) if link.stands else "Not settled"
    return Row("Link", (Span(f"{relation}: {target}"), *_disputed(disputed=link.disputed)), behind(link.heads))


def _step(step: Step) -> tuple[Words, ...]:
    renamed = (Span("  also called otherwise: a person must decide", Tone.WARNING),) if step.renamed else ()
    wanted = (Span("  required", Tone.DIM),) if step.required else ()
    notes = (Span(f" ({'; '.join(step.notes)})"),) if step.notes else ()
    stands = (Span(label_of(step.status), Tone.STRONG), *notes, *_disputed(disputed=step.disputed))
    measured = (
        ("took", step.actual_minutes, " min"),
        ("planned", step.estimated_minutes, " min"),
        ("quality", step.quality, " of 100"),
    )
    told = ", ".join(f"{what} {value}{unit}" for what, value, unit in measured if value is not None)
    last = (step.events or step.heads)[-1]
    return (Span(" / ".join(step.names)), *renamed, *wanted), stands, plain(told), plain(by(last))


def _specimen(item: Specimen) -> Row:
    words = (Span(item.label, Tone.STRONG), Span(f"  {label_of(item.status)}"), *_disputed(disputed=item.disputed))
    return Row("Specimen", words, behind(item.heads))


def _release(item: Release, finding: str) -> Row:
    value = label_of(item.value) if item.value else "Not settled"
    words = (Span(finding), Span(f"  {value}", Tone.STRONG), *_disputed(disputed=item.disputed))
    return Row("Result", words, behind(item.heads))


def _register(draft: Draft, register: Register, name: str) -> None:
    if register.items:
        rows = tuple(map(_casualty, draft.newest(register.items, f"{name}, casualties")))
        draft.blocks.append(Table(("Casualty", "Chart", "Who, and when"), rows))
    if register.unnumbered:
        lost = ", ".join(chart[:8] for chart in draft.newest(register.unnumbered, f"{name}, charts without a number"))
        draft.rows([Row("Without a number", plain(lost))])


def _casualty(item: Casualty) -> tuple[Words, ...]:
    withdrawn = () if item.heads else (Span("  taken back"),)
    number = (Span(item.number, Tone.STRONG), *withdrawn, *_disputed(disputed=item.disputed))
    return number, plain(", ".join(chart[:8] for chart in item.charts)), plain(by((item.heads or item.history)[-1]))


def _disputed(*, disputed: bool) -> Words:
    return (Span("  DISPUTED", Tone.WARNING),) if disputed else ()
