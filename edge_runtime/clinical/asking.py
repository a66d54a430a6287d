"""What to ask an author about a statement before it is signed: its value, its unit, its time, drugs beside allergies.

Owns no question itself, only that they are put in one order. An author who stands by the statement writes it anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_runtime.clinical import drug_allergies, times, vitals
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.facts import Fact


def questions(
    fact: Fact,
    *,
    now_ms: int,
    state: DocumentState,
    identity: Iterable[Statement] = (),
    chart: ChartState | None = None,
    beside: Sequence[Fact] = (),
) -> tuple[str, ...]:
    """What to ask about a fact, valid or not; what is not valid is refused when it is written.

    Args:
        fact: as its author gave it.
        now_ms: the author's clock, in milliseconds since 1970.
        state: of the document that it goes into, as its author sees it.
        identity: the patient as stated in any document of the chart.
        chart: the whole chart, whose allergies and drugs count whatever document they stand in; None where the fact is
            of neither.
        beside: what the same change states before it.
    """
    found = (
        vitals.needs_confirmation(fact),
        times.question(fact, now_ms=now_ms, state=state, identity=identity),
    )
    drugs = drug_allergies.questions(fact, chart, beside) if chart is not None else ()
    return (*(question for question in found if question is not None), *drugs)
