"""What is shown and kept of a run: one JSON file a benchmark, and a table to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rich.table import Table

from benchmarks.measuring import Case, Report, Series

if TYPE_CHECKING:
    from rich.console import Console

_DIGITS: Final = 4
"""Significant ones; nothing here is known more exactly."""


def to_json(
    name: str, report: Report, *, machine: Mapping[str, object], versions: Mapping[str, str]
) -> dict[str, object]:
    """A benchmark's result.

    The headline, which is the first case, stands at the top; `cases` holds all of them, in the same form.
    """
    return {
        "name": name,
        **_case(report.cases[0]),
        "cases": [{"name": case.name, **_case(case)} for case in report.cases],
        "facts": report.facts,
        "notes": report.notes,
        "machine": dict(machine),
        "versions": dict(versions),
    }


def _case(case: Case) -> dict[str, object]:
    baseline: dict[str, object] = {}
    if case.against is not None:
        baseline = {"name": case.baseline, **_series(case.against), "ratio": _short(case.series.over(case.against))}
    return {**_series(case.series), "baseline": baseline}


def _series(series: Series) -> dict[str, object]:
    tail = series.p99
    return {
        "unit": series.unit,
        "median": _short(series.median),
        "p99": None if tail is None else _short(tail),
        "round_medians": [_short(one) for one in series.medians],
        "samples": [_short(one) for one in series.samples],
    }


def show(console: Console, name: str, report: Report, machine: Mapping[str, object]) -> None:
    """Print a benchmark's table."""
    table = Table(title=f"[bold]{name}[/bold]", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("case", "unit"):
        table.add_column(heading, no_wrap=True)
    for heading in ("median", "p99", "median of each round", "baseline", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for case in report.cases:
        series, against = case.series, case.against
        medians, tail = series.medians, series.p99
        row = [case.name, series.unit, _text(series.median), "" if tail is None else _text(tail)]
        row.append(f"{_text(min(medians))} to {_text(max(medians))}")
        if against is not None:
            row += [_text(against.median), _text(series.over(against))]
        table.add_row(*row)
    console.print(table)
    lines = [f"baseline: {words}" for words in dict.fromkeys(case.baseline for case in report.cases) if words]
    lines += [f"{what}: {value}" for what, value in report.facts.items()]
    for line in (*lines, *report.notes, f"load: {machine['load']}"):
        console.print(f"  {line}", highlight=False, style="dim", soft_wrap=True)
    console.print()


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
