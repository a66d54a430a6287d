"""`fieldward workflow step`, `add-step`, `move-step`, `specimen`, `validate`: what is done, one statement each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.layout import SpecimenStatus, StepStatus, Validation
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_runtime.clinical.state import DocumentState
    from edge_runtime.clinical.steps import Step
    from edge_runtime.facts import FactId
    from edge_runtime.runtime import Runtime
    from sync_protocol.entries import VerifiedEntry
    from sync_protocol.ids import ChartId, DocumentId

_DOCUMENT: Final = click.option(
    "--document", "document_id", required=True, help="Its id or beginning, or a workflow type."
)
_PLACE: Final = (
    click.option("--after", metavar="STEP", help="Place it after this step."),
    click.option("--before", metavar="STEP", help="Place it before this step."),
    click.option("--first", is_flag=True, help="Place it before all others."),
)


def _placed(command: Any) -> Any:  # noqa: ANN401 click's
    for option in reversed(_PLACE):
        command = option(command)
    return command


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("step_id", metavar="STEP")
@_DOCUMENT
@click.option("--to", required=True, type=click.Choice([one.value for one in StepStatus]), help="How far it is now.")
@click.option("--minutes", type=click.IntRange(1, 1440), help="How long it took.")
@click.option("--quality", "grade", type=click.IntRange(0, 100), help="How well it went, 0 to 100.")
@click.option("--note", help="What there is to say.")
@with_device()
def step(
    runtime: Runtime,
    chart_id: str,
    step_id: str,
    document_id: str,
    to: str,
    minutes: int | None,
    grade: int | None,
    note: str | None,
    *,
    as_json: bool,
) -> None:
    """State how far a step is. STEP is its number in the list, its key, or the beginning of its id.

    \b
    Examples:
      fieldward workflow step 3f2a90bc vitals --document encounter --to completed --minutes 4
      fieldward workflow step 3f2a90bc 5 --document encounter --to skipped --note "patient asleep"
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, document, state = _opened(runtime, chart_id, document_id)
    named = step_named(state.steps.items, step_id)
    with noting_refusals(runtime.auditor, chart):
        entries, asked = runtime.workflows.state_step(
            chart, document, named.id, StepStatus(to), minutes=minutes, grade=grade, note=note
        )
    _done(chart, document, entries, [asked] if asked else [], as_json=as_json, step=str(named.id))
    if not as_json:  # numbers move when others add steps: who meant another one sees it here
        say(f"{safe(named.name)}: {to.replace('_', ' ')}.")


@click.command("add-step")
@click.argument("chart_id", metavar="CHART")
@click.argument("name", metavar="NAME")
@_DOCUMENT
@_placed
@click.option("--type", "type_", help="What sort of step it is.")
@click.option("--key", help="A word by which it can be named.")
@click.option("--minutes", type=click.IntRange(1, 1440), help="How long it should take.")
@click.option("--required", is_flag=True, help="The document is complete only once it is completed.")
@with_device()
def add_step(
    runtime: Runtime,
    chart_id: str,
    name: str,
    document_id: str,
    after: str | None,
    before: str | None,
    type_: str | None,
    key: str | None,
    minutes: int | None,
    *,
    first: bool,
    required: bool,
    as_json: bool,
) -> None:
    """Add a step, at the end unless you say where.

    \b
    Example:
      fieldward workflow add-step 3f2a90bc "Ask for an interpreter" --document encounter --after identify --required
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, document, state = _opened(runtime, chart_id, document_id)
    place = _place(state.steps.items, after=after, before=before, first=first)
    stated = {"name": name, "type": type_, "key": key, "estimated_minutes": minutes, "required": required or None}
    payload = {known: value for known, value in stated.items() if value is not None}
    with noting_refusals(runtime.auditor, chart):
        entries = runtime.workflows.add_step(chart, document, payload, place=place)
    _done(chart, document, entries, [], as_json=as_json, step=f"{entries[-1].hash}:0")


@click.command("move-step")
@click.argument("chart_id", metavar="CHART")
@click.argument("step_id", metavar="STEP")
@_DOCUMENT
@_placed
@with_device()
def move_step(
    runtime: Runtime,
    chart_id: str,
    step_id: str,
    document_id: str,
    after: str | None,
    before: str | None,
    *,
    first: bool,
    as_json: bool,
) -> None:
    """Move a step; those beside it keep their places.

    \b
    Example:
      fieldward workflow move-step 3f2a90bc examine --document encounter --before history
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, document, state = _opened(runtime, chart_id, document_id)
    moving = step_named(state.steps.items, step_id)
    for beside in (after, before):
        if beside is not None and step_named(state.steps.items, beside).id == moving.id:
            raise click.UsageError("a step cannot stand beside itself")
    others = [one for one in state.steps.items if one.id != moving.id]
    place = _place(others, after=after, before=before, first=first, known=state.steps.items)
    if place is None:
        raise click.UsageError("say where: --after, --before or --first")
    with noting_refusals(runtime.auditor, chart):
        entries = runtime.workflows.move_step(chart, document, moving.id, place=place)
    _done(chart, document, entries, [], as_json=as_json)


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("label", metavar="LABEL")
@_DOCUMENT
@click.option("--to", required=True, type=click.Choice([one.value for one in SpecimenStatus]), help="Where it is now.")
@click.option("--type", "type_", help="What it is, such as venous blood.")
@click.option("--at", "effective", metavar="TIME", help="When that happened, such as 2026-03-01T09:30Z.")
@click.option("--reason", help="Why, as of a specimen that is rejected.")
@with_device()
def specimen(
    runtime: Runtime,
    chart_id: str,
    label: str,
    document_id: str,
    to: str,
    type_: str | None,
    effective: str | None,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    """State where a specimen is on its way. LABEL is what is written on it.

    \b
    Examples:
      fieldward workflow specimen 3f2a90bc A-17 --document lab_order --to collected --type "venous blood"
      fieldward workflow specimen 3f2a90bc A-17 --document lab_order --to rejected --reason clotted
    """
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.clinical.asking import questions
    from edge_runtime.clinical.layout import Kind
    from edge_runtime.facts import Fact

    chart, document, state = _opened(runtime, chart_id, document_id)
    stated = {"specimen": label, "to": to, "type": type_, "effective": effective, "reason": reason}
    payload: dict[str, Any] = {known: value for known, value in stated.items() if value is not None}
    fact = Fact(kind=Kind.SPECIMEN, payload=payload, supersedes=())
    identity = runtime.charts.open(chart).state.identity
    asked = questions(fact, now_ms=runtime.surroundings.clock(), state=state, identity=identity)
    with noting_refusals(runtime.auditor, chart):
        entries = runtime.charts.add_facts(chart, document, [fact])
    _done(chart, document, entries, asked, as_json=as_json)


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("result", metavar="RESULT")
@_DOCUMENT
@click.option(
    "--to", required=True, type=click.Choice([one.value for one in Validation]), help="Whether it may be relied upon."
)
@click.option("--reason", help="Why, as of a result that is rejected.")
@with_device()
def validate(
    runtime: Runtime, chart_id: str, result: str, document_id: str, to: str, reason: str | None, *, as_json: bool
) -> None:
    """Validate a laboratory result, or reject it. RESULT is the beginning of its id; whoever entered it cannot.

    \b
    Example:
      fieldward workflow validate 3f2a90bc 7be1 --document lab_order --to validated
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, document, state = _opened(runtime, chart_id, document_id)
    about = _result_named(state, result)
    with noting_refusals(runtime.auditor, chart):
        entries = runtime.workflows.validate(chart, document, about, Validation(to), reason=reason)
    _done(chart, document, entries, [], as_json=as_json)


STEP_COMMANDS: Final = (step, add_step, move_step, specimen, validate)


def step_named(steps: Sequence[Step], text: str) -> Step:
    """The step that a person names: by its number in the list, its key, or the beginning of its id.

    Raises:
        RefusedError: none, or several.
    """
    keyed = [one for one in steps if one.key == text]
    numbered = [steps[int(text) - 1]] if text.isascii() and text.isdigit() and 0 < int(text) <= len(steps) else []
    begun = [one for one in steps if text and str(one.id).startswith(text.lower())]
    found = keyed or numbered or begun
    if len(found) == 1:
        return found[0]
    raise RefusedError(
        "no_such_step",
        expected="a step of this document, by its number, its key, or the beginning of its id",
        got="several that are called so" if found else "none that is called so",
        do="see 'fieldward workflow show CHART'",
    )


def _result_named(state: DocumentState, text: str) -> FactId:
    current = [item.fact.id for item in state.observations if not item.corrected_by]
    found = [name for name in current if text and str(name).startswith(text.lower())]
    if len(found) == 1:
        return found[0]
    raise RefusedError(
        "no_such_result",
        expected="a result of this document that nobody corrected, by the beginning of its id",
        got="several that begin so" if found else "none that begins so",
        do="see 'fieldward workflow show CHART'",
    )


def _opened(runtime: Runtime, chart_id: str, document_id: str) -> tuple[ChartId, DocumentId, DocumentState]:
    from edge_runtime.audit.showing import noting_refusals

    charts = runtime.charts
    found = charts.find(chart_id)
    with noting_refusals(runtime.auditor, found):
        opened = charts.open(found)
        document = charts.find_document(opened, document_id)
    return found, document, opened.document(document)


def _place(
    others: Sequence[Step],
    *,
    after: str | None,
    before: str | None,
    first: bool,
    known: Sequence[Step] | None = None,
) -> int | None:
    """How many of the others stand before it; None where nothing was said.

    Args:
        others: the steps between which it is placed.
        after: the one that it follows.
        before: the one that follows it.
        first: whether it is the first.
        known: the list by which a number is meant, where it is another.
    """
    if (after is not None) + (before is not None) + first > 1:
        raise click.UsageError("give only one of --after, --before and --first")
    if first:
        return 0
    beside = after if after is not None else before
    if beside is None:
        return None
    name = step_named(others if known is None else known, beside).id
    place = next(number for number, one in enumerate(others) if one.id == name)
    return place + 1 if after is not None else place


def _done(
    chart: ChartId,
    document: DocumentId,
    entries: Sequence[VerifiedEntry],
    asked: Sequence[str],
    *,
    as_json: bool,
    **more: str,
) -> None:
    if as_json:
        names = [str(entry.hash) for entry in entries]
        told = {"chart": str(chart), "document": str(document), "entries": names}
        print_json({**told, **more, "confirm": next(iter(asked), None)})
        return
    say(f"Recorded in document {document.short}.")
    for question in asked:
        say(f"Please check: {question}")
