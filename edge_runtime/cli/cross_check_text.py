"""Drugs beside allergies on a terminal: what the table found, and what it does not cover."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from edge_runtime.cli.chart_marks import flag
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.drug_allergies import check_chart, uncovered_words
from edge_runtime.clinical.drugs.table import Degree
from edge_runtime.clinical.subjects import said

if TYPE_CHECKING:
    from edge_runtime.clinical.chart import ChartState

_STYLES = {Degree.SAME: "bold red", Degree.LIKELY: "bold red", Degree.POSSIBLE: "yellow", Degree.LOW: "dim"}


def denied_rows(state: ChartState) -> Iterator[Text]:
    """Statements that deny an allergy to one substance: kept, and no allergies."""
    for fact in state.allergies.substances_denied:
        words = f"stated: {safe(said(fact.fact, 'text') or '')}"
        yield Text.assemble(("Allergy     ", "red"), words).append_text(flag([fact]))


def cross_check_rows(state: ChartState) -> Iterator[Text]:
    """A row for each finding, then one for what was not compared."""
    check = check_chart(state)
    for one in check.found:
        style = _STYLES[one.degree]
        yield Text.assemble(("Check       ", style), (safe(one.words), style), (f"  {one.because}", "dim"))
    if check.more:
        yield Text(f"Check       {check.more:,} more of these: too many to list", "yellow")
    if check.not_covered:
        yield Text(f"Not checked {safe(uncovered_words(check))}", "yellow")
