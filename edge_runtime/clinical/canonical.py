"""The text under a signature: what a document said when somebody signed it, in one form, for people and for a hash.

Headings stand at the margin, what is under them two spaces in; so nothing that somebody wrote can pass for a heading.
Lines end in line feeds, characters are composed (NFC), and what could deceive on a screen is shown as its number. A
text that was signed is never made again: what this version writes, and what a later one would, may differ.

Owns that form. Refuses to sign: `signing` does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from edge_runtime.clinical import medications, placing, standing, vitals
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.drafts import DRAFTING
from edge_runtime.clinical.layout import LAYOUT_VERSION, Section, Validation
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.validations import Release
from edge_runtime.facts import PlacedFact
from edge_runtime.wording import safe

_INDENT: Final = "  "
_IDENTITY: Final = (("name", "Name"), ("birth_date", "Born"), ("sex", "Sex"))
_NOTHING: Final = "nothing stated"


def canonical_text(
    state: DocumentState,
    sections: Mapping[Section, str],
    *,
    chart: ChartState,
    scope: Collection[Section] = (),
) -> str:
    """Write what a document says.

    Args:
        state: of the document.
        sections: the text of each section in which something was written.
        chart: of which it is one: who the patient is, what an emergency needs, and what is taken, in any document.
        scope: the sections that are signed; none for the whole document.
    """
    parts: list[tuple[str, Iterable[str]]] = [
        (f"Clinical note, layout {LAYOUT_VERSION}", ()),
        ("Patient", _identity(chart.identity)),
        ("Document", _header(state)),
    ]
    if not scope:
        parts.extend(_statements(state, chart))
    parts.extend(
        (section.capitalize(), sections[section].splitlines() or [_NOTHING])
        for section in Section
        if section in sections and (not scope or section in scope)
    )
    lines = (line for heading, under in parts for line in (heading, *map(_under, _parted(under))))
    return "".join(line + "\n" for line in lines)


def _parted(lines: Iterable[str]) -> Iterator[str]:
    """Each line of what was typed by itself, so that none of it stands at the margin."""
    for line in lines:
        yield from line.splitlines() or [line]


def _under(line: str) -> str:
    return (_INDENT + safe(unicodedata.normalize("NFC", line))).rstrip()


def _identity(statements: Iterable[Statement]) -> Iterator[str]:
    standing_ones = [item.fact.fact for item in statements if not item.superseded_by]
    for name, words in _IDENTITY:
        stated = dict.fromkeys(value for fact in standing_ones if (value := said(fact, name)))
        if stated:
            yield f"{words}: {' / '.join(stated)}"
    if not standing_ones:
        yield "not identified"


def _header(state: DocumentState) -> Iterator[str]:
    yield f"Type: {state.workflow_type or 'not stated'}"
    yield f"Id: {state.document.hex()}"
    if state.title:
        yield f"Title: {state.title}"
    if state.newer_layout:
        yield "Written in part by a newer version of the program: not all of it is below."


def _statements(state: DocumentState, chart: ChartState) -> Iterator[tuple[str, Iterable[str]]]:
    """Everything but the texts, heading by heading; lists that an emergency needs are there even when empty."""
    yield "Status", [f"{state.status.value}{_dispute(disputed=state.status.disputed)}"]
    if state.priority.value:
        yield "Priority", [state.priority.value]
    if state.triage.value:
        yield "Triage", [f"{state.triage.value}{_dispute(disputed=state.triage.disputed)}"]
    for heading, one in (("For", state.assignment), ("Place", state.place)):
        if one.current is not None:
            yield heading, [placing.display(one.current)]
    yield "Allergies of the patient", [*_allergies(chart)] or [_NOTHING]
    yield "Medications of the patient", [*_medications(chart)] or [_NOTHING]
    diagnoses = (_named(item.names, item.live, disputed=item.disputed) for item in state.diagnoses)
    yield from _some("Diagnoses", diagnoses)
    yield from _some("Procedures", (_words(item.fact) for item in state.procedures if not item.superseded_by))
    yield from _some("Observations", _observations(state))
    yield from _some(
        "Specimens", (f"{item.label}: {item.status}{_dispute(disputed=item.disputed)}" for item in state.specimens)
    )
    yield from _some(
        "Steps", (f"{step.name}: {step.status}{_dispute(disputed=step.disputed)}" for step in state.steps.items)
    )
    yield from _some("Attachments", (_file(item.fact) for item in state.attachments if not item.superseded_by))
    yield from _some("Unverified", (_words(item.fact) for item in state.unverified if not item.superseded_by))
    lacking = (item.fact.fact.kind for item in state.unreadable if item.fact.fact.kind not in DRAFTING)
    unread = [f"{kind}: cannot be read by this version" for kind in lacking]
    yield from _some("Not readable", unread)
    yield from _some("Not decided", (f"{review.kind}: {review.reason}" for review in state.reviews if review.open))


def _some(heading: str, lines: Iterable[str]) -> Iterator[tuple[str, Iterable[str]]]:
    under = [line for line in lines if line]
    if under:
        yield heading, under


def _allergies(state: ChartState) -> Iterator[str]:
    for item in state.allergies.items:
        severity = f", {item.severity}" if item.severity else ""
        yield f"{' / '.join(item.names)}{severity}{'' if item.live else ' (refuted)'}"
    for fact in state.allergies.none_known:
        yield said(fact.fact, "text") or "no known allergies"
    if state.allergies_incomplete:
        yield "This list is not settled."


def _medications(state: ChartState) -> Iterator[str]:
    for item in state.medications:
        for line in item.lines:
            words = " / ".join(dict.fromkeys(medications.display(fact) for fact in line.facts))
            stopped = " (stopped)" if line.regimen.stopped else ""
            unclear = f" (unclear: {', '.join(sorted(line.regimen.unclear))})" if line.regimen.unclear else ""
            kept = " ".join(f"{name} {line.regimen.stated[name]}" for name in sorted(line.regimen.kept))
            before = f" (as before: {kept})" if kept else ""
            yield f"{words}{before}{stopped}{unclear}{_dispute(disputed=item.disputed)}"
    if state.medications_incomplete:
        yield "This list is not settled."


def _observations(state: DocumentState) -> Iterator[str]:
    released = {item.observation: item for item in state.validations}
    for item in state.observations:
        if item.corrected_by:
            continue
        when = said(item.fact.fact, "effective")
        result = released.get(item.fact.id)
        validated = "" if result is None else _release(item.fact, result)
        question = " (to be confirmed)" if item.question else ""
        yield f"{vitals.display(item.fact)}{f', {when}' if when else ''}{question}{validated}"


def _release(result: PlacedFact, release: Release) -> str:
    """Whether a second person stands by a result; whoever entered it does not make it sure."""
    if release.value is not Validation.VALIDATED:
        return " (not validated)"
    second = any(fact.author.user != result.author.user for fact in release.heads)
    return " (validated)" if second else " (validated only by whoever entered it)"


def _named(names: Sequence[str], live: Sequence[PlacedFact], *, disputed: bool) -> str:
    certainties = dict.fromkeys(found for fact in live if (found := said(fact.fact, "certainty")))
    stated = f", {' / '.join(certainties)}" if certainties else ""
    return f"{' / '.join(names)}{stated}{'' if live else ' (refuted)'}{_dispute(disputed=disputed)}"


def _file(fact: PlacedFact) -> str:
    return f"{said(fact.fact, 'title') or said(fact.fact, 'name')}, SHA-256 {said(fact.fact, 'sha256')}"


def _words(fact: PlacedFact) -> str:
    return standing.display(fact)


def _dispute(*, disputed: bool) -> str:
    return " (disputed)" if disputed else ""
