"""How a document stands, on a terminal and as JSON: how far, what lacks, step by step, how well, how long, who signed.

Owns the words around it. Everything that somebody wrote is made harmless before it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import say, when
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.workflow_sign import signatures_json
from edge_runtime.clinical.layout import StepStatus
from edge_runtime.clinical.state_json import review_to_json
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.vitals import display
from edge_runtime.clinical.workflow_json import workflow_to_json
from edge_runtime.clinical.workflows.durations import MINUTE_MS, Clocks
from edge_runtime.clinical.workflows.needs import WORDS, Signed
from edge_runtime.wording import who
from edge_runtime.workflows.report_json import need_json, quality_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge_runtime.clinical.workflows.durations import Durations, StepTime
    from edge_runtime.clinical.workflows.needs import Need
    from edge_runtime.workflows.report import Report

_BAR_CELLS: Final = 20
_MARKS: Final = {
    StepStatus.COMPLETED: "[x]",
    StepStatus.SKIPPED: "[-]",
    StepStatus.FAILED: "[!]",
    StepStatus.IN_PROGRESS: "[>]",
    StepStatus.PENDING: "[ ]",
}
_SIGNED: Final = {
    Signed.NO: "nobody signed it",
    Signed.PART: "sections of it are signed, nobody signed the whole",
    Signed.CHANGED: "signed, and something was written since",
    Signed.YES: "signed as it reads now",
}


def report_json(report: Report) -> dict[str, Any]:
    """How a document stands, for machines. Keys are added, never renamed."""
    state = report.state
    course = workflow_to_json(state)
    return {
        "document": str(state.document),
        "workflow_type": state.workflow_type,
        "title": state.title,
        "template": _template(report),
        "status": state.status.value,
        "status_disputed": state.status.disputed,
        "priority": state.priority.value,
        "percentage": report.completeness.percentage,
        "needs": [need_json(need) for need in report.completeness.needs],
        "steps": course["steps"],
        "specimens": course["specimens"],
        "validations": course["validations"],
        "quality": quality_json(report.quality),
        "durations": _durations_json(report.durations),
        "signed": report.signed.value,
        "written_since": report.since,
        "signatures": signatures_json(report.signatures),
        "reviews": [review_to_json(review) for review in state.reviews if review.open],
    }


def print_report(report: Report) -> None:
    """How a document stands, for a person."""
    for row in _rows(report):
        say(row)


def lacking_rows(lacking: Iterable[Need]) -> Iterator[str]:
    """What lacks, a line each."""
    for need in lacking:
        yield f"  {click.style('lacks', fg='yellow')}  {safe(need.words)}  ({WORDS[need.why]})"


def _template(report: Report) -> str | None:
    standing = [item.fact.fact for item in report.state.headers if not item.superseded_by]
    return next((name for fact in reversed(standing) if (name := said(fact, "template"))), None)


def _durations_json(times: Durations) -> dict[str, Any]:
    return {
        "estimated_minutes": times.estimated_minutes,
        "stated_minutes": times.stated_minutes,
        "steps_unstated": times.steps_unstated,
        "started_ms": None if times.started is None else times.started.wall_ms,
        "ended_ms": None if times.ended is None else times.ended.wall_ms,
        "elapsed_ms": times.elapsed_ms,
        "clocks": times.clocks,
        "steps": [
            {
                "step": str(time.step.id),
                "estimated_minutes": time.estimated_minutes,
                "stated_minutes": time.stated_minutes,
                "elapsed_ms": time.elapsed_ms,
                "clocks": time.clocks,
                "in_time": time.in_time,
            }
            for time in times.steps
        ],
    }


def _rows(report: Report) -> Iterator[str]:
    state = report.state
    kind = (state.workflow_type or "document").replace("_", " ")
    title = f": {safe(state.title)}" if state.title else ""
    yield click.style(f"{kind.capitalize()} {state.document.short}{title}", bold=True)
    disputed = click.style("  DISPUTED", fg="yellow", bold=True) if state.status.disputed else ""
    yield f"  {state.status.value.replace('_', ' ')}{disputed}   {_bar(report.completeness.percentage)}"
    for number, time in enumerate(report.durations.steps, start=1):
        yield _step(number, time)
    yield from _laboratory(report)
    yield from lacking_rows(report.completeness.lacking)
    if report.completeness.needs and not report.completeness.lacking:
        yield "  Nothing lacks."
    yield from _quality(report)
    yield from _times(report.durations)
    yield from _signatures(report)


def _bar(percentage: int | None) -> str:
    if percentage is None:
        return "nothing is asked for"
    cells = _BAR_CELLS * percentage // 100
    return f"[{'#' * cells}{'.' * (_BAR_CELLS - cells)}] {percentage} % complete"


def _step(number: int, time: StepTime) -> str:
    step = time.step
    minutes = f"  {time.stated_minutes} min" if time.stated_minutes is not None else ""
    if time.estimated_minutes is not None:
        minutes += f"  (estimated {time.estimated_minutes} min)"
    marks = "" if step.required else "  (if needed)"
    for flag, words in ((step.disputed, "DISPUTED"), (step.renamed, f"also called {' / '.join(step.names[:-1])}")):
        if flag:
            marks += click.style(f"  {safe(words)}", fg="yellow")
    key = f"   {safe(step.key)}" if step.key else f"   {str(step.id)[:8]}"
    status = step.status.value.replace("_", " ")
    notes = f" ({safe('; '.join(step.notes))})" if step.notes else ""
    mark = "[?]" if step.disputed else _MARKS[step.status]
    return f"  {number:>2} {mark} {safe(step.name)}{marks}   {status}{notes}{minutes}{key}"


def _laboratory(report: Report) -> Iterator[str]:
    state = report.state
    for item in state.specimens:
        flag = click.style("  DISPUTED", fg="yellow") if item.disputed else ""
        yield f"  Specimen {safe(item.label)}: {item.status.replace('_', ' ')}{flag}"
    asked = any(need.item == "validation" for need in report.completeness.needs)
    if not (asked or state.validations):
        return
    releases = {release.observation: release for release in state.validations}
    for result in state.observations:
        if not result.corrected_by:
            release = releases.get(result.fact.id)
            value = None if release is None or release.disputed else release.value
            yield f"  Result {str(result.fact.id)[:8]}  {safe(display(result.fact))}: {value or 'not validated'}"


def _quality(report: Report) -> Iterator[str]:
    score = report.quality.score
    yield "  Quality of the record: " + ("nothing to judge by yet" if score is None else f"{score} of 100")
    for part in report.quality.parts:
        share = "  -  " if part.share is None else f"{part.share:>3} %"
        yield f"    {share}  {part.reason}"


def _times(times: Durations) -> Iterator[str]:
    parts = []
    if times.estimated_minutes is not None:
        parts.append(f"estimated {times.estimated_minutes} min")
    if times.stated_minutes is not None:
        steps = "step" if times.steps_unstated == 1 else "steps"
        unstated = f", {times.steps_unstated} {steps} not timed" if times.steps_unstated else ""
        parts.append(f"stated {times.stated_minutes} min{unstated}")
    if times.elapsed_ms is not None:
        clocks = "one clock" if times.clocks is Clocks.ONE else "two clocks, which may differ"
        parts.append(f"{times.elapsed_ms // MINUTE_MS} min from start to end ({clocks})")
    if times.clocks is Clocks.CONTRADICTORY:
        parts.append("by the clocks it ended before it started, so nobody can say how long it took")
    if parts:
        yield "  Time: " + "; ".join(parts)


def _signatures(report: Report) -> Iterator[str]:
    yield f"  Signatures: {_SIGNED[report.signed]}"
    for one in report.signatures.sound:
        act = one.act.value.replace("_", " ")
        yield f"    {one.fact.id.entry.short}  {act}, {who(one.fact.author)}, {when(one.attestation.value.signed_ms)}"
    for bad in report.signatures.unsound:
        yield click.style(f"    {bad.fact.id.entry.short}  NOT A SIGNATURE: {safe(bad.got)}", fg="red")
    if report.since:
        words = "1 change is" if report.since == 1 else f"{report.since} changes are"
        yield click.style(f"    {words} under no signature.", fg="yellow")
