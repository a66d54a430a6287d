"""What a document says of its own course, on a terminal: where it stands, triage, scores, steps, specimens, signatures.

Owns one line a thing. What is disputed says so in its line, and a colour never says it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from edge_runtime.cli.chart_marks import flag
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.layout import StepStatus, Triage
from edge_runtime.clinical.scores.charted import codes, trend
from edge_runtime.clinical.scores.measured import Measurements
from edge_runtime.clinical.scores.patient import Patient, age_at
from edge_runtime.clinical.standing import display
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.triage import COLOURS
from edge_runtime.wording import when, who

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge_runtime.clinical.placing import Placing
    from edge_runtime.clinical.scores.charted import Charted
    from edge_runtime.clinical.state import DocumentState, Statement
    from edge_runtime.clinical.steps import Step
    from edge_runtime.clinical.triage import TriageState

_LABEL: Final = 9
_SCORES: Final = (("news2", "NEWS2"), ("qsofa", "qSOFA"), ("gcs", "GCS"))
_BEFORE_MAX: Final = 5
"""Earlier values of a score that stand beside the last."""
_TRIAGE: Final = {
    Triage.IMMEDIATE: "bold white on red",
    Triage.DELAYED: "bold black on yellow",
    Triage.MINOR: "bold black on green",
    Triage.EXPECTANT: "bold white on bright_black",
    Triage.DECEASED: "bold white on black",
}


def standing_rows(state: DocumentState, identity: Iterable[Statement]) -> Iterator[Text]:
    """Where a document stands, how urgent it is, for whom, where, and what its findings score.

    Args:
        state: of the document.
        identity: the patient as stated in any document of the chart; scores have limits of age.
    """
    if state.newer_layout:
        yield Text("A newer version of the program wrote here: what this one does not know is kept.", "yellow")
    if state.status.heads:
        value = str(state.status.value)
        yield _row("Status", (value, "bold"), _disputed(disputed=state.status.disputed), flag(state.status.heads))
    if state.priority.value is not None:
        yield _row("Priority", (str(state.priority.value), "bold"), flag(state.priority.heads))
    if state.triage.value is not None:
        yield triage_row(state.triage)
    yield from _placed("For", state.assignment, ("to",))
    yield from _placed("Place", state.place, ("location", "department"))
    yield from score_rows(state, identity)


def triage_row(triage: TriageState) -> Text:
    """How soon somebody is treated, by word and by the colour of the tag."""
    assert triage.value is not None, "somebody triaged"
    words = f" {COLOURS[triage.value].upper()} {triage.value} "
    return _row("Triage", (words, _TRIAGE[triage.value]), _disputed(disputed=triage.disputed), flag(triage.heads))


def score_rows(state: DocumentState, identity: Iterable[Statement]) -> Iterator[Text]:
    """Each score that a full set of findings gives, the last first, with those before it."""
    known = tuple(identity)
    last_ms = max((item.fact.wall_ms for item in state.observations), default=0)
    patient = Patient(age_years=age_at(known, last_ms))
    measurements = Measurements(state.observations, state.reviews, state.validations)
    for name, words in _SCORES:
        points = trend(name, state, patient=patient)
        if points:
            yield _score(words, points, newest_ms=measurements.times(codes(name))[-1])


def course_rows(state: DocumentState) -> Iterator[Text]:
    """Steps in their order, specimens, results that were released, links, the casualties of an incident."""
    if state.steps.items:
        yield _row("Steps", (f"{state.steps.percentage} % closed", "bold"))
    yield from (_step(step) for step in state.steps.items)
    for fact in state.steps.stray:
        yield _row("", f"a step that is not here: {safe(display(fact))}")
    for specimen in state.specimens:
        words = f"{safe(specimen.label)}: {specimen.status.replace('_', ' ')}"
        yield _row("Specimen", words, _disputed(disputed=specimen.disputed), flag(specimen.heads))
    findings = {item.fact.id: safe(display(item.fact)) for item in state.observations}
    for release in state.validations:
        result = findings.get(release.observation, f"a result that is not here: {release.observation.entry.short}")
        stands = (str(release.value or "not settled"), "bold")
        yield _row("Result", f"{result}: ", stands, _disputed(disputed=release.disputed), flag(release.heads))
    for link in state.links:
        target = " ".join(
            f"{what} {name[:8]}" for what, name in (("chart", link.chart), ("document", link.document)) if name
        )
        relation = link.stands.replace("_", " ") if link.stands else "not settled"
        yield _row("Link", f"{relation}: {target}", _disputed(disputed=link.disputed), flag(link.heads))
    for casualty in state.register.items:
        charts = ", ".join(name[:8] for name in casualty.charts)
        disputed = _disputed(disputed=casualty.disputed)
        yield _row("Casualty", (safe(casualty.number), "bold"), f"  chart {charts}", disputed, flag(casualty.heads))


def _score(words: str, points: tuple[Charted, ...], *, newest_ms: int) -> Text:
    """The last score that a full set gave; where something was measured since, it says that this is not in it."""
    last, before = points[-1], points[-1 - _BEFORE_MAX : -1]
    band = f", {last.result.band}" if last.result.band else ""
    trail = f"   before: {', '.join(str(point.result.score) for point in before)}" if before else ""
    old = ("   NEWER FINDINGS ARE NOT IN IT: measure a full set", "bold yellow") if newest_ms > last.at_ms else ""
    return _row(words, (f"{last.result.score}{band}", "bold"), (f"   {when(last.at_ms)}{trail}", "dim"), old)


def _placed(label: str, placing: Placing, keys: tuple[str, ...]) -> Iterator[Text]:
    if placing.current is not None:
        words = ", ".join(text for key in keys if (text := said(placing.current.fact, key)))
        yield _row(label, safe(words), flag(placing.heads))


def _step(step: Step) -> Text:
    renamed = ("  also called otherwise: a person must decide", "bold yellow") if step.renamed else ""
    wanted = "" if not step.required else ("  required", "dim")
    told = [
        f"{what} {value}{unit}"
        for what, value, unit in (
            ("took", step.actual_minutes, " min"),
            ("planned", step.estimated_minutes, " min"),
            ("quality", step.quality, " of 100"),
        )
        if value is not None
    ]
    beside = (f"   {', '.join([*told, who((step.events or step.heads)[-1].author)])}", "dim")
    mark = "x" if step.closed and step.status is StepStatus.COMPLETED else "-" if step.closed else " "
    name = safe(" / ".join(step.names))
    stands = (f"  {step.status.replace('_', ' ')}", "bold")
    notes = f" ({safe('; '.join(step.notes))})" if step.notes else ""
    return _row("", f"[{mark}] {name}", stands, notes, _disputed(disputed=step.disputed), renamed, wanted, beside)


def _row(label: str, *parts: str | tuple[str, str] | Text) -> Text:
    return Text.assemble((f"{label:<{_LABEL - 1}} ", "cyan"), *parts)


def _disputed(*, disputed: bool) -> tuple[str, str] | str:
    return ("  DISPUTED", "bold yellow") if disputed else ""
